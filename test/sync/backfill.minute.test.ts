import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { always } from "../../src/domain/TimeRange.ts"
import { Governor } from "../../src/http/limits/Governor.ts"
import type { VendorId } from "../../src/simulator/index.ts"
import { backfillLane } from "../../src/sync/lanes.ts"
import { storeLayer } from "../../src/sync/layers.ts"
import { silent } from "../../src/sync/progress.ts"
import { run } from "../../src/sync/run.ts"
import { inVirtualTime } from "../http/support/virtualTime.ts"
import { makeWorld, rowsOf, temporaryFolder } from "../support/inProcess.ts"
import { answeringAs } from "../support/simulatedTransport.ts"
import { transportOf } from "../support/transport.ts"

/*
 * The first minute of a backfill at the vendors' documented limits, in virtual time; every answer takes a tenth of a
 * second. Set PARLEY_FIRST_MINUTE to try all vendors that list the newest first (`npm run soak:minute`).
 */

const begins = Date.UTC(2026, 2, 9, 8)
const isWhole = process.env.PARLEY_FIRST_MINUTE !== undefined
const vendors: ReadonlyArray<VendorId> = isWhole ? ["naturalead", "convocore", "empfio"] : ["empfio"]
const conversations = isWhole ? 4_000 : 350
/** So many of the newest, within so many milliseconds: the short form looks at the beginning of the minute. */
const wanted = isWhole ? 1_000 : 100
const within = isWhole ? 60_000 : 10_000

/** What the vendor sorts its list by. */
const newestBy: Readonly<Record<VendorId, string>> = {
  naturalead: "started_at",
  convocore: "started_at",
  empfio: "updated_at",
  aelyst: "started_at"
}

/** Conversations that have their messages, the newest first: after so many milliseconds, and when all are there. */
const backfillOf = (vendor: VendorId, millis: number) =>
  Effect.gen(function* () {
    const world = yield* makeWorld({
      conversations: { [vendor]: conversations },
      limits: true,
      // Empfio documents no limit: a modest one.
      vendors: { convocore: { agents: 1 }, empfio: { limit: { requests: 25, perMillis: 1_000 } } }
    })
    const folder = yield* temporaryFolder
    const answer = answeringAs(world.simulator)
    const layer = Layer.mergeAll(
      storeLayer(join(folder, "mirror.db")),
      silent,
      Governor.alone,
      transportOf((request) => Effect.delay(answer(request), 100))
    )
    const backfill = (options: { readonly deadlineMillis?: number }) =>
      run({
        command: "backfill",
        connections: [world.connection(vendor)],
        maxWaitMillis: 3_600_000,
        lanes: [backfillLane(always, options)]
      })
    const ids = rowsOf<{ id: string }>(
      `SELECT id FROM conversations WHERE stored_messages > 0 ORDER BY ${newestBy[vendor]} DESC`
    ).pipe(Effect.map((rows) => rows.map(({ id }) => id)))
    return yield* Effect.gen(function* () {
      yield* backfill({ deadlineMillis: millis })
      const early = yield* ids
      yield* backfill({})
      return { early, all: yield* ids }
    }).pipe(Effect.provide(layer))
  }).pipe((effect) => inVirtualTime(effect, begins), Effect.scoped)

describe("the first minute of a backfill", () => {
  for (const vendor of vendors) {
    it.live(
      `brings the newest ${wanted} conversations of ${vendor}, with their messages, within ${within / 1_000} s`,
      () =>
        Effect.gen(function* () {
          const { all, early } = yield* backfillOf(vendor, within)
          const there = new Set(early)
          const newest = all.slice(0, wanted)
          expect(newest.length).toBe(wanted)
          if (isWhole) process.stdout.write(`${vendor}: ${early.length} of ${all.length} in a minute\n`)
          // A minute is enough for all that the simulated Convocore and NaturaLead hold.
          if (vendor === "empfio") expect(early.length).toBeLessThan(all.length)
          expect(newest.filter((id) => !there.has(id))).toEqual([])
        }),
      600_000
    )
  }
})
