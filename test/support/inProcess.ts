import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Layer } from "effect"
import type { ConnectionConfig } from "../../src/config/Config.ts"
import { loadConfig } from "../../src/config/load.ts"
import { registry } from "../../src/providers/index.ts"
import {
  configuration,
  makeSimulator,
  type Simulator,
  type SimulatorOptions,
  type VendorId
} from "../../src/simulator/index.ts"
import { Db } from "../../src/store/Db.ts"
import { backfillLane, syncLane } from "../../src/sync/lanes.ts"
import { storeLayer } from "../../src/sync/layers.ts"
import { silent } from "../../src/sync/progress.ts"
import { run } from "../../src/sync/run.ts"
import { layMirror } from "./mirrorTemplate.ts"
import { inProcessOrigins, simulatedTransport } from "./simulatedTransport.ts"
import { unlimited } from "./unlimited.ts"

/*
 * Whole runs against the simulated vendors in one process, without a network and without limits: cheap enough to be
 * tried thousands of times.
 */

export interface World {
  readonly simulator: Simulator
  /** The connection to a vendor, as the configuration has it; under another name it is another connection. */
  readonly connection: (vendor: VendorId, name?: string) => ConnectionConfig
  /** For the command line: `--config`, and the variables with the secrets. */
  readonly file: { readonly path: string; readonly environment: Readonly<Record<string, string>> }
}

const begins = Date.UTC(2026, 2, 9, 8)

/** Simulated vendors and connections to them, as a configuration file would have them. */
export const makeWorld = (options: Partial<SimulatorOptions> = {}) =>
  Effect.gen(function* () {
    const simulator = makeSimulator({ seed: 7, conversations: 20, now: begins, limits: false, ...options })
    const folder = yield* temporaryFolder
    const { environment, yaml } = configuration(simulator, inProcessOrigins, undefined, true)
    const path = join(folder, "parley.yaml")
    writeFileSync(path, yaml)
    const { connections } = yield* loadConfig({
      registry,
      config: path,
      database: null,
      cwd: folder,
      environment
    })
    const world: World = {
      simulator,
      file: { path, environment },
      connection: (vendor, name) => {
        const found = connections.find(({ provider }) => provider === vendor)
        if (found === undefined) throw new Error(`no connection to ${vendor}`)
        return name === undefined ? found : { ...found, name, settings: { ...found.settings, name } }
      }
    }
    return world
  })

/** A folder that is gone when the scope closes. */
export const temporaryFolder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "parley-in-process-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)

/** What a run needs: the mirror's file, the simulated vendors, and nobody who watches. */
export const inProcess = (database: string, simulator: Simulator) =>
  Layer.unwrapEffect(
    Effect.as(
      layMirror(database),
      Layer.mergeAll(storeLayer(database), silent, unlimited, simulatedTransport(simulator))
    )
  )

export interface PullRun {
  readonly lane?: "sync" | "backfill"
  readonly full?: boolean
}

/** One run that pulls these connections. */
export const pullRun = (connections: ReadonlyArray<ConnectionConfig>, options: PullRun = {}) =>
  run({
    command: options.lane ?? "sync",
    connections,
    maxWaitMillis: 1000,
    mayRekey: options.full ?? false,
    lanes: [
      options.lane === "backfill"
        ? backfillLane({ since: null, until: null })
        : syncLane({ full: options.full ?? false })
    ]
  })

/** Rows of a query on the mirror. */
export const rowsOf = <Row = Record<string, unknown>>(sql: string, ...parameters: Array<unknown>) =>
  Effect.flatMap(Db, (db) =>
    db.use("test.rows", ({ database }) => database.prepare<Array<unknown>, Row>(sql).all(...parameters))
  )
