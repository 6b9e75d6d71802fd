import { it } from "@effect/vitest"
import { Effect, Fiber, TestClock } from "effect"
import { describe, expect } from "vitest"
import { type DispatchRequest, Transport } from "../../src/http/exchange/transport.ts"
import type { Fault } from "../../src/simulator/faults.ts"
import { makeSimulator } from "../../src/simulator/simulator.ts"
import { inProcessOrigins, simulatedTransport } from "../support/simulatedTransport.ts"
import { now } from "./support.ts"

interface Exchanged {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly pieces: ReadonlyArray<Uint8Array>
  /** Why the body is not whole; null: it is. */
  readonly cut: unknown
}

const textOf = ({ pieces }: Exchanged): string => Buffer.concat(pieces).toString("utf8")

/** One request and all of its answer; fails where there are no headers. */
const exchanged = (request: DispatchRequest) =>
  Effect.flatMap(Transport, ({ dispatch }) =>
    Effect.async<Exchanged, unknown>((resume) => {
      const pieces: Array<Uint8Array> = []
      let head: Pick<Exchanged, "status" | "headers"> | null = null
      const end = (cut: unknown) =>
        resume(head === null ? Effect.fail(cut) : Effect.succeed({ ...head, pieces, cut }))
      const { abort } = dispatch(request, {
        started: (status, headers) => {
          head = { status, headers }
        },
        data: (piece) => void pieces.push(piece),
        ended: () => end(null),
        failed: end
      })
      return Effect.sync(abort)
    })
  )

const make = (...faults: ReadonlyArray<Fault>) => {
  const simulator = makeSimulator({ seed: 8, conversations: 40, now, faults })
  const { naturalead, aelyst } = simulator.vendors
  const send = (request: DispatchRequest) => Effect.provide(exchanged(request), simulatedTransport(simulator))
  const get = (origin: string, path: string, headers = {}) =>
    send({ origin, path, method: "GET", headers, body: null })
  return {
    simulator,
    get,
    contacts: send({
      origin: inProcessOrigins.aelyst,
      path: "/v1/contact/list",
      method: "POST",
      headers: { authorization: `Bearer ${aelyst.options.token}` },
      body: JSON.stringify({ search: "", filter: { $and: [] } })
    }),
    leads: get(inProcessOrigins.naturalead, "/api/conversations", { "x-api-key": naturalead.options.apiKey })
  }
}

describe("the simulated vendors in process", () => {
  it.effect("take the time from the clock, so that a limit is over when the test says so", () =>
    Effect.gen(function* () {
      const { contacts, simulator } = make()
      yield* TestClock.setTime(now)
      const statuses = Effect.map(Effect.all(Array.from({ length: 6 }, () => contacts)), (all) =>
        all.map((response) => response.status)
      )
      expect(yield* statuses).toEqual([200, 200, 200, 200, 200, 429])
      yield* TestClock.adjust("1 second")
      expect((yield* contacts).status).toBe(200)
      expect(simulator.log.at(-1)?.at).toBe(now + 1000)
    })
  )

  it.effect("carry method, path, headers and body", () =>
    Effect.gen(function* () {
      const { contacts, leads } = make()
      const body = JSON.parse(textOf(yield* contacts)) as { items: ReadonlyArray<unknown> }
      expect(body.items).toHaveLength(10)
      const response = yield* leads
      expect(response.headers["ratelimit-limit"]).toBe("500")
      expect(JSON.parse(textOf(response))).toHaveLength(40)
    })
  )

  it.effect("delay an answer by the clock's time", () =>
    Effect.gen(function* () {
      const { leads } = make({ effect: { kind: "delay", millis: 30_000 } })
      const fiber = yield* Effect.fork(leads)
      yield* TestClock.adjust("29 seconds")
      expect(yield* Fiber.poll(fiber)).toMatchObject({ _tag: "None" })
      yield* TestClock.adjust("1 second")
      expect((yield* Fiber.join(fiber)).status).toBe(200)
    })
  )

  it.effect("never answer where they hang", () =>
    Effect.gen(function* () {
      const { leads } = make({ effect: { kind: "hang" } })
      const fiber = yield* Effect.fork(Effect.timeoutOption(leads, "1 hour"))
      yield* TestClock.adjust("1 hour")
      expect(yield* Fiber.join(fiber)).toMatchObject({ _tag: "None" })
    })
  )

  it.effect("fail as a transport does where a connection is cut", () =>
    Effect.gen(function* () {
      const { get, leads } = make({ times: 1, effect: { kind: "cut", when: "after" } })
      expect(yield* Effect.flip(leads)).toMatchObject({ message: "The connection was cut" })
      expect((yield* leads).status).toBe(200)
      expect(yield* Effect.flip(get("https://nobody.simulated.invalid", "/"))).toBeInstanceOf(Error)
    })
  )

  it.effect("break a body in the middle, after what had arrived", () =>
    Effect.gen(function* () {
      const { leads } = make({ effect: { kind: "cut", when: "body", afterCharacters: 70_000 } })
      const response = yield* leads
      expect(response.status).toBe(200)
      expect(response.cut).toBeInstanceOf(Error)
      const text = textOf(response)
      expect(text).toHaveLength(70_000)
      expect(text.startsWith('[{"_id"')).toBe(true)
    })
  )

  it.effect("make a long list while it is read", () =>
    Effect.gen(function* () {
      const simulator = makeSimulator({ seed: 8, conversations: { naturalead: 2000 }, now })
      const { pieces } = yield* Effect.provide(
        exchanged({
          origin: inProcessOrigins.naturalead,
          path: "/api/conversations",
          method: "GET",
          headers: { "x-api-key": simulator.vendors.naturalead.options.apiKey },
          body: null
        }),
        simulatedTransport(simulator)
      )
      expect(pieces.length).toBeGreaterThan(20)
      expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThan(1_000_000)
      expect(JSON.parse(Buffer.concat(pieces).toString("utf8"))).toHaveLength(2000)
    })
  )
})
