import { Cron, DateTime, Either, Option } from "effect"

/*
 * When runs are due. All of it is pure: instants are epoch milliseconds, and chance comes in as a number from 0 to 1.
 */

/** `Every`: at `from` and each `millis` after it. `Cron`: as the expression says in its time zone. */
export type Timetable =
  | { readonly _tag: "Every"; readonly millis: number; readonly from: number }
  | { readonly _tag: "Cron"; readonly cron: Cron.Cron }

/** The zone's distance from UTC at an instant, in milliseconds. */
const offsetAt = (zone: DateTime.TimeZone, millis: number): number =>
  DateTime.zonedOffset(DateTime.unsafeMakeZoned(millis, { timeZone: zone }))

/** The first instant of another offset, where the offset at `to` is not that at `from`. */
const transition = (zone: DateTime.TimeZone, from: number, to: number): number => {
  const offset = offsetAt(zone, from)
  let before = from
  let after = to
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2)
    if (offsetAt(zone, middle) === offset) before = middle
    else after = middle
  }
  return after
}

/** The next match where every day has 24 hours: that of a zone's offset alone. */
const nextAtOffset = (cron: Cron.Cron, offset: number, after: number): number =>
  Cron.next(Cron.make({ ...cron, tz: DateTime.zoneMakeOffset(offset) }), after).getTime()

/**
 * The next match, on either side of a change of the clocks. `Cron.next` alone goes back in time, or leaves an hour out,
 * where local time happens twice. A match in the hour that a change leaves out comes as if there had been no change.
 */
const nextInZone = (cron: Cron.Cron, zone: DateTime.TimeZone, after: number): number => {
  const offset = offsetAt(zone, after)
  const found = nextAtOffset(cron, offset, after)
  if (offsetAt(zone, found) === offset) return found
  const changed = transition(zone, after, found)
  return Math.min(found, nextAtOffset(cron, offsetAt(zone, changed), changed - 1000))
}

/** Whether the local time of this instant has been before, because the clocks were put back. */
const isRepeated = (zone: DateTime.TimeZone, millis: number): boolean => {
  const back = offsetAt(zone, millis - 3 * 3_600_000) - offsetAt(zone, millis)
  return back > 0 && offsetAt(zone, millis - back) - offsetAt(zone, millis) === back
}

/** Expressions for every hour are due in each hour that passes; those that name their hours, once a day: as cron does. */
const nextMatch = (cron: Cron.Cron, after: number): number => {
  const zone = Option.getOrElse(cron.tz, () => DateTime.zoneUnsafeMakeNamed("UTC"))
  let found = nextInZone(cron, zone, after)
  while (cron.hours.size > 0 && isRepeated(zone, found)) found = nextInZone(cron, zone, found)
  return found
}

/** The first due time after this instant. */
export const nextDue = (timetable: Timetable, after: number): number => {
  if (timetable._tag === "Cron") {
    return nextMatch(timetable.cron, after)
  }
  const { from, millis } = timetable
  return after < from ? from : from + (Math.floor((after - from) / millis) + 1) * millis
}

/** Milliseconds from a due time to the one after it. */
export const gapAfter = (timetable: Timetable, due: number): number => nextDue(timetable, due) - due

/** What is wrong with a cron expression, in words; or the timetable. `zone` is one that exists. */
export const readCron = (expression: string, zone: string): Either.Either<Timetable, string> => {
  const parsed = Cron.parse(expression, zone)
  if (Either.isLeft(parsed)) {
    const { input, message } = parsed.left
    const words = message.charAt(0).toLowerCase() + message.slice(1)
    return Either.left(input === undefined || input === expression ? words : `${words}: "${input}"`)
  }
  const timetable: Timetable = { _tag: "Cron", cron: parsed.right }
  return Either.try({
    try: () => {
      nextDue(timetable, 0)
      return timetable
    },
    catch: () => "there is no such day"
  })
}

/** The default: a tenth of the time between two runs, at most half a minute. Milliseconds. */
export const usualJitter = (gap: number): number => Math.min(gap / 10, 30_000)

/** How much later than due a run starts, so that many machines do not ask a provider in the same second. */
export const jitterOf = (gap: number, asked: number | null, chance: number): number =>
  Math.floor(chance * Math.min(asked ?? usualJitter(gap), gap - 1))

const longestBackoff = 3_600_000

/**
 * Milliseconds until a connection that has failed so often in a row is tried again: a minute, or the time between two
 * runs where that is less; then twice as long each time, up to an hour.
 */
export const backoff = (failures: number, gap: number): number =>
  Math.min(longestBackoff, Math.min(60_000, gap) * 2 ** Math.min(failures - 1, 30))

/**
 * When a connection that has failed is tried again: never before the provider said, and up to a tenth later than that,
 * at random.
 * @param retryAt when the provider asked to come back; null: it did not say
 */
export const retryTime = (
  failures: number,
  gap: number,
  { chance, now, retryAt }: { readonly chance: number; readonly now: number; readonly retryAt: number | null }
): number => {
  const delay = backoff(failures, gap)
  return Math.ceil(Math.max(now + delay, retryAt ?? 0) + chance * (delay / 10))
}
