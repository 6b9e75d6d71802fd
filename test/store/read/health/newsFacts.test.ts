import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { Db } from "../../../../src/store/Db.ts"
import { areSilent, type HintFacts, makeNewsFacts } from "../../../../src/store/read/health/newsFacts.ts"
import { freshStore, started } from "../../fixtures.ts"

const second = 1_000
const iso = (millis: number) => new Date(millis).toISOString()

it.scoped("says within how long a connection is synced again, while it is", () =>
  Effect.gen(function* () {
    yield* started
    const db = yield* Db
    const kept = (at: number) =>
      db.use("test", (session) => makeNewsFacts(session, at)("leads").kept_within_ms)
    const sync = (id: number, from: number, until: number, outcome: string) =>
      db.use("test", ({ database }) => {
        database
          .prepare("INSERT INTO runs (id, command, started_at, host, pid) VALUES (?, 'watch', ?, 'here', 1)")
          .run(id, iso(from))
        database
          .prepare(
            `INSERT INTO run_connections (run_id, connection, lane, outcome, started_at, finished_at)
               VALUES (?, 'leads', 'sync', ?, ?, ?)`
          )
          .run(id, outcome, iso(from), iso(until))
      })
    for (const index of [0, 1, 2]) {
      const from = index * 60 * second
      yield* sync(100 + index, from, from + 5 * second, "complete")
      expect(yield* kept(from + 6 * second)).toBe(null)
    }
    // One that failed shows nothing again, and one pause is no rule.
    yield* sync(103, 180 * second, 181 * second, "failed")
    yield* sync(104, 900 * second, 905 * second, "complete")
    yield* sync(105, 960 * second, 965 * second, "complete")
    expect(yield* kept(966 * second)).toBe(65 * second)
    expect(yield* kept(965 * second + 3 * 65 * second)).toBe(65 * second)
    expect(yield* kept(966 * second + 3 * 65 * second)).toBe(null)
  }).pipe(Effect.provide(freshStore))
)

it("takes webhooks for silent where runs find what they should have told", () => {
  const at = Date.UTC(2026, 2, 9)
  const facts = (lastAt: number | null, changes_since: number) =>
    ({ last_at: lastAt === null ? null : iso(lastAt), changes_since }) as HintFacts
  expect(areSilent(facts(at - 2 * 3_600_000, 10), at)).toBe(true)
  expect(areSilent(facts(at - 2 * 3_600_000, 9), at)).toBe(false)
  expect(areSilent(facts(at - 1_800_000, 500), at)).toBe(false)
  expect(areSilent(facts(null, 500), at)).toBe(false)
})
