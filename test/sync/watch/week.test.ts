import { join } from "node:path"
import { expect, it } from "@effect/vitest"
import { Effect, Random } from "effect"
import { advance, type Fault, type VendorId, vendorIds } from "../../../src/simulator/index.ts"
import { syncLanes } from "../../../src/sync/lanes.ts"
import { run } from "../../../src/sync/run.ts"
import { type Ran, watch } from "../../../src/sync/watch/watch.ts"
import { inProcess, makeWorld, pullRun, rowsOf, temporaryFolder } from "../../support/inProcess.ts"
import { makeLeapingClock } from "../../support/leapingClock.ts"

/*
 * A week of `watch` in virtual time: twice a day something happens at a vendor, and before the next thing does, the
 * mirror holds what the vendors hold. PARLEY_WATCH_WEEKS tries more weeks, each of another seed, with a run every half
 * hour and four events a day.
 */

const minute = 60_000
const hour = 60 * minute
const begins = Date.UTC(2026, 2, 9, 8)
const weeks = Number(process.env.PARLEY_WATCH_WEEKS ?? 1)
const every = weeks > 1 ? hour / 2 : 4 * hour
const slot = weeks > 1 ? 6 * hour : 12 * hour
const week = 7 * 24 * hour

/** What a vendor does to every request for as long as the trouble lasts. */
const troubles: ReadonlyArray<Fault["effect"]> = [
  { kind: "cut", when: "before" },
  { kind: "cut", when: "body" },
  { kind: "hang" },
  { kind: "answer", status: 503 },
  { kind: "answer", status: 502, headers: { "content-type": "text/html" }, body: "<html>Bad gateway</html>" },
  { kind: "answer", status: 401 },
  { kind: "answer", status: 429, headers: { "retry-after": "45" } },
  { kind: "answer", status: 429, headers: { "retry-after": "5400" } },
  { kind: "answer", status: 429 }
]

/** What readers see, but for conversations that the vendor no longer has. */
const content = [
  `SELECT id, status, provider_status, title, summary, stored_messages, updated_at, attributes FROM conversations
   WHERE deleted_at IS NULL ORDER BY id`,
  `SELECT m.id, m.position, m.role, m.content, m.sent_at FROM messages m
   JOIN conversations c ON c.id = m.conversation_id WHERE c.deleted_at IS NULL ORDER BY m.id`
]

const contentNow = Effect.map(
  Effect.forEach(content, (sql) => rowsOf(sql)),
  (rows) => JSON.stringify(rows)
)

const pick = <A>(items: ReadonlyArray<A>) =>
  Effect.flatMap(Random.nextIntBetween(0, items.length), (index) => {
    const item = items[index]
    return item === undefined ? Effect.die("nothing to pick from") : Effect.succeed(item)
  })

const liveThrough = (seed: number) => {
  const leaping = makeLeapingClock(begins)
  return Effect.gen(function* () {
    const { connection, simulator } = yield* makeWorld({ seed, conversations: 4 })
    const folder = yield* temporaryFolder
    // Convocore's rows do not show every change: this is how often Parley looks behind them.
    const connections = vendorIds.map((vendor) => ({ ...connection(vendor), reconcileMillis: hour }))
    const rans: Array<Ran> = []
    const unequal: Array<string> = []
    let truths = 0

    /** What a mirror holds that is filled now, from nothing. */
    const truth = Effect.suspend(() =>
      Effect.zipRight(pullRun(connections), contentNow).pipe(
        Effect.provide(inProcess(join(folder, `truth-${truths++}.db`), simulator))
      )
    )

    const somethingHappens = Effect.gen(function* () {
      const vendor: VendorId = yield* pick(vendorIds)
      const until = leaping.now() + (yield* Random.nextIntBetween(10, 180)) * minute
      const effect = yield* pick(troubles)
      simulator.faults.clear()
      simulator.faults.add({
        vendor,
        effect,
        match: () => leaping.now() < until
      })
      for (const changing of vendorIds) {
        yield* Effect.sleep((yield* Random.nextIntBetween(0, 30)) * minute)
        advance(simulator, changing, {
          at: leaping.now(),
          share: 0.3,
          removed: 1
        })
      }
      return `${vendor} ${JSON.stringify(effect)}`
    })

    yield* Effect.gen(function* () {
      const watching = yield* watch({
        rules: { timetable: { _tag: "Every", millis: every, from: begins }, jitter: null },
        watched: { database: "", connections },
        began: () => Effect.void,
        ran: (ran) => Effect.sync(() => rans.push(ran)),
        run: (watched, settled) =>
          Effect.map(
            run({
              command: "watch",
              connections: watched.connections,
              maxWaitMillis: 10_000,
              lanes: syncLanes({ pullOnly: false, pushOnly: false, full: false }),
              settled
            }),
            ({ report }) => report
          )
      })
      yield* Effect.forkScoped(watching.forever)
      for (let until = begins + slot; until <= begins + week; until += slot) {
        const what = yield* somethingHappens
        yield* Effect.sleep(until - leaping.now())
        if ((yield* contentNow) !== (yield* truth)) unequal.push(`${(until - begins) / hour} h: ${what}`)
      }
      const overlapping = yield* rowsOf(
        `SELECT a.connection, a.started_at, a.finished_at, b.started_at FROM run_connections a
         JOIN run_connections b ON a.connection = b.connection AND a.lane = b.lane AND a.run_id < b.run_id
         WHERE b.started_at < a.finished_at`
      )
      const lanes = yield* rowsOf<{ outcome: string; n: number }>(
        "SELECT outcome, count(*) AS n FROM run_connections WHERE lane = 'sync' GROUP BY outcome"
      )
      const count = (outcome: string) => lanes.find((row) => row.outcome === outcome)?.n ?? 0
      expect(unequal).toEqual([])
      expect(overlapping).toEqual([])
      // Each vendor was asked at nearly every due time, and the troubles were felt.
      expect(count("complete")).toBeGreaterThan(0.8 * 4 * (week / every))
      expect(count("failed") + count("partial")).toBeGreaterThan(week / slot)
      expect(rans.filter(({ fault }) => fault !== null)).toEqual([])
      expect(rans.some(({ retries }) => retries.some(({ failures }) => failures > 2))).toBe(true)
    }).pipe(Effect.scoped, Effect.provide(inProcess(join(folder, "mirror.db"), simulator)))
  }).pipe(Effect.scoped, Effect.withClock(leaping.clock), Effect.withRandom(Random.make(seed)))
}

it.live.each(Array.from({ length: weeks }, (_, index) => index + 1))(
  "a week with outages, storms of 429 and changes ends each time with what the vendors hold, and no runs overlap (seed %i)",
  liveThrough,
  600_000
)
