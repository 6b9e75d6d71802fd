import { join } from "node:path"
import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { Leases } from "../../src/store/ledger/Leases.ts"
import type { Mirror } from "../../src/store/mirror/Mirror.ts"
import type { Outbox } from "../../src/store/outbox/Outbox.ts"
import { backfillLane, pushLane, syncLane } from "../../src/sync/lanes.ts"
import type { Progress } from "../../src/sync/progress.ts"
import { type LaneWork, run } from "../../src/sync/run.ts"
import { inProcess, makeWorld, rowsOf, temporaryFolder } from "../support/inProcess.ts"

/* A connection that only another run keeps from its work. */

type AnyLane = LaneWork<Mirror | Outbox | Progress>

const pushThenSync: ReadonlyArray<AnyLane> = [pushLane, syncLane({ full: false })]
const historyThenNews: ReadonlyArray<AnyLane> = [
  backfillLane({ since: null, until: null }),
  syncLane({ full: false })
]

const opened = Effect.gen(function* () {
  const world = yield* makeWorld({ conversations: 2 })
  const database = join(yield* temporaryFolder, "mirror.db")
  return { world, layer: inProcess(database, world.simulator) }
})

it.scoped(
  "is held in the report, the ledger and the run, in every lane, and never failed; the exit code is 75",
  () =>
    Effect.gen(function* () {
      const { layer, world } = yield* opened
      yield* Effect.gen(function* () {
        const leases = yield* Leases
        const leads = world.connection("naturalead")
        yield* run({
          command: "sync",
          connections: [leads],
          maxWaitMillis: 1000,
          lanes: [syncLane({ full: false })]
        })
        const lanes: ReadonlyArray<AnyLane> = [
          pushLane,
          syncLane({ full: false }),
          backfillLane({ since: null, until: null })
        ]
        for (const { lane } of lanes) yield* leases.acquire(leads.name, lane)
        const works: ReadonlyArray<ReadonlyArray<AnyLane>> = [
          ...lanes.map((lane) => [lane]),
          [pushLane, syncLane({ full: false })]
        ]
        for (const work of works) {
          const { exitCode, report } = yield* run({
            command: "sync",
            connections: [leads],
            maxWaitMillis: 1000,
            lanes: work
          })
          expect({ exitCode, outcome: report.outcome, connections: report.connections }).toMatchObject({
            exitCode: 75,
            outcome: "held",
            connections: [{ name: leads.name, outcome: "held", requests: 0, error: { kind: "busy" } }]
          })
        }
        expect(yield* rowsOf("SELECT DISTINCT outcome, exit_code FROM runs WHERE id > 1")).toEqual([
          { outcome: "held", exit_code: 75 }
        ])
        expect(yield* rowsOf("SELECT DISTINCT outcome FROM run_connections WHERE run_id > 1")).toEqual([
          { outcome: "held" }
        ])
      }).pipe(Effect.scoped, Effect.provide(layer))
    })
)

it.scoped(
  "is held where the lanes that were free had nothing to do, and partial where they moved something",
  () =>
    Effect.gen(function* () {
      const { layer, world } = yield* opened
      yield* Effect.gen(function* () {
        const leases = yield* Leases
        const leads = world.connection("naturalead")
        const inbox = world.connection("aelyst")
        yield* leases.acquire(leads.name, "sync")
        const both = yield* run({
          command: "sync",
          connections: [leads, inbox],
          maxWaitMillis: 1000,
          lanes: pushThenSync
        })
        expect(both.report.connections.map(({ outcome }) => outcome)).toEqual(["held", "complete"])
        expect([both.report.outcome, both.exitCode]).toEqual(["partial", 3])
        const moved = yield* run({
          command: "sync",
          connections: [leads],
          maxWaitMillis: 1000,
          lanes: historyThenNews
        })
        expect(moved.report.connections.map(({ outcome }) => outcome)).toEqual(["partial"])
        expect(moved.exitCode).toBe(3)
      }).pipe(Effect.scoped, Effect.provide(layer))
    })
)
