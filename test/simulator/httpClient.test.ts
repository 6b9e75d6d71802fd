import { HttpBody } from "@effect/platform"
import { it } from "@effect/vitest"
import { Chunk, Effect, Fiber, Stream, TestClock } from "effect"
import { describe, expect } from "vitest"
import type { Fault } from "../../src/simulator/faults.ts"
import { inProcessOrigins, makeHttpClient } from "../../src/simulator/httpClient.ts"
import { makeSimulator } from "../../src/simulator/simulator.ts"
import { now } from "./support.ts"

const make = (...faults: ReadonlyArray<Fault>) => {
  const simulator = makeSimulator({ seed: 8, conversations: 40, now, faults })
  const { naturalead, aelyst } = simulator.vendors
  const headers = { authorization: `Bearer ${aelyst.options.token}` }
  const url = `${inProcessOrigins.aelyst}/v1/contact/list`
  const client = makeHttpClient(simulator)
  return {
    simulator,
    client,
    contacts: client.post(url, { headers, body: HttpBody.unsafeJson({ search: "", filter: { $and: [] } }) }),
    leads: client.get(`${inProcessOrigins.naturalead}/api/conversations`, {
      headers: { "x-api-key": naturalead.options.apiKey }
    })
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
      const body = (yield* (yield* contacts).json) as { items: ReadonlyArray<unknown> }
      expect(body.items).toHaveLength(10)
      const response = yield* leads
      expect(response.headers["ratelimit-limit"]).toBe("500")
      expect(yield* response.json).toHaveLength(40)
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
      const { leads, client } = make({ times: 1, effect: { kind: "cut", when: "after" } })
      expect(yield* Effect.flip(leads)).toMatchObject({ _tag: "RequestError", reason: "Transport" })
      expect((yield* leads).status).toBe(200)
      expect(yield* Effect.flip(client.get("https://nobody.simulated.invalid/"))).toMatchObject({
        reason: "Transport"
      })
    })
  )

  it.effect("break a body in the middle, after what had arrived", () =>
    Effect.gen(function* () {
      const { leads } = make({ effect: { kind: "cut", when: "body", afterCharacters: 70_000 } })
      const response = yield* leads
      expect(response.status).toBe(200)
      const received: Array<Uint8Array> = []
      const failed = yield* response.stream.pipe(
        Stream.tap((piece) => Effect.sync(() => received.push(piece))),
        Stream.runDrain,
        Effect.flip
      )
      expect(failed._tag).toBe("ResponseError")
      const text = new TextDecoder().decode(Buffer.concat(received))
      expect(text).toHaveLength(70_000)
      expect(text.startsWith('[{"_id"')).toBe(true)
    })
  )

  it.effect("make a long list while it is read", () =>
    Effect.gen(function* () {
      const simulator = makeSimulator({ seed: 8, conversations: { naturalead: 2000 }, now })
      const headers = { "x-api-key": simulator.vendors.naturalead.options.apiKey }
      const response = yield* makeHttpClient(simulator).get(
        `${inProcessOrigins.naturalead}/api/conversations`,
        {
          headers
        }
      )
      const pieces = Chunk.toReadonlyArray(yield* Stream.runCollect(response.stream))
      expect(pieces.length).toBeGreaterThan(20)
      expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThan(1_000_000)
      expect(JSON.parse(Buffer.concat(pieces).toString("utf8"))).toHaveLength(2000)
    })
  )
})
