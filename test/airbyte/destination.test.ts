import { existsSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { makeSimulator, type Simulator, type VendorId, vendorIds } from "../../src/simulator/index.ts"
import { temporaryFolder } from "../support/inProcess.ts"
import { makeLeapingClock } from "../support/leapingClock.ts"
import { configFor, type Message, ofType, runVerb } from "./platform.ts"

const begins = Date.UTC(2026, 2, 9, 8)

const world = () => makeSimulator({ seed: 7, conversations: 20, now: begins, limits: false })

const catalog = {
  streams: [{ stream: { name: "wanted" }, sync_mode: "incremental", destination_sync_mode: "append" }]
}

const record = (data: object): string =>
  JSON.stringify({ type: "RECORD", record: { stream: "wanted", data, emitted_at: begins } })

/** With a number that has more digits than JavaScript keeps, and a field that no one knows. */
const state = (n: number): string =>
  `{"type":"STATE","state":{"type":"STREAM","stream":{"stream_descriptor":{"name":"wanted"},"stream_state":{"n":${n},"at":12345678901234567890}},"sourceStats":{"recordCount":1.0},"unheard":[1.0]}}`

const write = (
  simulator: Simulator,
  vendor: VendorId,
  lines: ReadonlyArray<string>,
  more: { config?: object; endAfter?: number; pauseAt?: number } = {}
) =>
  runVerb("destination", "write", simulator, {
    config: configFor(simulator, vendor, more.config),
    catalog,
    lines,
    ...(more.endAfter === undefined ? {} : { endAfter: more.endAfter }),
    ...(more.pauseAt === undefined ? {} : { pauseAt: more.pauseAt })
  })

const settledIn = (messages: ReadonlyArray<Message>) =>
  ofType(messages, "STATE").map(({ state: { destinationStats, stream } }) => [
    stream.stream_state.n,
    destinationStats.recordCount,
    destinationStats.rejectedRecordCount
  ])

/** Conversations that do not hold a status yet, by the vendor's ids. */
const waiting = (simulator: Simulator, vendor: VendorId): ReadonlyArray<string> => {
  const { world: held } = simulator.vendors[vendor]
  const done = /complet|clos|ended/
  return [...held.conversations].flatMap(([id, conversation]) =>
    done.test(JSON.stringify(conversation)) ? [] : [id]
  )
}

const writesIn = (simulator: Simulator, vendor: VendorId) => simulator.vendors[vendor].world.effects.length

describe.each(vendorIds)("the destination at %s", (vendor) => {
  it.effect("settles every record before the state behind it, which goes back as it came", () =>
    Effect.gen(function* () {
      const simulator = world()
      const { clock } = makeLeapingClock(begins + 3_600_000)
      const ids = waiting(simulator, vendor).slice(0, 4)
      const lines = [
        record({ id: ids[0], status: "completed" }),
        record({ id: `${vendor}:${ids[1]}`, status: "completed" }),
        state(1),
        record({ id: "no-such-conversation", status: "completed" }),
        record({ id: ids[2], status: "somehow" }),
        record({ status: "completed" }),
        state(2),
        record({ id: ids[2], status: "completed" }),
        state(3)
      ]
      const ran = yield* Effect.withClock(write(simulator, vendor, lines), clock)
      expect(ran.code).toBe(0)
      expect(settledIn(ran.messages)).toEqual([
        [1, 2, 0],
        [2, 0, 3],
        [3, 1, 0]
      ])
      expect(ran.text).toContain('"stream_state":{"n":1,"at":12345678901234567890}')
      expect(ran.text).toContain('"sourceStats":{"recordCount":1.0},"unheard":[1.0]')
      expect(ran.text).toContain('{"recordCount":2.0,"rejectedRecordCount":0.0}')
      const reasons = ofType(ran.messages, "LOG").map(({ log }) => log.message)
      expect(reasons).toContainEqual(
        expect.stringContaining(`record of ${ids[2]} rejected: the column "status" holds none of`)
      )
      expect(writesIn(simulator, vendor)).toBe(3)

      const again = yield* Effect.withClock(write(simulator, vendor, lines), clock)
      expect(settledIn(again.messages)).toEqual(settledIn(ran.messages))
      expect(writesIn(simulator, vendor)).toBe(3)
    })
  )

  it.effect("offers to set what can be written there", () =>
    Effect.gen(function* () {
      const simulator = world()
      const config = configFor(simulator, vendor)
      const { messages } = yield* runVerb("destination", "discover", simulator, { config })
      const [operation] = ofType(messages, "DESTINATION_CATALOG")[0].destination_catalog.operations
      expect([operation.object_name, operation.sync_mode, operation.matching_keys]).toEqual([
        "conversation_status",
        "update",
        [["id"]]
      ])
      const id = waiting(simulator, vendor)[0]
      const { clock } = makeLeapingClock(begins + 3_600_000)
      for (const status of ["active", "handed_off", "completed", "abandoned"]) {
        const lines = [record({ id, status }), state(1)]
        const ran = yield* Effect.withClock(
          write(simulator, vendor, lines, { config: { dry_run: true } }),
          clock
        )
        const isRefused = ofType(ran.messages, "LOG").some(({ log }) => log.level === "WARN")
        expect([status, isRefused]).toEqual([
          status,
          !operation.json_schema.properties.status.enum.includes(status)
        ])
      }
      expect(writesIn(simulator, vendor)).toBe(0)
    })
  )
})

describe("the destination", () => {
  it.effect("applies each wish once, whichever line it was ended at, and returns each state in the end", () =>
    Effect.gen(function* () {
      const vendor = "empfio"
      const lines = (ids: ReadonlyArray<string>) =>
        ids.flatMap((id, index) => [
          record({ id, status: "completed" }),
          ...(index % 2 === 1 ? [state(index)] : [])
        ])
      for (const endAfter of [0, 1, 2]) {
        const simulator = world()
        const ids = waiting(simulator, vendor).slice(0, 6)
        const all = lines(ids)
        const { clock } = makeLeapingClock(begins + 3_600_000)
        const ended = yield* Effect.withClock(write(simulator, vendor, all, { endAfter }), clock)
        expect(ended.code).toBeNull()
        const returned = settledIn(ended.messages).map(([n]) => n)
        const last = returned.at(-1)
        const from = last === undefined ? 0 : all.indexOf(state(Number(last))) + 1
        const rest = yield* Effect.withClock(write(simulator, vendor, all.slice(from)), clock)
        expect(rest.code).toBe(0)
        expect([...returned, ...settledIn(rest.messages).map(([n]) => n)]).toEqual([1, 3, 5])
        expect(writesIn(simulator, vendor)).toBe(ids.length)
      }
    })
  )

  it.effect("waits for what a provider queues, and gives no state back before", () =>
    Effect.gen(function* () {
      const vendor = "empfio"
      const simulator = world()
      simulator.faults.add({
        vendor,
        match: { write: true },
        probability: 0.4,
        effect: { kind: "queue", outcome: "applied" }
      })
      const ids = waiting(simulator, vendor).slice(0, 6)
      const { clock, now } = makeLeapingClock(begins + 3_600_000)
      const lines = [...ids.map((id) => record({ id, status: "completed" })), state(1)]
      const ran = yield* Effect.withClock(write(simulator, vendor, lines), clock)
      expect(ran.code).toBe(0)
      expect(settledIn(ran.messages)).toEqual([[1, 6, 0]])
      expect(now() - begins).toBeGreaterThan(3_600_000 + 60_000)
      expect(writesIn(simulator, vendor)).toBe(6)
    })
  )

  it.effect.each([
    ["cut", (whole: string) => whole.slice(0, -20)],
    ["no object", () => "[]"],
    ["a record without a stream", () => '{"type":"RECORD","record":{"data":{}}}'],
    ["a state without its object", () => '{"type":"STATE"}']
  ] as const)("returns no state behind a line that cannot be read (%s), and fails", ([, damage]) =>
    Effect.gen(function* () {
      const vendor = "empfio"
      const simulator = world()
      const { clock } = makeLeapingClock(begins + 3_600_000)
      const [first, lost, behind] = waiting(simulator, vendor).map((id) =>
        record({ id, status: "completed" })
      )
      const lines = [first, state(1), damage(lost ?? ""), behind, state(2)].filter(
        (line) => line !== undefined
      )
      const ran = yield* Effect.withClock(write(simulator, vendor, lines), clock)
      expect([ran.code, settledIn(ran.messages)]).toEqual([1, [[1, 1, 0]]])
      const [{ trace }] = ofType(ran.messages, "TRACE")
      expect(trace.error.failure_type).toBe("transient_error")
      expect(trace.error.message).toMatch(/^line 3 on stdin is no message/)
      expect(writesIn(simulator, vendor)).toBe(1)
    })
  )

  it.effect(
    "sends nothing where more changes are wanted than a run may send, however often it is tried",
    () =>
      Effect.gen(function* () {
        const vendor = "empfio"
        const simulator = world()
        const { clock } = makeLeapingClock(begins + 3_600_000)
        const ids = waiting(simulator, vendor).slice(0, 6)
        const held = [...simulator.vendors[vendor].world.conversations.keys()].find(
          (id) => !waiting(simulator, vendor).includes(id)
        )
        const lines = [
          // Already so: no change, and settled.
          record({ id: held, status: "completed" }),
          state(0),
          ...ids.map((id) => record({ id, status: "completed" })),
          state(1)
        ]
        for (const attempt of [1, 2]) {
          const ran = yield* Effect.withClock(
            write(simulator, vendor, lines, { config: { push_brake: 5 } }),
            clock
          )
          expect([attempt, ran.code, settledIn(ran.messages)]).toEqual([attempt, 1, [[0, 1, 0]]])
          const [{ trace }] = ofType(ran.messages, "TRACE")
          expect(trace.error.failure_type).toBe("config_error")
          expect(trace.error.message).toMatch(/more than 5 .*push_brake.* none was sent.*raise push_brake/)
        }
        expect(writesIn(simulator, vendor)).toBe(0)
        const raised = yield* Effect.withClock(
          write(simulator, vendor, lines, { config: { push_brake: 6 } }),
          clock
        )
        expect([raised.code, settledIn(raised.messages)]).toEqual([
          0,
          [
            [0, 1, 0],
            [1, 6, 0]
          ]
        ])
        expect(writesIn(simulator, vendor)).toBe(6)
      })
  )

  it.effect(
    "sends no more than a run may, where the rest comes later, and returns no state for the rest",
    () =>
      Effect.gen(function* () {
        const vendor = "empfio"
        const simulator = world()
        const leaping = makeLeapingClock(begins + 3_600_000)
        const ids = waiting(simulator, vendor).slice(0, 6)
        const lines = [
          ...ids.slice(0, 3).map((id) => record({ id, status: "completed" })),
          state(1),
          ...ids.slice(3).map((id) => record({ id, status: "completed" })),
          state(2)
        ]
        const ran = yield* Effect.withClock(
          write(simulator, vendor, lines, { config: { push_brake: 4 }, pauseAt: 4 }),
          leaping.clock
        )
        expect([ran.code, settledIn(ran.messages)]).toEqual([1, [[1, 3, 0]]])
        expect(ofType(ran.messages, "TRACE")[0].trace.error.message).toContain("4 were sent")
        expect(writesIn(simulator, vendor)).toBe(4)
      })
  )

  it.effect("does not hold a few changes back behind many records that change nothing", () =>
    Effect.gen(function* () {
      const vendor = "empfio"
      const simulator = world()
      const { clock } = makeLeapingClock(begins + 3_600_000)
      const ids = waiting(simulator, vendor)
      const [id = ""] = ids
      const held = [...simulator.vendors[vendor].world.conversations.keys()].find((one) => !ids.includes(one))
      let asked = 0
      const nothing = Array.from({ length: 250 }, () => record({ id: held, status: "completed" }))
      const lines = [record({ id, status: "completed" }), ...nothing, state(1), ...nothing, state(2)]
      const ran = yield* Effect.withClock(
        runVerb("destination", "write", simulator, {
          config: configFor(simulator, vendor, { push_brake: 2 }),
          catalog,
          lines,
          reading: (line) =>
            Effect.sync(() => {
              if (line.includes('"n":1,')) asked = simulator.log.length
            })
        }),
        clock
      )
      expect([ran.code, settledIn(ran.messages)]).toEqual([
        0,
        [
          [1, 251, 0],
          [2, 250, 0]
        ]
      ])
      expect(writesIn(simulator, vendor)).toBe(1)
      // The state behind it went back before the rest was looked at.
      expect(simulator.log.length).toBeGreaterThan(asked)
    })
  )

  it.effect("counts what waits in its outbox, and keeps nothing there that it may not send", () =>
    Effect.gen(function* () {
      const vendor = "empfio"
      const simulator = world()
      const { clock } = makeLeapingClock(begins + 3_600_000)
      const folder = yield* temporaryFolder
      const ids = waiting(simulator, vendor).slice(0, 4)
      const lines = [...ids.map((id) => record({ id, status: "completed" })), state(1)]
      const config = { outbox: join(folder, "outbox.db"), push_brake: 3 }
      for (const _ of [1, 2]) {
        const ran = yield* Effect.withClock(write(simulator, vendor, lines, { config }), clock)
        expect([ran.code, settledIn(ran.messages)]).toEqual([1, []])
      }
      expect(writesIn(simulator, vendor)).toBe(0)
      const raised = yield* Effect.withClock(
        write(simulator, vendor, lines, { config: { ...config, push_brake: 4 } }),
        clock
      )
      expect([raised.code, settledIn(raised.messages)]).toEqual([0, [[1, 4, 0]]])
      expect(writesIn(simulator, vendor)).toBe(4)
    }).pipe(Effect.scoped)
  )

  it.effect("checks that its outbox can be made, or opened, and makes none", () =>
    Effect.gen(function* () {
      const vendor = "empfio"
      const simulator = world()
      const folder = yield* temporaryFolder
      const text = join(folder, "text.db")
      writeFileSync(
        text,
        "no mirror at all, and long enough to be taken for a file with a header of its own. ".repeat(9)
      )
      const checked = (outbox: string) =>
        Effect.map(
          runVerb("destination", "check", simulator, { config: configFor(simulator, vendor, { outbox }) }),
          (ran) => ofType(ran.messages, "CONNECTION_STATUS")[0].connectionStatus
        )
      const wanting = join(folder, "none", "outbox.db")
      expect(yield* checked(wanting)).toEqual({
        status: "FAILED",
        message: `outbox ${wanting}: its folder does not exist. Create the folder`
      })
      expect(yield* checked(text)).toMatchObject({
        status: "FAILED",
        message: expect.stringMatching(/^outbox: .*text\.db/)
      })
      const empty = join(folder, "empty.db")
      writeFileSync(empty, "")
      expect(yield* checked(empty)).toEqual({ status: "SUCCEEDED" })
      const fresh = join(folder, "outbox.db")
      expect(yield* checked(fresh)).toEqual({ status: "SUCCEEDED" })
      expect(existsSync(fresh)).toBe(false)
    }).pipe(Effect.scoped)
  )

  it.effect("rejects what changed at the provider after it was wanted, unless the record is to win", () =>
    Effect.gen(function* () {
      const vendor = "empfio"
      for (const [on_conflict, settled] of [
        ["keep_remote", [1, 0, 1]],
        ["keep_local", [1, 1, 0]]
      ] as const) {
        const simulator = world()
        const { clock } = makeLeapingClock(begins + 7_200_000)
        const id = waiting(simulator, vendor)[0] ?? ""
        simulator.vendors[vendor].world.setStatus(id, "escalated", begins + 3_600_000)
        const wanted = record({ id, status: "completed", requested_at: new Date(begins).toISOString() })
        const ran = yield* Effect.withClock(
          write(simulator, vendor, [wanted, state(1)], { config: { on_conflict } }),
          clock
        )
        expect([ran.code, settledIn(ran.messages)]).toEqual([0, [settled]])
      }
    })
  )

  it.effect("returns no state and ends with an error where the provider is down", () =>
    Effect.gen(function* () {
      const simulator = world()
      const [id] = waiting(simulator, "empfio")
      simulator.faults.add({
        vendor: "empfio",
        match: { path: "/conversations" },
        effect: { kind: "answer", status: 503 }
      })
      const { clock } = makeLeapingClock(begins)
      const ran = yield* Effect.withClock(
        write(simulator, "empfio", [record({ id, status: "completed" }), state(1)]),
        clock
      )
      expect(ran.code).toBe(1)
      expect(settledIn(ran.messages)).toEqual([])
      expect(ofType(ran.messages, "TRACE")[0].trace.error.failure_type).toBe("transient_error")
    })
  )
})
