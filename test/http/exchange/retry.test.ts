import { assert, describe, it } from "@effect/vitest"
import { Chunk, Effect, Either, Fiber, Layer, Redacted, Stream, TestClock } from "effect"
import { WriteTurn } from "../../../src/http/client.ts"
import type { Authorization } from "../../../src/http/contract.ts"
import { Governor } from "../../../src/http/limits/Governor.ts"
import { parseJson } from "../../../src/providers/kit/decode.ts"
import { unlimited as unlimitedGovernor } from "../../support/unlimited.ts"
import { hour, list, testClient } from "../support/client.ts"
import { type FakeVendor, fakeVendor, ok, type Reply } from "../support/vendor.ts"
import { inVirtualTime } from "../support/virtualTime.ts"

const baseUrl = "https://vendor.example/api"

const provide = (vendor: FakeVendor) => Effect.provide(Layer.merge(vendor.layer, Governor.alone))

/** Where limits are not the point. */
const unlimited = (vendor: FakeVendor) => Effect.provide(Layer.merge(vendor.layer, unlimitedGovernor))

describe("reading", () => {
  it.scoped("waits out a 429 to the millisecond, and says so", () => {
    const vendor = fakeVendor((_, nth) =>
      nth === 1 ? { status: 429, headers: { "retry-after": "30" } } : ok
    )
    return Effect.gen(function* () {
      const { client, events } = yield* testClient({ baseUrl })
      const reading = yield* Effect.fork(client.read(list))
      yield* TestClock.adjust("29999 millis")
      assert.strictEqual(vendor.arrivals.length, 1)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual((yield* Fiber.join(reading)).status, 200)
      assert.deepStrictEqual(
        vendor.arrivals.map(({ at }) => at),
        [0, 30_000]
      )
      assert.deepInclude(events, { _tag: "Waiting", since: 0, until: 30_000, reason: "it asked for 30 s" })
      assert.deepInclude(events, { _tag: "Waited", millis: 30_000 })
      assert.deepInclude(events, { _tag: "RateLimited", status: 429, retryAt: 30_000 })
    }).pipe(provide(vendor))
  })

  it.scoped("asks once per step, and ever later, where a 429 says nothing", () => {
    const vendor = fakeVendor((_, nth) => (nth <= 6 ? { status: 429 } : ok))
    return Effect.gen(function* () {
      const { client } = yield* testClient({ baseUrl })
      const reading = yield* Effect.fork(
        Effect.all([client.read(list), client.read(list)], { concurrency: 2 })
      )
      yield* TestClock.adjust("5 minutes")
      yield* Fiber.join(reading)
      const gaps = vendor.arrivals.slice(1).map(({ at }, index) => at - (vendor.arrivals[index]?.at ?? 0))
      assert.strictEqual(vendor.arrivals.length, 8)
      for (const [index, gap] of gaps.slice(0, 6).entries()) {
        assert.isAtLeast(gap, 1000 * 2 ** index)
        assert.isAtMost(gap, 1250 * 2 ** index)
      }
    }).pipe(provide(vendor))
  })

  it.scoped(
    "fails at once where the vendor asks for longer than allowed, and keeps the promise after that",
    () => {
      const vendor = fakeVendor(() => ({
        status: 429,
        headers: { "retry-after": "600" },
        body: '{"error":"slow down"}'
      }))
      return Effect.gen(function* () {
        const { client } = yield* testClient({ baseUrl, maxWaitMillis: 60_000 })
        for (const _ of [1, 2]) {
          const error = yield* Effect.flip(client.read(list))
          assert.strictEqual(error._tag, "RateLimited")
          if (error._tag === "RateLimited") assert.strictEqual(error.retryAt, 600_000)
          assert.include(error.message, "Vendor")
        }
        assert.strictEqual(vendor.arrivals.length, 1)
      }).pipe(provide(vendor))
    }
  )

  it.live(
    "asks k + 1 times where it is queued k times, never sooner than its schedule, for every k to 50",
    () =>
      Effect.forEach(
        Array.from({ length: 51 }, (_, k) => k),
        (k) => {
          const vendor = fakeVendor((_, nth) => (nth <= k ? { status: 449 } : ok))
          return Effect.gen(function* () {
            const { client } = yield* testClient({ baseUrl, maxWaitMillis: hour })
            assert.strictEqual((yield* client.read(list)).status, 200)
            const minutes = vendor.arrivals
              .slice(1)
              .map(({ at }, index) => (at - (vendor.arrivals[index]?.at ?? 0)) / 60_000)
            const schedule = [1, 2, 4, ...Array.from({ length: 50 }, () => 5)].slice(0, k)
            assert.deepStrictEqual(minutes, schedule, `queued ${k} times`)
          }).pipe(Effect.scoped, provide(vendor))
        },
        { concurrency: "unbounded", discard: true }
      ).pipe(inVirtualTime)
  )

  it.scoped("gives a queue up after so many answers, with the time to come back", () => {
    const vendor = fakeVendor(() => ({ status: 449 }))
    return Effect.gen(function* () {
      const { client } = yield* testClient({ baseUrl })
      const reading = yield* Effect.fork(Effect.flip(client.read(list)))
      yield* TestClock.adjust("1 day")
      const error = yield* Fiber.join(reading)
      assert.strictEqual(error._tag, "Queued")
      assert.strictEqual(vendor.arrivals.length, 60)
    }).pipe(provide(vendor))
  })

  it.scoped("lets a longer Retry-After of a 449 count, and a shorter one not", () => {
    const told = ["600", "1"]
    const vendor = fakeVendor((_, nth) => {
      const wait = told[nth - 1]
      return wait === undefined ? ok : { status: 449, headers: { "retry-after": wait } }
    })
    return Effect.gen(function* () {
      const { client } = yield* testClient({ baseUrl })
      const reading = yield* Effect.fork(client.read(list))
      yield* TestClock.adjust("1 hour")
      yield* Fiber.join(reading)
      assert.deepStrictEqual(
        vendor.arrivals.map(({ at }) => at),
        [0, 600_000, 720_000]
      )
    }).pipe(provide(vendor))
  })

  it.scoped("tries a failing vendor again a few times, ever later, and then says so", () => {
    const vendor = fakeVendor(() => ({ status: 503, body: "" }))
    return Effect.gen(function* () {
      const { client, events } = yield* testClient({ baseUrl })
      const reading = yield* Effect.fork(Effect.flip(client.read(list)))
      yield* TestClock.adjust("2 minutes")
      const error = yield* Fiber.join(reading)
      assert.strictEqual(error._tag, "Unavailable")
      assert.include(error.message, "503")
      assert.strictEqual(vendor.arrivals.length, 6)
      const gaps = vendor.arrivals.slice(1).map(({ at }, index) => at - (vendor.arrivals[index]?.at ?? 0))
      for (const [index, gap] of gaps.entries()) assert.isAtLeast(gap, 375 * 2 ** index)
      assert.isTrue(events.some((event) => event._tag === "Waiting" && event.reason.includes("answered 503")))
    }).pipe(provide(vendor))
  })

  it.scoped("never tries a failing vendor before the time it names", () => {
    const vendor = fakeVendor((_, nth) =>
      nth === 1 ? { status: 503, headers: { "retry-after": "90" } } : ok
    )
    return Effect.gen(function* () {
      const { client } = yield* testClient({ baseUrl })
      const reading = yield* Effect.fork(client.read(list))
      yield* TestClock.adjust("89999 millis")
      assert.strictEqual(vendor.arrivals.length, 1)
      yield* TestClock.adjust("1 millis")
      yield* Fiber.join(reading)
    }).pipe(provide(vendor))
  })

  it.scoped("gives a connection up that answers nothing within 45 seconds", () => {
    const vendor = fakeVendor(() => "silence")
    return Effect.gen(function* () {
      const { client } = yield* testClient({ baseUrl, concurrency: 4 })
      const readings = yield* Effect.fork(
        Effect.all(
          Array.from({ length: 32 }, () => Effect.flip(client.read(list))),
          { concurrency: 32 }
        )
      )
      yield* TestClock.adjust("45 seconds")
      const errors = yield* Fiber.join(readings)
      for (const error of errors) assert.strictEqual(error._tag, "Unavailable")
      assert.isAtMost(vendor.arrivals.length, 12)
    }).pipe(provide(vendor))
  })

  it.scoped(
    "says once of an answered request that it was answered, stopped while it waits to be sent again",
    () => {
      const vendor = fakeVendor(() => ({ status: 449 }))
      return Effect.gen(function* () {
        const { client, events } = yield* testClient({ baseUrl })
        const reading = yield* Effect.fork(client.read(list))
        yield* TestClock.adjust("10 seconds")
        yield* Fiber.interrupt(reading)
        const ends = events.filter(({ _tag }) => _tag === "Answered" || _tag === "Unanswered")
        assert.deepStrictEqual(
          ends.map(({ _tag }) => _tag),
          ["Answered"]
        )
      }).pipe(provide(vendor))
    }
  )

  it.scoped("is reported as unanswered where it is stopped under way", () => {
    const vendor = fakeVendor(() => "silence")
    return Effect.gen(function* () {
      const { client, events } = yield* testClient({ baseUrl })
      const reading = yield* Effect.fork(client.read(list))
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.interrupt(reading)
      assert.deepStrictEqual(
        events.map(({ _tag }) => _tag),
        ["Sent", "Unanswered"]
      )
    }).pipe(provide(vendor))
  })

  it.scoped("goes on after a reset connection", () => {
    const vendor = fakeVendor((_, nth) => (nth === 1 ? "reset" : ok))
    return Effect.gen(function* () {
      const { client } = yield* testClient({ baseUrl })
      const reading = yield* Effect.fork(client.read(list))
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(reading)
      assert.strictEqual(vendor.arrivals.length, 2)
    }).pipe(provide(vendor))
  })

  it.scoped(
    "spares a vendor that is down: after many failures one request finds out, and all others are told",
    () => {
      let down = true
      const vendor = fakeVendor(() => (down ? { status: 500 } : ok))
      return Effect.gen(function* () {
        const { client } = yield* testClient({ baseUrl, concurrency: 16 })
        const reading = yield* Effect.fork(
          Effect.all(
            Array.from({ length: 200 }, () => Effect.either(client.read(list))),
            { concurrency: 50 }
          )
        )
        yield* TestClock.adjust("3 minutes")
        const results = yield* Fiber.join(reading)
        assert.isTrue(results.every((result) => Either.isLeft(result) && result.left._tag === "Unavailable"))
        assert.isAtMost(vendor.arrivals.length, 40)
        const [last] = results.slice(-1)
        assert.isTrue(last !== undefined && Either.isLeft(last) && last.left.message.includes("in a row"))
        down = false
        yield* TestClock.adjust("2 minutes")
        assert.strictEqual((yield* client.read(list)).status, 200)
      }).pipe(provide(vendor))
    }
  )

  it.scoped("retries no more than a share of what is served", () => {
    const vendor = fakeVendor((_, nth) => (nth % 2 === 1 ? { status: 500 } : ok))
    return Effect.gen(function* () {
      const { client } = yield* testClient({ baseUrl, limits: [], concurrency: 1 })
      const reading = yield* Effect.fork(
        Effect.all(
          Array.from({ length: 400 }, () => Effect.either(client.read(list))),
          { concurrency: 1 }
        )
      )
      yield* TestClock.adjust("30 minutes")
      const results = yield* Fiber.join(reading)
      assert.isTrue(results.slice(0, 100).every(Either.isRight))
      assert.isAtLeast(results.filter(Either.isLeft).length, 100)
    }).pipe(provide(vendor))
  })

  it.scoped("follows a redirect within the origin, and none that leads elsewhere", () => {
    const vendor = fakeVendor(({ path }) =>
      path === "/api/conversations"
        ? { status: 307, headers: { location: "/api/conversations/" } }
        : path === "/api/away"
          ? { status: 302, headers: { location: "https://elsewhere.example/api/away" } }
          : ok
    )
    return Effect.gen(function* () {
      const { client } = yield* testClient({ baseUrl })
      assert.strictEqual((yield* client.read(list)).exchange.path, "/api/conversations/")
      const error = yield* Effect.flip(client.read({ ...list, path: "/away" }))
      assert.strictEqual(error._tag, "Rejected")
      assert.include(error.hint, "baseUrl")
      assert.strictEqual(vendor.arrivals.length, 3)
    }).pipe(unlimited(vendor))
  })

  it.scoped("takes a 404 for an answer only where the request says that it may be missing", () => {
    const vendor = fakeVendor(() => ({ status: 404, body: '{"error":"gone"}' }))
    return Effect.gen(function* () {
      const { client } = yield* testClient({ baseUrl })
      assert.strictEqual((yield* client.read({ ...list, mayBeMissing: true })).status, 404)
      assert.strictEqual((yield* Effect.flip(client.read(list)))._tag, "Rejected")
      assert.strictEqual((yield* client.stream({ ...list, mayBeMissing: true })).status, 404)
    }).pipe(unlimited(vendor))
  })

  for (const [name, status, body] of [
    ["a proxy", 404, "default backend - 404"],
    ["a page for people", 410, "<html><body>gone</body></html>"]
  ] as const) {
    it.scoped(`takes no word for it from ${name}, but where the path itself may be missing`, () => {
      const vendor = fakeVendor(() => ({ status, body }))
      return Effect.gen(function* () {
        const { client } = yield* testClient({ baseUrl })
        const asked = { ...list, mayBeMissing: true }
        const answers = [client.read(asked), client.write(asked), client.read(list)].map(Effect.asVoid)
        for (const answered of [...answers, Effect.asVoid(client.stream(asked))])
          assert.strictEqual((yield* Effect.flip(answered))._tag, "Malformed")
        assert.strictEqual((yield* client.read({ ...list, mayBeMissing: "path" })).status, status)
        assert.strictEqual(vendor.arrivals.length, 5)
      }).pipe(unlimited(vendor))
    })
  }

  it.scoped("takes an empty 404 for an answer", () => {
    const vendor = fakeVendor(() => ({ status: 404, body: "" }))
    return Effect.gen(function* () {
      const { client } = yield* testClient({ baseUrl })
      assert.strictEqual((yield* client.read({ ...list, mayBeMissing: true })).status, 404)
    }).pipe(unlimited(vendor))
  })
})

describe("writing", () => {
  const change = {
    ...list,
    operation: "set the status",
    method: "POST" as const,
    body: { status: "completed" }
  }

  for (const [name, reply, tag] of [
    ["fails", { status: 500 }, "Unavailable"],
    ["is queued", { status: 449 }, "Queued"],
    ["is cut off", "reset", "Unavailable"],
    ["is redirected", { status: 307, headers: { location: "/other" } }, "Rejected"],
    ["is refused for good", { status: 400 }, "Rejected"],
    ["is unauthorized", { status: 401 }, "Unauthorized"]
  ] as const satisfies ReadonlyArray<readonly [string, Reply, string]>) {
    it.scoped(`is sent once where it ${name}`, () => {
      const vendor = fakeVendor(() => reply)
      return Effect.gen(function* () {
        const { client } = yield* testClient({ baseUrl })
        const error = yield* Effect.flip(client.write(change))
        assert.strictEqual(error._tag, tag)
        yield* TestClock.adjust("1 hour")
        assert.strictEqual(vendor.arrivals.length, 1)
      }).pipe(provide(vendor))
    })
  }

  it.scoped("is sent once where nothing comes back", () => {
    const vendor = fakeVendor(() => "silence")
    return Effect.gen(function* () {
      const { client } = yield* testClient({ baseUrl })
      const writing = yield* Effect.fork(Effect.flip(client.write(change)))
      yield* TestClock.adjust("32 seconds")
      assert.strictEqual((yield* Fiber.join(writing))._tag, "Unavailable")
      assert.strictEqual(vendor.arrivals.length, 1)
    }).pipe(provide(vendor))
  })

  it.scoped("is given back after a 429, since what was read before it would be old after the pause", () => {
    const vendor = fakeVendor((_, nth) => (nth === 1 ? { status: 429, headers: { "retry-after": "5" } } : ok))
    return Effect.gen(function* () {
      const { client } = yield* testClient({ baseUrl })
      const error = yield* Effect.flip(client.write(change))
      assert.deepInclude(error, { _tag: "RateLimited", retryAt: 5000 })
      const early = yield* Effect.flip(client.write(change))
      assert.deepInclude(early, { _tag: "RateLimited", retryAt: 5000 })
      assert.strictEqual(vendor.arrivals.length, 1)
    }).pipe(provide(vendor))
  })

  const oneInFour = { name: "one", requests: 1, perMillis: 4000, scope: "connection" } as const

  it.scoped("is given back where its turn would come late, unless it is given the time", () => {
    const vendor = fakeVendor(() => ok)
    return Effect.gen(function* () {
      const { client } = yield* testClient({ baseUrl, limits: [oneInFour] })
      yield* client.read(list)
      const error = yield* Effect.flip(client.write(change))
      assert.strictEqual(error._tag, "RateLimited")
      assert.strictEqual(vendor.arrivals.length, 1)
      const patient = yield* Effect.fork(Effect.provideService(client.write(change), WriteTurn, 8000))
      yield* TestClock.adjust("8 seconds")
      yield* Fiber.join(patient)
      assert.strictEqual(vendor.arrivals.length, 2)
    }).pipe(provide(vendor))
  })

  it.scoped("goes before the reads that wait with it, and never leaves late", () => {
    const vendor = fakeVendor(() => ok)
    const read = { operation: "read", method: "GET", path: "/conversations/2" } as const
    return Effect.gen(function* () {
      const { client } = yield* testClient({ baseUrl, limits: [oneInFour] })
      yield* client.read(read)
      const reads = yield* Effect.forkAll([client.read(read), client.read(read)])
      yield* Effect.yieldNow()
      const writing = yield* Effect.fork(Effect.provideService(client.write(change), WriteTurn, 6000))
      yield* TestClock.adjust("20 seconds")
      yield* Fiber.join(writing)
      yield* Fiber.join(reads)
      assert.deepStrictEqual(
        vendor.arrivals.map(({ method }) => method),
        ["GET", "POST", "GET", "GET"]
      )
    }).pipe(provide(vendor))
  })
})

describe("a session", () => {
  const session = (logins: { count: number }): Authorization => ({
    _tag: "Session",
    credential: Redacted.make("ann:password"),
    setting: "email and password",
    login: (send) =>
      Effect.map(
        send({ operation: "log in", method: "POST", path: "/login", body: { password: "x" } }),
        ({ text }) => {
          logins.count += 1
          return { authorization: Redacted.make(`Bearer ${(JSON.parse(text) as { token: string }).token}`) }
        }
      )
  })

  const vendorOf = (lifetime: number) => {
    let issued = 0
    let served = 0
    return fakeVendor(({ path, headers }) => {
      if (path === "/api/login") {
        assert.isUndefined(headers.authorization)
        issued += 1
        served = 0
        return { status: 200, body: JSON.stringify({ token: `token-${issued}` }) }
      }
      served += 1
      return served <= lifetime && headers.authorization === `Bearer token-${issued}` ? ok : { status: 401 }
    }, 10)
  }

  it.scoped("logs in once for all requests that wait for it", () => {
    const logins = { count: 0 }
    const vendor = vendorOf(1000)
    return Effect.gen(function* () {
      const { client } = yield* testClient({ baseUrl, authorization: session(logins), concurrency: 16 })
      const reading = yield* Effect.fork(
        Effect.all(
          Array.from({ length: 10 }, () => client.read(list)),
          { concurrency: 10 }
        )
      )
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.join(reading)
      assert.strictEqual(logins.count, 1)
      assert.strictEqual(vendor.arrivals.length, 11)
    }).pipe(provide(vendor))
  })

  it.scoped("logs in once more after a 401, once for all requests that got one", () => {
    const logins = { count: 0 }
    const vendor = vendorOf(20)
    return Effect.gen(function* () {
      const { client } = yield* testClient({ baseUrl, authorization: session(logins), concurrency: 16 })
      const reading = yield* Effect.fork(
        Effect.all(
          Array.from({ length: 30 }, () => client.read(list)),
          { concurrency: 10 }
        )
      )
      yield* TestClock.adjust("30 seconds")
      yield* Fiber.join(reading)
      assert.strictEqual(logins.count, 2)
    }).pipe(provide(vendor))
  })

  it.scoped("that is rejected is no rejection of the write that it was for", () => {
    const logins = { count: 0 }
    let issued = 0
    const vendor = fakeVendor(({ path }) => {
      if (path !== "/api/login") return { status: 401 }
      issued += 1
      return issued === 1
        ? { status: 200, body: '{"token":"t"}' }
        : { status: 422, body: '{"detail":"Unprocessable"}' }
    })
    return Effect.gen(function* () {
      const { client } = yield* testClient({ baseUrl, authorization: session(logins) })
      const error = yield* Effect.flip(client.write({ ...list, method: "PATCH", body: {} }))
      assert.deepInclude(error, { _tag: "Unauthorized", status: 422 })
      assert.include(error.message, "to log in (422): Unprocessable")
      assert.include(error.hint, "check email and password")
      assert.strictEqual(vendor.arrivals.length, 3)
    }).pipe(unlimited(vendor))
  })

  it.scoped("ends where a fresh login is not accepted either", () => {
    const logins = { count: 0 }
    const vendor = vendorOf(0)
    return Effect.gen(function* () {
      const { client } = yield* testClient({ baseUrl, authorization: session(logins) })
      const reading = yield* Effect.fork(Effect.flip(client.read(list)))
      yield* TestClock.adjust("10 seconds")
      const error = yield* Fiber.join(reading)
      assert.strictEqual(error._tag, "Unauthorized")
      assert.include(error.hint, "email and password")
      assert.strictEqual(logins.count, 2)
    }).pipe(provide(vendor))
  })
})

describe("a request that had to wait", () => {
  const twoAMinute = [{ name: "2 a minute", requests: 2, perMillis: 60_000, scope: "connection" as const }]

  it.scoped("is signed when it leaves, by what is sent to the last digit", () => {
    const vendor = fakeVendor(() => ok)
    const authorization: Authorization = {
      _tag: "Signed",
      sign: ({ body, method, path }, now) => ({
        "X-Sign": Redacted.make(`${now} ${method} ${path} ${body}`)
      }),
      credential: Redacted.make("key"),
      setting: "key"
    }
    const body = { id: Either.getOrThrow(parseJson("9007199254740993")) }
    return Effect.gen(function* () {
      const { client } = yield* testClient({ baseUrl, authorization, limits: twoAMinute })
      const request = { ...list, method: "POST" as const, query: { page: 2 }, body }
      const reading = yield* Effect.fork(
        Effect.all([client.read(list), client.read(list), client.read(request)], { concurrency: 3 })
      )
      yield* TestClock.adjust("2 minutes")
      yield* Fiber.join(reading)
      assert.deepStrictEqual(
        vendor.arrivals.map(({ headers }) => headers["x-sign"]),
        [
          "0 GET /api/conversations null",
          "0 GET /api/conversations null",
          `${vendor.arrivals[2]?.at} POST /api/conversations?page=2 {"id":9007199254740993}`
        ]
      )
      assert.isAtLeast(vendor.arrivals[2]?.at ?? 0, 59_000)
    }).pipe(provide(vendor))
  })

  it.scoped("is not sent with a session that another request has found to be over meanwhile", () => {
    let issued = 0
    const vendor = fakeVendor(
      ({ headers }, nth) => (nth === 1 || headers.authorization === "token-2" ? ok : { status: 401 }),
      10
    )
    const authorization: Authorization = {
      _tag: "Session",
      login: () => Effect.sync(() => ({ authorization: Redacted.make(`token-${++issued}`) })),
      credential: Redacted.make("password"),
      setting: "password"
    }
    return Effect.gen(function* () {
      const { client } = yield* testClient({ baseUrl, authorization, limits: twoAMinute, concurrency: 1 })
      const reads = Array.from({ length: 4 }, () => client.read(list))
      const reading = yield* Effect.fork(Effect.all(reads, { concurrency: 4 }))
      yield* TestClock.adjust("5 minutes")
      yield* Fiber.join(reading)
      assert.deepStrictEqual(
        vendor.arrivals.map(({ headers }) => headers.authorization),
        ["token-1", "token-1", "token-2", "token-2", "token-2"]
      )
    }).pipe(provide(vendor))
  })
})

describe("streaming", () => {
  it.scoped("retries until the body begins, and hands on what comes", () => {
    const vendor = fakeVendor((_, nth) => (nth === 1 ? { status: 502 } : { status: 200, body: "[1,2]" }))
    return Effect.gen(function* () {
      const { client } = yield* testClient({ baseUrl, concurrency: 1 })
      const opening = yield* Effect.fork(client.stream(list))
      yield* TestClock.adjust("2 seconds")
      const answer = yield* Fiber.join(opening)
      // The slot is free again, although the body was not read.
      const beside = yield* Effect.fork(client.read(list))
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(beside)
      const pieces = yield* Stream.runCollect(answer.body)
      assert.strictEqual(
        Chunk.toReadonlyArray(pieces)
          .map((piece) => Buffer.from(piece).toString())
          .join(""),
        "[1,2]"
      )
      assert.strictEqual((yield* answer.exchange).bytes, 5)
      assert.strictEqual(vendor.arrivals.length, 3)
    }).pipe(provide(vendor))
  })
})
