import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer } from "effect"
import type { Limit } from "../../../src/http/contract.ts"
import { Governor } from "../../../src/http/limits/Governor.ts"
import { list, testClient } from "../support/client.ts"
import { fakeVendor, ok } from "../support/vendor.ts"
import { inVirtualTime } from "../support/virtualTime.ts"

const often: Limit = { name: "100 a second", requests: 100, perMillis: 1000, scope: "connection" }

describe("more requests at once than the limiter looks at", () => {
  it.live("leave in the order in which they were made, without those that were given up meanwhile", () =>
    Effect.gen(function* () {
      const vendor = fakeVendor(() => ok, 50)
      const given = (index: number) => index % 3 === 0
      yield* Effect.gen(function* () {
        const { client } = yield* testClient({ baseUrl: "https://vendor.example/api", limits: [often] })
        const requests = yield* Effect.forEach(Array.from({ length: 500 }).keys(), (index) =>
          Effect.fork(client.read({ ...list, path: `/conversations/${index}` }))
        )
        yield* Effect.sleep(200)
        const late = requests.filter((_, index) => index >= 200 && given(index))
        yield* Effect.forEach(late, Fiber.interrupt, { discard: true })
        const rest = requests.filter((_, index) => index < 200 || !given(index))
        yield* Effect.forEach(rest, Fiber.join, { discard: true })
      }).pipe(Effect.scoped, Effect.provide(Layer.merge(vendor.layer, Governor.alone)), inVirtualTime)
      const expected = [...Array.from({ length: 500 }).keys()].filter((index) => index < 200 || !given(index))
      assert.deepStrictEqual(
        vendor.arrivals.map(({ path }) => Number(path.split("/").at(-1))),
        expected
      )
    })
  )
})
