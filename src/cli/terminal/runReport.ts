import { toMillis } from "../../domain/Timestamp.ts"
import type { ConnectionReport, RunReport } from "../../sync/run.ts"
import { counted, grouped, shortDuration } from "./numbers.ts"
import { renderTable, whole } from "./table.ts"

const columns = whole([
  { name: "connection" },
  { name: "outcome" },
  { name: "conversations", right: true },
  { name: "messages", right: true },
  { name: "new", right: true },
  { name: "changed", right: true },
  { name: "same", right: true },
  { name: "requests", right: true },
  { name: "waited", right: true, spare: true }
])

const row = (report: ConnectionReport): ReadonlyArray<string> => [
  report.name,
  report.outcome,
  grouped(report.conversations),
  grouped(report.messages),
  grouped(report.inserted),
  grouped(report.updated),
  grouped(report.unchanged),
  grouped(report.requests),
  report.waited_ms === 0 ? "-" : shortDuration(report.waited_ms)
]

const changesLine = ({ changes, name }: ConnectionReport): ReadonlyArray<string> => {
  const parts = [
    [changes.confirmed, "confirmed by the provider"],
    [changes.queued, "queued at the provider"],
    [changes.pending, "still pending"],
    [changes.rejected, "rejected"],
    [changes.conflict, "in conflict"]
  ] as const
  const said = parts.filter(([count]) => count > 0).map(([count, what]) => `${grouped(count)} ${what}`)
  if (said.length === 0) return []
  const needsSomeone = changes.rejected + changes.conflict > 0
  return [
    `${name}: status changes: ${said.join(", ")}`,
    ...(needsSomeone ? ["  `parley changes` shows why, and what can be done"] : [])
  ]
}

const faultLines = ({ error, name }: ConnectionReport): ReadonlyArray<string> =>
  error === null ? [] : [`${name}: ${error.message}`, ...(error.hint === "" ? [] : [`  ${error.hint}`])]

const outcomes = {
  complete: "complete",
  partial: "partial: what is said above is missing, everything else is stored",
  failed: "failed: nothing was stored",
  held: "not run: another run is under way"
}

/** What a run did, for a person. @param room columns of the terminal; null: not a terminal. */
export const runReportText = (report: RunReport, room: number | null): string => {
  const { connections } = report
  const took = toMillis(report.finished_at) - toMillis(report.started_at)
  const details = [...connections.flatMap(changesLine), ...connections.flatMap(faultLines)]
  return [
    renderTable(columns, connections.map(row), room),
    ...(details.length === 0 ? [] : ["", ...details]),
    "",
    `run ${report.run_id}, ${counted(connections.length, "connection")}, ${shortDuration(took)}: ${outcomes[report.outcome]}`
  ].join("\n")
}
