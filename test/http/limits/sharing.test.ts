import { mkdirSync, mkdtempSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import Sqlite from "better-sqlite3"
import { Clock, Effect, Layer, Logger } from "effect"
import type { Lane, Limit, ProviderRequest } from "../../../src/http/contract.ts"
import { Governor } from "../../../src/http/limits/Governor.ts"
import { list, testClient } from "../support/client.ts"
import { most, slidingWindow } from "../support/slidingWindow.ts"
import { type FakeVendor, fakeVendor, ok } from "../support/vendor.ts"
import { inVirtualTime } from "../support/virtualTime.ts"

const baseUrl = "https://vendor.example/api"

const newFile = () => join(mkdtempSync(join(tmpdir(), "parley-quota-")), "parley", "quota.db")

type Read = (
  request?: ProviderRequest
) => Effect.Effect<unknown, { readonly _tag: string; readonly message: string }>

/** What one process would do, in the same process: its own governor on the shared file. */
const inProcess = <A, E>(
  file: string,
  vendor: FakeVendor,
  options: Partial<Parameters<typeof testClient>[0]>,
  work: (read: Read) => Effect.Effect<A, E>
) =>
  Effect.gen(function* () {
    const { client } = yield* testClient({ baseUrl, concurrency: 8, ...options })
    return yield* work((request = list) => client.read(request))
  }).pipe(Effect.scoped, Effect.provide(Layer.merge(vendor.layer, Governor.sharedIn(file))))

const reads = (count: number, request?: ProviderRequest) => (read: Read) =>
  Effect.forEach(Array.from({ length: count }), () => read(request), { concurrency: 16, discard: true })

const together = <A, E>(processes: ReadonlyArray<Effect.Effect<A, E>>) =>
  Effect.all(processes, { concurrency: "unbounded" })

describe("processes that share a credential", () => {
  for (const [name, requests, perMillis, count] of [
    ["500 a minute", 500, 60_000, 500],
    ["100 in ten seconds", 100, 10_000, 200],
    ["50 a second", 50, 1000, 300]
  ] as const) {
    it.live(`keep ${name} together, and use it up`, () =>
      Effect.gen(function* () {
        const file = newFile()
        const { vendor, served, refusals } = slidingWindow(requests, perMillis, 40)
        const limits: ReadonlyArray<Limit> = [
          { name, requests, perMillis, scope: "connection", burst: perMillis > 1000 }
        ]
        const lanes: ReadonlyArray<Lane> = ["sync", "backfill", "verify"]
        yield* together(
          lanes.map((lane, index) =>
            Effect.zipRight(
              Effect.sleep(index * 700),
              inProcess(file, vendor, { lane, limits }, reads(count))
            )
          )
        ).pipe(inVirtualTime)
        assert.strictEqual(served.length, 3 * count)
        assert.deepStrictEqual(refusals, [])
        assert.isAtMost(most(served, perMillis), requests)
        // The last request could not have left sooner than after so many whole windows, and the way to the first ones.
        const least = (Math.ceil((3 * count) / requests) - 1) * perMillis + 2000
        const longest = perMillis > 1000 ? 1.05 * least : 1.1 * least
        assert.isAtMost((served.at(-1) ?? 0) - (served[0] ?? 0), longest)
      })
    )
  }

  it.live("count what a process used that has ended, or that was killed", () =>
    Effect.gen(function* () {
      const file = newFile()
      const { vendor, served, refusals } = slidingWindow(100, 60_000, 5)
      const limits: ReadonlyArray<Limit> = [
        { name: "100 a minute", requests: 100, perMillis: 60_000, scope: "connection" }
      ]
      yield* Effect.gen(function* () {
        yield* inProcess(file, vendor, { limits }, reads(60))
        // A process that is killed never says goodbye: what it took is in the file as it last wrote it.
        const db = new Sqlite(file)
        const killed = db
          .prepare<[], { bucket: string; account: string; state: string }>("SELECT * FROM uses")
          .get()
        assert.isDefined(killed)
        const state = {
          windows: [[]],
          open: 20,
          openUntil: 1000,
          demand: [0, 0, 0, 0],
          at: 0,
          keptUntil: 63_000
        }
        db.prepare("INSERT INTO uses VALUES (?, 'general', 'killed', ?, 63000)").run(
          killed?.account,
          JSON.stringify(state)
        )
        db.close()
        yield* inProcess(file, vendor, { limits }, reads(40))
      }).pipe(inVirtualTime)
      assert.deepStrictEqual(refusals, [])
      // 60 and 20 of 100 were used: 20 could leave at once, the others a minute after the first 60.
      assert.isAtMost(served[79] ?? 0, 2000)
      assert.isAtLeast(served[80] ?? 0, 60_000)
    })
  )

  it.live("heed a refusal that a process got which is no longer there", () =>
    Effect.gen(function* () {
      const file = newFile()
      const vendor = fakeVendor((_, nth) =>
        nth === 1 ? { status: 429, headers: { "retry-after": "600" } } : ok
      )
      yield* Effect.gen(function* () {
        const first = yield* Effect.flip(inProcess(file, vendor, { maxWaitMillis: 1000 }, (read) => read()))
        assert.strictEqual(first._tag, "RateLimited")
        yield* Effect.sleep("1 second")
        const second = yield* Effect.flip(
          inProcess(file, vendor, { maxWaitMillis: 60_000 }, (read) => read())
        )
        assert.strictEqual(second._tag, "RateLimited")
        assert.include(second.message, "it asked for 10 min")
        yield* inProcess(file, vendor, {}, (read) => read())
      }).pipe(inVirtualTime)
      assert.deepStrictEqual(
        vendor.arrivals.map(({ at }) => at),
        [0, 600_000]
      )
    })
  )

  it.live("stop at once when one of them is refused, and only one finds out whether it is over", () =>
    Effect.gen(function* () {
      const file = newFile()
      const limits: ReadonlyArray<Limit> = [
        { name: "100 a second", requests: 100, perMillis: 1000, scope: "connection" }
      ]
      const vendor = fakeVendor(
        ({ at }) => (at >= 3000 && at < 33_000 ? { status: 429, headers: { "retry-after": "30" } } : ok),
        5
      )
      yield* together(
        [1, 2, 3].map(() => inProcess(file, vendor, { limits, maxWaitMillis: 120_000 }, reads(300)))
      ).pipe(inVirtualTime)
      const refusedAt = vendor.arrivals.find(({ at }) => at >= 3000)?.at ?? 0
      const during = vendor.arrivals.filter(({ at }) => at > refusedAt + 5 && at < refusedAt + 30_000)
      assert.deepStrictEqual(during, [])
      const after = vendor.arrivals.filter(({ at }) => at >= refusedAt + 30_000).map(({ at }) => at)
      assert.isAtLeast((after[1] ?? 0) - (after[0] ?? 0), 5)
    })
  )

  it.live("let the better lane go first", () =>
    Effect.gen(function* () {
      const file = newFile()
      const limits: ReadonlyArray<Limit> = [
        { name: "20 in 10 s", requests: 20, perMillis: 10_000, scope: "connection", burst: true }
      ]
      const { vendor, refusals } = slidingWindow(20, 10_000, 20)
      const [, pushed] = yield* together([
        inProcess(file, vendor, { lane: "backfill", limits }, (read) => Effect.as(reads(100)(read), 0)),
        Effect.zipRight(
          Effect.sleep("15 seconds"),
          inProcess(file, vendor, { lane: "push", limits }, (read) =>
            Effect.zipRight(reads(15)(read), Clock.currentTimeMillis)
          )
        )
      ]).pipe(inVirtualTime)
      assert.deepStrictEqual(refusals, [])
      assert.isAtMost(pushed ?? 0, 22_000)
    })
  )

  it.live("share the limit of one path, however many there are", () =>
    Effect.gen(function* () {
      const file = newFile()
      const limits: ReadonlyArray<Limit> = [
        { name: "5 a second", requests: 5, perMillis: 1000, scope: "path" }
      ]
      const { vendor, served, refusals } = slidingWindow(5, 1000, 10)
      yield* together(
        [0, 1, 2].map((index) =>
          Effect.zipRight(Effect.sleep(index * 1500), inProcess(file, vendor, { limits }, reads(30)))
        )
      ).pipe(inVirtualTime)
      assert.deepStrictEqual(refusals, [])
      assert.isAtMost(most(served, 1000), 5)
      assert.strictEqual(served.length, 90)
      assert.isAtMost(served.at(-1) ?? 0, 30_000)
    })
  )

  it.live("share the limit of one path where they are more than it allows", () =>
    Effect.gen(function* () {
      const file = newFile()
      const { vendor, served, refusals } = slidingWindow(2, 1000, 20)
      const limits: ReadonlyArray<Limit> = [
        { name: "2 a second", requests: 2, perMillis: 1000, scope: "path" }
      ]
      yield* together(
        [0, 110, 260, 1530, 2890].map((millis) =>
          Effect.zipRight(Effect.sleep(millis), inProcess(file, vendor, { limits }, reads(10)))
        )
      )
      assert.deepStrictEqual(refusals, [])
      assert.strictEqual(served.length, 50)
      assert.isAtMost(served.at(-1) ?? 0, 65_000)
    }).pipe(inVirtualTime)
  )

  it.live("remember the limit that one of them found", () =>
    Effect.gen(function* () {
      const file = newFile()
      let tokens = 5
      let last = 0
      const refusals: Array<number> = []
      const vendor = fakeVendor(({ at }) => {
        tokens = Math.min(5, tokens + ((at - last) / 1000) * 30)
        last = at
        if (tokens < 1) {
          refusals.push(at)
          return { status: 429, headers: { "retry-after": "1" } }
        }
        tokens -= 1
        return ok
      }, 5)
      const took = yield* Effect.gen(function* () {
        yield* inProcess(file, vendor, {}, reads(200))
        const found = refusals.length
        assert.isAtLeast(found, 1)
        const startedAt = yield* Clock.currentTimeMillis
        yield* inProcess(file, vendor, {}, reads(100))
        assert.strictEqual(refusals.length, found)
        return (yield* Clock.currentTimeMillis) - startedAt
      }).pipe(inVirtualTime)
      // 100 requests at 30 a second need 3.3 s; ramping up from 10 a second again would take longer.
      assert.isAtMost(took, 5000)
    })
  )
})

describe("the shared file", () => {
  const one = fakeVendor(() => ok)

  it.live("is the user's alone, and holds no credential and no path", () =>
    Effect.gen(function* () {
      const file = newFile()
      const limits: ReadonlyArray<Limit> = [
        { name: "5 a second", requests: 5, perMillis: 1000, scope: "path" }
      ]
      const refusing = fakeVendor((_, nth) => (nth === 1 ? { status: 429 } : ok))
      yield* inProcess(file, refusing, { limits }, (read) =>
        read({ ...list, path: "/contact/email:ann@example.org" })
      ).pipe(inVirtualTime)
      assert.strictEqual(statSync(file).mode & 0o777, 0o600)
      const db = new Sqlite(file)
      db.pragma("wal_checkpoint(TRUNCATE)")
      db.close()
      const bytes = readFileSync(file).toString("latin1")
      for (const secret of ["very-secret-token", "ann", "contact", "vendor.example"])
        assert.notInclude(bytes, secret)
    })
  )

  for (const [what, spoil] of [
    [
      "is no database",
      (file: string) => writeFileSync(file, "this is not a database, but long enough to look at".repeat(50))
    ],
    ["is a folder", (file: string) => mkdirSync(file)]
  ] as const) {
    it.live(`is done without, after a warning, where it ${what}`, () =>
      Effect.gen(function* () {
        const file = newFile()
        mkdirSync(join(file, ".."), { recursive: true })
        spoil(file)
        const warnings: Array<string> = []
        const logger = Logger.make(({ message }) => warnings.push(String(message)))
        yield* inProcess(file, one, {}, (read) => read()).pipe(
          Effect.provide(Logger.replace(Logger.defaultLogger, logger)),
          inVirtualTime
        )
        assert.strictEqual(warnings.length, 1)
        assert.include(warnings[0], file)
        assert.include(warnings[0], "XDG_STATE_HOME")
      })
    )
  }

  it.live("may break while it is used: the run goes on with a warning", () =>
    Effect.gen(function* () {
      const file = newFile()
      const warnings: Array<string> = []
      const logger = Logger.make(({ message }) => warnings.push(String(message)))
      yield* inProcess(file, one, {}, (read) =>
        Effect.gen(function* () {
          yield* read()
          const db = new Sqlite(file)
          db.exec("DROP TABLE uses; DROP TABLE buckets")
          db.close()
          yield* Effect.sleep("2 seconds")
          yield* reads(5)(read)
        })
      ).pipe(Effect.provide(Logger.replace(Logger.defaultLogger, logger)), inVirtualTime)
      assert.strictEqual(warnings.length, 1)
    })
  )

  it.live("is written now and then, not for every request", () =>
    Effect.gen(function* () {
      const file = newFile()
      const limits: ReadonlyArray<Limit> = [
        { name: "1,000 a minute", requests: 1000, perMillis: 60_000, scope: "connection" }
      ]
      const vendor = fakeVendor(() => ok, 5)
      const writes = yield* Effect.gen(function* () {
        yield* inProcess(file, vendor, { limits }, (read) => read())
        const db = new Sqlite(file)
        db.exec(
          `CREATE TABLE writes (n); CREATE TRIGGER count_uses AFTER INSERT ON uses BEGIN INSERT INTO writes VALUES (1); END`
        )
        yield* inProcess(file, vendor, { limits }, reads(900))
        const count = db.prepare("SELECT count(*) FROM writes").pluck().get()
        db.close()
        return Number(count)
      }).pipe(inVirtualTime)
      assert.isAtMost(writes, 20)
      assert.isAtLeast(writes, 2)
    })
  )
})
