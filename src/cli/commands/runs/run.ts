import { Clock, Effect } from "effect"
import { present } from "../../../domain/present.ts"
import { toMillis } from "../../../domain/Timestamp.ts"
import { Db } from "../../../store/Db.ts"
import { findRun, listRuns, type RunWithConnections } from "../../../store/ledger/Ledger.ts"
import { readingMirror } from "../../configuration.ts"
import { UsageError } from "../../errors.ts"
import { atLeastOne } from "../../options.ts"
import { answer } from "../../terminal/answer.ts"
import { grouped, shortDuration, waitedText } from "../../terminal/numbers.ts"
import { type ColumnOf, tableOf, whole } from "../../terminal/table.ts"
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

const outcomeText = ({ exit_code, outcome }: RunWithConnections): string =>
  exit_code === null || exit_code === 0 ? outcome : `${outcome} (${exit_code})`

const listColumns = (at: number) =>
  whole<ColumnOf<RunWithConnections>>([
    { name: "run", right: true, cell: ({ id }) => String(id) },
    { name: "command", cell: ({ command }) => command },
    { name: "started", cell: (run) => ago(run.started_at, at) },
    { name: "took", right: true, cell: (run) => took(run, at) },
    { name: "outcome", cell: outcomeText },
    { name: "received", right: true, cell: (run) => grouped(total(run, (row) => row.received)) },
    { name: "new", right: true, cell: (run) => grouped(total(run, (row) => row.inserted)) },
    { name: "changed", right: true, cell: (run) => grouped(total(run, (row) => row.updated)) },
    { name: "quarantined", right: true, cell: (run) => grouped(total(run, (row) => row.quarantined)) },
    { name: "requests", right: true, spare: 1, cell: (run) => grouped(total(run, (row) => row.requests)) },
    { name: "waited", right: true, spare: 1, cell: (run) => waitedText(total(run, (row) => row.waited_ms)) }
  ])

const detailColumns = (at: number) =>
  whole<ColumnOf<RunConnection>>([
    { name: "connection", cell: ({ connection }) => connection },
    { name: "lane", cell: ({ lane }) => lane },
    { name: "outcome", cell: ({ outcome }) => outcome },
    { name: "took", right: true, cell: (row) => took(row, at) },
    { name: "conversations", right: true, cell: (row) => grouped(row.conversations) },
    { name: "messages", right: true, cell: (row) => grouped(row.messages) },
    { name: "new", right: true, cell: (row) => grouped(row.inserted) },
    { name: "changed", right: true, cell: (row) => grouped(row.updated) },
    { name: "same", right: true, cell: (row) => grouped(row.unchanged) },
    { name: "outside", right: true, cell: (row) => grouped(row.filtered) },
    { name: "quarantined", right: true, cell: (row) => grouped(row.quarantined) },
    { name: "requests", right: true, cell: (row) => grouped(row.requests) },
    { name: "refused", right: true, cell: (row) => grouped(row.rate_limited + row.queued) },
    { name: "waited", right: true, cell: (row) => waitedText(row.waited_ms) }
  ])

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
      : tableOf(detailColumns(at), run.connections, room),
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
  return yield* answer({ runs }, (room) => (runs.length === 0 ? none : tableOf(listColumns(at), runs, room)))
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
