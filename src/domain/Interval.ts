/** A quantity that is not known exactly. `likely` null: nothing speaks for any value; `high` null: no bound is known. */
export interface Interval {
  readonly low: number
  readonly likely: number | null
  readonly high: number | null
}

export const exactly = (value: number): Interval => ({ low: value, likely: value, high: value })

/** At least so much, and nothing more is known. */
export const atLeast = (low: number): Interval => ({ low, likely: null, high: null })

const both = (left: number | null, right: number | null, f: (l: number, r: number) => number) =>
  left === null || right === null ? null : f(left, right)

export const plus = (left: Interval, right: Interval): Interval => ({
  low: left.low + right.low,
  likely: both(left.likely, right.likely, (l, r) => l + r),
  high: both(left.high, right.high, (l, r) => l + r)
})

/** Of quantities that are not negative. Nothing of an unknown amount is nothing. */
export const times = (left: Interval, right: Interval): Interval => {
  const product = (l: number | null, r: number | null) =>
    l === 0 || r === 0 ? 0 : both(l, r, (a, b) => a * b)
  return {
    low: left.low * right.low,
    likely: product(left.likely, right.likely),
    high: product(left.high, right.high)
  }
}

/** Through a function that never falls. */
export const mapInterval = (interval: Interval, f: (value: number) => number): Interval => ({
  low: f(interval.low),
  likely: interval.likely === null ? null : f(interval.likely),
  high: interval.high === null ? null : f(interval.high)
})

/** The larger of two. */
export const larger = (left: Interval, right: Interval): Interval => ({
  low: Math.max(left.low, right.low),
  likely: both(left.likely, right.likely, Math.max),
  high: both(left.high, right.high, Math.max)
})

/** What is left after something is taken away; never negative. */
export const minus = (left: Interval, right: Interval): Interval => ({
  low: right.high === null ? 0 : Math.max(0, left.low - right.high),
  likely: both(left.likely, right.likely, (l, r) => Math.max(0, l - r)),
  high: left.high === null ? null : Math.max(0, left.high - right.low)
})

/** Larger by a share of the likely value on both sides, and by at least `least`. */
export const widen = ({ low, likely, high }: Interval, share: number, least: number): Interval => {
  const around = Math.max(least, share * (likely ?? low))
  return { low: Math.max(0, low - around), likely, high: high === null ? null : high + around }
}

export const rounded = (interval: Interval): Interval => ({
  low: Math.floor(interval.low),
  likely: interval.likely === null ? null : Math.round(interval.likely),
  high: interval.high === null ? null : Math.ceil(interval.high)
})

export const isExact = ({ high, low }: Interval): boolean => high === low
