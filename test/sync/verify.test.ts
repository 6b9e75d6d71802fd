import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { Effect, FastCheck as fc, TestClock } from "effect"
import type { VendorId } from "../../src/simulator/index.ts"
import { makeRandom, mix } from "../../src/simulator/random.ts"
import { Db } from "../../src/store/Db.ts"
import { backfillLane } from "../../src/sync/lanes.ts"
import { run } from "../../src/sync/run.ts"
import { upperBound, type Verdict, verify } from "../../src/sync/verify.ts"
import { inProcess, makeWorld, pullRun, rowsOf, temporaryFolder } from "../support/inProcess.ts"

describe("what a sample says of the rest", () => {
  it("is about three in n where none was wrong", () => {
    expect(upperBound(0, 300, 0.95)).toBeCloseTo(1 - 0.05 ** (1 / 300), 10)
    expect(upperBound(0, 598, 0.95)).toBeLessThan(0.00501)
  })

  it("agrees with the tables where some were", () => {
    // One-sided exact binomial bounds, 95%.
    expect(upperBound(1, 100, 0.95)).toBeCloseTo(0.0466, 3)
    expect(upperBound(5, 50, 0.95)).toBeCloseTo(0.1989, 2)
  })

  it("says nothing where nothing was checked, or all were wrong", () => {
    expect(upperBound(0, 0, 0.95)).toBe(1)
    expect(upperBound(4, 4, 0.95)).toBe(1)
  })

  it("never claims less than what was seen, and claims less the more was checked", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2000 }),
        fc.double({ min: 0, max: 0.9, noNaN: true }),
        (checked, share) => {
          const wrong = Math.floor(checked * share)
          const bound = upperBound(wrong, checked, 0.95)
          expect(bound).toBeGreaterThan(wrong / checked)
          expect(upperBound(wrong, checked * 2, 0.95)).toBeLessThan(bound)
        }
      )
    )
  })

  it("holds in at least 95 of 100 draws from a mirror, whatever of it is wrong", () => {
    const draws = 2000
    for (const [held, wrong, checked] of [
      [1000, 1, 300],
      [1000, 5, 300],
      [1000, 10, 300],
      [5000, 25, 598],
      [400, 80, 50],
      [200, 100, 20]
    ] as const) {
      let holds = 0
      for (let draw = 0; draw < draws; draw += 1) {
        const random = makeRandom(mix(mix(held, wrong), draw))
        // Without putting back, as a sample of a mirror is drawn; the first ones of those left are the wrong ones.
        let left = wrong
        for (let drawn = 0; drawn < checked; drawn += 1) if (random.below(held - drawn) < left) left -= 1
        const found = wrong - left
        if (left / (held - checked) <= upperBound(found, checked, 0.95)) holds += 1
      }
      // Three standard deviations of 95% in 2,000 draws are 1.5%.
      const share = holds / draws
      expect({ held, wrong, checked, share, isEnough: share >= 0.935 }).toMatchObject({ isEnough: true })
    }
  })
})

const vendors: ReadonlyArray<VendorId> = ["naturalead", "convocore", "empfio", "aelyst"]
const begins = Date.UTC(2026, 2, 9, 8)

/** Everything but when it was read. */
const content = Effect.all([
  rowsOf(
    `SELECT id, contact_id, status, remote_status, provider_status, title, updated_at, last_message_at, stored_messages,
       tags, attributes FROM conversations ORDER BY id`
  ),
  rowsOf("SELECT id, name, email, phone, attributes FROM contacts ORDER BY id"),
  rowsOf("SELECT id, position, role, content, sent_at FROM messages ORDER BY id")
])

const spoil = (sql: string) =>
  Effect.flatMap(Db, (db) => db.use("spoil", ({ database }) => database.exec(sql)))

/** The first conversations of the connection whose contacts have no other. */
const someOf = (name: string, count: number) =>
  Effect.map(
    rowsOf<{ id: string }>(
      `SELECT id FROM conversations WHERE connection = ? AND contact_id IN (
         SELECT contact_id FROM conversations GROUP BY contact_id HAVING count(*) = 1) ORDER BY id LIMIT ?`,
      name,
      count
    ),
    (found) => found.map(({ id }) => id)
  )

for (const vendor of vendors) {
  it.scoped(
    `${vendor}: no time that is stored keeps what is shown now from being taken, and verify says what was wrong`,
    () =>
      Effect.gen(function* () {
        const world = yield* makeWorld({ conversations: 8, now: begins })
        const folder = yield* temporaryFolder
        yield* TestClock.setTime(begins)
        const config = world.connection(vendor)
        const { name } = config
        yield* Effect.gen(function* () {
          let verdict: Verdict | null = null
          const verified = Effect.gen(function* () {
            const { exitCode } = yield* run({
              command: "verify",
              connections: [config],
              maxWaitMillis: 1000,
              lanes: [
                {
                  lane: "verify",
                  work: (connection, runId) =>
                    Effect.map(verify(connection, runId, null), (found) => {
                      verdict = found
                      return { fault: null }
                    })
                }
              ]
            })
            expect(exitCode).toBe(0)
            return verdict as unknown as Verdict
          })
          yield* pullRun([config])
          const right = yield* content
          const [first = "", second = "", third = ""] = yield* someOf(name, 3)

          // What it would come to where the vendor's time went back, from minutes ahead, hours, or for ever.
          const frozen = `status = 'unknown', provider_status = 'as it was', content_hash = 'x', fingerprint = 'x'`
          const freeze = spoil(`
          UPDATE remote_conversations SET ${frozen}, updated_at = '2026-03-09T08:00:30.000Z' WHERE id = '${first}';
          UPDATE remote_conversations SET ${frozen}, updated_at = '2026-03-09T14:00:00.000Z' WHERE id = '${second}';
          UPDATE remote_conversations SET ${frozen}, updated_at = '2100-01-01T00:00:00.000Z' WHERE id = '${third}';`)
          const restarted = run({
            command: "backfill",
            connections: [config],
            maxWaitMillis: 1000,
            lanes: [backfillLane({ since: null, until: null }, { again: true })]
          })
          for (const pulled of [pullRun([config]), pullRun([config], { full: true }), restarted]) {
            yield* freeze
            yield* TestClock.adjust("1 minute")
            yield* pulled
            expect(yield* content).toEqual(right)
          }
          yield* freeze
          yield* TestClock.adjust("1 minute")
          const found = yield* verified
          expect([...found.repaired].sort()).toEqual(
            [first, second, third].map((id) => id.slice(name.length + 1)).sort()
          )
          expect(yield* content).toEqual(right)

          // Rows that are not what their own hash says; a message that was never sent; another name.
          yield* spoil(`
          UPDATE remote_conversations SET title = 'another' WHERE id = '${first}';
          UPDATE remote_contacts SET name = iif(name IS NULL, NULL, 'else'), email = iif(name IS NULL, 'else', email) WHERE id = (
            SELECT contact_id FROM remote_conversations WHERE id = '${second}');`)
          const silent = yield* verified
          expect(silent.repaired).toEqual([first.slice(name.length + 1)])
          expect(silent).toMatchObject({ contacts: 1, unreadable: [], overtaken: 0 })
          expect(yield* content).toEqual(right)
          expect(yield* verified).toMatchObject({ repaired: [], contacts: 0, outdated: 0 })
        }).pipe(Effect.provide(inProcess(join(folder, "mirror.db"), world.simulator)))
      })
  )
}
