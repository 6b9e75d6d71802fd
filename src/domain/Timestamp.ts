import type { Brand } from "effect"

/** A UTC instant as ISO 8601 text with milliseconds, `2026-03-07T10:00:00.000Z`: as text it sorts as time. */
export type Timestamp = string & Brand.Brand<"Timestamp">

/** Later than any real conversation, and still four-digit years on both ends, so that text order stays time order. */
const earliest = Date.UTC(1970, 0, 1)
const latest = Date.UTC(9999, 11, 31)

/** @param millis epoch milliseconds, UTC. Null where no such instant can be written. */
export const fromMillis = (millis: number): Timestamp | null =>
  Number.isFinite(millis) && millis >= earliest && millis <= latest
    ? (new Date(millis).toISOString() as Timestamp)
    : null

/** The same for an instant of our own clock, which is never out of range. */
export const now = (millis: number): Timestamp => new Date(millis).toISOString() as Timestamp

const digit = (text: string, at: number): number => text.charCodeAt(at) - 0x30

const twoDigits = (text: string, at: number): number => digit(text, at) * 10 + digit(text, at + 1)

/** The day that was read last: most times are of the same one as the time before. */
let day = ""
let dayMillis = 0

/** Epoch milliseconds, UTC. A fifth of what `Date.parse` takes, for a text of this form. */
export const toMillis = (timestamp: string): number => {
  if (timestamp.length !== 24) return Date.parse(timestamp)
  if (!timestamp.startsWith(day) || day === "") {
    day = timestamp.slice(0, 10)
    dayMillis = Date.parse(day)
  }
  const seconds = twoDigits(timestamp, 11) * 3600 + twoDigits(timestamp, 14) * 60 + twoDigits(timestamp, 17)
  return dayMillis + seconds * 1000 + digit(timestamp, 20) * 100 + twoDigits(timestamp, 21)
}

/** From this magnitude on a number is milliseconds: as seconds it would be the year 5138, as milliseconds it is 1973. */
const smallestMillis = 1e11

/** Seconds and milliseconds are distinguished by magnitude, because vendors mix them within one record. */
export const fromEpoch = (value: number): Timestamp | null =>
  fromMillis(Math.abs(value) >= smallestMillis ? value : value * 1000)

const iso =
  /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2})?)(?:[.,](\d{1,9}))?\s*(Z|z|[+-]\d{2}(?::?\d{2})?)?)?$/

/** Nothing of this form can be wrong: the days that only some months have are left out. */
const certain =
  /^(?:19[7-9]\d|2\d{3})-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{3})?Z$/

/** The form that most vendors send, and ours: tried first, because it needs no taking apart. Null: not that form. */
const fromCanonical = (text: string): Timestamp | null => {
  const canonical = text.length === 20 ? `${text.slice(0, 19)}.000Z` : text
  if (canonical.length !== 24 || !canonical.endsWith("Z")) return null
  if (certain.test(text)) return canonical as Timestamp
  const millis = Date.parse(canonical)
  if (Number.isNaN(millis) || millis < earliest) return null
  // Equal only where nothing was rolled over: no 30 February, no 24:00.
  return new Date(millis).toISOString() === canonical ? (canonical as Timestamp) : null
}

/**
 * ISO 8601 with any offset and any fraction (cut to milliseconds); a day's end, `24:00`, is the next day's beginning.
 * A text without a zone is read as UTC. Null: unreadable.
 */
export const fromIso = (text: string): Timestamp | null => fromCanonical(text) ?? fromAnyIso(text)

const fromAnyIso = (text: string): Timestamp | null => {
  const parts = iso.exec(text.trim())
  if (parts === null) return null
  const [, date, time = "00:00", fraction = "", zone = "Z"] = parts
  const offset = /^[+-]\d{2}$/.test(zone)
    ? `${zone}:00`
    : zone.replace(/^([+-]\d{2})(\d{2})$/, "$1:$2").toUpperCase()
  const seconds = time.length === 5 ? `${time}:00` : time
  const millis = Date.parse(`${date}T${seconds}.${fraction.slice(0, 3).padEnd(3, "0")}${offset}`)
  // Date.parse rolls 30 February over into March; the written day must survive.
  const sameDay = new Date(`${date}T00:00:00.000Z`)
  return Number.isNaN(sameDay.getTime()) || !sameDay.toISOString().startsWith(date ?? "")
    ? null
    : fromMillis(millis)
}
