import { present } from "../../domain/present.ts"
import { counted, grouped, rate, shortDuration, wallClock } from "./numbers.ts"
import { type ConnectionProgress, currentWait, fraction, ratePerSecond, timeLeft } from "./progressState.ts"
import { oneLine } from "./safeText.ts"
import { padEnd, textWidth, truncate } from "./width.ts"

/** What a bar is made of. */
interface BarStyle {
  readonly full: string
  readonly empty: string
}

export const unicodeBar: BarStyle = { full: "━", empty: "─" }
export const asciiBar: BarStyle = { full: "#", empty: "-" }

const filledBar = (share: number, columns: number, style: BarStyle): string => {
  const full = Math.floor(share * columns)
  return style.full.repeat(full) + style.empty.repeat(columns - full)
}

/** A moving indicator for an unknown total. */
const movingBar = (now: number, columns: number, style: BarStyle): string => {
  const block = Math.max(1, Math.floor(columns / 4))
  const path = columns - block
  const step = Math.floor(now / 100) % (2 * path || 1)
  const before = step <= path ? step : 2 * path - step
  return style.empty.repeat(before) + style.full.repeat(block) + style.empty.repeat(path - before)
}

/** The wait that is going on, with its reason and without; null: there is none. */
const waitTexts = (state: ConnectionProgress, now: number) => {
  const wait = currentWait(state, now)
  if (wait === null) return null
  const until = `waiting until ${wallClock(wait.until, now)}`
  return { until, full: `${until}: ${oneLine(wait.reason)}` }
}

/** Bars narrower than this say nothing. */
const narrowest = 8
const widest = 30

interface Candidate {
  readonly hasBar: boolean
  readonly parts: ReadonlyArray<string>
}

/** What can be said of a connection, the most first: what comes later needs less room. */
const candidates = (state: ConnectionProgress, now: number): ReadonlyArray<Candidate> => {
  const share = fraction(state)
  const perSecond = ratePerSecond(state, now)
  const left = timeLeft(state, now)
  const wait = waitTexts(state, now)
  const records = counted(state.records, "record")
  const percent = share === null ? [] : [`${Math.floor(share * 100)}%`.padStart(4)]
  const ending = left === null ? [] : [`${shortDuration(left)} left`]
  const bar = (...parts: ReadonlyArray<string>) => ({ hasBar: true, parts })
  const text = (...parts: ReadonlyArray<string>) => ({ hasBar: false, parts })
  if (wait !== null) {
    return [
      bar(...percent, records, ...ending, wait.full),
      bar(...percent, records, wait.full),
      text(records, wait.full),
      bar(...percent, records, wait.until),
      text(records, wait.until),
      text(grouped(state.records), wait.until),
      text(records)
    ]
  }
  // Before the first records come, requests show that something happens.
  const speed =
    perSecond !== null && perSecond > 0
      ? [rate(perSecond)]
      : state.records === 0 && state.requests > 0
        ? [counted(state.requests, "request")]
        : []
  return [
    bar(...percent, records, ...speed, ...ending),
    bar(...percent, records, ...speed),
    bar(...percent, records),
    bar(records),
    text(records)
  ]
}

/**
 * One connection in one line of a terminal. Where there is little room the bar gets shorter, then the time left goes,
 * then the rate, the share and the bar; the name and the number of records stay, and until when it waits for longest.
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
  const name = padEnd(truncate(state.name, nameColumns), nameColumns)
  for (const { hasBar, parts } of candidates(state, now)) {
    const text = parts.join("  ")
    const room = columns - nameColumns - textWidth(text) - 2
    if (hasBar && room > narrowest) {
      const size = Math.min(widest, room - 1)
      const bar = share === null ? movingBar(now, size, style) : filledBar(share, size, style)
      return `${name} ${bar} ${text}`
    }
    if (!hasBar && room >= -1) return `${name} ${text}`
  }
  return truncate(`${state.name} ${grouped(state.records)}`, columns)
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
  const parts = present(
    `${counted(state.records, "record")} (${counted(state.conversations, "conversation")})`,
    share !== null && `${Math.floor(share * 100)}%`,
    perSecond !== null && perSecond !== 0 && rate(perSecond),
    counted(state.requests, "request"),
    left !== null && `${shortDuration(left)} left`
  )
  const wait = waitTexts(state, now)
  return `${state.name}: ${parts.join(", ")}${wait === null ? "" : `, ${wait.full}`}`
}

/**
 * What is said once when a connection's lane has ended.
 * @param command of the run: several commands use the lane of `verify`
 */
export const finishedLine = (
  state: ConnectionProgress,
  outcome: "complete" | "partial" | "failed" | "held",
  message: string | null,
  now: number,
  command: string
): string => {
  const { conversations, messages, quarantined } = state
  const totals = present(
    counted(conversations, "conversation"),
    counted(messages, "message"),
    quarantined > 0 && `${grouped(quarantined)} quarantined`
  ).join(", ")
  // The outcome of the changes is reported for all of them together, at the end of the run.
  const what = state.lane === "push" ? "" : `${totals}, `
  const work = `${what}${counted(state.requests, "request")} in ${shortDuration(now - state.startedAt)}`
  const head = `${state.name}: ${state.lane === "verify" ? command : state.lane} ${outcome}`
  return message === null ? `${head}: ${work}` : `${head}: ${oneLine(message)} (${work})`
}
