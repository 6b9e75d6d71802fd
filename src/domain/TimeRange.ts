import type { Timestamp } from "./Timestamp.ts"

/** Half-open: `since` is the first moment inside, `until` the first one outside, UTC; null: without bound. */
export interface TimeRange {
  readonly since: Timestamp | null
  readonly until: Timestamp | null
}

/** All of time. */
export const always: TimeRange = { since: null, until: null }

const startsBefore = (left: TimeRange, right: TimeRange): boolean =>
  right.since !== null && (left.since === null || left.since < right.since)

const endsBefore = (left: TimeRange, right: TimeRange): boolean =>
  left.until !== null && (right.until === null || left.until < right.until)

/** Whether nothing lies between its bounds. */
export const isEmpty = ({ since, until }: TimeRange): boolean =>
  since !== null && until !== null && since >= until

export const includes = ({ since, until }: TimeRange, at: Timestamp): boolean =>
  (since === null || at >= since) && (until === null || at < until)

/** What lies in both; null: nothing does. */
export const intersect = (left: TimeRange, right: TimeRange): TimeRange | null => {
  const both = {
    since: startsBefore(left, right) ? right.since : left.since,
    until: endsBefore(left, right) ? left.until : right.until
  }
  return isEmpty(both) ? null : both
}

/** What of a range lies outside of another: nothing, one range, or the two on its sides. */
export const subtract = (range: TimeRange, taken: TimeRange): ReadonlyArray<TimeRange> => {
  const both = intersect(range, taken)
  if (both === null) return isEmpty(range) ? [] : [range]
  const before = { since: range.since, until: both.since }
  const after = { since: both.until, until: range.until }
  return [
    ...(both.since !== null && !isEmpty(before) ? [before] : []),
    ...(both.until !== null && !isEmpty(after) ? [after] : [])
  ]
}

const byStart = (left: TimeRange, right: TimeRange): number =>
  startsBefore(left, right) ? -1 : startsBefore(right, left) ? 1 : 0

/** The same moments in as few ranges as can be, the earliest first. */
export const union = (ranges: ReadonlyArray<TimeRange>): ReadonlyArray<TimeRange> => {
  const joined: Array<TimeRange> = []
  for (const range of ranges.filter((one) => !isEmpty(one)).toSorted(byStart)) {
    const last = joined.at(-1)
    const touches =
      last !== undefined && (last.until === null || range.since === null || range.since <= last.until)
    if (!touches) joined.push(range)
    else if (endsBefore(last, range)) joined[joined.length - 1] = { since: last.since, until: range.until }
  }
  return joined
}

/** What of a range none of the others holds, the earliest first. */
export const gapsIn = (range: TimeRange, taken: ReadonlyArray<TimeRange>): ReadonlyArray<TimeRange> =>
  taken.reduce<ReadonlyArray<TimeRange>>(
    (left, one) => left.flatMap((gap) => subtract(gap, one)),
    isEmpty(range) ? [] : [range]
  )
