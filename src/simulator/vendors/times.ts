const twoDigits = Array.from({ length: 60 }, (_, value) => String(value).padStart(2, "0"))
const threeDigits = Array.from({ length: 1000 }, (_, value) => String(value).padStart(3, "0"))

const dayMillis = 86_400_000
const dates = new Map<number, string>()

const dateOf = (day: number): string => {
  const known = dates.get(day)
  if (known !== undefined) return known
  const date = new Date(day * dayMillis).toISOString().slice(0, 11)
  dates.set(day, date)
  return date
}

/**
 * `2026-03-07T10:00:00`, UTC, of whole epoch milliseconds. A list of a million messages asks for a million times,
 * and `Date` is slow at it.
 */
export const isoSeconds = (millis: number): string => {
  const day = Math.floor(millis / dayMillis)
  const second = Math.floor((millis - day * dayMillis) / 1000)
  const minute = Math.floor(second / 60)
  return `${dateOf(day)}${twoDigits[Math.floor(minute / 60)]}:${twoDigits[minute % 60]}:${twoDigits[second % 60]}`
}

/** `2026-03-07T10:00:00.000Z` of whole epoch milliseconds. */
export const isoMillis = (millis: number): string =>
  `${isoSeconds(millis)}.${threeDigits[((millis % 1000) + 1000) % 1000]}Z`
