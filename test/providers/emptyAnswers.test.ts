import { Effect } from "effect"
import { describe, expect, it } from "vitest"
import { registry } from "../../src/providers/index.ts"
import { makeSimulator, vendorIds } from "../../src/simulator/index.ts"
import { simulatedProvider } from "../support/simulatedPull.ts"
import { worldBegins } from "../support/simulatedVendor.ts"

describe("one conversation that is answered with 404", () => {
  for (const vendor of vendorIds) {
    const definition = registry[vendor]
    if (definition === undefined) throw new Error(`no provider ${vendor}`)
    const fetched = (text: string) => {
      const simulator = makeSimulator({ seed: 7, conversations: 3, now: worldBegins, limits: false })
      const [id = ""] = simulator.vendors[vendor].world.conversations.keys()
      const { provider } = simulatedProvider(simulator, vendor, definition, ({ path }) =>
        path.includes(id) ? { status: 404, text } : null
      )
      return Effect.runPromise(Effect.either(provider.fetch(id, null, { messages: true })))
    }

    it(`is gone where ${vendor} says so, and a failure where nothing is said`, async () => {
      expect(
        await fetched('{"error":"Not found","message":"Not found","detail":"Not found","code":404}')
      ).toMatchObject({
        _tag: "Right",
        right: null
      })
      expect(await fetched("")).toMatchObject({ _tag: "Left", left: { _tag: "Rejected", status: 404 } })
    })
  }
})
