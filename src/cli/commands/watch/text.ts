import { present } from "../../../domain/present.ts"
import { now as instant } from "../../../domain/Timestamp.ts"
import type { RunReport } from "../../../sync/run.ts"
import type { Ran } from "../../../sync/watch/watch.ts"
import { counted, grouped, shortDuration } from "../../terminal/numbers.ts"

/*
 * What `watch` says: one line for each run, and one for each connection that is in trouble.
 */

/** An instant on the clock of a time zone: `2026-03-07 10:00:00`. */
const zonedTime = (millis: number, zone: string): string =>
  new Intl.DateTimeFormat("sv-SE", {
    timeZone: zone,
    dateStyle: "short",
    timeStyle: "medium"
  }).format(millis)

/** The same without the day, where it is that of `now`. */
export const zonedClock = (millis: number, now: number, zone: string): string => {
  const [day, time = ""] = zonedTime(millis, zone).split(" ")
  return zonedTime(now, zone).startsWith(`${day} `) ? time : `${day} ${time}`
}

const sum = (report: RunReport, column: (row: RunReport["connections"][number]) => number): number =>
  report.connections.reduce((total, row) => total + column(row), 0)

const counts = (report: RunReport): ReadonlyArray<string> => {
  const changes = sum(report, (row) => row.changes.confirmed)
  const quarantined = sum(report, (row) => row.quarantined)
  return present(
    `${grouped(sum(report, (row) => row.inserted))} new`,
    `${grouped(sum(report, (row) => row.updated))} changed`,
    quarantined > 0 && `${grouped(quarantined)} in quarantine`,
    changes > 0 && `${counted(changes, "status change")} confirmed`,
    counted(
      sum(report, (row) => row.requests),
      "request"
    )
  )
}

const whatHappened = (report: RunReport): string => {
  const took = Date.parse(report.finished_at) - Date.parse(report.started_at)
  const names = report.connections.map(({ name }) => name).join(", ")
  return `run ${report.run_id} (${names}) ${report.outcome}: ${counts(report).join(", ")} in ${shortDuration(took)}`
}

/** One line for the run, then what each connection in trouble has to say. */
export const ranText = ({ at, fault, nextAt, report, retries, slowed }: Ran, zone: string): string => {
  const clock = (millis: number) => zonedClock(millis, at, zone)
  const what = report === null ? `no run: ${fault?.message ?? ""}` : whatHappened(report)
  const errors = new Map(report?.connections.map(({ error, name }) => [name, error]) ?? [])
  const again = retries
    .filter(({ name }) => report === null || errors.has(name))
    .map(({ failures, name, at: time }) => {
      const message = errors.get(name)?.message
      const times = failures === 1 ? "" : ` (failed ${grouped(failures)} times in a row)`
      return `  ${name}: ${message === undefined ? "" : `${message}; `}tried again at ${clock(time)}${times}`
    })
  const waiting = new Set(retries.map(({ name }) => name))
  const others = [...errors].flatMap(([name, error]) =>
    error === null || waiting.has(name) ? [] : [`  ${name}: ${error.message}`]
  )
  const slow = slowed
    .filter(({ name }) => errors.has(name))
    .map(
      ({ every, name, took }) =>
        `  ${name}: a run takes ${shortDuration(took)}, so it is synced every ${shortDuration(every)}: its rows are at most ${shortDuration(every + took)} old`
    )
  const hint = report === null && fault !== null && fault.hint !== "" ? [`  ${fault.hint}`] : []
  return [
    `${zonedTime(at, zone)} ${zone}: ${what}; next run at ${clock(nextAt)}`,
    ...hint,
    ...again,
    ...others,
    ...slow
  ].join("\n")
}

/** The same for programs: the run's report, with what comes next. */
export const ranDocument = ({ fault, nextAt, report, retries, slowed }: Ran) => ({
  ...(report ?? {
    error: fault === null ? null : { kind: fault.kind, message: fault.message, hint: fault.hint }
  }),
  next_run_at: instant(nextAt),
  retries: retries.map(({ at, failures, name }) => ({ connection: name, at: instant(at), failures })),
  slowed: slowed.map(({ every, name, took }) => ({ connection: name, every_ms: every, took_ms: took }))
})
