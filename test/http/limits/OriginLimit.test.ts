import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import Sqlite from "better-sqlite3"
import { Effect, Layer, Redacted } from "effect"
import type { Authorization, Lane } from "../../../src/http/contract.ts"
import { Governor } from "../../../src/http/limits/Governor.ts"
import { naturalead } from "../../../src/providers/naturalead/index.ts"
import { list, testClient } from "../support/client.ts"
import { most } from "../support/slidingWindow.ts"
import { type Arrival, type FakeVendor, fakeVendor, ok, type Reply } from "../support/vendor.ts"
import { inVirtualTime } from "../support/virtualTime.ts"

const baseUrl = "https://vendor.example/api"
const minute = 60_000

const withKey = (key: string): Authorization => ({
  _tag: "Fixed",
  headers: { "x-api-key": Redacted.make(key) },
  credential: Redacted.make(key),
  setting: "apiKey"
})

const keyOf = (arrival: Arrival): string => arrival.headers["x-api-key"] ?? ""

/** A vendor that allows 500 a minute for each key and 1,000 for the address, in sliding windows. */
const twoTiers = (
  headers: (ofKey: number, ofAddress: number) => Readonly<Record<string, string>> = () => ({}),
  foreign: ReadonlyArray<number> = []
) => {
  const served = new Map<string, Array<number>>()
  const all: Array<number> = []
  const refusals: Array<string> = []
  const within = (times: ReadonlyArray<number>, at: number) => {
    let count = 0
    for (let index = times.length - 1; index >= 0 && (times[index] ?? 0) > at - minute; index -= 1) count += 1
    return count
  }
  const vendor = fakeVendor((arrival): Reply => {
    const { at } = arrival
    const key = keyOf(arrival)
    const own = served.get(key) ?? []
    served.set(key, own)
    const [ofKey, ofAddress] = [within(own, at), within(all, at) + within(foreign, at)]
    if (ofKey >= 500 || ofAddress >= 1000) {
      refusals.push(key)
      return { status: 429, headers: { "retry-after": "1" } }
    }
    own.push(at)
    all.push(at)
    return { ...(ok as object), status: 200, headers: headers(500 - ofKey - 1, 1000 - ofAddress - 1) }
  }, 40)
  return { vendor, all, refusals, of: (key: string) => served.get(key) ?? [] }
}

interface Work {
  readonly key: string
  readonly count: number
  readonly lane?: Lane
  readonly quota?: number
}

const reads = ({ count, key, ...options }: Work) =>
  Effect.gen(function* () {
    const { client } = yield* testClient({
      baseUrl,
      authorization: withKey(key),
      limits: naturalead.limits,
      concurrency: 8,
      ...options
    })
    const all = Array.from({ length: count })
    yield* Effect.forEach(all, () => client.read(list), { concurrency: 16, discard: true })
  }).pipe(Effect.scoped)

const newFile = () => join(mkdtempSync(join(tmpdir(), "parley-address-")), "quota.db")

/** What one process would do, in the same process: its own governor on the shared file. */
const inProcess = (file: string, vendor: FakeVendor, works: ReadonlyArray<Work>) =>
  Effect.forEach(works, reads, { concurrency: "unbounded", discard: true }).pipe(
    Effect.provide(Layer.merge(vendor.layer, Governor.sharedIn(file)))
  )

const together = (...processes: ReadonlyArray<Effect.Effect<unknown, { readonly message: string }>>) =>
  Effect.all(processes, { concurrency: "unbounded", discard: true }).pipe(inVirtualTime)

/** The last of so many requests could not have left sooner than this, and must not leave much later. */
const assertUsed = (times: ReadonlyArray<number>, limit: number) => {
  const least = (Math.ceil(times.length / limit) - 1) * minute
  const took = (times.at(-1) ?? 0) - (times[0] ?? 0)
  assert.isAtLeast(took, least)
  assert.isAtMost(took, least / 0.95)
}

describe("the limit of an address", () => {
  it.live("holds for three keys of one process together, which use it up and share it fairly", () =>
    Effect.gen(function* () {
      const { all, of, refusals, vendor } = twoTiers()
      const keys = ["one", "two", "three"]
      yield* together(
        inProcess(
          newFile(),
          vendor,
          keys.map((key) => ({ key, count: 900 }))
        )
      )
      assert.deepStrictEqual(refusals, [])
      assert.strictEqual(all.length, 2700)
      assert.isAtMost(most(all, minute), 1000)
      assertUsed(all, 1000)
      for (const key of keys) {
        const early = of(key).filter((at) => at < 1.5 * minute).length
        assert.isAtLeast(early, 600)
        assert.isAtMost(most(of(key), minute), 500)
      }
    })
  )

  it.live("lets two keys use the whole limit of each", () =>
    Effect.gen(function* () {
      const { all, of, refusals, vendor } = twoTiers()
      yield* together(
        inProcess(newFile(), vendor, [
          { key: "one", count: 1000 },
          { key: "two", count: 1000 }
        ])
      )
      assert.deepStrictEqual(refusals, [])
      assert.isAtMost(most(all, minute), 1000)
      assertUsed(all, 1000)
      assertUsed(of("one"), 500)
    })
  )

  it.live("leaves one key its own limit", () =>
    Effect.gen(function* () {
      const { all, refusals, vendor } = twoTiers()
      yield* together(inProcess(newFile(), vendor, [{ key: "one", count: 1000 }]))
      assert.deepStrictEqual(refusals, [])
      assert.isAtMost(most(all, minute), 500)
      assertUsed(all, 500)
    })
  )

  it.live("costs a key that is alone a few writes a second, and none for each request", () =>
    Effect.gen(function* () {
      const file = newFile()
      const { all, refusals, vendor } = twoTiers()
      const writes = yield* Effect.gen(function* () {
        yield* inProcess(file, vendor, [{ key: "other", count: 1 }])
        const db = new Sqlite(file)
        db.exec(
          `CREATE TABLE writes (n); CREATE TRIGGER count_uses AFTER INSERT ON uses BEGIN INSERT INTO writes VALUES (1); END`
        )
        yield* inProcess(file, vendor, [{ key: "one", count: 500 }])
        const count = Number(db.prepare("SELECT count(*) FROM writes").pluck().get())
        db.close()
        return count
      }).pipe(inVirtualTime)
      assert.isAtMost(writes, 20)
      assert.deepStrictEqual(refusals, [])
      assert.isAtMost(all.at(-1) ?? 0, 10_000)
    })
  )

  it.live("holds for processes with different keys together, and is used up", () =>
    Effect.gen(function* () {
      const file = newFile()
      const { all, refusals, vendor } = twoTiers()
      yield* together(
        ...["one", "two", "three"].map((key, index) =>
          Effect.zipRight(Effect.sleep(index * 300), inProcess(file, vendor, [{ key, count: 900 }]))
        )
      )
      assert.deepStrictEqual(refusals, [])
      assert.strictEqual(all.length, 2700)
      assert.isAtMost(most(all, minute), 1000)
      assertUsed(all, 1000)
    })
  )

  it.live("counts what a process with another key used that has ended", () =>
    Effect.gen(function* () {
      const file = newFile()
      const { all, refusals, vendor } = twoTiers()
      yield* Effect.gen(function* () {
        yield* inProcess(file, vendor, [
          { key: "one", count: 500 },
          { key: "two", count: 400 }
        ])
        yield* inProcess(file, vendor, [{ key: "three", count: 200 }])
      }).pipe(inVirtualTime)
      assert.deepStrictEqual(refusals, [])
      assert.isAtMost(all[999] ?? 0, 10_000)
      assert.isAtLeast(all[1000] ?? 0, minute)
    })
  )

  it.live("takes nothing from one key while another waits: for its own limit, or after a refusal", () =>
    Effect.gen(function* () {
      const arrivals: Array<{ readonly key: string; readonly at: number }> = []
      const vendor = fakeVendor((arrival, nth): Reply => {
        const key = keyOf(arrival)
        arrivals.push({ key, at: arrival.at })
        return key === "one" && nth <= 20 ? { status: 429, headers: { "retry-after": "600" } } : ok
      }, 40)
      yield* together(
        inProcess(newFile(), vendor, [
          { key: "one", count: 100 },
          { key: "two", count: 1000 }
        ])
      )
      const at = (key: string) => arrivals.filter((arrival) => arrival.key === key).map(({ at }) => at)
      assert.strictEqual(most(at("two"), minute), 500)
      assert.isAtMost(at("two").at(-1) ?? 0, minute + 10_000)
      assert.isEmpty(at("one").filter((time) => time > 1000 && time < 600_000))
    })
  )

  it.live("goes to the better lane first, whatever its key and its process", () =>
    Effect.gen(function* () {
      for (const isOneProcess of [true, false]) {
        const file = newFile()
        const { of, refusals, vendor } = twoTiers()
        const rest: ReadonlyArray<Work> = ["one", "two", "three"].map((key) => ({
          key,
          count: 500,
          lane: "backfill"
        }))
        const push: Work = { key: "four", count: 150, lane: "push" }
        const late = <E, R>(work: Effect.Effect<void, E, R>) =>
          Effect.zipRight(Effect.sleep("30 seconds"), work)
        const both = [
          Effect.forEach(rest, reads, { concurrency: "unbounded", discard: true }),
          late(reads(push))
        ]
        const layer = Layer.merge(vendor.layer, Governor.sharedIn(file))
        yield* isOneProcess
          ? together(Effect.provide(Effect.all(both, { concurrency: "unbounded" }), layer))
          : together(inProcess(file, vendor, rest), late(inProcess(file, vendor, [push])))
        assert.deepStrictEqual(refusals, [])
        assert.isAtMost(of("four").at(-1) ?? 0, minute + 5000, isOneProcess ? "one process" : "two")
      }
    })
  )

  it.live(
    "is what a vendor's headers speak of where they say 1,000, and then others at the address count",
    () =>
      Effect.gen(function* () {
        const foreign = Array.from({ length: 600 }, () => -1000)
        const { of, refusals, vendor } = twoTiers(
          (_, ofAddress) => ({ "ratelimit-limit": "1000", "ratelimit-remaining": String(ofAddress) }),
          foreign
        )
        yield* together(
          inProcess(newFile(), vendor, [
            { key: "one", count: 700 },
            { key: "two", count: 300 }
          ])
        )
        assert.deepStrictEqual(refusals, [])
        assert.isAtMost(most(of("one"), minute), 500)
      })
  )

  it.live("is kept to the smallest share that one of the connections is allowed", () =>
    Effect.gen(function* () {
      const { all, vendor } = twoTiers()
      yield* together(
        inProcess(newFile(), vendor, [
          { key: "one", count: 600 },
          { key: "two", count: 900, quota: 0.6 }
        ])
      )
      assert.isAtMost(most(all, minute), 600)
    })
  )

  it.live("is not shared between origins", () =>
    Effect.gen(function* () {
      const arrivals: Array<number> = []
      const vendor = fakeVendor(({ at }) => {
        arrivals.push(at)
        return ok
      }, 40)
      const layer = Layer.merge(vendor.layer, Governor.sharedIn(newFile()))
      const works = [1, 2, 3].map((index) =>
        Effect.gen(function* () {
          const { client } = yield* testClient({
            baseUrl: `https://vendor${index}.example`,
            authorization: withKey("the same"),
            limits: naturalead.limits,
            concurrency: 8
          })
          yield* Effect.forEach(Array.from({ length: 450 }), () => client.read(list), { concurrency: 16 })
        }).pipe(Effect.scoped)
      )
      yield* together(Effect.provide(Effect.all(works, { concurrency: "unbounded" }), layer))
      assert.isAtMost(arrivals.at(-1) ?? 0, 10_000)
    })
  )
})
