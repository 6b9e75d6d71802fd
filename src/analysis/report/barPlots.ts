import { scaleBand, scaleLinear, scaleLog } from "d3-scale"
import { duration, number, percent, shortNumber } from "./format.ts"
import type { Series } from "./html.ts"
import { column, dot, drawing, fitted, labelWidth, line, rect, text } from "./svg.ts"

const rowHeight = 34
const barHeight = 20

const nameRoom = (names: ReadonlyArray<string>, width: number): number =>
  Math.min(Math.max(...names.map(labelWidth), 30) + 12, width * 0.36)

export interface Parts {
  readonly name: string
  readonly values: ReadonlyArray<number>
}

/** One bar a row, all of the same length, cut into the shares of its series. */
export const shareBars = (
  label: string,
  series: ReadonlyArray<Series>,
  rows: ReadonlyArray<Parts>,
  width: number
): string => {
  const left = nameRoom(
    rows.map(({ name }) => name),
    width
  )
  const height = rows.length * rowHeight + 4
  const bars = rows.map(({ name, values }, index) => {
    const sum = values.reduce((total, value) => total + value, 0)
    const x = scaleLinear([0, Math.max(1, sum)], [left, width - 2])
    const top = index * rowHeight + (rowHeight - barHeight) / 2
    let from = 0
    const parts = values.map((value, key) => {
      const [begin, end] = [x(from), x(from + value)]
      from += value
      if (value === 0) return ""
      const share = percent(value / sum)
      const look = series[key]?.color ?? "c1"
      const title = `${name}, ${series[key]?.name}: ${number(value)} (${share})`
      const fits = end - begin > labelWidth(share) + 10
      return (
        rect({ x: begin, y: top, width: end - begin - 1, height: barHeight, look, title }) +
        (fits ? text((begin + end) / 2, top + 14, share, "label inside", "middle") : "")
      )
    })
    return text(left - 10, top + 14, fitted(name, left - 11), "label name", "end") + parts.join("")
  })
  return drawing(width, height, label, bars.join(""))
}

interface Bar {
  readonly name: string
  readonly value: number
  /** At the bar's end. */
  readonly text: string
  readonly color?: string
}

/** One bar a row, as long as its value. */
export const bars = (label: string, rows: ReadonlyArray<Bar>, width: number): string => {
  const left = nameRoom(
    rows.map(({ name }) => name),
    width
  )
  const right = Math.max(...rows.map((row) => labelWidth(row.text)), 20) + 18
  const x = scaleLinear([0, Math.max(1, ...rows.map(({ value }) => value))], [left, width - right])
  const drawn = rows.map(({ color = "c1", name, text: said, value }, index) => {
    const top = index * rowHeight + (rowHeight - barHeight) / 2
    return (
      text(left - 10, top + 14, fitted(name, left - 11), "label name", "end") +
      rect({
        x: left,
        y: top,
        width: Math.max(1.5, x(value) - left),
        height: barHeight,
        look: color,
        radius: 2,
        title: `${name}: ${said}`
      }) +
      text(Math.max(left + 1.5, x(value)) + 7, top + 14, said, "label")
    )
  })
  return drawing(width, rows.length * rowHeight + 4, label, drawn.join(""))
}

/** Columns side by side, each with its number above it. */
export const columns = (label: string, rows: ReadonlyArray<Bar>, width: number): string => {
  const height = 220
  const [top, bottom] = [22, 30]
  const x = scaleBand(
    rows.map((_, index) => index),
    [2, width - 2]
  ).paddingInner(0.18)
  const y = scaleLinear([0, Math.max(1, ...rows.map(({ value }) => value))], [height - bottom, top])
  const drawn = rows.map(({ color = "c1", name, text: said, value }, index) => {
    const middle = (x(index) ?? 0) + x.bandwidth() / 2
    return (
      (value === 0
        ? ""
        : column({
            x: x(index) ?? 0,
            y: Math.min(y(value), height - bottom - 1.5),
            width: x.bandwidth(),
            height: Math.max(1.5, height - bottom - y(value)),
            look: color,
            title: `${name}: ${said}`
          })) +
      text(middle, y(value) - 7, said, "label", "middle") +
      text(middle, height - 10, name, width < 400 ? "label small" : "label", "middle")
    )
  })
  return drawing(
    width,
    height,
    label,
    line(0, height - bottom, width, height - bottom, "base") + drawn.join("")
  )
}

interface Range {
  readonly name: string
  /** Seconds. */
  readonly median: number
  readonly p90: number
}

const marks = [1, 10, 60, 600, 3_600, 6 * 3_600, 86_400, 7 * 86_400, 30 * 86_400]

/** From the median to the ninth of ten, one row a name; the scale is logarithmic. */
export const ranges = (label: string, rows: ReadonlyArray<Range>, width: number): string => {
  const left = nameRoom(
    rows.map(({ name }) => name),
    width
  )
  const height = rows.length * rowHeight + 30
  const all = rows.flatMap(({ median, p90 }) => [median, p90])
  const low = marks.findLast((mark) => mark <= Math.min(...all)) ?? 1
  const high = marks.find((mark) => mark >= Math.max(...all)) ?? Math.max(...all, 10)
  const x = scaleLog([low, Math.max(high, low * 10)], [left + 8, width - 26]).clamp(true)
  const shown = marks.filter((mark) => mark >= low && mark <= Math.max(high, low * 10))
  const axis = shown.map(
    (mark) =>
      line(x(mark), 2, x(mark), height - 26, "rule") +
      text(x(mark), height - 8, duration(mark), "label", "middle")
  )
  const drawn = rows.map(({ median, name, p90 }, index) => {
    const y = index * rowHeight + rowHeight / 2
    return (
      text(left - 10, y + 4, fitted(name, left - 11), "label name", "end") +
      line(x(median), y, x(p90), y, "span") +
      dot(x(p90), y, 6, "c4 point", `${name}: nine of ten answered within ${duration(p90)}`) +
      dot(x(median), y, 6, "c1 point", `${name}: half answered within ${duration(median)}`)
    )
  })
  return drawing(width, height, label, axis.join("") + drawn.join(""))
}

const weekdays = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]

/** A square for each hour of the week, darker the more there is. @param values by weekday (1 Monday) and hour */
export const weekMap = (
  label: string,
  values: (weekday: number, hour: number) => number,
  width: number
): string => {
  const left = 36
  const size = (width - left) / 24
  const cellHeight = Math.max(20, Math.min(size, 30))
  const height = 7 * cellHeight + 24
  const all = weekdays.map((_, day) => Array.from({ length: 24 }, (_, hour) => values(day + 1, hour)))
  const highest = Math.max(1, ...all.flat())
  const gap = size > 16 ? 2 : 1
  const cells = all.flatMap((hours, day) =>
    hours.map((value, hour) =>
      rect({
        x: left + hour * size,
        y: day * cellHeight,
        width: size - gap,
        height: cellHeight - gap,
        look: value === 0 ? "empty" : "c1",
        radius: 2,
        ...(value === 0 ? {} : { opacity: 0.1 + 0.9 * (value / highest) }),
        title: `${weekdays[day]} ${String(hour).padStart(2, "0")}:00: ${shortNumber(value)}`
      })
    )
  )
  const names = weekdays.map((name, day) =>
    text(left - 8, day * cellHeight + cellHeight / 2 + 4, name, "label", "end")
  )
  const hours = [0, 6, 12, 18, 23].map((hour) =>
    text(left + (hour + 0.5) * size - gap / 2, height - 6, String(hour), "label", "middle")
  )
  return drawing(width, height, label, cells.join("") + names.join("") + hours.join(""))
}

/** A mark for each run, oldest first, broken into rows where they do not fit. */
export const runMarks = (
  label: string,
  runs: ReadonlyArray<{ readonly outcome: string; readonly title: string }>,
  width: number
): string => {
  const size = 16
  const inRow = Math.max(1, Math.floor(width / size))
  const drawn = runs.map(({ outcome, title }, index) =>
    rect({
      x: (index % inRow) * size,
      y: Math.floor(index / inRow) * 30 + (outcome === "complete" ? 6 : 0),
      width: size - 4,
      height: outcome === "complete" ? 18 : 24,
      look: `run-${outcome}`,
      radius: 2,
      title
    })
  )
  return drawing(width, Math.ceil(runs.length / inRow) * 30 - 6, label, drawn.join(""))
}
