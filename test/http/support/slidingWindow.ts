import { fakeVendor, ok } from "./vendor.ts"

/** The most of `times` (ascending) that lie in any window of `perMillis`, its end excluded. */
export const most = (times: ReadonlyArray<number>, perMillis: number): number => {
  let from = 0
  let fullest = 0
  for (let to = 0; to < times.length; to += 1) {
    while ((times[to] ?? 0) - (times[from] ?? 0) >= perMillis) from += 1
    fullest = Math.max(fullest, to - from + 1)
  }
  return fullest
}

/** A vendor that allows `requests` in any `perMillis`, and counts a request somewhere on its way. */
export const slidingWindow = (
  requests: number,
  perMillis: number,
  delay: number,
  headers: (remaining: number) => Readonly<Record<string, string>> = () => ({})
) => {
  const served: Array<number> = []
  const refusals: Array<number> = []
  const vendor = fakeVendor(({ at }) => {
    const recent = served.filter((time) => time > at - perMillis)
    if (recent.length >= requests) {
      refusals.push(at)
      const seconds = Math.ceil(((recent[recent.length - requests] ?? at) + perMillis - at) / 1000)
      return { status: 429, headers: { "retry-after": String(seconds) } }
    }
    served.push(at)
    return { ...(ok as object), status: 200, headers: headers(requests - recent.length - 1) }
  }, delay)
  return { vendor, served, refusals }
}
