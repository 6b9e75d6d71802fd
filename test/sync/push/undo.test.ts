import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Db } from "../../../src/store/Db.ts"
import type { Outbox } from "../../../src/store/outbox/Outbox.ts"
import { undoOf } from "../../../src/sync/push/undo.ts"
import { addConversation, editStatus, emptyMirror, rows } from "../../support/outboxMirror.ts"
import { addRun, minute, none, setUp } from "../../support/pushDesk.ts"

const test = <A, E>(name: string, body: () => Effect.Effect<A, E, Outbox | Db>) =>
  it.scoped(name, () => Effect.provide(body(), emptyMirror))

/** A desk whose runs are told apart, and what `push --undo` does to one of them. */
const undoing = Effect.fn(function* (setting: Parameters<typeof setUp>[0] = {}) {
  const desk = yield* setUp(setting)
  const { leaping, outbox, runId, twin } = desk
  const undos = (run: number) =>
    Effect.map(outbox.changedBy(run, ["desk"]), ({ changed }) =>
      changed.map((one) => undoOf(one, twin.provider.statusMap))
    )
  const undo = Effect.fn(function* (run: number) {
    leaping.advance(minute)
    const only = new Set<number>()
    for (const { changed, requested } of yield* undos(run)) {
      if (requested === null) continue
      const asked = yield* outbox
        .ask({ id: changed.conversationId, requested, requestedBy: "undo", refuse: twin.provider.refuse })
        .pipe(Effect.withClock(leaping.clock))
      if (asked._tag !== "NothingToDo") only.add(asked.change.id)
    }
    const by = yield* addRun("desk")
    const report = yield* desk.runWith({ runId: by, only })
    leaping.advance(minute)
    return { by, report }
  })
  return { ...desk, first: runId, undos, undo }
})

describe("an undo", () => {
  for (const word of ["human-chatting", "requested_chat", "ai-chatting", "ended_chat"]) {
    test(`restores the vendor's own word (${word}), not another of the same meaning`, () =>
      Effect.gen(function* () {
        const { first, run, twin, undo } = yield* undoing({ conversations: 0 })
        const status = twin.provider.statusMap.read(word)
        yield* addConversation("desk", "c-1", status, word)
        twin.add("c-1", word)
        yield* editStatus("desk:c-1", status === "completed" ? "active" : "completed")
        yield* run
        expect((yield* undo(first)).report.changes).toEqual({ ...none, confirmed: 1 })
        expect(twin.word("c-1")).toBe(word)
        expect(yield* rows("SELECT provider_status, change_state FROM conversations")).toEqual([
          { provider_status: word, change_state: null }
        ])
      }))
  }

  test("is not confirmed by another word of the same meaning", () =>
    Effect.gen(function* () {
      const { first, leaping, run, twin, undo } = yield* undoing({ conversations: 0, echo: false })
      yield* addConversation("desk", "c-1", "handed_off", "human-chatting")
      twin.add("c-1", "human-chatting")
      yield* editStatus("desk:c-1", "completed")
      yield* run
      const { setStatus } = twin.provider
      Object.assign(twin.provider, {
        setStatus: (change: Parameters<typeof setStatus>[0]) =>
          Effect.tap(setStatus(change), () => {
            twin.edit("c-1", "requested_chat", leaping.now())
          })
      })
      expect((yield* undo(first)).report.changes).toMatchObject({ confirmed: 0 })
    }))

  test("sends its own changes and no other", () =>
    Effect.gen(function* () {
      const { first, outbox, run, twin, undo } = yield* undoing({ conversations: 4 })
      yield* editStatus("desk:c-1", "completed")
      yield* editStatus("desk:c-2", "completed")
      twin.writeFaults.push("429")
      yield* run
      yield* editStatus("desk:c-3", "completed")
      const { onTheirWay, pending } = yield* outbox.changedBy(first, ["desk"])
      expect(onTheirWay).toEqual([])
      expect(pending.map(({ id }) => id)).toEqual([1, 3])
      yield* undo(first)
      expect(twin.applied.map(({ providerId, word }) => [providerId, word])).toEqual([
        ["c-2", "completed"],
        ["c-2", "ai-chatting"]
      ])
      expect(yield* rows("SELECT id, state FROM status_changes WHERE id IN (1, 3)")).toEqual([
        { id: 1, state: "pending" },
        { id: 3, state: "pending" }
      ])
    }))

  test("of an undo is what the first run had done; of the first run then nothing is left", () =>
    Effect.gen(function* () {
      const { first, run, twin, undo, undos } = yield* undoing()
      yield* editStatus("desk:c-1", "completed")
      yield* run
      const { by } = yield* undo(first)
      expect(twin.word("c-1")).toBe("ai-chatting")
      expect((yield* undo(by)).report.changes.confirmed).toBe(1)
      expect(twin.word("c-1")).toBe("completed")
      expect(yield* undos(first)).toMatchObject([
        { requested: null, stays: ["change 3 has changed it since"] }
      ])
    }))

  test("goes back behind all changes of a run to one conversation", () =>
    Effect.gen(function* () {
      const { first, run, twin, undo } = yield* undoing()
      yield* editStatus("desk:c-1", "completed")
      yield* run
      yield* editStatus("desk:c-1", "handed_off")
      yield* run
      yield* undo(first)
      expect(twin.word("c-1")).toBe("ai-chatting")
    }))

  test("leaves what somebody there has set since: seen by the mirror it is said, unseen it is a conflict", () =>
    Effect.gen(function* () {
      const { first, leaping, run, twin, undo, undos } = yield* undoing({ conversations: 2 })
      yield* editStatus("desk:c-1", "completed")
      yield* editStatus("desk:c-2", "completed")
      yield* run
      leaping.advance(minute)
      twin.edit("c-1", "ended_chat", leaping.now())
      yield* rows(
        `INSERT INTO status_history (conversation_id, from_status, to_status, provider_status, origin, observed_at, run_id)
         VALUES ('desk:c-1', 'completed', 'completed', 'ended_chat', 'provider', '2026-03-07T11:00:00.000Z', ?) RETURNING id`,
        first
      )
      twin.edit("c-2", "human-chatting", leaping.now())
      expect((yield* undos(first)).map(({ requested }) => requested === null)).toEqual([true, false])
      expect((yield* undo(first)).report.changes).toEqual({ ...none, conflict: 1 })
      expect([twin.word("c-1"), twin.word("c-2")]).toEqual(["ended_chat", "human-chatting"])
    }))

  test("of a run whose changes are queued or in conflict touches neither", () =>
    Effect.gen(function* () {
      const { first, outbox, run, twin, undo } = yield* undoing({ conversations: 3 })
      for (const number of [1, 2, 3]) yield* editStatus(`desk:c-${number}`, "completed")
      twin.writeFaults.push("449 lost")
      twin.edit("c-2", "human-chatting", 5)
      expect((yield* run).changes).toEqual({ ...none, queued: 1, conflict: 1, confirmed: 1 })
      expect((yield* outbox.changedBy(first, ["desk"])).onTheirWay.map(({ id }) => id)).toEqual([1])
      yield* undo(first)
      expect(["c-1", "c-2", "c-3"].map(twin.word)).toEqual(["ai-chatting", "human-chatting", "ai-chatting"])
    }))

  test("does not replace a change that is open for the conversation", () =>
    Effect.gen(function* () {
      const { first, run, undos } = yield* undoing()
      yield* editStatus("desk:c-1", "completed")
      yield* run
      yield* editStatus("desk:c-1", "handed_off")
      expect(yield* undos(first)).toMatchObject([
        { requested: null, stays: [expect.stringContaining("change 2 is pending for it")] }
      ])
    }))

  test("says what can never be restored", () =>
    Effect.gen(function* () {
      const { first, run, twin, undos, requestChange } = yield* undoing({ conversations: 2 })
      yield* addConversation("desk", "c-9", "unknown", "paused")
      twin.add("c-9", "paused")
      yield* requestChange(1, "completed", { title: "Done", tags: ["spam"] })
      yield* editStatus("desk:c-9", "completed")
      yield* run
      expect(
        (yield* undos(first)).map(({ isForEver, stays, requested: back }) => [
          back?.status ?? null,
          stays,
          isForEver
        ])
      ).toEqual([
        [
          "active",
          [
            "it had no title before, and a title cannot be taken away",
            "the provider never removes a tag: spam"
          ],
          true
        ],
        [null, ["it was `paused`, which cannot be set there (it takes active, completed, handed_off)"], true]
      ])
    }))
})
