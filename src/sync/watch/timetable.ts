import { Cron } from "croner"
import { Either } from "effect"
import { messageOf } from "../../domain/messageOf.ts"

/*
 * When runs are due. All of it is pure: instants are epoch milliseconds, and chance comes in as a number from 0 to 1.
 */

/** `Every`: at `from` and each `millis` after it. `Cron`: as the expression says in its time zone. */
export type Timetable =
  | { readonly _tag: "Every"; readonly millis: number; readonly from: number }
  | { readonly _tag: "Cron"; readonly cron: Cron }

/**
 * The first due time after this instant; infinite where there is none. When clocks are put back, an expression for every
 * hour is due in both hours and one that names its hours once; when they are put forward, right after the hour that is
 * left out: as cron does.
 */
export const nextDue = (timetable: Timetable, after: number): number => {
  if (timetable._tag === "Cron") {
    return timetable.cron.nextRun(new Date(after))?.getTime() ?? Number.POSITIVE_INFINITY
  }
  const { from, millis } = timetable
  return after < from ? from : from + (Math.floor((after - from) / millis) + 1) * millis
}

/** At that instant or the first after it at which a run is wanted: an interval is a wish, a cron expression names times. */
export const earliestAfter = (timetable: Timetable, at: number): number =>
  timetable._tag === "Every" ? at : nextDue(timetable, at - 1)

/** Milliseconds from a due time to the one after it. */
export const gapAfter = (timetable: Timetable, due: number): number => nextDue(timetable, due) - due

const faultIn = (cause: unknown): string => {
  const words = messageOf(cause).replace(/^CronPattern: /, "")
  return words.charAt(0).toLowerCase() + words.slice(1)
}

/** What is wrong with a cron expression, in words; or the timetable. `zone` is one that exists. */
export const readCron = (expression: string, zone: string): Either.Either<Timetable, string> => {
  const fields = expression.trim().split(/\s+/).length
  if (!expression.trim().startsWith("@") && (fields < 5 || fields > 6)) {
    return Either.left(`it has ${fields} ${fields === 1 ? "field" : "fields"}, and not five or six`)
  }
  return Either.try({
    try: () => new Cron(expression, { timezone: zone, mode: "5-or-6-parts" }),
    catch: faultIn
  }).pipe(
    Either.map((cron): Timetable => ({ _tag: "Cron", cron })),
    Either.filterOrLeft(
      (timetable) => Number.isFinite(nextDue(timetable, 0)),
      () => "there is no such day"
    )
  )
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
