import { describe, expect, it } from "@effect/vitest"
import { Effect, Runtime } from "effect"
import type { Db } from "../../../src/store/Db.ts"
import type { Outbox } from "../../../src/store/outbox/Outbox.ts"
import { editStatus, emptyMirror, rows } from "../../support/outboxMirror.ts"
import { minute, none, setUp } from "../../support/pushDesk.ts"

const test = <A, E>(name: string, body: () => Effect.Effect<A, E, Outbox | Db>) =>
  it.scoped(name, () => Effect.provide(body(), emptyMirror))

const everything = rows("UPDATE conversations SET status = 'completed' RETURNING id")

describe("more changes than a run sends unconfirmed", () => {
  test("are not sent, none of them, and the provider is not asked", () =>
    Effect.gen(function* () {
      const { run, twin } = yield* setUp({ conversations: 101 })
      yield* everything
      expect(yield* run).toEqual({
        changes: { ...none, pending: 101 },
        cancelled: 0,
        error: null,
        braked: { waiting: 101, brake: 100 }
      })
      expect(twin.requests()).toBe(0)
      expect(yield* rows("SELECT DISTINCT state, attempts FROM status_changes")).toEqual([
        { state: "pending", attempts: 0 }
      ])
    }))

  test("are sent where exactly so many are confirmed, and not where it is another number", () =>
    Effect.gen(function* () {
      const { runWith } = yield* setUp({ conversations: 12, pushBrake: 10 })
      yield* everything
      for (const confirmed of [11, 13, 1]) {
        expect((yield* runWith({ confirmed })).changes).toEqual({ ...none, pending: 12 })
      }
      expect(yield* runWith({ confirmed: 12 })).toEqual({
        changes: { ...none, confirmed: 12 },
        cancelled: 0,
        error: null,
        braked: null
      })
    }))

  test("are counted with those that have to wait", () =>
    Effect.gen(function* () {
      const { run, twin, leaping } = yield* setUp({ conversations: 4, pushBrake: 3, maxWaitMillis: 1000 })
      yield* editStatus("desk:c-1", "completed")
      twin.writeFaults.push("429")
      yield* run
      yield* everything
      expect((yield* run).braked).toEqual({ waiting: 4, brake: 3 })
      leaping.advance(300 * minute)
      expect((yield* run).braked).toEqual({ waiting: 4, brake: 3 })
      expect(twin.applied).toEqual([])
    }))

  test("leave alone what is on its way, which is read back and not sent again", () =>
    Effect.gen(function* () {
      const { run, twin, leaping } = yield* setUp({
        conversations: 9,
        pushBrake: 3,
        versioned: false,
        echo: false
      })
      yield* editStatus("desk:c-1", "completed")
      yield* editStatus("desk:c-2", "completed")
      twin.writeFaults.push("449 applied", "449 lost")
      yield* run
      for (let number = 3; number <= 9; number += 1) yield* editStatus(`desk:c-${number}`, "completed")
      leaping.advance(10 * minute)
      const report = yield* run
      expect(report.braked).toEqual({ waiting: 7, brake: 3 })
      expect(report.changes).toMatchObject({ confirmed: 1, queued: 1, pending: 7 })
      expect(twin.applied).toHaveLength(1)
    }))
})

describe("a change that is requested while a push is under way", () => {
  test("waits for the next one, so that no more leaves than was counted", () =>
    Effect.gen(function* () {
      const { run, twin, meanwhile } = yield* setUp({
        conversations: 8,
        maxWaitMillis: 180 * minute,
        pushBrake: 2
      })
      yield* editStatus("desk:c-1", "completed")
      twin.writeFaults.push("429")
      const runtime = yield* Effect.runtime<Db>()
      meanwhile.push(() => void Runtime.runSync(runtime)(everything))
      expect((yield* run).changes).toEqual({ ...none, confirmed: 1, pending: 7 })
      expect(twin.applied.map(({ providerId }) => providerId)).toEqual(["c-1"])
      expect((yield* run).braked).toEqual({ waiting: 7, brake: 2 })
    }))

  test("does not slip out in the place of the one it replaces", () =>
    Effect.gen(function* () {
      const { run, twin, meanwhile } = yield* setUp({ maxWaitMillis: 180 * minute, pushBrake: 1 })
      yield* editStatus("desk:c-1", "completed")
      twin.writeFaults.push("429")
      const runtime = yield* Effect.runtime<Db>()
      meanwhile.push(() => void Runtime.runSync(runtime)(editStatus("desk:c-1", "handed_off")))
      expect((yield* run).changes).toEqual({ ...none, pending: 1 })
      expect(twin.applied).toEqual([])
      expect((yield* run).changes).toEqual({ ...none, confirmed: 1 })
    }))
})
