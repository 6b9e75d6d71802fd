import type { Interval } from "../../domain/Interval.ts"
import { present } from "../../domain/present.ts"
import type { Forecast, LimitShare } from "../../sync/forecast/Forecast.ts"
import type { PullPlan } from "../../sync/forecast/planPull.ts"
import { counted, grouped, shortDuration } from "./numbers.ts"
import { type ColumnOf, tableOf } from "./table.ts"

/** `571 (546 to 626)`; `at least 96` where no bound is known. */
const intervalText = ({ high, likely, low }: Interval, write: (value: number) => string): string => {
  if (high === null) {
    return likely === null || likely === low
      ? `at least ${write(low)}`
      : `${write(likely)} (at least ${write(low)})`
  }
  if (write(low) === write(high)) return write(low)
  const range = `${write(low)} to ${write(high)}`
  return likely === null ? range : `${write(likely)} (${range})`
}

const percent = (share: number): string => {
  const value = 100 * share
  return value > 0 && value < 1 ? "under 1%" : `${Math.round(value)}%`
}

/** Under some seconds an interval says more than it knows. */
const briefly = 5_000

const durationText = (duration: Interval): string =>
  duration.high !== null && duration.high < briefly
    ? "a few seconds"
    : intervalText(duration, (millis) => shortDuration(Math.max(1_000, millis)))

/** The limit of which the pull takes most. */
const tightest = (shares: ReadonlyArray<LimitShare>): LimitShare | null =>
  shares.reduce<LimitShare | null>(
    (most, one) => (most === null || (one.share.likely ?? 1) > (most.share.likely ?? 1) ? one : most),
    null
  )

const shareText = ({ shares }: Forecast): string => {
  const one = tightest(shares)
  if (one === null) return "no limit is known"
  const { likely } = one.share
  return `${likely === null ? "an unknown share" : percent(likely)} of ${one.limit}`
}

const forecastCell =
  (text: (forecast: Forecast) => string) =>
  ({ forecast }: PullPlan): string =>
    forecast === null ? "-" : text(forecast)

const columns: ReadonlyArray<ColumnOf<PullPlan>> = [
  { name: "connection", cell: ({ config }) => config.name },
  {
    name: "conversations listed",
    right: true,
    cell: forecastCell(({ listed }) => intervalText(listed, grouped))
  },
  { name: "fetched", right: true, cell: forecastCell(({ fetched }) => intervalText(fetched, grouped)) },
  { name: "requests", right: true, cell: forecastCell(({ requests }) => intervalText(requests, grouped)) },
  { name: "time", right: true, cell: forecastCell(({ duration }) => durationText(duration)) },
  { name: "share of the limit", cell: forecastCell(shareText) }
]

const remarks = ({ config, fault, forecast, ranges }: PullPlan): ReadonlyArray<string> => {
  if (fault !== null) return [`${config.name}: ${fault.message}`, `  ${fault.hint}`]
  if (forecast === null) {
    return ranges.length === 0 ? [`${config.name}: all of it was listed before; nothing to request`] : []
  }
  return forecast.doubts.map((doubt) => `${config.name}: ${doubt}`)
}

/** What pulls would do, for a person: likely, and from least to most. @param room columns of the terminal */
export const forecastText = (plans: ReadonlyArray<PullPlan>, room: number | null): string => {
  const notes = plans.flatMap(remarks)
  const asked = plans.reduce((sum, one) => sum + one.asked, 0)
  return present(
    tableOf(columns, plans, room),
    notes.length > 0 && ["", ...notes],
    "",
    `Asked with ${counted(asked, "request")}. Nothing was changed and nothing was written.`
  ).join("\n")
}

/** The same as a part of a JSON document; durations are milliseconds, shares are of 1. */
export const forecastDocument = ({ asked, config, fault, forecast, ranges }: PullPlan) => ({
  name: config.name,
  provider: config.provider,
  asked,
  ranges,
  listed: forecast?.listed ?? null,
  fetched: forecast?.fetched ?? null,
  requests: forecast?.requests ?? null,
  duration_ms: forecast?.duration ?? null,
  quota: forecast?.shares ?? null,
  basis: forecast?.basis ?? null,
  doubts: forecast?.doubts ?? [],
  error: fault
})
