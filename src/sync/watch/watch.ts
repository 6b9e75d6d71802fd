import { Cause, Clock, Effect, Exit, Fiber, Option, Random } from "effect"
import type { ConnectionConfig } from "../../config/Config.ts"
import type { NotifyTarget } from "../../config/notify.ts"
import type { StoreError } from "../../store/StoreError.ts"
import { type Fault, faultOf, type RunReport, type Settled, unexpected } from "../run.ts"
import { waitAtMost } from "../stopSignal.ts"
import { sharedRate } from "./pace.ts"
import {
  begin,
  finish,
  type Retry,
  type Rules,
  replace,
  retries,
  type Schedule,
  type Slowed,
  slowed,
  start,
  wakeAt
} from "./schedule.ts"

/*
 * Scheduled runs, one after the other, until stopped. One loop keeps the schedule; runs report to it
 * through its inbox.
 */

/** What is watched: what a configuration says. */
export interface Watched {
  /** The mirror's file. */
  readonly database: string
  readonly connections: ReadonlyArray<ConnectionConfig>
  /** Who is told of what begins or ends with a run; left out: no one. */
  readonly notify?: ReadonlyArray<NotifyTarget>
}

/** A run that is over. Times are epoch milliseconds. */
export interface Ran {
  /** Null: the run could not even be written down. */
  readonly report: RunReport | null
  /** Why, then. */
  readonly fault: Fault | null
  readonly at: number
  /** When the next run starts. */
  readonly nextAt: number
  /** Connections that failed, and when each is tried again by itself. */
  readonly retries: ReadonlyArray<Retry>
  /** Connections that do not bear the schedule. */
  readonly slowed: ReadonlyArray<Slowed>
}

export interface WatchOptions<R> {
  readonly rules: Rules
  readonly watched: Watched
  /** Milliseconds between two runs that are enough for a connection; left out: each due time is wanted. */
  readonly enough?: (config: ConnectionConfig) => number
  /** One run over some of the connections. */
  readonly run: (
    watched: Watched,
    settled: (settled: Settled) => Effect.Effect<void>
  ) => Effect.Effect<RunReport, StoreError, R>
  /** Told once, when the schedule stands. */
  readonly began: (nextAt: number) => Effect.Effect<void>
  readonly ran: (ran: Ran) => Effect.Effect<void>
  /** Called whenever the loop runs, at least once a minute; left out: no one looks. */
  readonly beat?: (at: number) => void
}

/** A handle on a watch that goes on. */
export interface Watch<R> {
  /** Watches this from now on; runs under way end as they began. */
  readonly replace: (watched: Watched) => Effect.Effect<void>
  /** Never ends by itself. */
  readonly forever: Effect.Effect<never, never, R>
}

/** Milliseconds after which the clock is looked at again: a machine that slept is noticed, and long waits add up. */
const longestSleep = 60_000

/** Milliseconds that runs have to end in when the watch is ended; their commits are kept whatever happens. */
const patience = 20_000

/**
 * Failures that another attempt does not cure: the provider has answered and everything is stored, someone has to confirm,
 * or another run does the work.
 */
const unmended = new Set(["quarantined", "delete_brake", "brake", "busy", "account"])

const failed = ({ report: { error } }: Settled): boolean => error !== null && !unmended.has(error.kind)

type Message =
  | { readonly _tag: "Settled"; readonly settled: Settled }
  | {
      readonly _tag: "Ran"
      /** Connections of the run that have not settled, and now never will. */
      readonly unheard: ReadonlyArray<string>
      readonly exit: Exit.Exit<RunReport, StoreError>
    }
  | { readonly _tag: "Replace"; readonly watched: Watched }

/** Messages to the loop, and a sleep that they end. Nothing is lost when a sleep and a message coincide. */
const makeInbox = Effect.map(Effect.makeLatch(false), (latch) => {
  const messages: Array<Message> = []
  return {
    send: (message: Message) =>
      Effect.suspend(() => {
        messages.push(message)
        return latch.open
      }),
    take: Effect.as(latch.close, messages).pipe(Effect.map((all) => all.splice(0))),
    sleep: (millis: number) => Effect.race(latch.await, Effect.sleep(millis))
  }
})

const faultOfCause = (cause: Cause.Cause<StoreError>): Fault =>
  Option.match(Cause.failureOption(cause), { onSome: faultOf, onNone: () => unexpected(cause) })

/** Starts watching, for as long as the scope: what runs when it closes is interrupted, and waited for. */
export const watch = Effect.fn("watch")(function* <R>(options: WatchOptions<R>) {
  const { rules, run, ran } = options
  const inbox = yield* makeInbox
  const running = new Set<Fiber.RuntimeFiber<void>>()
  let watched = options.watched
  let schedule: Schedule = begin(
    rules,
    watched.connections.map(({ name }) => name),
    yield* Clock.currentTimeMillis,
    yield* Random.next
  )

  const settle = Effect.fnUntraced(function* (
    name: string,
    outcome: { readonly failed: boolean; readonly retryAt: number | null; readonly requests: number }
  ) {
    const now = yield* Clock.currentTimeMillis
    const config = watched.connections.find((one) => one.name === name)
    const ending = {
      ...outcome,
      rate: config === undefined ? null : sharedRate(config.limits, config.quota),
      enough: config === undefined ? 0 : (options.enough?.(config) ?? 0)
    }
    schedule = finish(schedule, rules, { name, ending, now, chance: yield* Random.next })
  })

  const ended = Effect.fnUntraced(function* ({ exit, unheard }: Message & { _tag: "Ran" }) {
    const fault = Exit.isFailure(exit) ? faultOfCause(exit.cause) : null
    for (const name of unheard) yield* settle(name, { failed: true, retryAt: null, requests: 0 })
    yield* ran({
      report: Exit.isSuccess(exit) ? exit.value : null,
      fault,
      at: yield* Clock.currentTimeMillis,
      nextAt: schedule.startsAt,
      retries: retries(schedule),
      slowed: slowed(schedule)
    })
  })

  const receive = Effect.fnUntraced(function* (message: Message) {
    switch (message._tag) {
      case "Settled": {
        const { settled } = message
        const { report, retryAt } = settled
        return yield* settle(report.name, { failed: failed(settled), retryAt, requests: report.requests })
      }
      case "Ran":
        return yield* ended(message)
      case "Replace":
        watched = message.watched
        schedule = replace(
          schedule,
          watched.connections.map(({ name }) => name),
          yield* Clock.currentTimeMillis
        )
    }
  })

  const launch = Effect.fnUntraced(function* (names: ReadonlyArray<string>) {
    const connections = watched.connections.filter(({ name }) => names.includes(name))
    const open = new Set(names)
    const settled = (one: Settled) =>
      Effect.suspend(() => {
        open.delete(one.report.name)
        return inbox.send({ _tag: "Settled", settled: one })
      })
    const fiber = yield* run({ ...watched, connections }, settled).pipe(
      Effect.exit,
      Effect.flatMap((exit) => inbox.send({ _tag: "Ran", unheard: [...open], exit })),
      Effect.interruptible,
      Effect.forkDaemon
    )
    running.add(fiber)
    fiber.addObserver(() => running.delete(fiber))
  })

  const step = Effect.gen(function* () {
    options.beat?.(yield* Clock.currentTimeMillis)
    for (const message of yield* inbox.take) yield* receive(message)
    const next = start(schedule, rules, yield* Clock.currentTimeMillis, yield* Random.next)
    schedule = next.schedule
    if (next.names.length > 0) yield* launch(next.names)
    const wait = wakeAt(schedule) - (yield* Clock.currentTimeMillis)
    yield* inbox.sleep(Math.min(longestSleep, Math.max(0, wait)))
  })

  yield* Effect.addFinalizer(() =>
    Effect.gen(function* () {
      const fibers = [...running]
      for (const fiber of fibers) yield* Fiber.interruptFork(fiber)
      yield* waitAtMost(Fiber.awaitAll(fibers), patience)
    })
  )
  yield* options.began(wakeAt(schedule))
  const handle: Watch<R> = {
    replace: (next) => inbox.send({ _tag: "Replace", watched: next }),
    forever: Effect.forever(step)
  }
  return handle
})
