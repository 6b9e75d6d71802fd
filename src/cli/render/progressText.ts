import { counted, grouped, rate, shortDuration, wallClock } from "./numbers.ts"
import { type ConnectionProgress, currentWait, fraction, ratePerSecond, timeLeft } from "./progressState.ts"
import { oneLine, padEnd, textWidth, truncate } from "./width.ts"

/** What a bar is made of. */
export interface BarStyle {
  readonly full: string
  readonly empty: string
}

export const unicodeBar: BarStyle = { full: "━", empty: "─" }
export const asciiBar: BarStyle = { full: "#", empty: "-" }

const filledBar = (share: number, columns: number, style: BarStyle): string => {
  const full = Math.floor(share * columns)
  return style.full.repeat(full) + style.empty.repeat(columns - full)
}

/** Something that moves, where nobody knows how much there will be. */
const movingBar = (now: number, columns: number, style: BarStyle): string => {
  const block = Math.max(1, Math.floor(columns / 4))
  const path = columns - block
  const step = Math.floor(now / 100) % (2 * path || 1)
  const before = step <= path ? step : 2 * path - step
  return style.empty.repeat(before) + style.full.repeat(block) + style.empty.repeat(path - before)
}

const waitText = (state: ConnectionProgress, now: number): string | null => {
  const wait = currentWait(state, now)
  return wait === null ? null : `waiting until ${wallClock(wait.until, now)}: ${oneLine(wait.reason)}`
}

/** Bars narrower than this say nothing. */
const narrowest = 8
const widest = 30

/**
 * One connection in one line of a terminal. Where there is little room the bar gets shorter, then it goes, then the
 * time left, then the rate; the name and the number of records stay.
 * @param nameColumns columns for the name, so that the bars of several connections begin in one column
 */
export const barLine = (
  state: ConnectionProgress,
  now: number,
  columns: number,
  nameColumns: number,
  style: BarStyle
): string => {
  const share = fraction(state)
  const perSecond = ratePerSecond(state, now)
  const left = timeLeft(state, now)
  const wait = waitText(state, now)
  const name = padEnd(truncate(state.name, nameColumns), nameColumns)
  const records = counted(state.records, "record")
  const speed = wait === null && perSecond !== null && perSecond > 0 ? [rate(perSecond)] : []
  const percent = share === null ? [] : [`${Math.floor(share * 100)}%`.padStart(4)]
  const ending = left === null ? [] : [`${shortDuration(left)} left`]
  const waiting = wait === null ? [] : [wait]

  const attempts = [
    [...percent, records, ...speed, ...ending, ...waiting],
    [...percent, records, ...speed, ...waiting],
    [records, ...waiting],
    [records]
  ]
  for (const parts of attempts) {
    const text = parts.join("  ")
    const room = columns - nameColumns - textWidth(text) - 3
    if (room >= narrowest) {
      const size = Math.min(widest, room)
      const bar = share === null ? movingBar(now, size, style) : filledBar(share, size, style)
      return `${name} ${bar} ${text}`
    }
  }
  const short = attempts.map((parts) => `${name} ${parts.join("  ")}`)
  return (
    short.find((line) => textWidth(line) <= columns) ??
    truncate(`${state.name} ${grouped(state.records)}`, columns)
  )
}

/** All connections at work, one line each. */
export const barLines = (
  states: ReadonlyArray<ConnectionProgress>,
  now: number,
  columns: number,
  style: BarStyle
): ReadonlyArray<string> => {
  const longest = Math.max(0, ...states.map(({ name }) => textWidth(name)))
  const nameColumns = Math.min(longest, Math.max(8, Math.floor(columns / 4)))
  return states.map((state) => barLine(state, now, columns, nameColumns, style))
}

/** The same as a line of text, for logs and pipes. */
export const plainLine = (state: ConnectionProgress, now: number): string => {
  const perSecond = ratePerSecond(state, now)
  const left = timeLeft(state, now)
  const share = fraction(state)
  const parts = [
    `${counted(state.records, "record")} (${counted(state.conversations, "conversation")})`,
    ...(share === null ? [] : [`${Math.floor(share * 100)}%`]),
    ...(perSecond === null || perSecond === 0 ? [] : [rate(perSecond)]),
    counted(state.requests, "request"),
    ...(left === null ? [] : [`${shortDuration(left)} left`])
  ]
  const wait = waitText(state, now)
  return `${state.name}: ${parts.join(", ")}${wait === null ? "" : `, ${wait}`}`
}

/** What is said once when a connection's lane has ended. */
export const finishedLine = (
  state: ConnectionProgress,
  outcome: "complete" | "partial" | "failed",
  message: string | null,
  now: number
): string => {
  const { conversations, messages, quarantined } = state
  const totals = [
    counted(conversations, "conversation"),
    counted(messages, "message"),
    ...(quarantined === 0 ? [] : [`${grouped(quarantined)} quarantined`])
  ].join(", ")
  const what = state.lane === "push" ? "changes" : `${totals},`
  const work = `${what} ${counted(state.requests, "request")} in ${shortDuration(now - state.startedAt)}`
  const head = `${state.name}: ${state.lane} ${outcome}`
  return message === null ? `${head}: ${work}` : `${head}: ${oneLine(message)} (${work})`
}
