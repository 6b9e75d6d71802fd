import type { TimeRange } from "../../domain/TimeRange.ts"
import { type Timestamp, toMillis } from "../../domain/Timestamp.ts"
import { shortDuration } from "./numbers.ts"

/** `2026-03-07 10:00:00Z`: a time of the mirror without the milliseconds. */
export const shortTime = (timestamp: string | null): string =>
  timestamp === null ? "-" : `${timestamp.slice(0, 10)} ${timestamp.slice(11, 19)}Z`

/** `5m 02s ago`; `-` where there is no such time. */
export const ago = (timestamp: string | null, now: number): string => {
  if (timestamp === null) return "-"
  const millis = now - toMillis(timestamp as Timestamp)
  return millis < 1000 ? "just now" : `${shortDuration(millis)} ago`
}

/** A date where the time is midnight. */
const bound = (timestamp: Timestamp): string =>
  timestamp.endsWith("T00:00:00.000Z") ? timestamp.slice(0, 10) : shortTime(timestamp)

/** `from 2026-01-01 until 2026-02-01`: half-open, UTC. */
export const rangeText = ({ since, until }: TimeRange): string => {
  if (since === null) return until === null ? "at any time" : `before ${bound(until)}`
  return until === null ? `from ${bound(since)} on` : `from ${bound(since)} until ${bound(until)}`
}
