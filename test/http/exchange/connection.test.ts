import { assert, describe, it } from "vitest"
import { Connection, makeDeadlines, type Sink } from "../../../src/http/exchange/connection.ts"
import type { Dispatch, ResponseHandler } from "../../../src/http/exchange/transport.ts"

const request = {
  origin: "https://vendor.example",
  path: "/",
  method: "GET",
  headers: {},
  body: null
} as const

/** Time that passes when the test says so. */
const makeTime = () => {
  let now = 0
  let planned: Array<{ readonly at: number; readonly call: () => void }> = []
  return {
    now: () => now,
    at: (at: number, call: () => void) => {
      const plan = { at, call }
      planned.push(plan)
      return () => {
        planned = planned.filter((one) => one !== plan)
      }
    },
    timers: () => planned.length,
    pass: (millis: number) => {
      const until = now + millis
      for (;;) {
        const [next] = planned.filter(({ at }) => at <= until).toSorted((left, right) => left.at - right.at)
        if (next === undefined) break
        planned = planned.filter((one) => one !== next)
        now = Math.max(now, next.at)
        next.call()
      }
      now = until
    }
  }
}

/** A connection whose answer the test gives, and all that is reported of it. */
const open = (answerAtOnce: (handler: ResponseHandler) => void = () => {}, headersMillis = 30_000) => {
  const time = makeTime()
  const deadlines = makeDeadlines(time)
  const log: Array<string> = []
  let handler: ResponseHandler | null = null
  const dispatch: Dispatch = (_, given) => {
    handler = given
    answerAtOnce(given)
    return {
      abort: () => void log.push("hung up"),
      pause: () => void log.push("paused"),
      resume: () => void log.push("resumed")
    }
  }
  const sink: Sink = {
    data: (piece) => void log.push(`data ${piece.byteLength}`),
    ended: (isWhole) => void log.push(isWhole ? "ended" : "cut"),
    failed: (cause) => void log.push(`failed ${String(cause)}`),
    late: () => void log.push("late"),
    closed: () => void log.push("closed")
  }
  const connection = new Connection(dispatch, deadlines, request, headersMillis, {
    started: (status) => {
      log.push(`started ${status}`)
      return sink
    },
    failed: (cause) =>
      void log.push(`no answer ${(cause as { readonly code?: string }).code ?? String(cause)}`)
  })
  const answer = (): ResponseHandler => {
    if (handler === null) throw new Error("nothing was sent")
    return handler
  }
  return { answer, connection, deadlines, dispatch, log, time }
}

describe("a connection", () => {
  it("hands an answer on, and ends once", () => {
    const { answer, log } = open()
    answer().started(200, {})
    answer().data(new Uint8Array(3))
    answer().ended()
    answer().failed("too late")
    answer().ended()
    assert.deepStrictEqual(log, ["started 200", "data 3", "closed", "ended"])
  })

  it("takes an answer that is there before the transport has returned", () => {
    const { log } = open((handler) => {
      handler.started(200, {})
      handler.ended()
    })
    assert.deepStrictEqual(log, ["started 200", "closed", "ended", "hung up"])
  })

  it("reports nothing after it was called off, and hangs up once", () => {
    const { answer, connection, log } = open()
    answer().started(200, {})
    connection.abort()
    connection.abort()
    answer().data(new Uint8Array(3))
    answer().ended()
    connection.resume()
    assert.deepStrictEqual(log, ["started 200", "closed", "hung up"])
  })

  it("is given up where no headers come in time, by at most a second late", () => {
    const { log, time } = open()
    time.pass(29_999)
    assert.deepStrictEqual(log, [])
    time.pass(1001)
    assert.deepStrictEqual(log, ["hung up", "no answer UND_ERR_HEADERS_TIMEOUT"])
  })

  it("leaves the time of the body to what takes it", () => {
    const { answer, connection, log, time } = open()
    answer().started(200, {})
    time.pass(1_000_000)
    assert.deepStrictEqual(log, ["started 200"])
    connection.within(5000)
    time.pass(4000)
    connection.within(5000)
    time.pass(4000)
    assert.deepStrictEqual(log, ["started 200"])
    time.pass(2000)
    assert.strictEqual(log.at(-1), "late")
  })
})

describe("deadlines", () => {
  it("take one timer for many connections, and none for long where there are none", () => {
    const { connection, deadlines, dispatch, time } = open()
    const receiver = { started: () => assert.fail("answered"), failed: () => {} }
    const others = Array.from(
      { length: 50 },
      () => new Connection(dispatch, deadlines, request, 30_000, receiver)
    )
    assert.strictEqual(time.timers(), 1)
    time.pass(5000)
    assert.strictEqual(time.timers(), 1)
    for (const one of [connection, ...others]) one.abort()
    time.pass(1000)
    assert.strictEqual(time.timers(), 0)
    new Connection(dispatch, deadlines, request, 30_000, receiver)
    deadlines.close()
    assert.strictEqual(time.timers(), 0)
  })
})
