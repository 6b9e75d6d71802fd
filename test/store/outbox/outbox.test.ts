import { execFileSync } from "node:child_process"
import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import type { RequestedChange } from "../../../src/domain/StatusChange.ts"
import { now } from "../../../src/domain/Timestamp.ts"
import type { RemoteState } from "../../../src/providers/Provider.ts"
import { Db } from "../../../src/store/Db.ts"
import { Outbox } from "../../../src/store/outbox/Outbox.ts"
import {
  addConnection,
  addConversation,
  editStatus,
  emptyMirror,
  row,
  rows
} from "../../support/outboxMirror.ts"

const requested = (
  status: RequestedChange["status"],
  more: Partial<RequestedChange> = {}
): RequestedChange => ({
  status,
  category: null,
  summary: null,
  title: null,
  tags: [],
  ...more
})

const ask = Effect.fn(function* (id: string, wanted: RequestedChange, refuse = () => null) {
  const outbox = yield* Outbox
  return yield* outbox.ask({ id, requested: wanted, requestedBy: "a test", refuse })
})

const setUp = Effect.fn(function* () {
  const runId = yield* addConnection("desk")
  yield* addConversation("desk", "c-1", "active", "ai-chatting")
  return { runId, outbox: yield* Outbox }
})

const state = (status: RemoteState["status"], word: string): RemoteState => ({
  status,
  providerStatus: word,
  updatedAt: null,
  title: null,
  tags: []
})

const refusal = <A, E extends { readonly message: string; readonly hint: string }, R>(
  effect: Effect.Effect<A, E, R>
) => Effect.map(Effect.flip(effect), ({ message, hint }) => `${message} | ${hint}`)

describe("asking for a change", () => {
  it.scoped("keeps what the mirror held, in both words, and shows the requested status in the view", () =>
    Effect.gen(function* () {
      yield* setUp()
      const asked = yield* ask("desk:c-1", requested("completed", { title: "Done", tags: ["spam"] }))
      expect(asked).toMatchObject({
        _tag: "Asked",
        replaced: null,
        heldBackBy: null,
        change: {
          connection: "desk",
          providerId: "c-1",
          fromStatus: "active",
          fromProviderStatus: "ai-chatting",
          state: "pending",
          requested: { status: "completed", title: "Done", tags: ["spam"] }
        }
      })
      expect(yield* row("SELECT status, remote_status, change_state FROM conversations")).toEqual({
        status: "completed",
        remote_status: "active",
        change_state: "pending"
      })
    }).pipe(Effect.provide(emptyMirror))
  )

  it.scoped("replaces a pending change, which ends cancelled with its history", () =>
    Effect.gen(function* () {
      const { outbox } = yield* setUp()
      const first = yield* ask("desk:c-1", requested("completed"))
      const second = yield* ask("desk:c-1", requested("handed_off"))
      expect(second).toMatchObject({ _tag: "Asked", replaced: { id: 1 }, change: { id: 2 } })
      expect(first._tag).toBe("Asked")
      expect(yield* outbox.change(1)).toMatchObject({ state: "cancelled" })
      expect((yield* outbox.events(1)).map((event) => [event.state, event.detail])).toEqual([
        ["pending", "asked for by a test"],
        ["cancelled", "replaced by a newer request"]
      ])
    }).pipe(Effect.provide(emptyMirror))
  )

  it.scoped("holds a successor back behind a change that is on its way", () =>
    Effect.gen(function* () {
      const { outbox, runId } = yield* setUp()
      yield* ask("desk:c-1", requested("completed"))
      const moment = { at: now(1_000), runId }
      const first = yield* outbox.change(1)
      const sending = yield* outbox.sending(first, state("active", "ai-chatting"), "sending", moment)
      const second = yield* ask("desk:c-1", requested("active"))
      expect(second).toMatchObject({ _tag: "Asked", heldBackBy: { id: 1 }, change: { state: "pending" } })
      expect(yield* outbox.dueChange("desk:c-1")).toMatchObject({ id: 1, state: "sending", attempts: 1 })

      if (sending === null) throw new Error("it was not replaced")
      const seen = {
        state: state("completed", "ended_chat"),
        requestedAt: now(2_000),
        answeredAt: now(2_000)
      }
      yield* outbox.confirmed(sending, seen, "status and time", "the answer shows it", moment)
      // It now stands on what the first one left, or it would be taken for a conflict.
      expect(yield* outbox.dueChange("desk:c-1")).toMatchObject({
        id: 2,
        fromStatus: "completed",
        fromProviderStatus: "ended_chat"
      })
    }).pipe(Effect.provide(emptyMirror))
  )

  it.scoped("does nothing where the mirror holds it, and cancels a pending change to something else", () =>
    Effect.gen(function* () {
      const { outbox } = yield* setUp()
      expect(yield* ask("desk:c-1", requested("active"))).toMatchObject({
        _tag: "NothingToDo",
        takenBack: null
      })
      yield* ask("desk:c-1", requested("completed"))
      expect(yield* ask("desk:c-1", requested("completed"))).toMatchObject({
        _tag: "AlreadyAsked",
        change: { id: 1 }
      })
      expect(yield* ask("desk:c-1", requested("active"))).toMatchObject({
        _tag: "NothingToDo",
        takenBack: { id: 1 }
      })
      expect(yield* outbox.change(1)).toMatchObject({ state: "cancelled", lastError: "taken back" })
      expect(yield* outbox.openChanges("desk")).toEqual({ queued: 0, pending: 0 })
    }).pipe(Effect.provide(emptyMirror))
  )

  it.scoped("refuses what the provider cannot take, and says what it can", () =>
    Effect.gen(function* () {
      yield* setUp()
      expect(yield* refusal(ask("desk:c-1", requested("abandoned")))).toBe(
        "`abandoned` cannot be written to `desk`: twin has no such status to set | " +
          "It takes active (`ai-chatting`), completed, handed_off (`requested_chat`)."
      )
      const noSummary = () => ({ message: "a summary needs a category", hint: "Add --category." })
      expect(
        yield* refusal(
          Effect.flatMap(Outbox, (outbox) =>
            outbox.ask({
              id: "desk:c-1",
              requested: requested("completed"),
              requestedBy: "x",
              refuse: noSummary
            })
          )
        )
      ).toBe("a summary needs a category | Add --category.")
      yield* Effect.flatMap(Db, (db) =>
        db.use("test", ({ prepare }) =>
          prepare("UPDATE remote_conversations SET deleted_at = '2026-01-01T00:00:00.000Z'").run()
        )
      )
      expect(yield* refusal(ask("desk:c-1", requested("completed")))).toContain("no longer exists")
      expect(yield* rows("SELECT * FROM status_changes")).toEqual([])
    }).pipe(Effect.provide(emptyMirror))
  )
})

describe("naming a conversation", () => {
  it.scoped("offers near matches for an id that names nothing", () =>
    Effect.gen(function* () {
      yield* addConnection("desk")
      yield* addConnection("other")
      yield* addConversation("desk", "665f1a2b3c4d", "active", null)
      yield* addConversation("desk", "777f1a2b3c4d", "active", null)
      const outbox = yield* Outbox
      expect(yield* refusal(outbox.conversation("desk:665f1a2b3c4e"))).toBe(
        "there is no conversation `desk:665f1a2b3c4e` in the mirror | Did you mean `desk:665f1a2b3c4d`?"
      )
      expect(yield* refusal(outbox.conversation("other:665f1a2b3c4d"))).toContain("`desk:665f1a2b3c4d`")
      expect(yield* refusal(outbox.conversation("665f1a2b3c4d"))).toContain(
        "Did you mean `desk:665f1a2b3c4d`?"
      )
      expect(yield* refusal(outbox.conversation("shop:zzz"))).toBe(
        "there is no connection `shop` in the mirror, so no conversation `shop:zzz` | " +
          "Ids are written <connection>:<provider's id>; connections here: `desk`, `other`."
      )
    }).pipe(Effect.provide(emptyMirror))
  )

  it.scoped("finds a contact's one conversation by address or number, and never repeats either", () =>
    Effect.gen(function* () {
      yield* addConnection("inbox")
      const ann = { id: "1", email: "Ann@Example.com", phone: "+60 12-123 3112" }
      yield* addConversation("inbox", "a", "active", "open", ann)
      yield* addConversation("inbox", "b", "active", "open", { id: "2", email: "two@example.com" })
      yield* addConversation("inbox", "c", "completed", "closed", { id: "2", email: "two@example.com" })
      const outbox = yield* Outbox
      expect((yield* outbox.conversation("inbox:email:ann@example.COM")).id).toBe("inbox:a")
      expect((yield* outbox.conversation("inbox:phone:+60121233112")).id).toBe("inbox:a")
      const several = yield* refusal(outbox.conversation("inbox:email:two@example.com"))
      expect(several).toBe(
        "that address belongs to 2 conversations of `inbox` | Name one: `inbox:b` (active), `inbox:c` (completed)."
      )
      const none = yield* refusal(outbox.conversation("inbox:phone:+4915112345678"))
      expect(none).toContain("no conversation of `inbox` belongs to that number")
      const elsewhere = yield* refusal(outbox.conversation("Inbox:phone:+4915112345678"))
      expect(`${none}${elsewhere}`).not.toContain("4915112345678")
    }).pipe(Effect.provide(emptyMirror))
  )
})

describe("dealing with a change", () => {
  it.scoped("takes back only what has not left", () =>
    Effect.gen(function* () {
      const { outbox, runId } = yield* setUp()
      yield* ask("desk:c-1", requested("completed"))
      const pending = yield* outbox.change(1)
      const moment = { at: now(1_000), runId }
      yield* outbox.sending(pending, state("active", "ai-chatting"), "sending", moment)
      expect(yield* refusal(outbox.cancel(1))).toContain("the provider may have applied it already")
      expect(yield* refusal(outbox.cancel(7))).toBe(
        "there is no change 7 | `parley changes list --all` shows them."
      )
    }).pipe(Effect.provide(emptyMirror))
  )

  it.scoped("never moves a change that is no longer what the pusher saw", () =>
    Effect.gen(function* () {
      const { outbox, runId } = yield* setUp()
      yield* ask("desk:c-1", requested("completed"))
      const seen = yield* outbox.change(1)
      yield* editStatus("desk:c-1", "handed_off")
      const sending = yield* outbox.sending(seen, state("active", "x"), "sending", { at: now(1), runId })
      expect(sending).toBeNull()
      expect(yield* outbox.change(1)).toMatchObject({ state: "cancelled", attempts: 0 })
    }).pipe(Effect.provide(emptyMirror))
  )

  it.scoped("lists what is open or needs somebody, until it is dealt with", () =>
    Effect.gen(function* () {
      const { outbox, runId } = yield* setUp()
      const options = { all: false, connection: null, limit: 50 }
      yield* ask("desk:c-1", requested("completed"))
      const change = yield* outbox.change(1)
      const seen = { state: state("handed_off", "human-chatting"), requestedAt: now(5), answeredAt: now(5) }
      yield* outbox.ended(change, "conflict", seen, "moved", { at: now(5), runId })
      expect((yield* outbox.list(options)).changes.map((one) => one.state)).toEqual(["conflict"])
      expect(yield* row("SELECT status, provider_status, change_state FROM conversations")).toEqual({
        status: "handed_off",
        provider_status: "human-chatting",
        change_state: null
      })
      yield* outbox.markResolved(1, "kept the provider's")
      expect(yield* outbox.list(options)).toEqual({ changes: [], total: 0 })
      expect((yield* outbox.list({ ...options, all: true })).changes).toHaveLength(1)
    }).pipe(Effect.provide(emptyMirror))
  )
})

describe("what a push writes into the mirror", () => {
  it.scoped("never overwrites a newer sighting", () =>
    Effect.gen(function* () {
      const { outbox, runId } = yield* setUp()
      yield* Effect.flatMap(Db, (db) =>
        db.use("test", ({ prepare }) =>
          prepare("UPDATE remote_conversations SET status = 'handed_off', observed_at = ?").run(now(9_000))
        )
      )
      yield* ask("desk:c-1", requested("completed"))
      const seen = { state: state("completed", "completed"), requestedAt: now(8_000), answeredAt: now(8_000) }
      yield* outbox.confirmed(yield* outbox.change(1), seen, "status and time", "shown", {
        at: now(9_500),
        runId
      })
      expect(yield* row("SELECT remote_status FROM conversations")).toEqual({ remote_status: "handed_off" })
    }).pipe(Effect.provide(emptyMirror))
  )

  it.scoped("makes the next listing look again, and tells the history who did it", () =>
    Effect.gen(function* () {
      const { outbox, runId } = yield* setUp()
      yield* ask("desk:c-1", requested("completed"))
      const moment = { at: now(1_000), runId }
      const sending = yield* outbox.sending(
        yield* outbox.change(1),
        state("active", "ai-chatting"),
        "x",
        moment
      )
      if (sending === null) throw new Error("it was not replaced")
      const seen = { state: state("completed", "completed"), requestedAt: now(2_000), answeredAt: now(2_000) }
      yield* outbox.confirmed(sending, seen, "status and time", "shown", moment)
      expect(yield* row("SELECT fingerprint, content_hash FROM remote_conversations")).toEqual({
        fingerprint: null,
        content_hash: ""
      })
      expect(
        yield* rows("SELECT from_status, to_status, provider_status, origin, run_id FROM status_history")
      ).toEqual([
        {
          from_status: "active",
          to_status: "completed",
          provider_status: "completed",
          origin: "local",
          run_id: runId
        }
      ])
    }).pipe(Effect.provide(emptyMirror))
  )
})

const shells: ReadonlyArray<readonly [string, (file: string, sql: string) => string]> = [
  [
    "the sqlite3 shell",
    (file, sql) => execFileSync("sqlite3", [file, sql], { encoding: "utf8", stdio: "pipe" })
  ],
  [
    "Python's sqlite3",
    (file, sql) =>
      execFileSync(
        "python3",
        [
          "-c",
          "import sqlite3, sys\nc = sqlite3.connect(sys.argv[1])\nprint(c.execute(sys.argv[2]).fetchall())\nc.commit()",
          file,
          sql
        ],
        { encoding: "utf8", stdio: "pipe" }
      )
  ]
]

describe.each(shells)("UPDATE conversations from %s", (_, run) => {
  it.scoped("puts a change into the outbox", () =>
    Effect.gen(function* () {
      const { outbox } = yield* setUp()
      const { path } = yield* Db
      run(path, "UPDATE conversations SET status = 'completed' WHERE id = 'desk:c-1'")
      expect(yield* outbox.change(1)).toMatchObject({
        state: "pending",
        requestedBy: "sql",
        fromStatus: "active",
        fromProviderStatus: "ai-chatting",
        requested: { status: "completed" }
      })
      run(path, `UPDATE "main"."conversations" SET "status"='handed_off' WHERE "id"='desk:c-1'`)
      expect((yield* outbox.events(1)).map((event) => event.state)).toEqual(["pending", "cancelled"])
      run(path, "UPDATE conversations SET status = 'active' WHERE id = 'desk:c-1'")
      expect(yield* outbox.openChanges("desk")).toEqual({ queued: 0, pending: 0 })
    }).pipe(Effect.provide(emptyMirror))
  )

  it.scoped("is refused in words where it cannot be", () =>
    Effect.gen(function* () {
      yield* setUp()
      const { path } = yield* Db
      const refused = (sql: string) => expect(() => run(path, sql))
      refused("UPDATE conversations SET status = 'abandoned'").toThrow(/provider cannot take this status/)
      refused("UPDATE conversations SET status = 'done'").toThrow(/status must be one of: active/)
      refused("UPDATE conversations SET title = 'x'").toThrow(/only status can be changed here/)
      refused("UPDATE conversations SET complete = 1, status = 'completed'").toThrow(
        /only status can be changed/
      )
      refused("DELETE FROM conversations").toThrow(/nothing can be deleted here/)
      expect(yield* rows("SELECT * FROM status_changes")).toEqual([])
    }).pipe(Effect.provide(emptyMirror))
  )
})
