import { Clock, Effect, type Layer } from "effect"
import type { DispatchRequest, Transport } from "../../../src/http/exchange/transport.ts"
import { transportOf } from "../../support/transport.ts"

export interface Arrival {
  readonly at: number
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
}

/** What a vendor does with a request: answers, breaks the connection, or never says anything. */
export type Reply =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }
  | "reset"
  | "silence"

export interface FakeVendor {
  readonly layer: Layer.Layer<Transport>
  readonly arrivals: ReadonlyArray<Arrival>
}

/**
 * A vendor in virtual time. `delay`: milliseconds until each answer; a request counts when it arrives. `stall`: it sees
 * nothing in the first so many milliseconds of each second, and then at once all that has come.
 */
export const fakeVendor = (
  reply: (arrival: Arrival, nth: number, request: DispatchRequest) => Reply,
  delay = 0,
  stall = 0
): FakeVendor => {
  const arrivals: Array<Arrival> = []
  const layer = transportOf((request) =>
    Effect.gen(function* () {
      const intoSecond = (yield* Clock.currentTimeMillis) % 1000
      if (intoSecond < stall) yield* Effect.sleep(stall - intoSecond)
      const at = yield* Clock.currentTimeMillis
      const { headers, method, path } = request
      const arrival = { at, method, path, headers }
      arrivals.push(arrival)
      const answer = reply(arrival, arrivals.length, request)
      if (delay > 0) yield* Effect.sleep(delay)
      if (answer === "silence") return yield* Effect.never
      if (answer === "reset") {
        return yield* Effect.fail(Object.assign(new Error("other side closed"), { code: "UND_ERR_SOCKET" }))
      }
      const { body = "{}", status } = answer
      return { status, headers: { "content-type": "application/json", ...answer.headers }, body }
    })
  )
  return { layer, arrivals }
}

export const ok: Reply = { status: 200, body: '{"ok":true}' }
