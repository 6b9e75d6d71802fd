import { assert, describe, it } from "@effect/vitest"
import { type RateLimitReport, rateLimitHeaders } from "../../../src/http/answer/rateLimitHeaders.ts"

const now = 1_700_000_000_000

type Row = readonly [what: string, headers: Record<string, string>, report: RateLimitReport | null]

const table: ReadonlyArray<Row> = [
  ["nothing", { "content-type": "application/json" }, null],
  [
    "three headers",
    { "ratelimit-limit": "500", "ratelimit-remaining": "499", "ratelimit-reset": "60" },
    { limit: 500, remaining: 499, resetAt: now + 60_000, perMillis: null }
  ],
  [
    "a limit with its window",
    { "ratelimit-limit": "100, 100;w=60", "ratelimit-remaining": "3", "ratelimit-reset": "7" },
    { limit: 100, remaining: 3, resetAt: now + 7000, perMillis: 60_000 }
  ],
  [
    "the combined header of draft 7",
    { ratelimit: "limit=500, remaining=12, reset=30", "ratelimit-policy": "500;w=60" },
    { limit: 500, remaining: 12, resetAt: now + 30_000, perMillis: 60_000 }
  ],
  [
    "the combined header of draft 7 without a policy",
    { ratelimit: "limit=500, remaining=12, reset=30" },
    { limit: 500, remaining: 12, resetAt: now + 30_000, perMillis: null }
  ],
  [
    "the combined header of later drafts, the tightest of two",
    {
      ratelimit: '"hour";r=900;t=1800, "minute";r=2;t=30',
      "ratelimit-policy": '"hour";q=1000;w=3600, "minute";q=50;w=60'
    },
    { limit: 50, remaining: 2, resetAt: now + 30_000, perMillis: 60_000 }
  ],
  [
    "the older names",
    { "x-ratelimit-limit": "10", "x-ratelimit-remaining": "5" },
    { limit: 10, remaining: 5, resetAt: null, perMillis: null }
  ],
  [
    "the older names with an epoch",
    { "x-ratelimit-limit": "10", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1700000030" },
    { limit: 10, remaining: 0, resetAt: now + 30_000, perMillis: null }
  ],
  ["nonsense", { "ratelimit-limit": "many", "x-ratelimit-remaining": "-1" }, null]
]

describe("what an answer says about its limit", () => {
  for (const [what, headers, report] of table) {
    it(`reads ${what}`, () => {
      assert.deepStrictEqual(rateLimitHeaders(headers, now), report)
    })
  }
})
