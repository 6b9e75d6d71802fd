import { type Effort, paceOf, remembered } from "./pace.ts"
import { earliestAfter, gapAfter, jitterOf, nextDue, retryTime, type Timetable } from "./timetable.ts"

/*
 * Who runs when, as plain data and pure functions. A connection is in one run at a time; one that fails leaves the
 * timetable for attempts of its own until it works again, and one whose runs take too long for the timetable runs less
 * often. Instants are epoch milliseconds.
 */

export interface Rules {
  readonly timetable: Timetable
  /** Upper bound of a run's random delay, milliseconds; null: the default. */
  readonly jitter: number | null
}

export interface Standing {
  readonly isRunning: boolean
  /** A run was due while the last one was still going on. */
  readonly missed: boolean
  /** Failures in a row. */
  readonly failures: number
  /** Its own next attempt; null: the timetable's. */
  readonly attemptAt: number | null
  /** When its last run started. */
  readonly startedAt: number
  /** Of its last runs that did their work, the newest first. */
  readonly efforts: ReadonlyArray<Effort>
  /** Milliseconds between its runs where the timetable is faster than it bears; null: it bears it. */
  readonly pace: number | null
}

export interface Schedule {
  /** The next due time of the timetable, and when its run starts: jitter later. */
  readonly due: number
  readonly startsAt: number
  readonly connections: ReadonlyMap<string, Standing>
}

/** How a run ended for one connection. */
export interface Ending {
  readonly failed: boolean
  /** When the provider asked to come back; null: it did not say. */
  readonly retryAt: number | null
  readonly requests: number
  /** Requests a millisecond that its limits let through; null: not known. */
  readonly rate: number | null
  /** Milliseconds between two of its runs that are enough; 0: each due time is wanted. */
  readonly enough: number
}

const idle: Standing = {
  isRunning: false,
  missed: false,
  failures: 0,
  attemptAt: null,
  startedAt: 0,
  efforts: [],
  pace: null
}

const at = (rules: Rules, due: number, chance: number): Pick<Schedule, "due" | "startsAt"> => ({
  due,
  startsAt: due + jitterOf(gapAfter(rules.timetable, due), rules.jitter, chance)
})

/** The schedule as it begins. The first run of `every` is due at once, without jitter. */
export const begin = (rules: Rules, names: ReadonlyArray<string>, now: number, chance: number): Schedule => ({
  ...(rules.timetable._tag === "Every"
    ? { due: now, startsAt: now }
    : at(rules, nextDue(rules.timetable, now), chance)),
  connections: new Map(names.map((name) => [name, idle]))
})

/**
 * What starts now. Due times that passed meanwhile (the machine slept) are one. A connection that still runs is noted as
 * having missed this one.
 */
export const start = (
  schedule: Schedule,
  rules: Rules,
  now: number,
  chance: number
): { readonly schedule: Schedule; readonly names: ReadonlyArray<string> } => {
  const isDue = now >= schedule.startsAt
  const upcoming = nextDue(rules.timetable, now)
  const names: Array<string> = []
  const connections = new Map(
    [...schedule.connections].map(([name, standing]) => {
      if (standing.isRunning) return [name, isDue ? { ...standing, missed: true } : standing]
      // One that started in the future did so before the clock was put back.
      const isOfDue = standing.attemptAt === null || (standing.failures === 0 && standing.startedAt > now)
      const starts = isOfDue ? isDue : now >= (standing.attemptAt ?? 0)
      if (!starts) return [name, standing]
      names.push(name)
      return [name, { ...standing, isRunning: true, missed: false, attemptAt: null, startedAt: now }]
    })
  )
  // A clock that was put back must not leave the next run far ahead.
  const moved = isDue || upcoming < schedule.due
  const times = moved ? at(rules, upcoming, chance) : { due: schedule.due, startsAt: schedule.startsAt }
  return { names, schedule: { ...times, connections } }
}

/** What follows from a connection's ending. One that is no longer watched is ignored. */
export const finish = (
  schedule: Schedule,
  rules: Rules,
  ended: { readonly name: string; readonly ending: Ending; readonly now: number; readonly chance: number }
): Schedule => {
  const { chance, ending, name, now } = ended
  const standing = schedule.connections.get(name)
  if (standing === undefined) return schedule
  const failures = ending.failed ? standing.failures + 1 : 0
  const gap = gapAfter(rules.timetable, schedule.due)
  const { startedAt } = standing
  const effort = { millis: now - startedAt, requests: ending.requests }
  const efforts = ending.failed ? standing.efforts : [effort, ...standing.efforts].slice(0, remembered)
  const borne = paceOf(efforts, ending.rate)
  const apart = Math.max(borne, ending.enough)
  const attemptAt = ending.failed
    ? retryTime(failures, gap, { now, chance, retryAt: ending.retryAt })
    : apart > gap
      ? earliestAfter(rules.timetable, Math.max(now, startedAt + apart))
      : standing.missed
        ? now
        : null
  const connections = new Map(schedule.connections)
  connections.set(name, {
    isRunning: false,
    missed: false,
    failures,
    attemptAt,
    startedAt,
    efforts,
    pace:
      ending.failed || attemptAt === null || borne < Math.max(gap, ending.enough)
        ? null
        : attemptAt - startedAt
  })
  return { ...schedule, connections }
}

/**
 * Other connections from now on. New ones, and those that were waiting after a failure, are tried at once: a person
 * who changes the configuration wants to see whether it helped.
 */
export const replace = (schedule: Schedule, names: ReadonlyArray<string>, now: number): Schedule => ({
  ...schedule,
  connections: new Map(
    names.map((name) => {
      const known = schedule.connections.get(name)
      if (known === undefined) return [name, { ...idle, attemptAt: now }]
      return [name, known.attemptAt === null ? known : { ...known, attemptAt: now }]
    })
  )
})

/** When there is something to start next. */
export const wakeAt = ({ connections, startsAt }: Schedule): number =>
  [...connections.values()].reduce(
    (earliest, { attemptAt, isRunning }) =>
      isRunning || attemptAt === null ? earliest : Math.min(earliest, attemptAt),
    startsAt
  )

export interface Retry {
  readonly name: string
  readonly at: number
  readonly failures: number
}

export interface Slowed {
  readonly name: string
  /** Milliseconds from the start of its last run to that of its next. */
  readonly every: number
  /** Milliseconds that its last run took. */
  readonly took: number
}

/** The connections whose runs take too long, or too many requests, for the timetable. */
export const slowed = ({ connections }: Schedule): ReadonlyArray<Slowed> =>
  [...connections].flatMap(
    ([
      name,
      {
        efforts: [last],
        pace
      }
    ]) => (pace === null || last === undefined ? [] : [{ name, every: pace, took: last.millis }])
  )

/** The connections that wait after a failure, and until when. */
export const retries = ({ connections }: Schedule): ReadonlyArray<Retry> =>
  [...connections].flatMap(([name, { attemptAt, failures }]) =>
    attemptAt !== null && failures > 0 ? [{ name, at: attemptAt, failures }] : []
  )
