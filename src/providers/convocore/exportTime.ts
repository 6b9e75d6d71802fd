import { isExactNumber, writtenNumber } from "../../domain/exactJson.ts"
import { fromEpoch, fromIso, fromMillis, type Timestamp } from "../../domain/Timestamp.ts"

/*
 * Exports write times as people read them, without a zone: `December 1st 2024, 10:30:00 am`. Which zone is meant is not
 * documented; the connection's `exportTimeZone` says it.
 */

const months = "jan feb mar apr may jun jul aug sep oct nov dec".split(" ")

const written =
  /^([a-z]{3,9})\.? (\d{1,2})(?:st|nd|rd|th)?,? (\d{4}),? (\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?(?: ?([ap])\.?m\.?)?$/i

const dayMillis = 86_400_000

/** A wall clock's reading as if it were UTC, in milliseconds; null: no such reading. */
export const readWallClock = (text: string): number | null => {
  const parts = written.exec(text.trim().replace(/\s+/g, " "))
  if (parts === null) return null
  const [, name = "", day, year, hourText, minute, second = "0", half] = parts
  const month = months.indexOf(name.slice(0, 3).toLowerCase())
  const hour = Number(hourText)
  const isHour = half === undefined ? hour < 24 : hour >= 1 && hour <= 12
  if (month < 0 || !isHour || Number(minute) > 59 || Number(second) > 59) return null
  const hours = half === undefined ? hour : (hour % 12) + (half.toLowerCase() === "p" ? 12 : 0)
  const millis = Date.UTC(Number(year), month, Number(day), hours, Number(minute), Number(second))
  return new Date(millis).getUTCDate() === Number(day) ? millis : null
}

const formats = new Map<string, Intl.DateTimeFormat>()

const formatOf = (zone: string): Intl.DateTimeFormat => {
  const known = formats.get(zone)
  if (known !== undefined) return known
  const numeric = "numeric" as const
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    hourCycle: "h23",
    year: numeric,
    month: numeric,
    day: numeric,
    hour: numeric,
    minute: numeric,
    second: numeric
  })
  formats.set(zone, format)
  return format
}

/** Whether it is a zone's name that this machine knows: `Europe/Berlin`, `UTC`. */
export const isTimeZone = (zone: string): boolean => {
  try {
    formatOf(zone)
    return true
  } catch {
    return false
  }
}

/** No zone changes its clock within a quarter of an hour that begins on the quarter. */
const quarterHour = 900_000
const mostOffsets = 20_000
const offsets = new Map<string, number>()

/** Milliseconds that the zone's clock is ahead of UTC at an instant. */
const offsetAt = (instant: number, zone: string): number => {
  const quarter = Math.floor(instant / quarterHour)
  const key = `${zone} ${quarter}`
  const known = offsets.get(key)
  if (known !== undefined) return known
  const at = quarter * quarterHour
  const parts = new Map(
    formatOf(zone)
      .formatToParts(at)
      .map(({ type, value }) => [type, Number(value)])
  )
  const part = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? 0
  const wall = Date.UTC(
    part("year"),
    part("month") - 1,
    part("day"),
    part("hour"),
    part("minute"),
    part("second")
  )
  if (offsets.size >= mostOffsets) offsets.clear()
  offsets.set(key, wall - at)
  return wall - at
}

/**
 * The instant at which a zone's clock shows `wall`. Where a clock is put back, the hour that comes twice is its first
 * run, unless that lies before `notBefore`; a reading that is skipped when a clock is put forward is taken as if it had
 * not been put forward yet.
 * @param wall the reading, in milliseconds as if it were UTC
 * @param notBefore an instant that it surely does not lie before, such as the message before it; epoch milliseconds
 */
export const instantOf = (wall: number, zone: string, notBefore: number | null = null): number => {
  if (zone === "UTC") return wall
  const before = wall - offsetAt(wall - dayMillis, zone)
  const after = wall - offsetAt(wall + dayMillis, zone)
  const shows = (instant: number) => instant + offsetAt(instant, zone) === wall
  const instants = [...new Set([before, after])].filter(shows).sort((a, b) => a - b)
  const [first = before, second] = instants
  return second !== undefined && notBefore !== null && first < notBefore ? second : first
}

/**
 * A time of an export: text as above, ISO 8601, or Unix seconds or milliseconds distinguished by magnitude.
 * @returns null where it is none of these
 */
export const readExportTime = (
  value: unknown,
  zone: string,
  notBefore: number | null = null
): Timestamp | null => {
  if (typeof value === "number") return fromEpoch(value)
  if (isExactNumber(value)) return fromEpoch(Number(writtenNumber(value)))
  if (typeof value !== "string") return null
  if (/^\d{9,14}(\.\d+)?$/.test(value)) return fromEpoch(Number(value))
  const wall = readWallClock(value)
  return wall === null ? fromIso(value) : fromMillis(instantOf(wall, zone, notBefore))
}

/** The same moment as the vendor's epoch gives it, and as a clock's reading in an export does; milliseconds. */
export interface ZoneSample {
  readonly epoch: number
  readonly wall: number
}

/** An epoch and a reading may lie so far apart and be of the same message, milliseconds. */
const slack = 120_000
const furthestOffset = 14 * 3_600_000

/** Whether they can be the same moment: zones lie whole quarters of an hour apart, and at most 14 hours from UTC. */
const isSameMoment = ({ epoch, wall }: ZoneSample): boolean => {
  const offset = wall - epoch
  const off = Math.abs(offset - Math.round(offset / quarterHour) * quarterHour)
  return Math.abs(offset) <= furthestOffset + slack && off <= slack
}

/**
 * What a conversation shows of the zone of its export.
 * @param epochs when its first and its last message were sent, by the vendor's own epochs; milliseconds
 * @param walls the readings of its messages, as if they were UTC
 */
export const zoneSamples = (
  epochs: { readonly first: number | null; readonly last: number | null },
  walls: ReadonlyArray<number>
): ReadonlyArray<ZoneSample> => {
  if (walls.length === 0) return []
  const pairs = [
    { epoch: epochs.first, wall: walls.reduce((least, wall) => Math.min(least, wall)) },
    { epoch: epochs.last, wall: walls.reduce((most, wall) => Math.max(most, wall)) }
  ]
  return pairs.flatMap(({ epoch, wall }) =>
    epoch !== null && isSameMoment({ epoch, wall }) ? [{ epoch, wall }] : []
  )
}

/** Tried first, since many zones share their clocks. */
const commonZones =
  "UTC Europe/Berlin Europe/London Europe/Athens America/New_York America/Chicago America/Denver America/Los_Angeles America/Sao_Paulo Asia/Dubai Asia/Kolkata Asia/Singapore Asia/Tokyo Australia/Sydney".split(
    " "
  )

/** So large a share of samples must fit: a message may have come while the conversation was read. */
const fittingShare = 0.9

const fits = (samples: ReadonlyArray<ZoneSample>, zone: string): boolean => {
  const fitting = samples.filter(
    ({ epoch, wall }) => Math.abs(instantOf(wall, zone, epoch - slack) - epoch) <= slack
  )
  return fitting.length >= samples.length * fittingShare
}

/** The zone in which the readings are the vendor's own epochs: the one that is set where it fits; null: none does. */
export const zoneThatFits = (samples: ReadonlyArray<ZoneSample>, set: string): string | null =>
  [set, ...commonZones, ...Intl.supportedValuesOf("timeZone")].find((zone) => fits(samples, zone)) ?? null
