import { describe, expect, it } from "@effect/vitest"
import { Effect, Runtime } from "effect"
import { now } from "../../../src/domain/Timestamp.ts"
import type { Db } from "../../../src/store/Db.ts"
import { Outbox } from "../../../src/store/outbox/Outbox.ts"
import { push } from "../../../src/sync/push/push.ts"
import { addConversation, editStatus, emptyMirror, row, rows } from "../../support/outboxMirror.ts"
import { minute, none, setUp } from "../../support/pushDesk.ts"

const story = (id: number) =>
  Effect.map(
    rows("SELECT state, detail FROM change_events WHERE change_id = ? ORDER BY id", id),
    (events) => events as ReadonlyArray<{ state: string; detail: string }>
  )
const states = (id: number) => Effect.map(story(id), (events) => events.map((event) => event.state))

const test = <A, E>(name: string, body: () => Effect.Effect<A, E, Outbox | Db>) =>
  it.scoped(name, () => Effect.provide(body(), emptyMirror))

describe("a change that meets no trouble", () => {
  test("is read for, sent once and confirmed by the answer", () =>
    Effect.gen(function* () {
      const { run, twin, steps } = yield* setUp()
      yield* editStatus("desk:c-1", "completed")
      expect(yield* run).toEqual({
        changes: { ...none, confirmed: 1 },
        error: null,
        braked: null,
        cancelled: 0
      })
      expect(twin.applied.map(({ word }) => word)).toEqual(["completed"])
      expect(twin.requests()).toBe(2)
      expect(yield* states(1)).toEqual(["pending", "sending", "confirmed"])
      expect(steps.map(({ state }) => state)).toEqual(["confirmed"])
      expect(
        yield* row("SELECT status, remote_status, provider_status, change_state FROM conversations")
      ).toEqual({
        status: "completed",
        remote_status: "completed",
        provider_status: "completed",
        change_state: null
      })
      expect(yield* rows("SELECT origin, to_status FROM status_history")).toEqual([
        { origin: "local", to_status: "completed" }
      ])
    }))

  test("is read again where the vendor's answer says nothing", () =>
    Effect.gen(function* () {
      const { run, twin } = yield* setUp({ echo: false })
      yield* editStatus("desk:c-1", "completed")
      expect((yield* run).changes.confirmed).toBe(1)
      expect(twin.requests()).toBe(3)
      expect(yield* states(1)).toEqual(["pending", "sending", "sent", "confirmed"])
    }))

  test("is confirmed without a write where the vendor holds it already, in whatever word", () =>
    Effect.gen(function* () {
      const { run, twin } = yield* setUp()
      yield* editStatus("desk:c-1", "completed")
      twin.edit("c-1", "ended_chat", 5)
      expect((yield* run).changes).toEqual({ ...none, confirmed: 1 })
      expect(twin.applied).toEqual([])
      expect(yield* rows("SELECT origin, provider_status FROM status_history")).toEqual([
        { origin: "provider", provider_status: "ended_chat" }
      ])
    }))

  test("carries title and tags, and leaves a status alone that the vendor holds in a finer word", () =>
    Effect.gen(function* () {
      const { run, twin, requestChange } = yield* setUp()
      yield* requestChange(1, "handed_off", { title: "Refund", tags: ["billing"] })
      twin.edit("c-1", "human-chatting", 5)
      expect((yield* run).changes).toEqual({ ...none, confirmed: 1 })
      expect(twin.applied.map(({ word }) => word)).toEqual([null])
      expect(twin.word("c-1")).toBe("human-chatting")
      expect(yield* row("SELECT title, tags FROM conversations")).toEqual({
        title: "Refund",
        tags: '["billing"]'
      })
    }))

  test("is followed by the change that waited behind it, in the same run", () =>
    Effect.gen(function* () {
      const { run, twin, leaping, outbox } = yield* setUp()
      yield* editStatus("desk:c-1", "completed")
      twin.writeFaults.push("449 applied")
      expect((yield* run).changes).toEqual({ ...none, queued: 1 })
      yield* editStatus("desk:c-1", "handed_off")
      leaping.advance(6 * minute)
      expect((yield* run).changes).toEqual({ ...none, confirmed: 2 })
      expect(twin.applied.map(({ word }) => word)).toEqual(["completed", "requested_chat"])
      expect(yield* outbox.change(2)).toMatchObject({ fromStatus: "completed" })
    }))

  test("leaves nothing to write in the next run", () =>
    Effect.gen(function* () {
      const { run, twin } = yield* setUp({ conversations: 5 })
      for (let number = 1; number <= 5; number += 1) yield* editStatus(`desk:c-${number}`, "completed")
      yield* run
      const before = twin.requests()
      expect(yield* run).toEqual({ changes: none, error: null, braked: null, cancelled: 0 })
      expect(twin.requests()).toBe(before)
    }))
})

describe("a status that moved at the vendor", () => {
  test("is a conflict by default, and the mirror shows the vendor's word", () =>
    Effect.gen(function* () {
      const { run, twin } = yield* setUp()
      yield* editStatus("desk:c-1", "completed")
      twin.edit("c-1", "human-chatting", 5)
      expect((yield* run).changes).toEqual({ ...none, conflict: 1 })
      expect(twin.applied).toEqual([])
      expect((yield* story(1)).at(-1)).toEqual({
        state: "conflict",
        detail: "requested on `ai-chatting` (active), but the provider holds `human-chatting` (handed_off)"
      })
      expect(yield* row("SELECT status, provider_status FROM conversations")).toEqual({
        status: "handed_off",
        provider_status: "human-chatting"
      })
    }))

  test("is a conflict even where both of the vendor's words mean the same", () =>
    Effect.gen(function* () {
      const { run, twin } = yield* setUp({ conversations: 0 })
      yield* addConversation("desk", "c-9", "handed_off", "requested_chat")
      twin.add("c-9", "requested_chat")
      yield* editStatus("desk:c-9", "active")
      twin.edit("c-9", "human-chatting", 5)
      expect((yield* run).changes.conflict).toBe(1)
      expect(twin.word("c-9")).toBe("human-chatting")
    }))

  test("wins where the connection says so", () =>
    Effect.gen(function* () {
      const { run, twin } = yield* setUp({ conflict: "remote-wins" })
      yield* editStatus("desk:c-1", "completed")
      twin.edit("c-1", "human-chatting", 5)
      expect(yield* run).toMatchObject({ changes: none, cancelled: 1 })
      expect(yield* states(1)).toEqual(["pending", "cancelled"])
      expect(twin.word("c-1")).toBe("human-chatting")
      expect(yield* run).toMatchObject({ cancelled: 0 })
    }))

  test("loses where the connection says so", () =>
    Effect.gen(function* () {
      const { run, twin } = yield* setUp({ conflict: "local-wins" })
      yield* editStatus("desk:c-1", "completed")
      twin.edit("c-1", "human-chatting", 5)
      expect((yield* run).changes.confirmed).toBe(1)
      expect(twin.word("c-1")).toBe("completed")
    }))
})

describe("a conversation that was changed at the vendor after the change was requested", () => {
  const later = 20_000
  for (const [conflict, end] of [
    ["manual", { ...none, conflict: 1 }],
    ["remote-wins", none],
    ["local-wins", { ...none, confirmed: 1 }]
  ] as const) {
    test(`is not overwritten though it holds the status that was seen, but where that is wanted (${conflict})`, () =>
      Effect.gen(function* () {
        const { leaping, run, twin, requestChange } = yield* setUp({ conflict })
        yield* requestChange(1, "completed")
        twin.touch("c-1", leaping.now() + later)
        leaping.advance(2 * later)
        expect((yield* run).changes).toEqual(end)
        expect(twin.applied).toHaveLength(conflict === "local-wins" ? 1 : 0)
        expect(yield* row("SELECT last_error FROM status_changes")).toMatchObject(
          conflict === "local-wins"
            ? { last_error: null }
            : { last_error: expect.stringContaining("changed there at 2026-03-07T10:00:20.000Z and holds") }
        )
      }))
  }

  test("is known by the vendor's own clock, where that differs", () =>
    Effect.gen(function* () {
      for (const [ahead, touched, confirmed] of [
        [3_600_000, 3_600_000 - later, 1],
        [3_600_000, 3_600_000 + later, 0],
        [-3_600_000, -3_600_000 + later, 0],
        [-3_600_000, -3_600_000 - later, 1]
      ] as const) {
        const desk = yield* Effect.provide(
          Effect.gen(function* () {
            const { leaping, run, twin, requestChange } = yield* setUp()
            const { readStatus } = twin.provider
            Object.assign(twin.provider, {
              readStatus: (change: Parameters<typeof readStatus>[0]) =>
                Effect.map(readStatus(change), (state) => state && { ...state, clockAhead: ahead })
            })
            yield* requestChange(1, "completed")
            twin.touch("c-1", leaping.now() + touched)
            leaping.advance(2 * later)
            return (yield* run).changes.confirmed
          }),
          emptyMirror
        )
        expect(desk, `${ahead} ${touched}`).toBe(confirmed)
      }
    }))

  test("is none where the mirror knew of it when the change was requested, however far ahead its time lies", () =>
    Effect.gen(function* () {
      const { leaping, run, twin, requestChange } = yield* setUp()
      const ahead = leaping.now() + 30 * 24 * 60 * minute
      twin.touch("c-1", ahead)
      yield* rows(
        "UPDATE remote_conversations SET updated_at = ? RETURNING id",
        new Date(ahead).toISOString()
      )
      yield* requestChange(1, "completed")
      expect((yield* run).changes.confirmed).toBe(1)
    }))

  test("is none where we changed it ourselves: the change that waited behind goes out", () =>
    Effect.gen(function* () {
      const { run, twin, leaping, requestChange } = yield* setUp({ versioned: false })
      yield* requestChange(1, "completed")
      twin.writeFaults.push("449 applied")
      yield* run
      yield* requestChange(1, "handed_off")
      leaping.advance(6 * minute)
      expect((yield* run).changes).toEqual({ ...none, confirmed: 2 })
    }))

  test("is one where somebody there set another word of the same meaning before ours was known to be applied", () =>
    Effect.gen(function* () {
      const { run, twin, leaping, outbox, requestChange } = yield* setUp()
      yield* requestChange(1, "completed")
      twin.writeFaults.push("449 lost")
      yield* run
      yield* requestChange(1, "active")
      leaping.advance(minute)
      twin.edit("c-1", "ended_chat", leaping.now())
      leaping.advance(6 * minute)
      expect((yield* run).changes).toEqual({ ...none, confirmed: 1, conflict: 1 })
      expect(yield* outbox.change(2)).toMatchObject({ state: "conflict", attempts: 0 })
      expect(twin.word("c-1")).toBe("ended_chat")
    }))

  test("cannot be known where the vendor tells no time, unless a copy of the mirror has pushed since", () =>
    Effect.gen(function* () {
      const { leaping, run, runWith, twin, requestChange } = yield* setUp({
        versioned: false,
        conversations: 2
      })
      yield* requestChange(1, "completed")
      leaping.advance(minute)
      const elsewhere = now(leaping.now())
      leaping.advance(minute)
      yield* requestChange(2, "completed")
      expect((yield* runWith({ elsewhere })).changes).toEqual({ ...none, conflict: 1, confirmed: 1 })
      expect(twin.applied.map(({ providerId }) => providerId)).toEqual(["c-2"])
      yield* requestChange(1, "completed")
      expect((yield* run).changes.confirmed).toBe(1)
    }))
})

describe("a write whose outcome is unknown", () => {
  for (const fault of ["cut after", "5xx after", "malformed after"] as const) {
    test(`(${fault} it was applied) is read back and not sent again`, () =>
      Effect.gen(function* () {
        const { run, twin } = yield* setUp()
        yield* editStatus("desk:c-1", "completed")
        twin.writeFaults.push(fault)
        expect((yield* run).changes).toEqual({ ...none, confirmed: 1 })
        expect(twin.applied).toHaveLength(1)
      }))
  }

  test("is sent again once reads have shown for a while that it was not applied", () =>
    Effect.gen(function* () {
      const { run, twin, leaping } = yield* setUp()
      yield* editStatus("desk:c-1", "completed")
      twin.writeFaults.push("cut before")
      const began = leaping.now()
      expect((yield* run).changes).toEqual({ ...none, confirmed: 1 })
      expect(leaping.now() - began).toBeGreaterThanOrEqual(15_000)
      expect(twin.applied).toHaveLength(1)
      expect(yield* states(1)).toEqual(["pending", "sending", "sending", "pending", "sending", "confirmed"])
    }))

  test("is not sent again while what was applied is slow to show", () =>
    Effect.gen(function* () {
      const { run, twin } = yield* setUp({ versioned: false, delay: 9_000 })
      yield* editStatus("desk:c-1", "completed")
      twin.writeFaults.push("cut after")
      expect((yield* run).changes).toEqual({ ...none, confirmed: 1 })
      expect(twin.applied).toHaveLength(1)
    }))

  test("is a conflict where it may have been applied and changed back", () =>
    Effect.gen(function* () {
      const { run, twin, leaping, runId, target } = yield* setUp()
      yield* editStatus("desk:c-1", "completed")
      twin.writeFaults.push("cut after")
      const { setStatus } = twin.provider
      const reopened = {
        ...twin.provider,
        setStatus: (change: Parameters<typeof setStatus>[0]) =>
          Effect.tapError(setStatus(change), () =>
            Effect.sync(() => twin.edit("c-1", "ai-chatting", leaping.now() + 1))
          )
      }
      const report = yield* push({ ...target, provider: reopened }, { runId }).pipe(
        Effect.withClock(leaping.clock)
      )
      expect(report.changes).toEqual({ ...none, conflict: 1 })
      expect(twin.applied).toHaveLength(1)
      expect(twin.word("c-1")).toBe("ai-chatting")
      expect((yield* run).changes).toEqual(none)
    }))

  test("is left for later after two tries in one run, longer each time, and ends in the end", () =>
    Effect.gen(function* () {
      const { run, twin, leaping, outbox } = yield* setUp()
      yield* editStatus("desk:c-1", "completed")
      twin.writeFaults.push("cut before", "cut before")
      expect((yield* run).changes).toEqual({ ...none, pending: 1 })
      const { notBefore } = yield* outbox.change(1)
      expect(notBefore).toBe(new Date(leaping.now() + 2 * minute).toISOString())
      expect((yield* run).changes.pending).toBe(1)
      for (let day = 0; day < 30; day += 1) {
        leaping.advance(60 * minute)
        twin.writeFaults.push("cut before", "cut before")
        yield* run
      }
      expect(yield* outbox.change(1)).toMatchObject({ state: "rejected", attempts: 20 })
    }))
})

describe("a vendor that queues", () => {
  test("is not asked again for minutes; then what it applied is confirmed", () =>
    Effect.gen(function* () {
      const { run, twin, leaping } = yield* setUp({ versioned: false, echo: false })
      yield* editStatus("desk:c-1", "completed")
      twin.writeFaults.push("449 applied")
      const began = leaping.now()
      expect((yield* run).changes).toEqual({ ...none, queued: 1 })
      expect(leaping.now()).toBe(began)
      const requests = twin.requests()
      leaping.advance(3 * minute)
      expect((yield* run).changes.queued).toBe(1)
      expect(twin.requests()).toBe(requests)
      leaping.advance(3 * minute)
      expect((yield* run).changes).toEqual({ ...none, confirmed: 1 })
      expect(twin.applied).toHaveLength(1)
    }))

  test("is sent to again where it lost what it had queued", () =>
    Effect.gen(function* () {
      const { run, twin, leaping } = yield* setUp({ versioned: false, echo: false })
      yield* editStatus("desk:c-1", "completed")
      twin.writeFaults.push("449 lost")
      yield* run
      leaping.advance(6 * minute)
      expect((yield* run).changes).toEqual({ ...none, confirmed: 1 })
      expect(twin.applied).toHaveLength(1)
    }))

  test("is given the same time where the run died before it could write down the 449", () =>
    Effect.gen(function* () {
      const { run, twin, leaping, outbox } = yield* setUp({ versioned: false, echo: false })
      yield* editStatus("desk:c-1", "completed")
      twin.writeFaults.push("449 applied")
      const dying = { ...outbox, queued: () => Effect.die("killed") } as unknown as Outbox
      expect((yield* Effect.exit(Effect.provideService(run, Outbox, dying)))._tag).toBe("Failure")
      expect(yield* outbox.change(1)).toMatchObject({ state: "sending" })
      expect((yield* run).changes).toEqual({ ...none, queued: 1 })
      leaping.advance(6 * minute)
      expect((yield* run).changes).toEqual({ ...none, confirmed: 1 })
      expect(twin.applied).toHaveLength(1)
    }))
})

describe("what the vendor accepted and does not show", () => {
  test("stays open, is never sent again, and ends in conflict after ten minutes", () =>
    Effect.gen(function* () {
      const { run, twin, leaping, outbox } = yield* setUp({
        versioned: false,
        echo: false,
        delay: 60 * minute
      })
      yield* editStatus("desk:c-1", "completed")
      expect((yield* run).changes).toEqual({ ...none, pending: 1 })
      expect(yield* outbox.change(1)).toMatchObject({ state: "sent" })
      leaping.advance(5 * minute)
      expect((yield* run).changes.pending).toBe(1)
      leaping.advance(6 * minute)
      expect((yield* run).changes).toEqual({ ...none, conflict: 1 })
      expect(twin.applied).toHaveLength(1)
    }))

  test("is confirmed by a later push once it shows", () =>
    Effect.gen(function* () {
      const { run, twin, leaping } = yield* setUp({ versioned: false, echo: false, delay: 2 * minute })
      yield* editStatus("desk:c-1", "completed")
      expect((yield* run).changes.pending).toBe(1)
      leaping.advance(3 * minute)
      expect((yield* run).changes).toEqual({ ...none, confirmed: 1 })
      expect(twin.applied).toHaveLength(1)
    }))
})

describe("a refusal", () => {
  test("ends the change with the vendor's words, and the others go on", () =>
    Effect.gen(function* () {
      const { run, twin, outbox } = yield* setUp({ conversations: 6 })
      for (let number = 1; number <= 6; number += 1) yield* editStatus(`desk:c-${number}`, "completed")
      twin.writeFaults.push("400")
      twin.remove("c-4")
      expect((yield* run).changes).toEqual({ ...none, confirmed: 4, rejected: 2 })
      const { changes: refused } = yield* outbox.list({ all: false, connection: "desk", limit: 10 })
      expect(refused.map((change) => change.lastError).sort()).toEqual([
        "the conversation no longer exists at the provider",
        "the twin refused (400): state is not one of the allowed values"
      ])
    }))

  test("of the credentials stops the connection, and the changes stay", () =>
    Effect.gen(function* () {
      const { run, twin } = yield* setUp({ conversations: 9 })
      for (let number = 1; number <= 9; number += 1) yield* editStatus(`desk:c-${number}`, "completed")
      twin.writeFaults.push("401")
      const report = yield* run
      expect(report.error).toMatchObject({ _tag: "Unauthorized", status: 401 })
      expect(report.changes.confirmed + report.changes.pending).toBe(9)
      expect(report.changes.pending).toBeGreaterThanOrEqual(6)
      expect((yield* run).changes.pending).toBe(0)
    }))

  test("of every write means a read-only connection: three tries, and all changes stay pending", () =>
    Effect.gen(function* () {
      const { run, twin } = yield* setUp({ conversations: 30 })
      for (let number = 1; number <= 30; number += 1) yield* editStatus(`desk:c-${number}`, "completed")
      twin.writeFaults.push(...Array.from({ length: 30 }, () => "403" as const))
      const report = yield* run
      expect(report).toMatchObject({
        changes: { ...none, pending: 30 },
        error: { _tag: "Unauthorized", status: 403 }
      })
      expect(twin.requests()).toBeLessThan(20)
    }))

  test("of one conversation alone ends that change", () =>
    Effect.gen(function* () {
      const { run, twin } = yield* setUp({ conversations: 6 })
      for (let number = 1; number <= 6; number += 1) yield* editStatus(`desk:c-${number}`, "completed")
      twin.writeFaults.push("403")
      expect(yield* run).toEqual({
        changes: { ...none, confirmed: 5, rejected: 1 },
        error: null,
        braked: null,
        cancelled: 0
      })
    }))
})

describe("a read that is forbidden", () => {
  test("leaves its change pending, whatever becomes of the others", () =>
    Effect.gen(function* () {
      const { run, twin } = yield* setUp({ conversations: 6 })
      for (let number = 1; number <= 6; number += 1) yield* editStatus(`desk:c-${number}`, "completed")
      twin.readFaults.push("403")
      expect(yield* run).toEqual({
        changes: { ...none, confirmed: 5, pending: 1 },
        error: null,
        braked: null,
        cancelled: 0
      })
      expect(yield* run).toEqual({
        changes: { ...none, confirmed: 1 },
        error: null,
        braked: null,
        cancelled: 0
      })
    }))
})

describe("a vendor in trouble", () => {
  test("that asks for a longer pause than allowed leaves the change pending until then", () =>
    Effect.gen(function* () {
      const { run, twin, leaping, outbox } = yield* setUp()
      yield* editStatus("desk:c-1", "completed")
      twin.writeFaults.push("429")
      const report = yield* run
      expect(report).toMatchObject({ changes: { ...none, pending: 1 }, error: { _tag: "RateLimited" } })
      expect(yield* outbox.change(1)).toMatchObject({
        state: "pending",
        notBefore: new Date(leaping.now() + 120 * minute).toISOString()
      })
      leaping.advance(119 * minute)
      expect((yield* run).changes.pending).toBe(1)
      leaping.advance(2 * minute)
      expect((yield* run).changes.confirmed).toBe(1)
      expect(twin.applied).toHaveLength(1)
    }))

  test("that asks for a pause gets it, is read again, and then the change", () =>
    Effect.gen(function* () {
      const { run, twin, leaping, outbox, events } = yield* setUp({ maxWaitMillis: 180 * minute })
      yield* editStatus("desk:c-1", "completed")
      twin.writeFaults.push("429")
      const before = leaping.now()
      expect(yield* run).toEqual({
        changes: { ...none, confirmed: 1 },
        error: null,
        braked: null,
        cancelled: 0
      })
      expect(leaping.now() - before).toBeGreaterThanOrEqual(120 * minute)
      // A read before each of the two writes.
      expect(twin.requests()).toBe(4)
      expect((yield* story(1)).map(({ state }) => state)).toEqual([
        "pending",
        "sending",
        "pending",
        "sending",
        "confirmed"
      ])
      expect(events).toMatchObject([
        { _tag: "Waiting", until: before + 120 * minute },
        { _tag: "Waited", millis: 120 * minute }
      ])
      expect((yield* outbox.change(1)).attempts).toBe(2)
    }))

  test("keeps what somebody there set while a change waited out its pause", () =>
    Effect.gen(function* () {
      const { run, twin, leaping, meanwhile } = yield* setUp({ maxWaitMillis: 180 * minute })
      yield* editStatus("desk:c-1", "completed")
      twin.writeFaults.push("429")
      meanwhile.push(() => twin.edit("c-1", "human-chatting", leaping.now() + 1))
      expect((yield* run).changes).toEqual({ ...none, conflict: 1 })
      expect(twin.applied).toHaveLength(0)
      expect(twin.word("c-1")).toBe("human-chatting")
    }))

  test("sends nothing for a change that was cancelled while it waited out a pause", () =>
    Effect.gen(function* () {
      const { run, twin, outbox, meanwhile } = yield* setUp({ maxWaitMillis: 180 * minute })
      yield* editStatus("desk:c-1", "completed")
      twin.writeFaults.push("429")
      const runtime = yield* Effect.runtime<never>()
      meanwhile.push(() => void Runtime.runSync(runtime)(outbox.cancel(1)))
      expect((yield* run).changes).toEqual(none)
      expect(twin.applied).toHaveLength(0)
    }))

  test("that refuses every write is left for another run in the end", () =>
    Effect.gen(function* () {
      const { run, twin } = yield* setUp({ maxWaitMillis: 180 * minute })
      yield* editStatus("desk:c-1", "completed")
      twin.writeFaults.push(...Array.from({ length: 100 }, () => "429" as const))
      expect((yield* run).changes).toEqual({ ...none, pending: 1 })
      expect(twin.requests()).toBe(40)
    }))

  test("pauses several changes at once, which is one wait", () =>
    Effect.gen(function* () {
      const { run, twin, requestChange, events } = yield* setUp({
        maxWaitMillis: 180 * minute,
        conversations: 3
      })
      for (const number of [1, 2, 3]) yield* requestChange(number, "completed")
      twin.writeFaults.push("429", "429", "429")
      expect((yield* run).changes).toEqual({ ...none, confirmed: 3 })
      const waited = events.filter((event) => event._tag === "Waited")
      expect(waited.reduce((sum, { millis }) => sum + millis, 0)).toBeLessThan(121 * minute)
    }))

  test("that answers nothing is given up after a few changes, not after all", () =>
    Effect.gen(function* () {
      const { run, twin } = yield* setUp({ conversations: 40 })
      for (let number = 1; number <= 40; number += 1) yield* editStatus(`desk:c-${number}`, "completed")
      twin.readFaults.push(...Array.from({ length: 40 }, () => "5xx" as const))
      expect(yield* run).toMatchObject({ changes: { ...none, pending: 40 }, error: { _tag: "Unavailable" } })
      expect(twin.requests()).toBeLessThan(10)
    }))

  for (const fault of ["refused", "malformed"] as const) {
    test(`that answers a read so (${fault}) has said nothing of the change, which waits ever longer and then goes out`, () =>
      Effect.gen(function* () {
        const { run, twin, leaping, outbox } = yield* setUp()
        yield* editStatus("desk:c-1", "completed")
        for (const minutes of [1, 2, 4, 8, 16, 32, 60, 60]) {
          twin.readFaults.push(fault)
          expect(yield* run).toMatchObject({
            changes: { ...none, pending: 1 },
            error: { message: expect.stringMatching(/^the twin/) }
          })
          const notBefore = new Date(leaping.now() + minutes * minute).toISOString()
          expect(yield* outbox.change(1)).toMatchObject({ state: "pending", attempts: 0, notBefore })
          const requests = twin.requests()
          leaping.advance(minutes * minute - 1)
          expect(yield* run).toEqual({
            changes: { ...none, pending: 1 },
            error: null,
            braked: null,
            cancelled: 0
          })
          expect(twin.requests()).toBe(requests)
          leaping.advance(1)
        }
        expect((yield* run).changes).toEqual({ ...none, confirmed: 1 })
        expect(twin.applied).toHaveLength(1)
      }))
  }

  test("that refuses to show many conversations is not asked for all, and those do not keep others back for good", () =>
    Effect.gen(function* () {
      const { run, twin, leaping } = yield* setUp({ conversations: 30 })
      for (let number = 1; number <= 30; number += 1) yield* editStatus(`desk:c-${number}`, "completed")
      const { readStatus } = twin.provider
      const hidden = (providerId: string) => Number(providerId.slice(2)) <= 8
      Object.assign(twin.provider, {
        readStatus: (change: Parameters<typeof readStatus>[0]) => {
          if (hidden(change.providerId)) twin.readFaults.push("refused")
          return readStatus(change)
        }
      })
      const first = yield* run
      expect(first).toMatchObject({ changes: { ...none, pending: 30 }, error: { _tag: "Rejected" } })
      expect(twin.requests()).toBeLessThan(8)
      for (let runs = 0; runs < 3; runs += 1) {
        leaping.advance(1000)
        yield* run
      }
      expect(twin.applied).toHaveLength(22)
      expect(yield* rows("SELECT DISTINCT state FROM status_changes WHERE id <= 8")).toEqual([
        { state: "pending" }
      ])
    }))

  test("that refuses to show what was sent leaves it open, and is asked again", () =>
    Effect.gen(function* () {
      const { run, twin, leaping, outbox } = yield* setUp({ echo: false })
      yield* editStatus("desk:c-1", "completed")
      const { setStatus } = twin.provider
      Object.assign(twin.provider, {
        setStatus: (change: Parameters<typeof setStatus>[0]) => {
          twin.readFaults.push("refused")
          return setStatus(change)
        }
      })
      expect((yield* run).changes).toEqual({ ...none, pending: 1 })
      expect(yield* outbox.change(1)).toMatchObject({ state: "sent" })
      leaping.advance(minute)
      expect((yield* run).changes).toEqual({ ...none, confirmed: 1 })
      expect(twin.applied).toHaveLength(1)
    }))

  test("with one conversation that cannot be read carries the others", () =>
    Effect.gen(function* () {
      const { run, twin } = yield* setUp({ conversations: 8 })
      for (let number = 1; number <= 8; number += 1) yield* editStatus(`desk:c-${number}`, "completed")
      twin.readFaults.push("5xx")
      expect(yield* run).toEqual({
        changes: { ...none, confirmed: 7, pending: 1 },
        error: null,
        braked: null,
        cancelled: 0
      })
    }))
})

describe("a plan", () => {
  test("says what a push would do about each change, and changes nothing", () =>
    Effect.gen(function* () {
      const { plan, run, twin, requestChange, leaping } = yield* setUp({ conversations: 6 })
      yield* editStatus("desk:c-6", "completed")
      twin.writeFaults.push("449 lost")
      yield* run
      yield* editStatus("desk:c-6", "handed_off")
      for (const number of [2, 3, 4]) yield* editStatus(`desk:c-${number}`, "completed")
      yield* requestChange(1, "completed", { title: "Done", tags: ["spam"] })
      yield* requestChange(5, "completed")
      twin.edit("c-2", "ended_chat", leaping.now())
      twin.edit("c-3", "human-chatting", leaping.now())
      twin.remove("c-4")
      twin.readFaults.push("5xx")
      const before = yield* rows("SELECT * FROM status_changes ORDER BY id")
      const planned = yield* plan
      expect(planned.map(({ action, change }) => `${change.providerId} ${action}`)).toEqual([
        "c-1 unknown",
        "c-2 confirm",
        "c-3 conflict",
        "c-4 reject",
        "c-5 send",
        "c-6 send",
        "c-6 hold back"
      ])
      expect((yield* plan)[0]?.fields).toEqual([
        { field: "status", from: "ai-chatting", to: "completed" },
        { field: "title", from: null, to: "Done" },
        { field: "tags", from: null, to: "spam" }
      ])
      expect(yield* rows("SELECT * FROM status_changes ORDER BY id")).toEqual(before)
      expect(twin.applied).toEqual([])
    }))
})
