import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import Sqlite from "better-sqlite3"
import { Effect, Layer, Redacted } from "effect"
import type { Limit } from "../../../../src/http/contract.ts"
import { accountKey, originKey } from "../../../../src/http/exchange/accountKey.ts"
import { Governor } from "../../../../src/http/limits/Governor.ts"
import { forgetLearnedLimits, readLearnedLimits } from "../../../../src/http/limits/shared/heldBack.ts"
import { list, testClient, token } from "../../support/client.ts"
import { type FakeVendor, fakeVendor, ok } from "../../support/vendor.ts"
import { inVirtualTime } from "../../support/virtualTime.ts"

const baseUrl = "https://vendor.example/api"
const origin = "https://vendor.example"
const keys = {
  account: accountKey(origin, Redacted.make(Redacted.value(token.credential))),
  origin: originKey(origin)
}

const start = Date.UTC(2026, 2, 7, 10)
const minute = 60_000
const year = 365 * 24 * 3_600_000

const newFile = () => join(mkdtempSync(join(tmpdir(), "parley-held-")), "parley", "quota.db")

/** One run that starts when the clock shows `at`. */
const runAt = (
  at: number,
  file: string,
  vendor: FakeVendor,
  limits: ReadonlyArray<Limit> = [],
  reads = 1,
  maxWaitMillis = 0
) =>
  Effect.gen(function* () {
    const { client } = yield* testClient({ baseUrl, limits, maxWaitMillis })
    const results = yield* Effect.forEach(Array.from({ length: reads }), () =>
      Effect.either(client.read(list))
    )
    return results.map(({ _tag }) => _tag)
  }).pipe(Effect.scoped, Effect.provide(Layer.merge(vendor.layer, Governor.sharedIn(file))), (effect) =>
    inVirtualTime(effect, at)
  )

const refusing = (headers: Readonly<Record<string, string>>) => fakeVendor(() => ({ status: 429, headers }))
const serving = () => fakeVendor(() => ok)

describe("what was learned and holds requests back", () => {
  it.live("is named with its end and why, survives the run, and can be forgotten", () =>
    Effect.gen(function* () {
      const file = newFile()
      yield* runAt(start, file, refusing({ "retry-after": "99999999999" }))
      const learned = readLearnedLimits(keys, start + minute, file)
      assert.strictEqual(learned?.holds[0]?.scope, "connection")
      assert.strictEqual(learned?.holds[0]?.until, start + 24 * 60 * minute)
      assert.match(
        learned?.holds[0]?.reason ?? "",
        /asked for 3169 years, which is beyond reason.*after 24 h/
      )
      assert.deepStrictEqual(yield* runAt(start + minute, file, serving()), ["Left"])
      assert.isAtLeast(forgetLearnedLimits(keys, file), 1)
      assert.deepStrictEqual(readLearnedLimits(keys, start + minute, file)?.holds, [])
      assert.deepStrictEqual(yield* runAt(start + 2 * minute, file, serving()), ["Right"])
    })
  )

  it.live("is lifted for a run that is going on, too", () =>
    Effect.gen(function* () {
      const file = newFile()
      const vendor = fakeVendor((_, nth) =>
        nth === 1 ? { status: 429, headers: { "retry-after": "600" } } : ok
      )
      const results = yield* Effect.gen(function* () {
        const { client } = yield* testClient({ baseUrl, maxWaitMillis: 0 })
        const first = yield* Effect.either(client.read(list))
        forgetLearnedLimits(keys, file)
        yield* Effect.sleep(1000)
        return [first._tag, (yield* Effect.either(client.read(list)))._tag]
      }).pipe(Effect.scoped, Effect.provide(Layer.merge(vendor.layer, Governor.sharedIn(file))), (effect) =>
        inVirtualTime(effect, start)
      )
      assert.deepStrictEqual(results, ["Left", "Right"])
    })
  )

  it.live("counts as none where an earlier version left it shut until 2083", () =>
    Effect.gen(function* () {
      const file = newFile()
      yield* runAt(start, file, refusing({ "retry-after": "30" }))
      const db = new Sqlite(file)
      db.prepare("UPDATE buckets SET state = json_set(state, '$.until', 3581000000000)").run()
      db.close()
      assert.deepStrictEqual(readLearnedLimits(keys, start + minute, file)?.holds, [])
      assert.deepStrictEqual(yield* runAt(start + minute, file, serving()), ["Right"])
    })
  )
})

describe("a clock that was ahead during one run, and then right", () => {
  const limits: ReadonlyArray<Limit> = [
    { name: "20 a minute", requests: 20, perMillis: minute, scope: "connection" }
  ]

  for (const [name, ahead] of [
    ["two minutes", 2 * minute],
    ["a day", 1440 * minute],
    ["a year", year]
  ] as const) {
    it.live(`by ${name}: its refusal holds nobody back`, () =>
      Effect.gen(function* () {
        const file = newFile()
        yield* runAt(start + ahead, file, refusing({ "retry-after": "600" }))
        assert.deepStrictEqual(readLearnedLimits(keys, start, file)?.holds, [])
        assert.deepStrictEqual(yield* runAt(start, file, serving()), ["Right"])
      })
    )

    it.live(`by ${name}: the requests that it counted are not counted on`, () =>
      Effect.gen(function* () {
        const file = newFile()
        yield* runAt(start + ahead, file, serving(), limits, 20)
        assert.deepStrictEqual(yield* runAt(start, file, serving(), limits), ["Right"])
      })
    )

    it.live(`by ${name}: a slow rate that was found goes on to be found`, () =>
      Effect.gen(function* () {
        const file = newFile()
        const vendor = fakeVendor((_, nth) => (nth % 2 === 1 ? { status: 429 } : ok))
        yield* runAt(start + ahead, file, vendor, [], 4, 10 * minute)
        const after = serving()
        yield* runAt(start, file, after, [], 100, 10 * minute)
        const [first, second] = [after.arrivals[0]?.at ?? 0, after.arrivals.at(-1)?.at ?? 0]
        const perSecond = readLearnedLimits(keys, second, file)?.foundPerSecond ?? 0
        assert.isAtMost(second - first, 5 * minute)
        assert.isAbove(perSecond, 0.2)
      })
    )
  }
})
