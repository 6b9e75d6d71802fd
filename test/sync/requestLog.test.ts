import { describe, expect, it } from "@effect/vitest"
import { Effect, Fiber, Logger, LogLevel, TestClock } from "effect"
import { syncLane } from "../../src/sync/lanes.ts"
import { makeRefused, requestLine, withoutValues } from "../../src/sync/requestLog.ts"
import { run } from "../../src/sync/run.ts"
import { inProcess, makeWorld, pullRun, rowsOf, temporaryFolder } from "../support/inProcess.ts"

describe("the log of requests", () => {
  it("keeps the names of a query and none of its values", () => {
    expect(withoutValues("/contacts?email=a%40b.c&phone=+49=30&x")).toBe("/contacts?email=&phone=&x")
    expect(withoutValues("/contacts/42")).toBe("/contacts/42")
    const exchange = {
      operation: "o",
      method: "GET",
      path: "/a?b=c",
      status: 429,
      requestedAt: 1,
      receivedAt: 31,
      bytes: 0
    }
    expect(requestLine("leads", { _tag: "Answered", exchange, attempt: 2, retryAfter: "30" })).toBe(
      "leads: GET /a?b= 429 in 30 ms, attempt 2, Retry-After: 30"
    )
  })

  it("is bounded: of very many refusals the first and the last are kept", () => {
    const refused = makeRefused()
    for (let at = 0; at < 5000; at += 1) {
      refused.add({
        _tag: "Unanswered",
        operation: "o",
        method: "GET",
        path: "/",
        attempt: 1,
        requestedAt: at,
        endedAt: at
      })
    }
    const kept = refused.left()
    expect(kept.length).toBe(1000)
    expect([kept[0]?.at, kept.at(-1)?.at]).toEqual(["1970-01-01T00:00:00.000Z", "1970-01-01T00:00:04.999Z"])
  })

  it.scopedLive("has a line for each request at the level debug, and a row for each that was refused", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({
        conversations: 3,
        faults: [
          { name: "once", times: 1, effect: { kind: "answer", status: 429, headers: { "retry-after": "0" } } }
        ]
      })
      const folder = yield* temporaryFolder
      const lines: Array<string> = []
      const logger = Logger.make(({ message }) => {
        lines.push(String(message))
      })
      yield* Effect.gen(function* () {
        const { report } = yield* pullRun([world.connection("empfio")]).pipe(
          Logger.withMinimumLogLevel(LogLevel.Debug),
          Effect.provide(Logger.replace(Logger.defaultLogger, logger))
        )
        const requests = lines.filter((line) =>
          /^salon: (GET|POST) \S+ \d{3} in \d+ ms, attempt \d+/.test(line)
        )
        expect(requests.length).toBe(report.connections[0]?.requests)
        expect(lines.join("\n")).not.toMatch(/=[^&\s]/)
        const refused = yield* rowsOf<{ status: number }>("SELECT status FROM requests_refused ORDER BY id")
        expect(refused).toEqual([{ status: 429 }])
        expect(refused.length).toBe(requests.filter((line) => / [45]\d\d in /.test(line)).length)
      }).pipe(Effect.provide(inProcess(`${folder}/mirror.db`, world.simulator)))
    })
  )

  it.scoped("is written while a run goes on, so that one that is killed has left it", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({
        conversations: 3,
        faults: [
          {
            name: "always",
            times: 99,
            effect: { kind: "answer", status: 429, headers: { "retry-after": "20" } }
          }
        ]
      })
      const folder = yield* temporaryFolder
      yield* Effect.gen(function* () {
        yield* TestClock.setTime(Date.UTC(2026, 2, 9, 9))
        const going = yield* Effect.fork(
          run({
            command: "sync",
            connections: [world.connection("empfio")],
            maxWaitMillis: 3_600_000,
            lanes: [syncLane({ full: false })]
          })
        )
        const read = rowsOf<{ status: number }>("SELECT status FROM requests_refused")
        for (let steps = 0; steps < 2_000 && (yield* read).length === 0; steps += 1) {
          yield* TestClock.adjust("1 second")
          yield* Effect.promise(() => new Promise((next) => setTimeout(next, 5)))
        }
        expect(yield* read).toContainEqual({ status: 429 })
        expect(yield* rowsOf("SELECT outcome FROM run_connections")).toEqual([{ outcome: "running" }])
        yield* Fiber.interrupt(going)
        const rows = yield* rowsOf<{ at: string }>("SELECT at FROM requests_refused ORDER BY id")
        expect(new Set(rows.map(({ at }) => at)).size).toBe(rows.length)
      }).pipe(Effect.provide(inProcess(`${folder}/mirror.db`, world.simulator)))
    })
  )
})
