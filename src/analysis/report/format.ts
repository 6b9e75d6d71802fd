const whole = new Intl.NumberFormat("en")
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 })
const dayFormat = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
  year: "numeric",
  timeZone: "UTC"
})
/** `12,345` */
export const number = (value: number): string => whole.format(value)

/** `12.3K` from ten thousand on. */
export const shortNumber = (value: number): string =>
  value < 10_000 ? whole.format(value) : compact.format(value)

/** A share of 1: `12%`, with one decimal below ten. */
export const percent = (share: number): string => {
  const value = share * 100
  return `${value > 0 && value < 9.95 ? value.toFixed(1).replace(/\.0$/, "") : Math.round(value)}%`
}

/** `4.2 s`, `3 min`, `2.5 h`, `3 d` */
export const duration = (seconds: number): string => {
  const shown = (value: number, unit: string) =>
    `${value < 9.95 ? value.toFixed(1).replace(/\.0$/, "") : Math.round(value)} ${unit}`
  if (seconds < 59.5) return shown(seconds, "s")
  if (seconds < 59.5 * 60) return shown(seconds / 60, "min")
  if (seconds < 47.5 * 3_600) return shown(seconds / 3_600, "h")
  return shown(seconds / 86_400, "d")
}

/** @param text a day, `2026-03-07` */
export const day = (text: string): string => dayFormat.format(new Date(`${text}T00:00:00Z`))

const momentFormats = new Map<string, Intl.DateTimeFormat>()

/** On the clock of a zone, with its name: `7 Mar 2026, 11:00 CET`. @param time UTC, ISO 8601 */
export const moment = (time: string, timeZone: string): string => {
  const known = momentFormats.get(timeZone)
  const format =
    known ??
    new Intl.DateTimeFormat("en-GB", {
      day: "numeric",
      month: "short",
      year: "numeric",
      hour: "2-digit",
      minute: "2-digit",
      timeZone,
      timeZoneName: "short"
    })
  if (known === undefined) momentFormats.set(timeZone, format)
  return format.format(new Date(time))
}

/** How long before `now` (both UTC, ISO 8601). */
export const ago = (time: string, now: string): string =>
  `${duration(Math.max(0, Date.parse(now) - Date.parse(time)) / 1000)} ago`
