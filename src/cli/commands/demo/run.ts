import { lstatSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, relative, resolve } from "node:path"
import { Clock, Effect } from "effect"
import { writeReport } from "../../../analysis/report.ts"
import { loadConfig } from "../../../config/load.ts"
import { quotaFile } from "../../../http/limits/shared/quotaStore.ts"
import {
  advance,
  configuration,
  type Fault,
  makeSimulator,
  promptVendor,
  type Served,
  type Simulator,
  serve,
  vendorIds
} from "../../../simulator/index.ts"
import { leavePath } from "../../../store/copies/replaced.ts"
import { Db } from "../../../store/Db.ts"
import { isMirrorOf } from "../../../store/ledger/onlyRuns.ts"
import type { Mirror } from "../../../store/mirror/Mirror.ts"
import type { Outbox } from "../../../store/outbox/Outbox.ts"
import { searchMessages } from "../../../store/read/searchMessages.ts"
import { pushLane, syncLane } from "../../../sync/lanes.ts"
import { storeLayer, talkingLayer } from "../../../sync/layers.ts"
import type { Progress } from "../../../sync/progress.ts"
import { type LaneWork, type RunReport, run } from "../../../sync/run.ts"
import { toUsage, UsageError } from "../../errors.ts"
import { type ExitCode, exitCodes } from "../../exitCodes.ts"
import { Globals } from "../../globals.ts"
import { Host } from "../../Host.ts"
import { atLeastOne } from "../../options.ts"
import { Providers } from "../../Providers.ts"
import { Output } from "../../terminal/Output.ts"
import { runReportText } from "../../terminal/runReport.ts"
import { oneLine } from "../../terminal/safeText.ts"
import { renderTable } from "../../terminal/table.ts"
import type { DemoInput } from "./index.ts"

const minute = 60_000

/**
 * The present as the story knows it: a whole minute. The providers' conversations end a minute before, and what happens
 * there meanwhile happens then. With the same clock the demo always has the same result.
 */
const present = Effect.map(Clock.currentTimeMillis, (now) => now - (now % minute))

const file = "parley-demo.db"

/** The ledger of the demo's mirror has runs of this command and no others: that distinguishes it from any other mirror. */
const command = "demo"

const maxWaitMillis = 60_000

/** A configuration for the simulated providers, as a user would have written it. */
const configure = Effect.fn("demo.configure")(function* (
  simulator: Simulator,
  served: Served,
  database: string
) {
  const { cwd } = yield* Host
  const { environment, yaml } = configuration(simulator, served.origins)
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "parley-demo-"))),
    (made) => Effect.sync(() => rmSync(made, { recursive: true, force: true }))
  )
  const path = join(folder, "parley.yaml")
  writeFileSync(path, yaml)
  return yield* loadConfig({ registry: yield* yield* Providers, config: path, database, cwd, environment })
})

const questions: ReadonlyArray<readonly [asked: string, sql: string]> = [
  [
    "How do conversations end, and where?",
    `SELECT provider, status, count(*) AS conversations, sum(stored_messages) AS messages
FROM conversations GROUP BY provider, status ORDER BY provider, conversations DESC`
  ],
  [
    "Who waits for a person, and since when?",
    `SELECT id, channel, last_message_at FROM conversations
WHERE status = 'handed_off' ORDER BY last_message_at LIMIT 5`
  ]
]

const ask = (sql: string) =>
  Effect.flatMap(Db, (db) =>
    db.use("demo", ({ database }) => {
      const statement = database.prepare<[], ReadonlyArray<unknown>>(sql)
      const names = statement.columns().map(({ name }) => ({ name }))
      const rows = statement
        .raw()
        .all()
        .map((row) => row.map((value) => (value === null ? "" : String(value))))
      return renderTable(names, rows, null)
    })
  )

/** What goes wrong once in the second sync, and heals. */
const hiccup: ReadonlyArray<Fault> = [
  {
    name: "slow down",
    vendor: promptVendor,
    times: 1,
    effect: { kind: "answer", status: 429, headers: { "retry-after": "1" } }
  },
  { name: "a bad moment", vendor: promptVendor, times: 1, effect: { kind: "answer", status: 503 } }
]

const refusals = (connection: string) =>
  `SELECT operation, status, retry_after, attempt FROM requests_refused WHERE connection = '${connection}' ORDER BY id`

/** A word that the simulated conversations hold. */
const searched = "tomorrow"

const firstHit = Effect.flatMap(Db, (db) =>
  db.use("demo.search", (session) => {
    const [hit] = searchMessages(session, { words: searched, limit: 1 })
    return hit === undefined ? "nothing" : `${hit.conversationId}  ${hit.role}\n  ${oneLine(hit.excerpt)}`
  })
)

/** Requests a status for one conversation, in the way that any SQLite client can. Null: there is none to request it for. */
const requested = Effect.flatMap(Db, (db) =>
  db.transaction("demo.request", ({ prepare }) => {
    const id = prepare(
      "SELECT id FROM conversations WHERE provider = ? AND status = 'active' ORDER BY id LIMIT 1"
    )
      .pluck()
      .get(promptVendor) as string | undefined
    if (id === undefined) return null
    prepare("UPDATE conversations SET status = 'completed' WHERE id = ?").run(id)
    return id
  })
)

const show = Effect.fn("demo")(function* (
  simulator: Simulator,
  served: Served,
  database: string,
  at: number
) {
  const output = yield* Output
  const { json } = yield* Globals
  const say = (text: string) => (json ? Effect.void : output.result(`${text}\n\n`))
  const config = yield* configure(simulator, served, database)
  const reports: Array<RunReport> = []
  const codes: Array<ExitCode> = []
  const lanes: ReadonlyArray<LaneWork<Mirror | Outbox | Progress>> = [pushLane, syncLane({ full: false })]
  const sync = Effect.gen(function* () {
    const { exitCode, report } = yield* run({
      command,
      connections: config.connections,
      maxWaitMillis,
      lanes
    })
    reports.push(report)
    codes.push(exitCode)
    yield* say(runReportText(report, yield* output.resultColumns))
  })

  yield* say("Four simulated providers are running on this machine. Nothing leaves it.")
  yield* say("1. The first sync pulls everything.")
  yield* sync
  for (const vendor of vendorIds) advance(simulator, vendor, { at, share: 0.05, seed: 1 })
  for (const fault of hiccup) simulator.faults.add(fault)
  const id = yield* requested
  const change =
    id === null
      ? "The second sync fetches only what is new."
      : `On this side, someone ran
     UPDATE conversations SET status = 'completed' WHERE id = '${id}';
   The second sync sends that change, checks that it has arrived, and fetches only what is new.`
  yield* say(`2. At each provider some conversations continued. ${change}
   One provider asks it to slow down, and fails once.`)
  yield* sync
  const troubled = config.connections.find(({ provider }) => provider === promptVendor)
  const refused = refusals(troubled?.name ?? "")
  yield* say(
    `Nothing is missing: what was refused was requested again.\n\n${refused};\n\n${yield* ask(refused)}`
  )
  yield* say("3. The mirror is one SQLite file. Ask it anything:")
  for (const [asked, sql] of questions) {
    yield* say(`-- ${asked}\n${sql};\n\n${yield* ask(sql)}`)
  }
  const shown = relative((yield* Host).cwd, database) || database
  yield* say(`-- What was said: parley search ${searched} --limit 1 --db ${shown}\n\n${yield* firstHit}`)
  const page = `${database.replace(/\.db$/, "")}.html`
  // A file of that name that is no report stays.
  const isReported = yield* Effect.isSuccess(writeReport(page, false))
  yield* say(`The mirror stays in ${shown}${isReported ? `, and a report with plots in ${relative((yield* Host).cwd, page) || page}` : ""}. Go on with:
  parley query --db ${shown} "SELECT * FROM conversations LIMIT 5"
  parley status --db ${shown}
  parley init            to connect your own accounts`)
  if (json) yield* output.document({ database, runs: reports })
  return codes.find((code) => code !== exitCodes.complete) ?? exitCodes.complete
})

/** Removes an earlier demo's mirror. Any other file of that name is left alone. */
const makeRoom = (database: string): Effect.Effect<void, UsageError> =>
  Effect.suspend(() => {
    if (lstatSync(database, { throwIfNoEntry: false }) === undefined) return Effect.void
    const isThere = statSync(database, { throwIfNoEntry: false }) !== undefined
    if (!isThere || !isMirrorOf(database, command)) {
      return new UsageError({
        message: `${database} exists already, and was not made by the demo`,
        hint: "name a file that is not there yet with --db, or move this one away; nothing was written"
      })
    }
    return Effect.andThen(leavePath(quotaFile(), database), () => {
      for (const suffix of ["", "-wal", "-shm"]) rmSync(database + suffix, { force: true })
    })
  })

export const demo = Effect.fn("demo.run")(function* ({ conversations }: DemoInput) {
  const { db } = yield* Globals
  const { cwd } = yield* Host
  yield* atLeastOne("--conversations", conversations)
  const database = resolve(cwd, db ?? file)
  yield* makeRoom(database)
  const clock = yield* Effect.clock
  const at = yield* present
  const simulator = makeSimulator({ seed: 1, conversations, now: at - minute })
  return yield* Effect.gen(function* () {
    const serving = serve(simulator, { now: () => clock.unsafeCurrentTimeMillis() })
    const served = yield* Effect.mapError(serving, toUsage)
    // Only now: a demo that cannot begin leaves no file.
    return yield* show(simulator, served, database, at).pipe(
      Effect.provide([storeLayer(database), talkingLayer])
    )
  }).pipe(Effect.scoped)
})
