import { Clock, Effect } from "effect"
import { present } from "../../../domain/present.ts"
import { toMillis } from "../../../domain/Timestamp.ts"
import { Db } from "../../../store/Db.ts"
import { findRun, listRuns, type RunWithConnections } from "../../../store/ledger/Ledger.ts"
import { readingMirror } from "../../configuration.ts"
import { UsageError } from "../../errors.ts"
import { atLeastOne } from "../../options.ts"
import { answer } from "../../terminal/answer.ts"
import { grouped, shortDuration } from "../../terminal/numbers.ts"
import { renderTable, whole } from "../../terminal/table.ts"
import { ago, shortTime } from "../../terminal/times.ts"
import type { RunsInput } from "./index.ts"

type RunConnection = RunWithConnections["connections"][number]

const total = (run: RunWithConnections, column: (row: RunConnection) => number): number =>
  run.connections.reduce((sum, row) => sum + column(row), 0)

/** Nobody knows when a run ended that was killed. */
const took = (
  { finished_at, outcome, started_at }: Pick<RunConnection, "finished_at" | "outcome" | "started_at">,
  at: number
): string =>
  finished_at === null && outcome !== "running"
    ? "-"
    : shortDuration((finished_at === null ? at : toMillis(finished_at)) - toMillis(started_at))

const waited = (millis: number): string => (millis === 0 ? "-" : shortDuration(millis))

const listColumns = whole([
  { name: "run", right: true },
  { name: "command" },
  { name: "started" },
  { name: "took", right: true },
  { name: "outcome" },
  { name: "received", right: true },
  { name: "new", right: true },
  { name: "changed", right: true },
  { name: "quarantined", right: true },
  { name: "requests", right: true, spare: 1 },
  { name: "waited", right: true, spare: 1 }
])

const listRow = (run: RunWithConnections, at: number): ReadonlyArray<string> => [
  String(run.id),
  run.command,
  ago(run.started_at, at),
  took(run, at),
  run.exit_code === null || run.exit_code === 0 ? run.outcome : `${run.outcome} (${run.exit_code})`,
  grouped(total(run, (row) => row.received)),
  grouped(total(run, (row) => row.inserted)),
  grouped(total(run, (row) => row.updated)),
  grouped(total(run, (row) => row.quarantined)),
  grouped(total(run, (row) => row.requests)),
  waited(total(run, (row) => row.waited_ms))
]

const detailColumns = whole([
  { name: "connection" },
  { name: "lane" },
  { name: "outcome" },
  { name: "took", right: true },
  { name: "conversations", right: true },
  { name: "messages", right: true },
  { name: "new", right: true },
  { name: "changed", right: true },
  { name: "same", right: true },
  { name: "outside", right: true },
  { name: "quarantined", right: true },
  { name: "requests", right: true },
  { name: "refused", right: true },
  { name: "waited", right: true }
])

const detailRow = (row: RunConnection, at: number): ReadonlyArray<string> => [
  row.connection,
  row.lane,
  row.outcome,
  took(row, at),
  grouped(row.conversations),
  grouped(row.messages),
  grouped(row.inserted),
  grouped(row.updated),
  grouped(row.unchanged),
  grouped(row.filtered),
  grouped(row.quarantined),
  grouped(row.requests),
  grouped(row.rate_limited + row.queued),
  waited(row.waited_ms)
]

const changesText = (row: RunConnection): ReadonlyArray<string> => {
  const parts = [
    [row.changes_confirmed, "confirmed"],
    [row.changes_queued, "queued"],
    [row.changes_rejected, "rejected"],
    [row.changes_conflict, "in conflict"],
    [row.changes_pending, "pending"]
  ] as const
  const said = parts.filter(([count]) => count > 0).map(([count, word]) => `${grouped(count)} ${word}`)
  return said.length === 0 ? [] : [`${row.connection}: changes: ${said.join(", ")}`]
}

const faultText = (row: RunConnection, command: string): ReadonlyArray<string> =>
  row.error_message === null
    ? []
    : present(
        `${row.connection} (${row.lane === "verify" ? command : row.lane}): ${row.error_message}`,
        row.error_hint !== null && `  ${row.error_hint}`
      )

const detail = (run: RunWithConnections, at: number, room: number | null): string => {
  const remarks = run.connections.flatMap((row) => [...changesText(row), ...faultText(row, run.command)])
  const end =
    run.finished_at !== null
      ? `ended ${shortTime(run.finished_at)}`
      : run.outcome === "running"
        ? "still running"
        : "its process is gone"
  return present(
    `run ${run.id}: ${run.command}, ${run.outcome}${run.exit_code === null ? "" : `, exit code ${run.exit_code}`}`,
    `started ${shortTime(run.started_at)}, ${end}, on ${run.host} as process ${run.pid}`,
    "",
    run.connections.length === 0
      ? "It came to no connection."
      : renderTable(
          detailColumns,
          run.connections.map((row) => detailRow(row, at)),
          room
        ),
    remarks.length > 0 && ["", ...remarks]
  ).join("\n")
}

const showRun = Effect.fn("runs.show")(function* (id: number) {
  const db = yield* Db
  const at = yield* Clock.currentTimeMillis
  const run = yield* db.use("runs", (session) => findRun(session, id, at))
  if (run === null) {
    return yield* new UsageError({ message: `there is no run ${id}`, hint: "`parley runs` lists them" })
  }
  return yield* answer(run, (room) => detail(run, at, room))
})

const none = "No runs yet: start with `parley sync`."

const listAll = Effect.fn("runs.list")(function* (limit: number) {
  const db = yield* Db
  const at = yield* Clock.currentTimeMillis
  const runs = yield* db.use("runs", (session) => listRuns(session, limit, at))
  const rows = runs.map((run) => listRow(run, at))
  return yield* answer({ runs }, (room) => (runs.length === 0 ? none : renderTable(listColumns, rows, room)))
})

export const runs = ({ id, limit }: RunsInput) =>
  id !== null
    ? readingMirror(showRun(id))
    : Effect.zipRight(atLeastOne("--limit", limit), readingMirror(listAll(limit))).pipe(
        Effect.catchIf(
          // Before the first run there is no mirror, which is no fault.
          (error) => error._tag === "StoreError" && error.kind === "no-such-file",
          () => answer({ runs: [] }, none)
        )
      )
