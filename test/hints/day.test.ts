import { join } from "node:path"
import { expect, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Governor } from "../../src/http/limits/Governor.ts"
import type { Simulator, VendorId } from "../../src/simulator/index.ts"
import { makeRandom } from "../../src/simulator/random.ts"
import type { AnyWorld } from "../../src/simulator/vendor.ts"
import { Hints } from "../../src/store/hints/Hints.ts"
import { storeLayer } from "../../src/sync/layers.ts"
import { silent } from "../../src/sync/progress.ts"
import { hinted } from "../support/hinted.ts"
import { makeWorld, pullRun, rowsOf, temporaryFolder } from "../support/inProcess.ts"
import { makeLeapingClock } from "../support/leapingClock.ts"
import { simulatedTransport } from "../support/simulatedTransport.ts"

/*
 * A day at each vendor that sends webhooks, in virtual time, with the limits that the vendors keep: from what happens
 * there to the row that shows it.
 */

const minute = 60_000
const hour = 60 * minute
const begins = Date.UTC(2026, 2, 9, 8)
const happenings = Number(process.env.PARLEY_HINT_EVENTS ?? 20)

interface Shown {
  readonly provider_status: string | null
  readonly declared_messages: number | null
  readonly stored_messages: number
}

/** Whether a row shows the conversation as it is at the vendor. */
const shows: Readonly<Record<string, (simulator: Simulator, id: string, row: Shown) => boolean>> = {
  convocore: (simulator, id, row) => {
    const one = simulator.vendors.convocore.world.conversations.get(id)
    return row.provider_status === (one?.state ?? null) && row.declared_messages === one?.messagesNum
  },
  empfio: (simulator, id, row) => {
    const one = simulator.vendors.empfio.world.conversations.get(id)
    return row.provider_status === one?.status && row.stored_messages === one?.message_count
  },
  aelyst: (simulator, id, row) => {
    const { world } = simulator.vendors.aelyst
    const one = world.conversations.get(id)
    return row.provider_status === one?.status && row.stored_messages === world.lines(id).length
  }
}

const day = (vendor: VendorId, mostRequests: number) => {
  const leaping = makeLeapingClock(begins)
  return Effect.gen(function* () {
    const { connection, simulator } = yield* makeWorld({
      seed: 11,
      conversations: 30,
      now: begins,
      limits: true
    })
    const config = connection(vendor)
    const folder = yield* temporaryFolder
    const layer = Layer.mergeAll(
      storeLayer(join(folder, "mirror.db")),
      silent,
      Governor.alone,
      simulatedTransport(simulator)
    )
    yield* Effect.gen(function* () {
      yield* pullRun([config])
      const { sent } = yield* hinted(simulator, [config])
      const world: AnyWorld = simulator.vendors[vendor].world
      const random = makeRandom(5)
      const pickOne = () => [...world.conversations.keys()][random.below(world.conversations.size)] ?? ""
      const latencies: Array<number> = []
      const before = simulator.log.length
      const noLogin = () =>
        simulator.log.slice(before).filter(({ operation }) => operation !== "login").length

      /** Something that the vendor tells of, of which some comes in a burst. */
      const happen = Effect.gen(function* () {
        const at = leaping.now()
        if (vendor === "empfio") {
          const id = random.unit() < 0.5 ? world.addConversation(at, 1 + random.below(5)) : pickOne()
          world.setStatus(id, "escalated", at)
          return id
        }
        const kind = random.unit()
        if (kind < 0.1) return world.addConversation(at, 1 + random.below(5))
        const id = pickOne()
        if (kind < 0.3) world.setStatus(id, world.statuses[random.below(2)] ?? "", at)
        else {
          for (let more = random.below(4); more > 0; more--) {
            world.addMessage(id, leaping.now())
            yield* Effect.sleep(random.below(700))
          }
          world.addMessage(id, leaping.now())
        }
        return id
      })

      for (let index = 0; index < happenings; index++) {
        yield* Effect.sleep(random.below((2 * 22 * hour) / happenings))
        const told = sent.length
        const id = yield* happen
        if (sent.length === told) continue
        const at = leaping.now()
        for (;;) {
          const [row] = yield* rowsOf<Shown>(
            "SELECT provider_status, declared_messages, stored_messages FROM conversations WHERE id = ?",
            `${config.name}:${id}`
          )
          if (row !== undefined && shows[vendor]?.(simulator, id, row)) break
          if (leaping.now() - at > minute) break
          yield* Effect.sleep(250)
        }
        latencies.push(leaping.now() - at)
      }
      yield* Effect.sleep(minute)

      const sorted = latencies.toSorted((one, other) => one - other)
      const p95 = sorted[Math.ceil(sorted.length * 0.95) - 1] ?? Number.POSITIVE_INFINITY
      expect(latencies.length).toBeGreaterThan(happenings / 2)
      expect(p95).toBeLessThanOrEqual(5_000)
      const [counts] = yield* rowsOf<Record<string, number>>("SELECT * FROM hint_counts")
      const requests = noLogin()
      if (process.env.PARLEY_HINT_EVENTS !== undefined)
        process.stdout.write(
          `${vendor}: ${latencies.length} events, ${sent.length} webhooks, ${counts?.fetched} read, ${counts?.useless} spared, ${requests} requests, p95 ${p95} ms\n`
        )
      expect((counts?.received ?? 0) + (counts?.unread ?? 0)).toBe(sent.length)
      expect(requests / sent.length).toBeLessThanOrEqual(mostRequests)
      // A run whose first webhook names something new looks at something known: whether it still is the same account.
      const [runs] = yield* rowsOf<{ n: number }>(
        "SELECT count(*) AS n FROM run_connections WHERE lane = 'hints'"
      )
      expect(requests).toBeLessThanOrEqual(mostRequests * (counts?.fetched ?? 0) + (runs?.n ?? 0))
      // Nothing is pending, and an hour in which nothing happens costs nothing.
      expect(yield* Effect.flatMap(Hints, (hints) => hints.earliest(config.name))).toBe(null)
      const quiet = simulator.log.length
      yield* Effect.sleep(hour)
      expect(simulator.log.length).toBe(quiet)
    }).pipe(Effect.scoped, Effect.provide(layer))
  }).pipe(Effect.scoped, Effect.withClock(leaping.clock))
}

it.live.each([
  ["convocore", 1],
  ["empfio", 2],
  ["aelyst", 2]
] as const)(
  "shows what happened at %s within five seconds, with at most %d requests for a webhook",
  ([vendor, requests]) => day(vendor, requests),
  120_000
)
