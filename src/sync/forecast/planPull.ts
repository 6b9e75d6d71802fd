import { Clock, Effect, Option } from "effect"
import type { ConnectionConfig } from "../../config/Config.ts"
import type { ProviderError } from "../../domain/ProviderError.ts"
import { gapsIn, type TimeRange } from "../../domain/TimeRange.ts"
import { now } from "../../domain/Timestamp.ts"
import type { ClientEvent, Lane } from "../../http/contract.ts"
import type { Known, KnownWanted, PullScope, Survey } from "../../providers/Provider.ts"
import { Db } from "../../store/Db.ts"
import { coveredRanges } from "../../store/mirror/coveredRanges.ts"
import { learnedOf } from "../../store/read/facts.ts"
import { type ForecastFacts, forecastFacts, noFacts } from "../../store/read/forecastFacts.ts"
import { makeKnown } from "../../store/read/lookup.ts"
import type { StoreError } from "../../store/StoreError.ts"
import { openConnection, subjectOf } from "../connection.ts"
import { type PullAsks, scopeOf, scopeTextOf } from "../pull.ts"
import { type Fault, faultOf } from "../run.ts"
import type { Forecast } from "./Forecast.ts"
import { forecastPull } from "./forecastPull.ts"

/*
 * What a pull would do, asked with a few requests that change nothing. Nothing is written to the mirror, which need not
 * even exist.
 */

export interface PlanOptions {
  readonly lane: Extract<Lane, "sync" | "backfill">
  readonly window: TimeRange
  /** Also what was listed whole before. */
  readonly again: boolean
  /** Every conversation's details, changed or not. */
  readonly full: boolean
  /** Milliseconds that any single wait may take. */
  readonly maxWaitMillis: number
}

export interface PullPlan {
  readonly config: ConnectionConfig
  /** Requests that were sent to find out. */
  readonly asked: number
  /** What a pull would ask for; empty: nothing is left. */
  readonly ranges: ReadonlyArray<TimeRange>
  /** Null: the provider could not be asked, and `fault` says why. */
  readonly forecast: Forecast | null
  readonly fault: Fault | null
}

/** Milliseconds that an answer is taken to need where none was measured. */
const usualRoundTrip = 200

/** What the mirror knows; without one, nothing. */
interface Memory {
  readonly ranges: ReadonlyArray<TimeRange>
  readonly facts: ForecastFacts
  readonly learned: PullScope["learned"]
  readonly known: PullScope<StoreError>["known"]
}

const remember = Effect.fn("plan.remember")(function* (config: ConnectionConfig, options: PlanOptions) {
  const { full, lane, window } = options
  const found = yield* Effect.serviceOption(Db)
  if (Option.isNone(found)) {
    const nothing: Memory = {
      ranges: [window],
      facts: noFacts,
      learned: new Map(),
      known: () => Effect.succeed(new Map<string, Known>())
    }
    return nothing
  }
  const db = found.value
  const at = now(yield* Clock.currentTimeMillis)
  const memory: Memory = yield* db.use("plan.remember", (session) => {
    const covered =
      lane === "sync" || options.again ? [] : coveredRanges(session, config.name, subjectOf(config), at)
    const ranges = gapsIn(window, covered)
    const known = makeKnown(session)
    const scope = scopeTextOf({ ranges: ranges as PullAsks["ranges"], full })
    return {
      ranges,
      facts: forecastFacts(session, config.name, { lane, ranges, scope }),
      learned: learnedOf(session, config.name, at),
      known: (ids: ReadonlyArray<string>, wanted?: KnownWanted) =>
        db.use("plan.known", () => known(config.name, ids, at, wanted))
    }
  })
  return memory
})

/** Counts requests, and how long their answers took. */
const makeWatch = () => {
  let asked = 0
  const took: Array<number> = []
  const observe = (event: ClientEvent): void => {
    if (event._tag === "Sent") asked += 1
    if (event._tag === "Answered") took.push(event.exchange.receivedAt - event.exchange.requestedAt)
  }
  /** Of the answers in the order of their time, the one at this share: 0 is the shortest. */
  const tookAt = (share: number): number | null =>
    took.toSorted((left, right) => left - right)[Math.floor(took.length * share)] ?? null
  const roundTrip = () => Math.max(1, tookAt(0.5) ?? usualRoundTrip)
  const quickestAnswer = () => tookAt(0) ?? 0
  return { asked: () => asked, observe, roundTrip, quickestAnswer } as const
}

const needsLogin = ({ definition, settings }: ConnectionConfig): boolean =>
  definition.authorize(settings)._tag === "Session"

const survey = Effect.fn("plan.survey")(function* (
  config: ConnectionConfig,
  options: PlanOptions,
  asks: PullAsks,
  memory: Memory,
  observe: ReturnType<typeof makeWatch>["observe"]
) {
  const { provider } = yield* openConnection(config, options.lane, {
    maxWaitMillis: options.maxWaitMillis,
    observe
  })
  const at = yield* Clock.currentTimeMillis
  if (provider.survey === undefined) return null
  return yield* provider.survey<StoreError>({
    ...scopeOf(config, asks, memory.learned, at),
    cursor: null,
    known: memory.known,
    held: memory.facts.held,
    isWhole: memory.facts.completeAt !== null
  })
})

/** What a pull of one connection would do. */
export const planPull = Effect.fn("planPull")(function* (config: ConnectionConfig, options: PlanOptions) {
  const memory = yield* remember(config, options)
  const { facts, ranges } = memory
  const [first, ...others] = ranges
  if (first === undefined) {
    return { config, asked: 0, ranges, forecast: null, fault: null } satisfies PullPlan
  }
  const watch = makeWatch()
  const asks: PullAsks = { ranges: [first, ...others], full: options.full }
  const found = yield* survey(config, options, asks, memory, watch.observe).pipe(
    Effect.scoped,
    Effect.map((shown): { readonly survey: Survey | null } => ({ survey: shown })),
    Effect.catchAll((error: ProviderError | StoreError) => Effect.succeed({ fault: faultOf(error) }))
  )
  if ("fault" in found) {
    return { config, asked: watch.asked(), ranges, forecast: null, fault: found.fault } satisfies PullPlan
  }
  const now = yield* Clock.currentTimeMillis
  const forecast = forecastPull({
    survey: found.survey,
    facts,
    pace: {
      limits: config.limits,
      quota: config.quota,
      concurrency: config.concurrency,
      roundTrip: watch.roundTrip()
    },
    quickestAnswer: watch.quickestAnswer(),
    login: needsLogin(config) ? 1 : 0,
    refetch: options.full,
    untilNow: ranges.at(-1)?.until === null,
    now
  })
  const plan: PullPlan = { config, asked: watch.asked(), ranges, forecast, fault: null }
  return plan
})

/** What pulls of these connections would do, asked side by side. */
export const planPulls = (connections: ReadonlyArray<ConnectionConfig>, options: PlanOptions) =>
  Effect.forEach(connections, (config) => planPull(config, options), { concurrency: "unbounded" })
