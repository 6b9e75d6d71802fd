/** `12345` → `12,345` */
export const grouped = (value: number): string => String(value).replace(/\B(?=(\d{3})+$)/g, ",")

/** `1 record`, `12,345 records` */
export const counted = (value: number, one: string, many = `${one}s`): string =>
  `${grouped(value)} ${value === 1 ? one : many}`

/** `once`, `12,345 times` */
export const often = (value: number): string => (value === 1 ? "once" : `${grouped(value)} times`)

/** Milliseconds as people say them: `850ms`, `12s`, `2m 05s`, `3h 20m`, `2d 4h`. */
export const shortDuration = (millis: number): string => {
  if (millis < 1000) return `${Math.max(0, Math.round(millis))}ms`
  const seconds = Math.round(millis / 1000)
  if (seconds < 60) return `${seconds}s`
  const minutes = Math.floor(seconds / 60)
  const two = (value: number): string => String(value).padStart(2, "0")
  if (minutes < 60) return `${minutes}m ${two(seconds % 60)}s`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours}h ${two(minutes % 60)}m` : `${Math.floor(hours / 24)}d ${hours % 24}h`
}

/** The same of what was waited in all; `-`: nothing was. */
export const waitedText = (millis: number): string => (millis === 0 ? "-" : shortDuration(millis))

/** A rate in records a second: `0.4/s`, `56/s`. */
export const rate = (perSecond: number): string =>
  `${perSecond < 10 ? perSecond.toFixed(1) : grouped(Math.round(perSecond))}/s`

/** Epoch milliseconds as the wall clock shows them here: `12:03:10`, with the date where it is another day. */
export const wallClock = (millis: number, now: number): string => {
  const date = new Date(millis)
  const two = (value: number): string => String(value).padStart(2, "0")
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":")
  const sameDay = date.toDateString() === new Date(now).toDateString()
  return sameDay ? time : `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${time}`
}
