import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import type { ConnectionConfig } from "../../src/config/Config.ts"
import { always, type TimeRange } from "../../src/domain/TimeRange.ts"
import { fromIso, now, type Timestamp } from "../../src/domain/Timestamp.ts"
import type { FaultRequest } from "../../src/simulator/faults.ts"
import type { SimulatorOptions, VendorId } from "../../src/simulator/index.ts"
import { Db } from "../../src/store/Db.ts"
import { Leases } from "../../src/store/ledger/Leases.ts"
import { coveredRanges } from "../../src/store/mirror/coveredRanges.ts"
import { Mirror } from "../../src/store/mirror/Mirror.ts"
import { subjectOf } from "../../src/sync/connection.ts"
import { backfillLane, syncLane } from "../../src/sync/lanes.ts"
import { run } from "../../src/sync/run.ts"
import { inVirtualTime } from "../http/support/virtualTime.ts"
import { inProcess, makeWorld, rowsOf, temporaryFolder, type World } from "../support/inProcess.ts"

const begins = Date.UTC(2026, 2, 9, 8)
const at = (text: string): Timestamp => fromIso(text) ?? now(Number.NaN)
const from = (since: string): TimeRange => ({ since: at(since), until: null })

const backfill = (connection: ConnectionConfig, window: TimeRange = always) =>
  run({
    command: "backfill",
    connections: [connection],
    maxWaitMillis: 1000,
    lanes: [backfillLane(window)]
  })

const sync = (connection: ConnectionConfig) =>
  run({ command: "sync", connections: [connection], maxWaitMillis: 1000, lanes: [syncLane({ full: false })] })

/** What is in the mirror, whichever way it got there. */
const content = rowsOf(
  `SELECT c.id, c.status, c.started_at, c.stored_messages, (SELECT group_concat(m.content) FROM messages m
     WHERE m.conversation_id = c.id) AS messages FROM conversations c ORDER BY c.id`
)

const startsIn = (window: TimeRange) =>
  rowsOf<{ n: number }>(
    `SELECT count(*) AS n FROM conversations
     WHERE started_at >= coalesce(?, '') AND started_at < coalesce(?, '9999')`,
    window.since,
    window.until
  )

const inWorld = <A, E>(
  options: Partial<SimulatorOptions>,
  body: (
    world: World & {
      /** Requests of one kind, of those since the last look; null: all of them. */
      readonly requests: (operation: string | null) => number
      /** Conversations that were asked for like this; one with many messages takes several requests. */
      readonly asked: (operation: string) => number
      readonly forget: () => void
    }
  ) => Effect.Effect<A, E, Db | Effect.Effect.Context<ReturnType<typeof backfill>>>
) =>
  Effect.gen(function* () {
    const world = yield* makeWorld(options)
    const folder = yield* temporaryFolder
    let seen = 0
    const requests = (operation: string | null) =>
      world.simulator.log.slice(seen).filter((one) => operation === null || one.operation === operation)
        .length
    const asked = (operation: string) =>
      new Set(
        world.simulator.log
          .slice(seen)
          .filter((one) => one.operation === operation)
          .map(({ conversationId }) => conversationId)
      ).size
    const forget = () => {
      seen = world.simulator.log.length
    }
    return yield* body({ ...world, requests, asked, forget }).pipe(
      Effect.provide(inProcess(join(folder, "mirror.db"), world.simulator))
    )
  }).pipe((effect) => inVirtualTime(effect, begins), Effect.scoped)

const vendors: ReadonlyArray<VendorId> = ["naturalead", "convocore", "empfio", "aelyst"]
/** The request that brings one conversation's details or messages; null: the list brings them. */
const perConversation: Readonly<Record<VendorId, string | null>> = {
  naturalead: null,
  convocore: "detail",
  empfio: "detail",
  aelyst: "messages"
}

describe("a backfill of a window", () => {
  const conversations = 50

  for (const vendor of vendors) {
    it.live(`of ${vendor} that is widened fetches only what is missing`, () =>
      inWorld({ conversations }, ({ asked, connection, forget }) =>
        Effect.gen(function* () {
          const config = connection(vendor)
          yield* backfill(config, from("2026-02-20"))
          const [recent] = yield* startsIn(from("2026-02-20"))
          const [outside] = yield* startsIn({ since: null, until: at("2026-02-20") })
          expect(recent?.n).toBeGreaterThan(5)
          expect(outside?.n).toBe(0)
          forget()
          yield* backfill(config, from("2026-01-25"))
          const [both] = yield* startsIn(from("2026-01-25"))
          const operation = perConversation[vendor]
          const added = (both?.n ?? 0) - (recent?.n ?? 0)
          expect(added).toBeGreaterThan(5)
          if (operation !== null) expect(asked(operation)).toBe(added)
          forget()
          // The gap that is left on the other side is filled by a backfill of everything.
          yield* backfill(config)
          const [all] = yield* startsIn(always)
          if (operation !== null) expect(asked(operation)).toBe((all?.n ?? 0) - (both?.n ?? 0))
          const inRanges = yield* content
          yield* inWorld({ conversations }, (fresh) =>
            Effect.gen(function* () {
              yield* sync(fresh.connection(vendor))
              expect(inRanges).toEqual(yield* content)
            })
          )
        })
      )
    )
  }

  it.live("with an end leaves a gap, which a later one fills, and then nothing is left to ask for", () =>
    inWorld({ conversations: 60 }, ({ connection, forget, requests }) =>
      Effect.gen(function* () {
        const config = connection("empfio")
        const month = { since: at("2026-02-01"), until: at("2026-03-01") }
        yield* backfill(config, month)
        const [inside] = yield* startsIn(month)
        expect(yield* startsIn(always)).toEqual([inside])
        forget()
        yield* backfill(config, month)
        expect(requests(null)).toBe(0)
        yield* backfill(config)
        expect(requests("detail")).toBe(60 - (inside?.n ?? 0))
        const db = yield* Db
        const ranges = yield* db.use("test", (session) =>
          coveredRanges(session, config.name, null, now(begins))
        )
        // What began within the hour before a scan may not have been in it.
        expect(ranges.map(({ since, until }) => ({ since, until }))).toEqual([
          { since: at("2026-03-01"), until: now(begins - 3_600_000) },
          month,
          { since: null, until: at("2026-02-01") }
        ])
        const [row] = yield* rowsOf<{ outcome: string; requests: number }>(
          "SELECT outcome, requests FROM run_connections WHERE run_id = 2"
        )
        expect(row).toEqual({ outcome: "complete", requests: 0 })
      })
    )
  )

  it.live("after a complete sync asks for nothing that the sync has brought", () =>
    inWorld({ conversations: 40 }, ({ connection, forget, requests }) =>
      Effect.gen(function* () {
        const config = connection("aelyst")
        yield* sync(config)
        forget()
        yield* backfill(config)
        expect(requests("messages")).toBe(0)
        // The list, and what may follow its last contact.
        expect(requests("list")).toBe(2)
      })
    )
  )

  it.live(
    "is asked for again after a restart, or where the settings that decide what is shown have changed",
    () =>
      inWorld({ conversations: 30 }, ({ connection, forget, requests }) =>
        Effect.gen(function* () {
          const config = connection("empfio")
          const mirror = yield* Mirror
          const past = { since: null, until: at("2026-03-01") }
          yield* backfill({ ...config, messages: "off" }, past)
          expect(requests("detail")).toBe(0)
          yield* backfill(config, past)
          expect(requests("detail")).toBeGreaterThan(10)
          forget()
          yield* backfill(config, past)
          expect(requests(null)).toBe(0)
          yield* mirror.uncover(config.name, subjectOf(config), { since: at("2026-02-01"), until: null })
          const gaps = yield* mirror.gaps(config.name, subjectOf(config), past)
          expect(gaps).toEqual([{ since: at("2026-02-01"), until: at("2026-03-01") }])
          yield* backfill(config, past)
          expect(requests("list")).toBeGreaterThan(0)
        })
      )
  )

  it.live("is started anew only by who may run it", () =>
    inWorld({ conversations: 30 }, ({ connection }) =>
      Effect.gen(function* () {
        const config = connection("empfio")
        const mirror = yield* Mirror
        const leases = yield* Leases
        yield* backfill(config)
        const again = run({
          command: "backfill",
          connections: [config],
          maxWaitMillis: 1_000,
          lanes: [backfillLane({ since: null, until: null }, { again: true })]
        })
        const gaps = mirror.gaps(config.name, subjectOf(config), { since: null, until: at("2026-02-01") })
        const { exitCode } = yield* Effect.scoped(
          Effect.zipRight(leases.acquire(config.name, "backfill"), again)
        )
        expect(exitCode).toBe(75)
        expect(yield* gaps).toEqual([])
        const before = yield* rowsOf<{ n: number }>("SELECT sum(requests) AS n FROM run_connections")
        expect((yield* again).exitCode).toBe(0)
        const after = yield* rowsOf<{ n: number }>("SELECT sum(requests) AS n FROM run_connections")
        expect((after[0]?.n ?? 0) - (before[0]?.n ?? 0)).toBeGreaterThan(1)
      })
    )
  )

  it.live("is not taken for listed where its list was not read to the end", () =>
    inWorld({ conversations: 150 }, ({ connection, simulator }) =>
      Effect.gen(function* () {
        let pages = 0
        const match = ({ operation }: FaultRequest) => {
          if (operation === "list") pages += 1
          return operation === "list" && pages > 1
        }
        simulator.faults.add({ vendor: "empfio", match, effect: { kind: "answer", status: 403 } })
        const { exitCode } = yield* backfill(connection("empfio"))
        expect(exitCode).toBe(3)
        expect((yield* content).length).toBeGreaterThan(50)
        expect(yield* rowsOf("SELECT * FROM covered_ranges")).toEqual([])
      })
    )
  )
})

describe("a window of Convocore's", () => {
  for (const paging of ["page", "cursor"] as const) {
    for (const ts of ["start", "last"] as const) {
      it.live(`ends its list, by ${paging} and with ts as ${ts}, where everything else began before`, () =>
        Effect.gen(function* () {
          const options = { conversations: 260, vendors: { convocore: { paging, ts, agents: 1 } } }
          const window = from("2026-02-27")
          const [whole, all] = yield* inWorld(options, ({ connection, requests }) =>
            Effect.gen(function* () {
              yield* backfill(connection("convocore"))
              const inside = (yield* content).filter((row) => String(row.started_at) >= String(window.since))
              return [inside, requests("list")] as const
            })
          )
          yield* inWorld(options, ({ connection, requests }) =>
            Effect.gen(function* () {
              yield* backfill(connection("convocore"), window)
              expect(yield* content).toEqual(whole)
              expect(requests("list")).toBeLessThan(all)
            })
          )
        })
      )
    }
  }
})
