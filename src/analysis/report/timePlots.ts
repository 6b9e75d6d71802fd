import { scaleBand, scaleLinear, scaleUtc } from "d3-scale"
import { line as lineOf, stack } from "d3-shape"
import { shortNumber } from "./format.ts"
import type { Series } from "./html.ts"
import { column, dot, drawing, fitted, labelWidth, line, type Margin, rect, text } from "./svg.ts"

/** A stretch of time and what is counted in it, one number for each series. */
export interface Period {
  readonly label: string
  /** UTC. */
  readonly start: Date
  readonly values: ReadonlyArray<number>
  /** Whether it is counted in part only: it began before what is counted, or is not over. */
  readonly isPartial: boolean
}

const month = new Intl.DateTimeFormat("en-GB", { month: "short", timeZone: "UTC" })
const dayMonth = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" })

/** `7 Mar`, or `Mar` for a first of a month, or `2026` for a first of a year: each says what is new. */
const tickLabel = (date: Date): string => {
  if (date.getUTCDate() !== 1) return dayMonth.format(date)
  return date.getUTCMonth() === 0 ? String(date.getUTCFullYear()) : month.format(date)
}

const rules = (
  ticks: ReadonlyArray<number>,
  y: (value: number) => number,
  margin: Margin,
  width: number,
  label: (value: number) => string
): string =>
  ticks
    .map(
      (tick) =>
        line(margin.left, y(tick), width - margin.right, y(tick), tick === 0 ? "base" : "rule") +
        text(margin.left - 8, y(tick) + 4, label(tick), "label", "end")
    )
    .join("")

/** Columns over time, the series on top of each other. */
export const stackedColumns = (
  label: string,
  series: ReadonlyArray<Series>,
  periods: ReadonlyArray<Period>,
  width: number
): string => {
  const height = width > 600 ? 300 : 240
  const margin = { top: 12, right: 4, bottom: 28, left: 44 }
  const total = ({ values }: Period) => values.reduce((sum, value) => sum + value, 0)
  const y = scaleLinear([0, Math.max(1, ...periods.map(total))], [height - margin.bottom, margin.top]).nice(4)
  const x = scaleBand(
    periods.map((_, index) => index),
    [margin.left, width - margin.right]
  ).padding(periods.length > 60 ? 0.15 : 0.22)
  const layers = stack<Period, number>()
    .keys(series.map((_, index) => index))
    .value((period, index) => period.values[index] ?? 0)([...periods])
  const top = periods.map((period) => period.values.findLastIndex((value) => value > 0))
  const columns = layers.flatMap((layer, key) =>
    layer.flatMap(([low, high], index) => {
      const period = periods[index]
      if (high === low || period === undefined) return []
      const shape = {
        x: x(index) ?? 0,
        width: x.bandwidth(),
        y: y(high),
        height: y(low) - y(high),
        look: `${series[key]?.color ?? "c1"}${period.isPartial ? " part" : ""}`,
        title: `${period.label}: ${shortNumber(total(period))}${series.length > 1 ? ` (${series[key]?.name} ${shortNumber(high - low)})` : ""}`
      }
      return [top[index] === key ? column(shape) : rect(shape)]
    })
  )
  const first = periods[0]?.start ?? new Date(0)
  const last = periods.at(-1)?.start ?? first
  const time = scaleUtc(
    [first, last],
    [(x(0) ?? 0) + x.bandwidth() / 2, (x(periods.length - 1) ?? 0) + x.bandwidth() / 2]
  )
  const ticks = periods.length < 2 ? [first] : time.ticks(width > 600 ? 9 : 4)
  const axis = ticks
    .filter((tick) => tick >= first && tick <= last && tick.getUTCHours() === 0)
    .map((tick) => {
      const at = time(tick)
      const half = labelWidth(tickLabel(tick)) / 2
      return text(Math.min(at, width - half), height - 8, tickLabel(tick), "label", "middle")
    })
  return drawing(
    width,
    height,
    label,
    rules(y.ticks(4).filter(Number.isInteger), y, margin, width, shortNumber) +
      columns.join("") +
      axis.join("")
  )
}

export interface Line extends Series {
  /** Null: it cannot be said. */
  readonly values: ReadonlyArray<number | null>
}

/** Lines over time, each with its name at its end. Values run from 0; `format` writes them. */
export const lines = (
  label: string,
  starts: ReadonlyArray<Date>,
  all: ReadonlyArray<Line>,
  format: (value: number) => string,
  width: number
): string => {
  const height = 240
  const names = Math.max(...all.map(({ name }) => labelWidth(name)), 0)
  const margin = { top: 12, right: Math.min(names + 14, width / 3), bottom: 28, left: 44 }
  const first = starts[0] ?? new Date(0)
  const last = starts.at(-1) ?? first
  const x = scaleUtc([first, last], [margin.left + 6, width - margin.right - 4])
  const highest = Math.max(...all.flatMap(({ values }) => values.map((value) => value ?? 0)), 0.01)
  const y = scaleLinear([0, highest], [height - margin.bottom, margin.top]).nice(4)
  const path = lineOf<number | null>()
    .defined((value) => value !== null)
    .x((_, index) => x(starts[index] ?? first))
    .y((value) => y(value ?? 0))
  const ends = all
    .map((each) => ({ each, at: y(each.values.findLast((value) => value !== null) ?? 0) }))
    .sort((left, right) => left.at - right.at)
  // Names that would lie on each other are pushed apart.
  ends.forEach((end, index) => {
    const above = ends[index - 1]
    if (above !== undefined && end.at < above.at + 15) end.at = above.at + 15
  })
  const drawn = all.map(({ color, name, values }) => {
    const d = path([...values]) ?? ""
    const look = values.length * 14 < width - margin.left - margin.right ? "point" : "hit"
    const dots = values.map((value, index) => {
      if (value === null) return ""
      const start = starts[index] ?? first
      return dot(
        x(start),
        y(value),
        look === "point" ? 3 : 6,
        `${color} ${look}`,
        `${name}, week of ${dayMonth.format(start)}: ${format(value)}`
      )
    })
    return `<path class="stroke ${color}" d="${d}"/>${dots.join("")}`
  })
  const labels = ends.map(({ at, each }) =>
    text(width - margin.right + 6, at + 4, fitted(each.name, margin.right - 6), `label ${each.color} ink`)
  )
  const axis = x
    .ticks(width > 600 ? 8 : 3)
    .filter((tick) => tick.getUTCHours() === 0)
    .map((tick) => text(x(tick), height - 8, tickLabel(tick), "label", "middle"))
  return drawing(
    width,
    height,
    label,
    rules(y.ticks(4), y, margin, width, format) + drawn.join("") + labels.join("") + axis.join("")
  )
}
