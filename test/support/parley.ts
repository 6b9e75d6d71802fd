import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import Sqlite from "better-sqlite3"
import { Effect, Exit, Scope } from "effect"
import {
  configuration,
  makeSimulator,
  type Served,
  type Simulator,
  type SimulatorOptions,
  serve,
  type VendorId
} from "../../src/simulator/index.ts"

/*
 * The built command line against the simulated vendors: real processes, real HTTP over loopback, real files.
 */

export const root = resolve(import.meta.dirname, "../..")
const program = join(root, "dist/parley.js")

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface Workspace {
  readonly folder: string
  /** The mirror's file. */
  readonly database: string
  readonly simulator: Simulator
  readonly served: Served
  readonly environment: Readonly<Record<string, string>>
  /** Runs `parley` to its end. */
  readonly parley: (
    args: ReadonlyArray<string>,
    environment?: Readonly<Record<string, string>>
  ) => Promise<Ended>
  /** Starts `parley`; the caller ends it. */
  readonly start: (
    args: ReadonlyArray<string>,
    environment?: Readonly<Record<string, string>>
  ) => ChildProcess
  /** Rows of a query on the mirror, read by a connection of its own. */
  readonly rows: <Row = Record<string, unknown>>(sql: string, ...parameters: Array<unknown>) => Array<Row>
  /** Ends it, and fails where the mirror has faults. */
  readonly close: () => Promise<void>
}

export const collect = (child: ChildProcess): Promise<Ended> =>
  new Promise((done, fail) => {
    let stdout = ""
    let stderr = ""
    child.stdout?.on("data", (piece) => {
      stdout += piece
    })
    child.stderr?.on("data", (piece) => {
      stderr += piece
    })
    child.on("error", fail)
    child.on("close", (code, signal) => done({ code, signal, stdout, stderr }))
  })

/** What the simulator's configuration calls the connection to each vendor. */
export const connectionNames: Readonly<Record<VendorId, string>> = {
  naturalead: "leads",
  convocore: "support",
  empfio: "salon",
  aelyst: "inbox"
}

export interface WorkspaceOptions extends Partial<SimulatorOptions> {
  /** Changes the configuration that the simulator proposes. */
  readonly configure?: (yaml: string) => string
  /** The test spoils the file itself: nobody looks at it afterwards. */
  readonly spoilt?: boolean
  /** Whether the connections expect webhooks. */
  readonly hints?: boolean
}

/** A folder with a configuration for four simulated vendors, which are served from this process. */
export const openWorkspace = async (options: WorkspaceOptions = {}): Promise<Workspace> => {
  if (!existsSync(program)) throw new Error("dist/parley.js is missing: npm run build")
  const { configure = (yaml: string) => yaml, hints = false, spoilt = false, ...simulated } = options
  const folder = mkdtempSync(join(tmpdir(), "parley-"))
  const scope = Effect.runSync(Scope.make())
  const simulator = makeSimulator({ seed: 7, conversations: 20, now: Date.now(), ...simulated })
  const served = await Effect.runPromise(Scope.extend(serve(simulator), scope))
  const { yaml, environment: secrets } = configuration(simulator, served.origins, undefined, hints)
  mkdirSync(join(folder, "config"))
  writeFileSync(join(folder, "config/parley.yaml"), configure(yaml))
  const environment = {
    PATH: process.env.PATH ?? "",
    HOME: folder,
    XDG_STATE_HOME: join(folder, "state"),
    ...secrets
  }
  const database = join(folder, "config/parley.db")
  const start: Workspace["start"] = (args, extra = {}) =>
    spawn(process.execPath, [program, ...args], {
      cwd: folder,
      env: { ...environment, ...extra },
      stdio: ["ignore", "pipe", "pipe"]
    })
  const rows: Workspace["rows"] = <Row>(sql: string, ...parameters: Array<unknown>) => {
    const mirror = new Sqlite(database, { readonly: true })
    try {
      return mirror.prepare<Array<unknown>, Row>(sql).all(...parameters)
    } finally {
      mirror.close()
    }
  }
  return {
    folder,
    database,
    simulator,
    served,
    environment,
    start,
    parley: (args, extra) => collect(start(args, extra)),
    rows,
    close: async () => {
      await Effect.runPromise(Scope.close(scope, Exit.void))
      try {
        const faults = spoilt || !existsSync(database) ? [] : faultsOf({ rows })
        if (faults.length > 0) throw new Error(`the mirror is left with faults: ${JSON.stringify(faults)}`)
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    }
  }
}

/** What SQLite itself says of the file, and the conservation law on every page. Empty: nothing is wrong. */
export const faultsOf = ({ rows }: Pick<Workspace, "rows">): ReadonlyArray<unknown> => [
  ...rows("PRAGMA integrity_check").filter((row) => row.integrity_check !== "ok"),
  ...rows("PRAGMA foreign_key_check"),
  ...rows(
    `SELECT key AS orphan FROM message_rows m
     WHERE NOT EXISTS (SELECT 1 FROM remote_conversations r WHERE r.key = m.key >> 20)`
  ),
  ...rows("SELECT * FROM pages WHERE received <> inserted + updated + unchanged + filtered + quarantined"),
  ...rows(
    `SELECT c.id, c.stored_messages FROM remote_conversations c
     WHERE c.stored_messages <> (SELECT count(*) FROM messages m WHERE m.conversation_id = c.id)`
  )
]

export const hasProgram = (name: string): boolean => spawnSync(name, ["--version"]).status === 0
