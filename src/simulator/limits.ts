/** One limit that a request counts in: at most `requests` of the same `key` in any `perMillis` milliseconds. */
export interface Window {
  readonly name: string
  readonly key: string
  readonly requests: number
  readonly perMillis: number
}

export interface Refusal {
  readonly window: Window
  /** Until there is room again, milliseconds. */
  readonly waitMillis: number
}

/** Counts requests in sliding windows. Refused requests do not count. */
export interface Limiter {
  /** Null: there was room in every window, and the request is counted in all of them. */
  readonly take: (windows: ReadonlyArray<Window>, now: number) => Refusal | null
  /** Room left, and milliseconds until the oldest counted request leaves the window. */
  readonly room: (window: Window, now: number) => { readonly remaining: number; readonly resetMillis: number }
}

const forgetAbove = 20_000

export const makeLimiter = (): Limiter => {
  const counted = new Map<string, { perMillis: number; times: Array<number> }>()

  const timesIn = (window: Window, now: number): Array<number> => {
    const bucket = counted.get(window.key)
    if (bucket === undefined) return []
    const times = bucket.times
    let gone = 0
    while (gone < times.length && (times[gone] as number) <= now - window.perMillis) gone++
    if (gone > 0) times.splice(0, gone)
    return times
  }

  const forget = (now: number) => {
    if (counted.size <= forgetAbove) return
    for (const [key, bucket] of counted) {
      if ((bucket.times.at(-1) ?? 0) <= now - bucket.perMillis) counted.delete(key)
    }
  }

  return {
    take: (windows, now) => {
      let refusal: Refusal | null = null
      for (const window of windows) {
        const times = timesIn(window, now)
        if (times.length < window.requests) continue
        const leaves = (times[times.length - window.requests] ?? now) + window.perMillis
        if (refusal === null || leaves - now > refusal.waitMillis) {
          refusal = { window, waitMillis: Math.max(1, leaves - now) }
        }
      }
      if (refusal !== null) return refusal
      for (const window of windows) {
        const bucket = counted.get(window.key)
        if (bucket === undefined) counted.set(window.key, { perMillis: window.perMillis, times: [now] })
        else bucket.times.push(now)
      }
      forget(now)
      return null
    },
    room: (window, now) => {
      const times = timesIn(window, now)
      return {
        remaining: Math.max(0, window.requests - times.length),
        resetMillis: times.length === 0 ? window.perMillis : (times[0] as number) + window.perMillis - now
      }
    }
  }
}
