import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import type { ConnectionConfig } from "../../../src/config/Config.ts"
import { always, type TimeRange } from "../../../src/domain/TimeRange.ts"
import type { SimulatorOptions, VendorId } from "../../../src/simulator/index.ts"
import { planPull } from "../../../src/sync/forecast/planPull.ts"
import { backfillLane, syncLane } from "../../../src/sync/lanes.ts"
import { run } from "../../../src/sync/run.ts"
import { inVirtualTime } from "../../http/support/virtualTime.ts"
import { inProcess, makeWorld, rowsOf, temporaryFolder } from "../../support/inProcess.ts"

/*
 * What a look into a list tells of the pull that follows.
 */

const begins = Date.UTC(2026, 2, 9, 8)

const options = { lane: "sync", window: always, again: false, full: false, maxWaitMillis: 1_000 } as const

const pull = (config: ConnectionConfig, command: "sync" | "backfill", window: TimeRange = always) =>
  Effect.map(
    run({
      command,
      connections: [config],
      maxWaitMillis: 1_000,
      lanes: [command === "sync" ? syncLane({ full: false }) : backfillLane(window)]
    }),
    ({ report }) => report.connections[0]?.requests ?? 0
  )

/** The end of this many, of conversations in the order in which they began. */
const newest = (count: number) =>
  Effect.map(
    rowsOf<{ started_at: string }>(
      "SELECT started_at FROM conversations ORDER BY started_at DESC LIMIT 1 OFFSET ?",
      count
    ),
    ([row]) => row?.started_at ?? null
  )

interface Case {
  readonly vendor: VendorId
  readonly vendors: NonNullable<SimulatorOptions["vendors"]>
  /** How many of the newest conversations are said to something more. */
  readonly changed: number
  readonly asked: number
}

const cases: ReadonlyArray<Case> = [
  { vendor: "empfio", vendors: { empfio: { order: "updated_at" } }, changed: 12, asked: 2 },
  { vendor: "empfio", vendors: { empfio: { order: "updated_at" } }, changed: 150, asked: 5 },
  {
    vendor: "convocore",
    vendors: { convocore: { ts: "last", paging: "cursor", agents: 1 } },
    changed: 12,
    asked: 2
  },
  {
    vendor: "convocore",
    vendors: { convocore: { ts: "last", paging: "page", agents: 2 } },
    changed: 80,
    asked: 5
  }
]

const inWorld = <A, E, R>(
  { vendor, vendors }: Pick<Case, "vendor" | "vendors">,
  body: (config: ConnectionConfig, say: (changed: number) => void) => Effect.Effect<A, E, R>
) =>
  Effect.gen(function* () {
    const { connection, simulator } = yield* makeWorld({ conversations: { [vendor]: 250 }, vendors })
    const folder = yield* temporaryFolder
    const { world } = simulator.vendors[vendor]
    const say = (changed: number) => {
      const ids = [...world.conversations.keys()]
      for (let count = 0; count < changed; count += 1) {
        world.addMessage(ids[(count * 11) % ids.length] ?? "", begins + 3_600_000)
      }
    }
    const config = { ...connection(vendor), reconcileMillis: 1e12 }
    return yield* Effect.provide(body(config, say), inProcess(join(folder, "mirror.db"), simulator))
  }).pipe((effect) => inVirtualTime(effect, begins), Effect.scoped)

describe("a plan of a sync", () => {
  for (const one of cases) {
    it.live(`counts ${one.changed} changes at ${one.vendor}'s, in a list that is sorted by them`, () =>
      inWorld(one, (config, say) =>
        Effect.gen(function* () {
          yield* pull(config, "backfill")
          yield* Effect.sleep("2 hours")
          say(one.changed)
          const { asked, forecast } = yield* planPull(config, options)
          expect(forecast?.fetched).toEqual({ low: one.changed, likely: one.changed, high: one.changed })
          expect(asked).toBeLessThanOrEqual(one.asked)
          const requests = yield* pull(config, "sync")
          expect(requests).toBeGreaterThanOrEqual(forecast?.requests.low ?? Number.NaN)
          expect(requests).toBeLessThanOrEqual(forecast?.requests.high ?? Number.NaN)
        })
      )
    )
  }

  for (const { vendor, vendors } of [cases[0], cases[2]].flatMap((one) => one ?? [])) {
    it.live(`concludes nothing from the order of ${vendor}'s list before everything was listed once`, () =>
      inWorld({ vendor, vendors }, (config) =>
        Effect.gen(function* () {
          // The newest half is held, and the list begins with what is held as it is.
          const since = new Date(begins - 30 * 86_400_000).toISOString() as TimeRange["since"]
          yield* pull(config, "backfill", { since, until: null })
          expect(yield* newest(60)).not.toBeNull()
          const { forecast } = yield* planPull(config, options)
          const requests = yield* pull(config, "sync")
          expect(requests).toBeGreaterThan(60)
          expect(forecast?.fetched.high ?? Number.POSITIVE_INFINITY).toBeGreaterThan(60)
          const { high, low } = forecast?.requests ?? { low: Number.NaN, high: Number.NaN }
          expect(requests).toBeGreaterThanOrEqual(low)
          expect(requests).toBeLessThanOrEqual(high ?? Number.POSITIVE_INFINITY)
        })
      )
    )
  }
})
