import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Layer } from "effect"
import type { Lane, Limit } from "../../src/http/contract.ts"
import { Governor } from "../../src/http/Governor.ts"
import { virtualLanes } from "../../src/http/lanes.ts"
import { list, testClient } from "./support/client.ts"
import { most, slidingWindow } from "./support/slidingWindow.ts"
import type { FakeVendor } from "./support/vendor.ts"
import { inVirtualTime } from "./support/virtualTime.ts"

const baseUrl = "https://vendor.example/api"

const newFile = () => join(mkdtempSync(join(tmpdir(), "parley-quota-")), "quota.db")

/** What one process would do, in the same process: its own governor on the shared file. */
const inProcess = <A, E>(
  file: string,
  vendor: FakeVendor,
  lane: Lane,
  limits: ReadonlyArray<Limit>,
  work: (read: () => Effect.Effect<unknown, unknown>) => Effect.Effect<A, E>
) =>
  Effect.gen(function* () {
    const { client } = yield* testClient({ baseUrl, lane, limits, concurrency: 8 })
    return yield* work(() => client.read(list))
  }).pipe(Effect.scoped, Effect.provide(Layer.merge(vendor.layer, Governor.sharedIn(file, virtualLanes))))

const reads = (count: number) => (read: () => Effect.Effect<unknown, unknown>) =>
  Effect.forEach(Array.from({ length: count }), read, { concurrency: 16, discard: true })

describe("processes that share a credential", () => {
  for (const [name, requests, perMillis, count] of [
    ["500 a minute", 500, 60_000, 700],
    ["100 in ten seconds", 100, 10_000, 300],
    ["50 a second", 50, 1000, 400],
    ["200 a second", 200, 1000, 1000]
  ] as const) {
    it.live(`keep ${name} together, and use it up`, () =>
      Effect.gen(function* () {
        const file = newFile()
        const { vendor, served, refusals } = slidingWindow(requests, perMillis, 40)
        const limits: ReadonlyArray<Limit> = [{ name, requests, perMillis, scope: "connection", burst: perMillis > 1000 }]
        const lanes: ReadonlyArray<Lane> = ["sync", "backfill", "verify"]
        const took = yield* Effect.gen(function* () {
          yield* Effect.forEach(
            lanes,
            (lane, index) =>
              Effect.zipRight(Effect.sleep(index * 700), inProcess(file, vendor, lane, limits, reads(count))),
            { concurrency: "unbounded", discard: true }
          )
          return yield* Clock.currentTimeMillis
        }).pipe(inVirtualTime)
        const least = (3 * count * perMillis) / requests - perMillis
        process.stdout.write([name, took, least, served.length, refusals.length, most(served, perMillis)].join(' ') + '\n')
        assert.strictEqual(served.length, 3 * count)
        assert.deepStrictEqual(refusals, [])
        assert.isAtMost(most(served, perMillis), requests)
        assert.isAtMost(took, least * 1.05 + perMillis)
      })
    )
  }
})
