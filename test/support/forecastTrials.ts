import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Clock, Effect, Layer } from "effect"
import type { ConnectionConfig } from "../../src/config/Config.ts"
import type { Interval } from "../../src/domain/Interval.ts"
import { always, type TimeRange } from "../../src/domain/TimeRange.ts"
import { Governor } from "../../src/http/limits/Governor.ts"
import {
  advance,
  type Simulator,
  type SimulatorOptions,
  type VendorId,
  vendorIds
} from "../../src/simulator/index.ts"
import { makeRandom, mix, type Random } from "../../src/simulator/random.ts"
import type { Forecast } from "../../src/sync/forecast/Forecast.ts"
import { type PlanOptions, planPull } from "../../src/sync/forecast/planPull.ts"
import { backfillLane, syncLane } from "../../src/sync/lanes.ts"
import { storeLayer } from "../../src/sync/layers.ts"
import { silent } from "../../src/sync/progress.ts"
import { run } from "../../src/sync/run.ts"
import { inVirtualTime } from "../http/support/virtualTime.ts"
import { makeWorld } from "./inProcess.ts"
import { answeringAs } from "./simulatedTransport.ts"
import { type Answering, transportOf } from "./transport.ts"

/*
 * Forecasts against what then happens: whole runs at the simulated vendors, with their limits, with answers that take
 * their time, and all of it in virtual time.
 */

const begins = Date.UTC(2026, 2, 9, 8)
const hour = 3_600_000

/** A forecast, and what it was a forecast of. */
export interface Trial {
  readonly vendor: VendorId
  readonly stage: string
  readonly conversations: number
  readonly forecast: Forecast
  /** Requests that finding out took. */
  readonly asked: number
  readonly requests: number
  readonly millis: number
}

const choose = <A>(random: Random, values: readonly [A, ...ReadonlyArray<A>]): A =>
  values[random.below(values.length)] ?? values[0]

/** Answers that take some time, half of it on the way there. */
const withLatency =
  (answer: Answering, millis: () => number): Answering =>
  (request) =>
    Effect.suspend(() => {
      // Whole milliseconds, as clocks tell them.
      const half = Math.max(1, Math.round(millis() / 2))
      return Effect.sleep(half).pipe(Effect.zipRight(answer(request)), Effect.zipLeft(Effect.sleep(half)))
    })

/** What differs from one account to the next, besides how many conversations it holds. */
const vendorOptions = (random: Random): NonNullable<SimulatorOptions["vendors"]> => ({
  convocore: {
    paging: choose(random, ["cursor", "page"]),
    ts: choose(random, ["start", "last"]),
    agents: choose(random, [1, 2, 3])
  },
  empfio: {
    order: choose(random, ["updated_at", "created_at", "none"]),
    limit: choose(random, [
      null,
      null,
      { requests: 40, perMillis: 1_000 },
      { requests: 600, perMillis: 60_000 }
    ])
  },
  naturalead: { listMessages: choose(random, [null, null, 6]) }
})

interface Stage {
  readonly name: string
  readonly options: Omit<PlanOptions, "maxWaitMillis">
  /** What happens before it, at the vendor and to time. */
  readonly later: number
  readonly share: number
}

const news = { lane: "sync", window: always, again: false, full: false } as const

const stages = (random: Random): ReadonlyArray<Stage> => {
  const share = choose(random, [0.002, 0.01, 0.05])
  const later = choose(random, [hour / 2, 4 * hour])
  const since = new Date(begins - (5 + random.below(40)) * 24 * hour).toISOString() as TimeRange["since"]
  const first: Stage =
    random.below(4) === 0
      ? {
          name: "a window of an empty mirror",
          options: { ...news, lane: "backfill", window: { since, until: null } },
          later: 0,
          share: 0
        }
      : { name: "an empty mirror", options: { ...news, lane: "backfill" }, later: 0, share: 0 }
  const sync: Stage = { name: "a sync", options: news, later, share }
  return [
    first,
    {
      ...sync,
      name: first.options.window === always ? "the first sync after a backfill" : "a sync after a window"
    },
    sync,
    { ...sync, name: "another sync" },
    { name: "a full sync", options: { ...news, full: true }, later, share },
    { name: "a backfill anew", options: { ...news, lane: "backfill", again: true }, later, share }
  ]
}

const maxWaitMillis = 4 * hour

const carryOut = (config: ConnectionConfig, { options }: Stage) =>
  run({
    command: options.lane,
    connections: [config],
    maxWaitMillis,
    lanes: [
      options.lane === "sync"
        ? syncLane({ full: options.full })
        : backfillLane(options.window, { again: options.again })
    ]
  })

/** As if it were a process of its own: of the limits it knows what others have written down. */
const alone =
  (quotaFile: string) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.provide(effect, Governor.sharedIn(quotaFile))

const stageTrial = (
  quotaFile: string,
  simulator: Simulator,
  vendor: VendorId,
  config: ConnectionConfig,
  stage: Stage,
  conversations: number
) =>
  Effect.gen(function* () {
    const inProcessOf = alone(quotaFile)
    if (stage.later > 0) {
      yield* Effect.sleep(stage.later)
      advance(simulator, vendor, { at: yield* Clock.currentTimeMillis, share: stage.share })
    }
    const plan = planPull(config, { ...stage.options, maxWaitMillis })
    const { asked, fault, forecast } = yield* inProcessOf(plan)
    if (forecast === null) throw new Error(`no forecast: ${fault?.message ?? "nothing is left to ask for"}`)
    // What the plan itself has used of the limits is not to be counted against the run.
    yield* Effect.sleep(65_000)
    const began = yield* Clock.currentTimeMillis
    const { report } = yield* inProcessOf(carryOut(config, stage))
    const [connection] = report.connections
    if (connection === undefined || (connection.error !== null && connection.error.kind !== "quarantined"))
      throw new Error(connection?.error?.message ?? "no run")
    const trial: Trial = {
      vendor,
      stage: stage.name,
      conversations,
      forecast,
      asked,
      // A request that was refused, and sent again, counts once.
      requests: connection.requests - connection.rate_limited,
      millis: (yield* Clock.currentTimeMillis) - began
    }
    return trial
  })

/** Everything that happens to one account. @param largest conversations it holds at most */
export const trialsOf = (seed: number, largest: number): Promise<ReadonlyArray<Trial>> => {
  const random = makeRandom(mix(seed, 77))
  const vendor = vendorIds[seed % vendorIds.length] ?? "empfio"
  const conversations = 5 + Math.round((largest - 5) * random.unit() ** 2)
  const latency = choose(random, [20, 80, 250])
  const jitter = choose(random, [0, 0.3])
  const folder = mkdtempSync(join(tmpdir(), "parley-forecast-"))
  return Effect.gen(function* () {
    const { connection, simulator } = yield* makeWorld({
      seed,
      conversations: { [vendor]: conversations },
      limits: true,
      now: begins,
      vendors: vendorOptions(random)
    })
    const config: ConnectionConfig = {
      ...connection(vendor),
      quota: choose(random, [1, 1, 0.5]),
      reconcileMillis: 1e12
    }
    const delay = () => latency * (1 + jitter * (2 * random.unit() - 1))
    const layer = Layer.mergeAll(
      storeLayer(join(folder, "mirror.db")),
      silent,
      transportOf(withLatency(answeringAs(simulator), delay))
    )
    return yield* Effect.forEach(stages(random), (stage) =>
      stageTrial(join(folder, "quota.db"), simulator, vendor, config, stage, conversations)
    ).pipe(Effect.provide(layer))
  })
    .pipe((effect) => inVirtualTime(effect, begins), Effect.scoped, Effect.runPromise)
    .finally(() => rmSync(folder, { recursive: true, force: true }))
}

export const holds = ({ low, high }: Interval, value: number): boolean =>
  value >= low && (high === null || value <= high)

/** How far the ends lie from the likely value, as a share of it; null: one of them is not known. */
export const widthOf = ({ low, likely, high }: Interval): number | null =>
  likely === null || high === null ? null : Math.max(likely - low, high - likely) / Math.max(1, likely)
