import type { Bounds } from "./data.ts"
import { day } from "./format.ts"
import type { Period } from "./timePlots.ts"

const dayMillis = 86_400_000

interface Step {
  /** One step in words: `day`. */
  readonly name: string
  readonly floor: (date: Date) => Date
  readonly next: (date: Date) => Date
  readonly label: (date: Date) => string
}

const utc = (year: number, month: number, date = 1): Date => new Date(Date.UTC(year, month, date))
const monthFormat = new Intl.DateTimeFormat("en-GB", { month: "long", year: "numeric", timeZone: "UTC" })
const iso = (date: Date): string => date.toISOString().slice(0, 10)

const steps: readonly [Step, ...Array<Step>] = [
  {
    name: "day",
    floor: (date) => date,
    next: (date) => new Date(date.getTime() + dayMillis),
    label: (date) => day(iso(date))
  },
  {
    name: "week",
    floor: (date) => new Date(date.getTime() - ((date.getUTCDay() + 6) % 7) * dayMillis),
    next: (date) => new Date(date.getTime() + 7 * dayMillis),
    label: (date) => `week of ${day(iso(date))}`
  },
  {
    name: "month",
    floor: (date) => utc(date.getUTCFullYear(), date.getUTCMonth()),
    next: (date) => utc(date.getUTCFullYear(), date.getUTCMonth() + 1),
    label: (date) => monthFormat.format(date)
  },
  {
    name: "year",
    floor: (date) => utc(date.getUTCFullYear(), 0),
    next: (date) => utc(date.getUTCFullYear() + 1, 0),
    label: (date) => String(date.getUTCFullYear())
  }
]

/** As many columns as can still be distinguished. */
const most = 120

export interface Counted {
  /** UTC, `2026-03-07`. */
  readonly day: string
  /** Index of the series. */
  readonly series: number
  readonly count: number
}

/** Every period from the first day to the last, also those without anything, in steps that leave few enough of them. */
export const periodsOf = (
  counted: ReadonlyArray<Counted>,
  seriesCount: number,
  bounds: Bounds
): { readonly step: string; readonly periods: ReadonlyArray<Period> } => {
  const days = counted.map(({ day: text }) => Date.parse(`${text}T00:00:00Z`)).filter(Number.isFinite)
  if (days.length === 0) return { step: "day", periods: [] }
  const [first, last] = days.reduce(
    ([low, high], at) => [Math.min(low, at), Math.max(high, at)],
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  )
  const lengths = [1, 7, 30, 365].map((length) => (last - first) / dayMillis / length)
  const step = steps[lengths.findIndex((length) => length <= most)] ?? steps[3] ?? steps[0]
  const sums = new Map<number, Array<number>>()
  for (let at = step.floor(new Date(first)); at.getTime() <= last; at = step.next(at)) {
    sums.set(
      at.getTime(),
      Array.from({ length: seriesCount }, () => 0)
    )
  }
  for (const { count, day: text, series } of counted) {
    const values = sums.get(step.floor(new Date(`${text}T00:00:00Z`)).getTime())
    if (values !== undefined) values[series] = (values[series] ?? 0) + count
  }
  const isPart = (at: Date): boolean => {
    const { first, firstIsPart, last, lastIsPart } = bounds
    const [start, end] = [iso(at), iso(new Date(step.next(at).getTime() - dayMillis))]
    const isCutBefore = first !== null && (start < first || (start === first && firstIsPart))
    return isCutBefore || end > last || (end === last && lastIsPart)
  }
  const periods = [...sums].map(([at, values]) => {
    const start = new Date(at)
    const isPartial = isPart(start)
    return { start, label: `${step.label(start)}${isPartial ? " (in part)" : ""}`, values, isPartial }
  })
  return { step: step.name, periods }
}
