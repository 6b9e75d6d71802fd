import { Clock, Effect } from "effect"
import type { Origins } from "../../src/simulator/configuration.ts"
import { arriving } from "../../src/simulator/http.ts"
import type { Simulator } from "../../src/simulator/simulator.ts"
import { forEachVendor, vendorIds } from "../../src/simulator/vendors/index.ts"
import { type Answering, transportOf } from "./transport.ts"

/** Origins that only these transports know. */
export const inProcessOrigins: Origins = forEachVendor((id) => `https://${id}.simulated.invalid`)

const cutOff = new Error("The connection was cut")

/**
 * The simulated vendors without a network: requests to `inProcessOrigins` are answered, all others fail. The time is
 * that of Effect's `Clock`, so that a `TestClock` makes simulated days pass at once.
 */
export const answeringAs =
  (simulator: Simulator): Answering =>
  ({ body, headers, method, origin, path }) =>
    Effect.gen(function* () {
      const vendor = vendorIds.find((id) => inProcessOrigins[id] === origin)
      if (vendor === undefined) return yield* Effect.fail(new Error(`Nothing answers at ${origin}`))
      const now = yield* Clock.currentTimeMillis
      const response = simulator.handle(vendor, { method, origin, url: path, headers, body: body ?? "" }, now)
      if (response.delayMillis > 0) yield* Effect.sleep(response.delayMillis)
      if (response.fate === "hung") return yield* Effect.never
      if (response.fate === "dropped") return yield* Effect.fail(cutOff)
      const pieces = function* () {
        yield* arriving(response)
        if (response.fate === "cut") throw cutOff
      }
      return { status: response.status, headers: response.headers, body: pieces() }
    })

export const simulatedTransport = (simulator: Simulator) => transportOf(answeringAs(simulator))
