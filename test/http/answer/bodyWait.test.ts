import { assert, describe, it } from "@effect/vitest"
import { bodyWait } from "../../../src/http/answer/bodyWait.ts"

const now = Date.UTC(2026, 2, 7, 10)
const second = 1000
const minute = 60 * second

/** What the body says, and milliseconds to wait; null: it says nothing of a wait. */
const table: ReadonlyArray<readonly [body: unknown, wait: number | null]> = [
  [{ retry_after: 3 }, 3 * second],
  [{ retryAfter: 3 }, 3 * second],
  [{ "Retry-After": "3" }, 3 * second],
  [{ retry_after: 0.25 }, 250],
  [{ retry_after_ms: 1500 }, 1500],
  [{ retryAfterMs: 1500 }, 1500],
  [{ retryAfterSeconds: 90 }, 90 * second],
  [{ retry_after_minutes: 2 }, 2 * minute],
  [{ retryDelay: "3.5s" }, 3500],
  [{ retry_in: "2 minutes" }, 2 * minute],
  [{ wait_seconds: 7 }, 7 * second],
  [{ reset_in: 7 }, 7 * second],
  [{ error: { code: "rate_limited", details: [{ retryAfter: 8 }] } }, 8 * second],
  [{ retry_after: (now + 5 * second) / 1000 }, 5 * second],
  [{ retry_after: now + 5 * second }, 5 * second],
  [{ retryAt: "2026-03-07T10:00:30Z" }, 30 * second],
  [{ reset: (now + 5 * second) / 1000 }, 5 * second],
  [{ reset_at: "2026-03-07T11:00:30+01:00" }, 30 * second],
  [{ rateLimit: { remainingHour: 0 } }, 60 * minute],
  [{ rateLimit: { remainingHour: 12 } }, null],
  [{ retry_after: 3, message: "try again in 10 minutes" }, 3 * second],
  [{ success: false, message: "Rate limit exceeded. Try again in 2 minutes." }, 2 * minute],
  [{ error: "Too many requests, please wait 45 seconds before retrying" }, 45 * second],
  [{ message: "You can make 100 requests per 60 seconds. Try again in 5 seconds" }, 5 * second],
  ["Rate limit exceeded: retry after 12s", 12 * second],
  ["please try again in 1 minute and 30 seconds.", 90 * second],
  ["try again in 1m30s", 90 * second],
  ["retry in 250 ms", 250],
  ["Try again in an hour", 60 * minute],
  ["The limit resets at 2026-03-07T10:00:05Z", 5 * second],
  ["<html><body>Slow down! Come back in 20 seconds</body></html>", 20 * second],
  ["Too many requests: 10 per 1 minute", null],
  ["You may retry 5 times per 1 minute", null],
  ["Your request is in queue. Please try again in a few minutes.", null],
  [{ message: "wait for the 10 am slot" }, null],
  [{ retry_after: null, wait: true, retryAfter: "soon" }, null],
  [{ retry_after: -3 }, null],
  [[], null],
  ["", null]
]

describe("a wait that stands only in the body", () => {
  for (const [body, wait] of table) {
    const text = typeof body === "string" ? body : JSON.stringify(body)
    it(`is ${wait === null ? "none" : `${wait} ms`} in ${text === "" ? "nothing" : text}`, () => {
      assert.strictEqual(bodyWait(text, now), wait === null ? null : now + wait)
    })
  }

  it("always is an instant that a Date can hold", () => {
    assert.strictEqual(bodyWait('{"retry_after": 1e300}', now), 8.64e15)
  })

  it("is found in linear time, whatever the body is made of", () => {
    const pieces = ["9", "retry ", "1 m", "retry a", "[", '{"a":', "try again in 1", " ", "0.0.", "2026-"]
    for (const piece of pieces) {
      const started = process.cpuUsage().user
      bodyWait(piece.repeat(Math.ceil(300_000 / piece.length)), now)
      // Microseconds; quadratic work would take minutes.
      assert.isBelow(process.cpuUsage().user - started, 2_000_000, piece)
    }
  })
})
