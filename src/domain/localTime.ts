/*
 * The clock of one place, as data that SQL can join with: SQLite knows no time zones. All times are epoch seconds.
 */

/** From this second on (until the next entry's), the zone's clock is so many seconds ahead of UTC. */
export interface ZoneOffset {
  readonly from: number
  readonly seconds: number
}

/** How the business counts its time. */
export interface BusinessTime {
  /** IANA. */
  readonly timeZone: string
  /** As `parseOpenHours` reads them; null: none are configured. */
  readonly businessHours: string | null
}

const day = 86_400
const week = 7 * day

/** Before and after these years the first and the last offset hold. */
const firstSecond = Date.UTC(1990, 0, 1) / 1000
const lastSecond = Date.UTC(2060, 0, 1) / 1000

/** No zone changed its clock twice within a week since then. */
const step = week

/** @param timeZone IANA; throws `RangeError` for one that is not known */
const clockOf = (timeZone: string): ((second: number) => number) => {
  const format = new Intl.DateTimeFormat("en", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric"
  })
  return (second) => {
    const parts = Object.fromEntries(
      format.formatToParts(second * 1000).map(({ type, value }) => [type, Number(value)])
    ) as Record<"year" | "month" | "day" | "hour" | "minute" | "second", number>
    const wall = Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour, parts.minute, parts.second)
    return wall / 1000 - second
  }
}

/** Every change of a zone's clock from 1990 to 2060, the first entry holding for all time before. */
export const zoneOffsets = (timeZone: string): ReadonlyArray<ZoneOffset> => {
  const offsetAt = clockOf(timeZone)
  const found: Array<ZoneOffset> = [{ from: Number.MIN_SAFE_INTEGER, seconds: offsetAt(firstSecond) }]
  if (timeZone === "UTC") return found
  let before = found[0]?.seconds ?? 0
  for (let end = firstSecond + step; end <= lastSecond; end += step) {
    const after = offsetAt(end)
    if (after === before) continue
    let [low, high] = [end - step, end]
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2)
      if (offsetAt(middle) === before) low = middle
      else high = middle
    }
    found.push({ from: high, seconds: after })
    before = after
  }
  return found
}

/** When a week is open: seconds from Monday 00:00 on the local clock, each stretch before the next. */
type OpenHours = ReadonlyArray<readonly [from: number, until: number]>

const weekdays = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
const part = /^([a-z]{3})(?:\s*-\s*([a-z]{3}))?\s+(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})$/

/**
 * `Mon-Fri 09:00-17:00`, or several such parts with commas between them. `22:00-02:00` ends on the next day. Null: it
 * cannot be read.
 */
export const parseOpenHours = (text: string): OpenHours | null => {
  const stretches: Array<readonly [number, number]> = []
  for (const piece of text.toLowerCase().split(",")) {
    const [, first = "", last = first, ...clock] = part.exec(piece.trim()) ?? []
    const [fromHour = 99, fromMinute = 99, untilHour = 99, untilMinute = 99] = clock.map(Number)
    const [start, end] = [weekdays.indexOf(first), weekdays.indexOf(last)]
    const from = fromHour * 3_600 + fromMinute * 60
    const until = untilHour * 3_600 + untilMinute * 60
    if (start < 0 || end < 0 || fromMinute > 59 || untilMinute > 59 || from >= day || until > day) return null
    if (from === until) return null
    const days = ((end - start + 7) % 7) + 1
    for (let index = 0; index < days; index += 1) {
      const begin = ((start + index) % 7) * day + from
      const length = (until - from + day) % day || day
      stretches.push([begin, Math.min(begin + length, week)])
      if (begin + length > week) stretches.push([0, begin + length - week])
    }
  }
  const joined: Array<[number, number]> = []
  for (const [from, until] of stretches.sort(([a], [b]) => a - b)) {
    const previous = joined.at(-1)
    if (previous !== undefined && from <= previous[1]) previous[1] = Math.max(previous[1], until)
    else joined.push([from, until])
  }
  return joined
}

/** A Monday, 00:00, as if the local clock were UTC. */
const someMonday = Date.UTC(1970, 0, 5) / 1000

/** Open seconds from that Monday until the local clock shows `wall`. */
const openUntil = (wall: number, hours: OpenHours): number => {
  const weeks = Math.floor((wall - someMonday) / week)
  const rest = wall - someMonday - weeks * week
  let sum = 0
  for (const [from, until] of hours) {
    sum += weeks * (until - from) + Math.min(Math.max(rest - from, 0), until - from)
  }
  return sum
}

/**
 * Seconds between two instants (epoch seconds) in which the place was open. Right over every change of the clock: each
 * stretch between two changes is counted by the offset that held in it.
 */
export const openSeconds = (
  from: number,
  until: number,
  offsets: ReadonlyArray<ZoneOffset>,
  hours: OpenHours
): number => {
  let sum = 0
  offsets.forEach(({ from: start, seconds }, index) => {
    const begin = Math.max(from, start)
    const end = Math.min(until, offsets[index + 1]?.from ?? until)
    if (begin < end) sum += openUntil(end + seconds, hours) - openUntil(begin + seconds, hours)
  })
  return sum
}
