import { join } from "node:path"
import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { advance } from "../../src/simulator/index.ts"
import { deliver, hinted } from "../support/hinted.ts"
import { inProcess, makeWorld, pullRun, rowsOf, temporaryFolder } from "../support/inProcess.ts"
import { makeLeapingClock } from "../support/leapingClock.ts"

/*
 * Webhooks that are lost, doubled, late and forged. PARLEY_HINT_SEEDS tries more of them.
 */

const begins = Date.UTC(2026, 2, 9, 8)
const minute = 60_000
const vendors = ["convocore", "empfio", "aelyst"] as const

/** What both must have the same of. Aelyst's count of messages comes with webhooks alone. */
const content = [
  `SELECT id, provider_status, title, summary, stored_messages, iif(provider = 'aelyst', NULL, declared_messages),
     last_message_at, attributes
   FROM conversations WHERE deleted_at IS NULL ORDER BY id`,
  `SELECT m.id, m.position, m.role, m.content, m.sent_at FROM messages m
   JOIN conversations c ON c.id = m.conversation_id WHERE c.deleted_at IS NULL ORDER BY m.id`
]
const contentNow = Effect.forEach(content, (sql) => rowsOf(sql))

const trial = (seed: number) => {
  const leaping = makeLeapingClock(begins)
  return Effect.gen(function* () {
    const { connection, simulator } = yield* makeWorld({ seed, conversations: 8, now: begins })
    const folder = yield* temporaryFolder
    // Convocore's rows do not show every change: this is how often a run looks behind them.
    const connections = vendors.map((vendor) => ({ ...connection(vendor), reconcileMillis: 1 }))
    const ofHints = yield* Effect.gen(function* () {
      yield* pullRun(connections)
      const faults = { lost: 0.5, doubled: 0.5, late: 0.5, forged: 0.5 }
      const { sent } = yield* hinted(simulator, connections, faults)
      for (let step = 0; step < 8; step++) {
        yield* Effect.sleep(5 * minute)
        for (const vendor of vendors) advance(simulator, vendor, { at: leaping.now(), share: 0.3 })
      }
      yield* Effect.sleep(5 * minute)
      const [counts] = yield* rowsOf<{ received: number; refused: number; fetched: number }>(
        "SELECT sum(received) AS received, sum(refused) AS refused, sum(fetched) AS fetched FROM hint_counts"
      )
      expect(counts?.refused).toBe(sent.filter(({ isForged }) => isForged).length)
      expect(counts?.fetched).toBeGreaterThan(10)
      expect(counts?.received).toBeGreaterThan(counts?.fetched ?? 0)
      yield* pullRun(connections)
      expect(yield* rowsOf("SELECT * FROM conversations WHERE provider = 'aelyst' AND complete = 0")).toEqual(
        []
      )
      return yield* contentNow
    }).pipe(Effect.scoped, Effect.provide(inProcess(join(folder, "hinted.db"), simulator)))
    const polled = yield* Effect.zipRight(pullRun(connections), contentNow).pipe(
      Effect.provide(inProcess(join(folder, "polled.db"), simulator))
    )
    expect(ofHints).toEqual(polled)
  }).pipe(Effect.scoped, Effect.withClock(leaping.clock))
}

it.live.each(Array.from({ length: Number(process.env.PARLEY_HINT_SEEDS ?? 4) }, (_, index) => index + 1))(
  "holds what polling alone would, although half of the webhooks are lost, doubled, late or forged: seed %d",
  (seed) => trial(seed),
  120_000
)

const flood = Number(process.env.PARLEY_HINT_FLOOD ?? 2_000)

it.live(
  `asks nothing and keeps nothing for ${flood} forged webhooks`,
  () => {
    const leaping = makeLeapingClock(begins)
    return Effect.gen(function* () {
      const { connection, simulator } = yield* makeWorld({ conversations: 3, now: begins })
      const config = connection("aelyst")
      const folder = yield* temporaryFolder
      yield* Effect.gen(function* () {
        yield* pullRun([config])
        const { receiver, sent } = yield* hinted(simulator, [config], {
          lost: 0,
          doubled: 0,
          late: 0,
          forged: 1
        })
        simulator.vendors.aelyst.world.addMessage(
          [...simulator.vendors.aelyst.world.conversations.keys()][0] ?? "",
          begins
        )
        const [forged] = sent
        if (forged === undefined) throw new Error("no webhook was sent")
        const requests = simulator.log.length
        const pages = yield* rowsOf(
          "SELECT (SELECT count(*) FROM runs) AS runs, (SELECT page_count FROM pragma_page_count) AS pages"
        )
        const { pathname } = new URL(forged.path, "http://localhost")
        for (let index = 0; index < flood; index++) {
          const body = forged.body.replace(/"id":\d+/, `"id":${index}`)
          const answered = yield* deliver(receiver, { ...forged, path: pathname, body })
          if (answered !== 200) throw new Error(`answered with ${answered}`)
        }
        yield* Effect.sleep(minute)
        expect(simulator.log.length).toBe(requests)
        expect(yield* rowsOf("SELECT count(*) AS n FROM hints")).toEqual([{ n: 0 }])
        expect(
          yield* rowsOf(
            "SELECT (SELECT count(*) FROM runs) AS runs, (SELECT page_count FROM pragma_page_count) AS pages"
          )
        ).toEqual(pages)
        const [counts] = yield* rowsOf<{ refused: number }>("SELECT refused FROM hint_counts")
        expect(counts?.refused).toBeGreaterThanOrEqual(flood)
      }).pipe(Effect.scoped, Effect.provide(inProcess(join(folder, "mirror.db"), simulator)))
    }).pipe(Effect.scoped, Effect.withClock(leaping.clock))
  },
  120_000
)
