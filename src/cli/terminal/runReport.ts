import { present } from "../../domain/present.ts"
import { toMillis } from "../../domain/Timestamp.ts"
import type { ConnectionReport, RunReport } from "../../sync/run.ts"
import { counted, grouped, shortDuration, waitedText } from "./numbers.ts"
import { type ColumnOf, tableOf, whole } from "./table.ts"
import { fold } from "./width.ts"

const columns = whole<ColumnOf<ConnectionReport>>([
  { name: "connection", cell: ({ name }) => name },
  { name: "outcome", cell: ({ outcome }) => outcome },
  { name: "conversations", right: true, cell: ({ conversations }) => grouped(conversations) },
  { name: "messages", right: true, cell: ({ messages }) => grouped(messages) },
  { name: "new", right: true, cell: ({ inserted }) => grouped(inserted) },
  { name: "changed", right: true, cell: ({ updated }) => grouped(updated) },
  { name: "same", right: true, cell: ({ unchanged }) => grouped(unchanged) },
  { name: "requests", right: true, cell: ({ requests }) => grouped(requests) },
  { name: "waited", right: true, spare: 1, cell: ({ waited_ms }) => waitedText(waited_ms) }
])

type Counts = ConnectionReport["changes"]

/** What became of changes, with or without those of which there are none. */
const changesText = (
  { confirmed, conflict, pending, queued, rejected }: Counts,
  { zeros }: { readonly zeros: boolean }
): string =>
  (
    [
      [confirmed, "confirmed by the provider", true],
      [queued, "queued at the provider", true],
      [rejected, "rejected", true],
      [conflict, "in conflict", true],
      [pending, "still pending", false]
    ] as const
  )
    .filter(([count, , isAlways]) => count > 0 || (zeros && isAlways))
    .map(([count, what]) => `${grouped(count)} ${what}`)
    .join(", ")

/** What to do about changes that did not get through, a line each. @param isTold a fault says why they are still open */
const advice = ({ conflict, pending, queued, rejected }: Counts, isTold: boolean): ReadonlyArray<string> =>
  present(
    rejected + conflict > 0 && "  `parley changes` shows why, and what can be done",
    pending + queued > 0 &&
      !isTold &&
      "  `parley changes` shows what they wait for; `parley changes retry N` makes one due at once"
  )

const changesLine = ({ changes, error, name }: ConnectionReport): ReadonlyArray<string> => {
  const text = changesText(changes, { zeros: false })
  if (text === "") return []
  return [`${name}: status changes: ${text}`, ...advice(changes, error !== null)]
}

const sum = (connections: ReadonlyArray<ConnectionReport>): Counts => {
  const of = (count: keyof Counts) => connections.reduce((total, { changes }) => total + changes[count], 0)
  return {
    confirmed: of("confirmed"),
    queued: of("queued"),
    rejected: of("rejected"),
    conflict: of("conflict"),
    pending: of("pending")
  }
}

/** For runs that only sent changes: no table of what was not pulled. */
const pushLines = (connections: ReadonlyArray<ConnectionReport>): ReadonlyArray<string> => {
  const total = sum(connections)
  const single = connections.flatMap(({ changes, name }) => {
    const text = changesText(changes, { zeros: false })
    return text === "" ? [] : [`${name}: ${text}`]
  })
  return present(
    single.length > 1 && single,
    `status changes: ${changesText(total, { zeros: true })}`,
    ...advice(
      total,
      connections.every(({ changes, error }) => error !== null || changes.pending + changes.queued === 0)
    )
  )
}

const faultLines = ({ error, name }: ConnectionReport): ReadonlyArray<string> =>
  error === null ? [] : present(`${name}: ${error.message}`, error.hint !== "" && `  ${error.hint}`)

const outcomes = {
  complete: "complete",
  partial: "partial: what is said above is missing, everything else is stored",
  failed: "failed: nothing was stored",
  held: "not run: another run is under way"
}

const pushing: ReadonlySet<string> = new Set(["push", "set-status"])

/** What a run did, for a person. @param room columns of the terminal; null: not a terminal. */
export const runReportText = (report: RunReport, room: number | null): string => {
  const { connections } = report
  const took = toMillis(report.finished_at) - toMillis(report.started_at)
  const faults = connections.flatMap(faultLines)
  const details = pushing.has(report.command) ? faults : [...connections.flatMap(changesLine), ...faults]
  return present(
    pushing.has(report.command) ? pushLines(connections) : tableOf(columns, connections, room),
    details.length > 0 && ["", fold(details.join("\n"), room)],
    "",
    `run ${report.run_id}, ${counted(connections.length, "connection")}, ${shortDuration(took)}: ${outcomes[report.outcome]}`
  ).join("\n")
}
