import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, Layer } from "effect"
import {
  failedAttempts,
  failedDelay,
  queuedAttempts,
  queuedDelay,
  refusedDelay,
  silenceMillis
} from "../../../src/http/exchange/retryPolicy.ts"
import { Governor } from "../../../src/http/limits/Governor.ts"
import { hour, list, testClient } from "../support/client.ts"
import { fakeVendor, ok, type Reply } from "../support/vendor.ts"
import { inVirtualTime } from "../support/virtualTime.ts"

/*
 * docs/status-codes.md, row by row: what its table promises of reading and of writing is what the client does.
 */

interface Row {
  /** The code as the table's first column has it. */
  readonly documented: string
  readonly reply: Reply
  /** How the reply ends a read that only ever gets it, and after how many requests. */
  readonly reading: readonly [tag: string, requests: number]
  /** How it ends a write. */
  readonly writing: string
  /** How many requests a read takes that gets it once and is served then; null: it is not sent again. */
  readonly onceMore: number | null
}

const rejected = (status: number, documented = String(status)): Row => ({
  documented,
  reply: { status },
  reading: ["Rejected", 1],
  writing: "Rejected",
  onceMore: null
})
const failing = (status: number, documented = String(status)): Row => ({
  documented,
  reply: { status },
  reading: ["Unavailable", 6],
  writing: "Unavailable",
  onceMore: 2
})

const rows: ReadonlyArray<Row> = [
  {
    documented: "200 with HTML",
    reply: { status: 200, headers: { "content-type": "text/html" }, body: "<html><body>no</body></html>" },
    reading: ["Malformed", 1],
    writing: "Malformed",
    onceMore: null
  },
  {
    documented: "3xx within the same origin",
    reply: { status: 307, headers: { location: "/api/conversations/" } },
    reading: ["Rejected", 4],
    writing: "Rejected",
    onceMore: 2
  },
  {
    documented: "3xx that leads elsewhere",
    reply: { status: 302, headers: { location: "https://elsewhere.example/" } },
    reading: ["Rejected", 1],
    writing: "Rejected",
    onceMore: null
  },
  rejected(400),
  rejected(404),
  {
    documented: "404, 410 with a body that is not JSON",
    reply: { status: 404, body: "default backend - 404" },
    reading: ["Malformed", 1],
    writing: "Malformed",
    onceMore: null
  },
  rejected(409),
  rejected(410),
  rejected(418, "other 4xx"),
  rejected(422),
  ...[401, 403].map((status) => ({
    ...rejected(status),
    reading: ["Unauthorized", 1] as const,
    writing: "Unauthorized"
  })),
  failing(408),
  failing(425),
  failing(500, "5xx"),
  failing(502, "5xx"),
  failing(503, "5xx"),
  failing(504, "5xx"),
  { documented: "resets", reply: "reset", reading: ["Unavailable", 6], writing: "Unavailable", onceMore: 2 },
  {
    documented: "429",
    reply: { status: 429, headers: { "retry-after": "7200" } },
    reading: ["RateLimited", 1],
    writing: "RateLimited",
    onceMore: null
  },
  {
    documented: "429",
    reply: { status: 429 },
    reading: ["RateLimited", 100],
    writing: "RateLimited",
    onceMore: 2
  },
  { documented: "449", reply: { status: 449 }, reading: ["Queued", 60], writing: "Queued", onceMore: 2 }
]

const table = readFileSync(join(import.meta.dirname, "../../../docs/status-codes.md"), "utf8")
const documented = table
  .split("\n")
  .filter((line) => line.startsWith("| "))
  .map((line) => line.split("|")[1]?.trim() ?? "")

/** What a vendor that answers so is asked, and how that ends. */
const asked = (reply: (nth: number) => Reply, way: "read" | "write") => {
  const vendor = fakeVendor((_, nth) => reply(nth))
  return Effect.gen(function* () {
    const { client } = yield* testClient({ baseUrl: "https://vendor.example/api", maxWaitMillis: hour })
    const outcome = yield* Effect.either(client[way](list))
    const ended: readonly [string, number] = [
      Either.isLeft(outcome) ? outcome.left._tag : "served",
      vendor.arrivals.length
    ]
    return ended
  }).pipe(Effect.scoped, Effect.provide(Layer.merge(vendor.layer, Governor.alone)))
}

describe("the page of status codes", () => {
  it("names every code that is treated in a way of its own", () => {
    for (const row of rows) {
      assert.isTrue(
        documented.some((cell) => cell.includes(row.documented)),
        row.documented
      )
    }
  })

  it.live("says what becomes of a read and of a write", () =>
    Effect.forEach(
      rows,
      ({ documented, onceMore, reading, reply, writing }) =>
        Effect.gen(function* () {
          assert.deepStrictEqual(yield* asked(() => reply, "read"), reading, `reading ${documented}`)
          assert.deepStrictEqual(yield* asked(() => reply, "write"), [writing, 1], `writing ${documented}`)
          if (onceMore === null) return
          const once = yield* asked((nth) => (nth === 1 ? reply : ok), "read")
          assert.deepStrictEqual(once, ["served", onceMore], `reading after one ${documented}`)
        }),
      { concurrency: "unbounded", discard: true }
    ).pipe(inVirtualTime)
  )

  it("states the attempts, the schedule and the times that the code keeps", () => {
    const minutes = [1, 2, 3, 4, 5].map((nth) => queuedDelay(nth) / 60_000)
    for (const words of [
      `up to ${failedAttempts} attempts, ${failedDelay(1, 0.5) / 1000} s to ${failedDelay(20, 0.5) / 1000} s apart`,
      `given up within ${Math.ceil(silenceMillis / 1000) + 1} s`,
      `${refusedDelay(1, 0) / 1000} s to ${refusedDelay(20, 0) / 1000} s, growing`,
      `after ${minutes.slice(0, 3).join(", ")}, then every ${minutes[4]} minutes, ${queuedAttempts} times at most`
    ])
      assert.include(table, words)
  })
})
