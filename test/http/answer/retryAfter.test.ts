import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import { retryAfter } from "../../../src/http/answer/retryAfter.ts"

/** Sunday, 6 November 1994, 08:49:07 UTC. */
const now = Date.UTC(1994, 10, 6, 8, 49, 7)
const in30 = now + 30_000
const day = 24 * 3_600_000

type Row = readonly [what: string, headers: Record<string, string>, at: number | null]

const table: ReadonlyArray<Row> = [
  ["seconds", { "retry-after": "30" }, in30],
  ["a fraction", { "retry-after": "0.25" }, now + 250],
  ["a fraction without a leading digit", { "retry-after": ".5" }, now + 500],
  ["seconds with their unit", { "retry-after": "30s" }, in30],
  ["milliseconds with their unit", { "retry-after": "1500ms" }, now + 1500],
  ["minutes with their unit", { "retry-after": "5 minutes" }, now + 300_000],
  ["a fraction of a millisecond, never early", { "retry-after": "0.0001" }, now + 1],
  ["zero", { "retry-after": "0" }, now],
  ["a negative number", { "retry-after": "-5" }, now - 5000],
  ["an IMF date", { "retry-after": "Sun, 06 Nov 1994 08:49:37 GMT" }, in30],
  ["an RFC 850 date", { "retry-after": "Sunday, 06-Nov-94 08:49:37 GMT" }, in30],
  ["an asctime date", { "retry-after": "Sun Nov  6 08:49:37 1994" }, in30],
  ["an ISO date", { "retry-after": "1994-11-06T08:49:37Z" }, in30],
  ["an ISO date with an offset", { "retry-after": "1994-11-06T09:49:37+01:00" }, in30],
  ["a date in the past", { "retry-after": "Sat, 05 Nov 1994 08:49:07 GMT" }, now - day],
  ["a day", { "retry-after": "86400" }, now + day],
  ["a year", { "retry-after": "31536000" }, now + 365 * day],
  ["what looks like an epoch, as told", { "retry-after": "784111777" }, now + 784_111_777_000],
  ["more than a Date can hold", { "retry-after": "9".repeat(400) }, 8.64e15],
  ["nothing", {}, null],
  ["an empty text", { "retry-after": "" }, null],
  ["garbage", { "retry-after": "soon" }, null],
  ["a date that is none", { "retry-after": "Sun, 06 Foo 1994 08:49:37 GMT" }, null],
  ["infinity", { "retry-after": "Infinity" }, null],
  ["not a number", { "retry-after": "NaN" }, null],
  ["an exponent", { "retry-after": "1e9" }, null],
  ["hexadecimal", { "retry-after": "0x10" }, null],
  ["two values, the longer", { "retry-after": "1, 30" }, in30],
  [
    "two dates, the later",
    { "retry-after": "Sun, 06 Nov 1994 08:49:10 GMT, Sun, 06 Nov 1994 08:49:37 GMT" },
    in30
  ],
  ["garbage beside a number", { "retry-after": "soon, 30" }, in30],
  ["RateLimit-Reset in seconds", { "ratelimit-reset": "30" }, in30],
  ["X-RateLimit-Reset in seconds", { "x-ratelimit-reset": "30" }, in30],
  ["X-RateLimit-Reset as epoch seconds", { "x-ratelimit-reset": "1784111777" }, 1_784_111_777_000],
  ["X-RateLimit-Reset as epoch milliseconds", { "x-ratelimit-reset": "784111777000" }, 784_111_777_000],
  ["X-RateLimit-Retry-After", { "x-ratelimit-retry-after": "30" }, in30],
  ["the combined header of draft 7", { ratelimit: "limit=100, remaining=0, reset=30" }, in30],
  ["the combined header of later drafts", { ratelimit: '"minute";r=0;t=30' }, in30],
  [
    "several headers, the longest",
    { "retry-after": "1", "ratelimit-reset": "30", "x-ratelimit-reset": "2" },
    in30
  ],
  ["several headers, Retry-After the longest", { "retry-after": "30", "ratelimit-reset": "1" }, in30],
  ["garbage in one and a number in another", { "retry-after": "soon", "x-ratelimit-reset": "30" }, in30],
  [
    "a date by a clock that is an hour ahead",
    { "retry-after": "Sun, 06 Nov 1994 09:49:37 GMT", date: "Sun, 06 Nov 1994 09:49:07 GMT" },
    in30
  ],
  [
    "a date by a clock that is an hour behind",
    { "retry-after": "Sun, 06 Nov 1994 07:49:37 GMT", date: "Sun, 06 Nov 1994 07:49:07 GMT" },
    in30
  ],
  [
    "a date by a clock that agrees but for its cut",
    { "retry-after": "Sun, 06 Nov 1994 08:49:37 GMT", date: "Sun, 06 Nov 1994 08:49:06 GMT" },
    in30
  ]
]

/** Saturday, 7 March 2026, 10:00:00 UTC: instants that vendors send as bare numbers are told by their nearness. */
const today = Date.UTC(2026, 2, 7, 10)
const instants: ReadonlyArray<Row> = [
  ["an instant in seconds", { "retry-after": String(today / 1000 + 30) }, today + 30_000],
  ["an instant in seconds with a fraction", { "retry-after": `${today / 1000 + 30}.5` }, today + 30_500],
  ["an instant in milliseconds", { "retry-after": String(today + 30_000) }, today + 30_000],
  ["an instant in microseconds", { "retry-after": String((today + 30_000) * 1000) }, today + 30_000],
  ["an instant in nanoseconds", { "x-ratelimit-reset": `${today + 30_000}000000` }, today + 30_000],
  ["an instant that has passed", { "retry-after": String(today / 1000 - 30) }, today - 30_000],
  ["3,170 years, which are no instant", { "retry-after": "99999999999" }, today + 99_999_999_999_000],
  [
    "an instant by a clock that is an hour ahead",
    { "retry-after": String(today / 1000 + 3630), date: "Sat, 07 Mar 2026 11:00:00 GMT" },
    today + 30_000
  ],
  ["Retry-After-Ms", { "retry-after-ms": "1500" }, today + 1500]
]

describe("a number that is an instant", () => {
  for (const [what, headers, at] of instants) {
    it(`reads ${what}`, () => {
      assert.strictEqual(retryAfter(headers, today), at)
    })
  }
})

describe("when a refused request may be sent again", () => {
  for (const [what, headers, at] of table) {
    it(`reads ${what}`, () => {
      assert.strictEqual(retryAfter(headers, now), at)
    })
  }

  it("does not take the end of a window for a wait where the vendor is merely failing", () => {
    const headers = {
      "ratelimit-reset": "3540",
      "x-ratelimit-reset": "3540",
      ratelimit: "limit=1, reset=3540"
    }
    assert.strictEqual(retryAfter(headers, now, false), null)
    assert.strictEqual(retryAfter({ ...headers, "retry-after": "30" }, now, false), in30)
  })

  it("keeps what lies before or after all time as its first or last instant", () => {
    assert.strictEqual(retryAfter({ "retry-after": "-8640784111747.001" }, now), -8.64e15)
    assert.strictEqual(retryAfter({ "retry-after": "8640784111747.001" }, now), 8.64e15)
  })

  it("always gives an instant a Date can hold, or nothing, whatever the headers say", () => {
    const names = [
      "retry-after",
      "ratelimit-reset",
      "x-ratelimit-reset",
      "x-ratelimit-retry-after",
      "ratelimit",
      "date"
    ]
    const value = FastCheck.oneof(
      FastCheck.string(),
      FastCheck.double().map(String),
      FastCheck.integer().map(String),
      FastCheck.date({ noInvalidDate: true }).map((date) => date.toUTCString())
    )
    FastCheck.assert(
      FastCheck.property(FastCheck.dictionary(FastCheck.constantFrom(...names), value), (headers) => {
        const at = retryAfter(headers, now)
        assert.isTrue(at === null || (Number.isInteger(at) && !Number.isNaN(new Date(at).getTime())))
      })
    )
  })

  it("never shortens a wait because another header is there, too", () => {
    const wait = FastCheck.double({ min: 0, max: 1e8, noNaN: true }).map((seconds) => seconds.toFixed(3))
    FastCheck.assert(
      FastCheck.property(wait, wait, (one, other) => {
        const at = retryAfter({ "retry-after": one, "ratelimit-reset": other }, now) ?? 0
        assert.isAtLeast(at, now + Math.max(Number(one), Number(other)) * 1000 - 0.001)
      })
    )
  })
})
