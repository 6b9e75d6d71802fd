import { expect, it } from "@effect/vitest"
import { Chunk, Effect, Stream, TestClock } from "effect"
import type { Retention } from "../../../src/domain/Retention.ts"
import { now } from "../../../src/domain/Timestamp.ts"
import type { Page } from "../../../src/providers/Provider.ts"
import { Ledger } from "../../../src/store/ledger/Ledger.ts"
import {
  atMillis,
  type conversation,
  faults,
  freshStore,
  message,
  page,
  raw,
  rows,
  sighting,
  started,
  values
} from "../fixtures.ts"

const day = 86_400_000
const keeps = (fields: Partial<Retention>): Retention => ({
  messages: null,
  raw: null,
  ledger: null,
  ...fields
})

/** A time so many days before the present of `started`. */
const ago = (days: number) => now(atMillis(3600) - days * day)

const talk = (
  id: string,
  days: ReadonlyArray<number | null>,
  fields: Parameters<typeof conversation>[0] = {}
) =>
  sighting(
    { providerId: id, declaredMessages: days.length, startedAt: ago(days[0] ?? 1), ...fields },
    {
      messages: {
        extent: "whole",
        items: days.map((day, index) =>
          message({
            messageId: `m${index}`,
            content: `word${id} ${day ?? "untimed"}`,
            sentAt: day === null ? null : ago(day)
          })
        )
      },
      raw: [raw(JSON.stringify({ id, days }), { providerId: id, conversationId: id })],
      fingerprint: `${id} ${days.length}`
    }
  )

const listed = { scope: "all", startedAt: ago(0) }
const clock = 4000

it.scoped("lets go old messages with their words and payloads, and the conversation stays complete", () =>
  Effect.gen(function* () {
    const { commit, mirror } = yield* started
    yield* commit([
      page(1, [
        talk("a", [500, 450, 10]),
        talk("b", [500, 401]),
        talk("c", [10, 5]),
        talk("d", [null, null], { lastMessageAt: ago(420) }),
        talk("e", [null], { lastMessageAt: ago(3) })
      ])
    ])
    yield* mirror.setRetention(keeps({ messages: 400 * day }))
    const { due } = yield* mirror.letGo(null)
    expect(due).toMatchObject({ messages: 6 })
    expect(
      yield* rows(
        "SELECT provider_id AS id, stored_messages AS stored, expired_messages AS gone, complete FROM conversations ORDER BY id"
      )
    ).toEqual([
      { id: "a", stored: 1, gone: 2, complete: 1 },
      { id: "b", stored: 0, gone: 2, complete: 1 },
      { id: "c", stored: 2, gone: 0, complete: 1 },
      { id: "d", stored: 0, gone: 2, complete: 1 },
      { id: "e", stored: 1, gone: 0, complete: 1 }
    ])
    expect(yield* values("SELECT content FROM messages ORDER BY id")).toEqual([
      "worda 10",
      "wordc 10",
      "wordc 5",
      "worde untimed"
    ])
    expect(yield* values("SELECT count(*) FROM message_search WHERE message_search MATCH 'wordb'")).toEqual([
      0
    ])
    expect(yield* values("SELECT provider_id FROM raw_records ORDER BY 1")).toEqual(["c", "e"])
    expect(yield* values("SELECT sum(messages) FROM sessions")).toEqual([4])
    expect(yield* values("SELECT conversations_incomplete FROM freshness")).toEqual([0])
    expect(
      yield* values(`SELECT count(*) FROM data_quality WHERE "check" IN ('no messages', 'messages missing')`)
    ).toEqual([0])
    expect(
      yield* values("SELECT count(*) FROM change_feed WHERE op = 'delete' AND table_name = 'messages'")
    ).toEqual([6])
    expect(yield* faults).toEqual([])
    expect((yield* mirror.letGo(null)).due).toMatchObject({ messages: 0 })
  }).pipe(Effect.provide(freshStore))
)

/** A page whose answer says that this machine's clock is right. */
const dated = (of: Page): Page => ({ ...of, exchange: { ...of.exchange, clockAhead: 0 } })

it.scoped("keeps old messages out where they come again, and asks for no others because of them", () =>
  Effect.gen(function* () {
    const { commit, mirror } = yield* started
    yield* commit([page(1, [talk("a", [500, 450, 10])])])
    yield* mirror.setRetention(keeps({ messages: 400 * day }))
    yield* mirror.letGo(null)
    expect((yield* mirror.known("leads", ["a"])).get("a")?.storedMessages).toBe(3)
    const totals = yield* commit(
      [dated(page(clock, [talk("a", [500, 450, 10, 1]), talk("new", [600, 2])]))],
      {
        scan: listed
      }
    )
    expect(totals).toMatchObject({ filtered: 3, received: 8 })
    expect(yield* values("SELECT content FROM messages ORDER BY id")).toEqual([
      "worda 10",
      "worda 1",
      "wordnew 2"
    ])
    expect(yield* values("SELECT expired_messages FROM conversations ORDER BY id")).toEqual([2, 1])
    expect(yield* values("SELECT count(*) FROM raw_records")).toEqual([0])
    // What the vendor no longer has goes, although it lists fewer than it says.
    yield* commit([page(clock + 10, [talk("a", [500, 450, 1])])], { scan: listed })
    expect(yield* values("SELECT content FROM messages WHERE conversation_id = 'leads:a'")).toEqual([
      "worda 1"
    ])
    expect(yield* faults).toEqual([])
  }).pipe(Effect.provide(freshStore))
)

it.scoped(
  "makes nothing again from payloads of which some were let go, until a listing has brought all of them",
  () =>
    Effect.gen(function* () {
      const { commit, mirror } = yield* started
      yield* commit([page(1, [talk("a", [9, 8]), talk("b", [9, 8])])])
      yield* mirror.setRetention(keeps({ raw: 30 * day }))
      yield* TestClock.adjust("40 days")
      yield* commit([page(40 * 86_400, [talk("b", [9, 8, 7])])], { scan: listed })
      expect((yield* mirror.letGo(null)).due).toMatchObject({ payloads: 1 })
      expect(yield* values("SELECT provider_id FROM raw_records")).toEqual(["b"])
      expect(yield* mirror.countWithoutRaw("leads")).toBe(1)
      const batches = yield* Stream.runCollect(mirror.rawConversations("leads"))
      expect(
        Chunk.toReadonlyArray(batches).flatMap((batch) => batch.map(({ conversationId }) => conversationId))
      ).toEqual(["b"])
      yield* commit([page(41 * 86_400, [talk("a", [9, 8])])], { scan: listed })
      expect(yield* mirror.countWithoutRaw("leads")).toBe(0)
      expect(yield* values("SELECT provider_id FROM raw_records ORDER BY 1")).toEqual(["a", "b"])
      expect(yield* faults).toEqual([])
    }).pipe(Effect.provide(freshStore))
)

it.scoped("lets go of the ledger what no row comes from, and keeps the last run of each connection", () =>
  Effect.gen(function* () {
    const { commit, mirror } = yield* started
    const ledger = yield* Ledger
    const again = Effect.gen(function* () {
      const runId = yield* ledger.startRun("sync")
      yield* ledger.startConnection({ runId, connection: "leads", lane: "sync" })
      yield* mirror.commit({
        runId,
        connection: "leads",
        lane: "sync",
        pages: [page(clock, [{ _tag: "Unchanged", providerId: "a" }])],
        scan: null,
        keepRaw: "newest",
        seen: null
      })
      yield* ledger.finishConnection({
        runId,
        connection: "leads",
        lane: "sync",
        counters: { requests: 1, rateLimited: 0, queued: 0, waitedMs: 0 },
        outcome: null,
        fault: null
      })
      yield* ledger.finishRun({ runId, outcome: "complete", exitCode: 0 })
    })
    yield* commit([page(1, [talk("a", [9])])])
    yield* ledger.finishRun({ runId: 1, outcome: "complete", exitCode: 0 })
    for (let n = 0; n < 5; n += 1) yield* again
    yield* mirror.setRetention(keeps({ ledger: 90 * day }))
    yield* TestClock.adjust("100 days")
    const feed = yield* rows("SELECT seq, op, table_name, row_id FROM change_feed ORDER BY seq")
    expect((yield* mirror.letGo(null)).due).toMatchObject({ requests: 4, runs: 4 })
    expect(yield* values("SELECT id FROM runs ORDER BY id")).toEqual([1, 6])
    expect(yield* values("SELECT count(*) FROM pages")).toEqual([2])
    expect(
      yield* values(
        "SELECT run_id FROM lineage WHERE conversation_id = 'leads:a' AND table_name = 'messages'"
      )
    ).toEqual([1])
    expect(yield* rows("SELECT seq, op, table_name, row_id FROM change_feed ORDER BY seq")).toEqual(feed)
    expect(yield* faults).toEqual([])
    const [before] = yield* values("SELECT max(seq) FROM commits")
    yield* again
    expect(Number((yield* values("SELECT max(seq) FROM commits"))[0])).toBeGreaterThan(Number(before))
  }).pipe(Effect.provide(freshStore))
)
