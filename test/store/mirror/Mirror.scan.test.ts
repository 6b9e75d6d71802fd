import { expect, it } from "@effect/vitest"
import { Effect, TestClock } from "effect"
import type { Timestamp } from "../../../src/domain/Timestamp.ts"
import type { Item } from "../../../src/providers/Provider.ts"
import { Mirror, SeenSet } from "../../../src/store/mirror/Mirror.ts"
import {
  at,
  atMillis,
  faults,
  freshStore,
  messagesOf,
  page,
  rows,
  sighting,
  started,
  storeLayer,
  temporaryFile,
  values
} from "../fixtures.ts"

const scan = { scope: "everything", startedAt: at(100) }

const many = (from: number, to: number): ReadonlyArray<Item> =>
  Array.from({ length: to - from }, (_, index) => sighting({ providerId: `c${from + index}` }))

it.scoped("keeps the cursor of the last page that has one, until the scan ends", () =>
  Effect.gen(function* () {
    const { commit, mirror } = yield* started
    const seen = new SeenSet()
    expect(yield* mirror.unfinishedScan("leads", "sync")).toBeNull()
    yield* commit([page(101, [], { cursor: "a" }), page(102, [], { cursor: "b" }), page(103, [])], {
      scan,
      seen
    })
    expect(yield* mirror.unfinishedScan("leads", "sync")).toEqual({ ...scan, cursor: "b" })
    expect(yield* mirror.unfinishedScan("leads", "backfill")).toBeNull()
    yield* commit([page(104, [])], { scan, seen })
    expect((yield* mirror.unfinishedScan("leads", "sync"))?.cursor).toBe("b")
    yield* commit([page(105, [], { cursor: "c", end: { complete: true, reason: null } })], { scan, seen })
    expect(yield* mirror.unfinishedScan("leads", "sync")).toBeNull()
  }).pipe(Effect.provide(freshStore))
)

it.scoped("keeps the cursor of a page whose commit failed where it was", () =>
  Effect.gen(function* () {
    const { commit, mirror } = yield* started
    yield* commit([page(101, [], { cursor: "a" })], { scan })
    const broken = sighting({ status: "nonsense" as never })
    yield* Effect.flip(commit([page(102, [broken], { cursor: "b" })], { scan }))
    expect((yield* mirror.unfinishedScan("leads", "sync"))?.cursor).toBe("a")
  }).pipe(Effect.provide(freshStore))
)

it.scoped("marks what a complete scan did not meet as missing, and deletes nothing", () =>
  Effect.gen(function* () {
    const { commit, mirror } = yield* started
    yield* TestClock.setTime(atMillis(50))
    yield* commit([page(1, many(0, 10))])
    yield* TestClock.setTime(atMillis(110))
    const seen = new SeenSet()
    yield* commit(
      [
        page(101, [
          sighting({ providerId: "c0", title: "changed" }),
          sighting({ providerId: "c1" }),
          { _tag: "Unchanged", providerId: "c2" },
          { _tag: "Filtered", providerId: "c3" },
          {
            _tag: "Unreadable",
            unreadable: {
              kind: "conversation",
              providerId: "c4",
              conversationId: "c4",
              reason: "",
              path: "$",
              payload: "{}"
            }
          },
          { _tag: "Unchanged", providerId: "never stored" }
        ]),
        page(0, [sighting({ providerId: "c5", title: "stale, but listed" })])
      ],
      { scan, seen }
    )
    // Another lane's, first seen after the scan began, or changed since.
    yield* commit([page(105, [...many(20, 21), sighting({ providerId: "c6", title: "changed" })])], {
      lane: "backfill"
    })
    expect(seen.size).toBe(6)
    yield* TestClock.setTime(atMillis(120))
    const { missing } = yield* mirror.finishScan({
      connection: "leads",
      lane: "sync",
      startedAt: scan.startedAt,
      seen
    })
    expect(missing).toEqual(["c7", "c8", "c9"])
    expect(
      yield* values("SELECT provider_id FROM remote_conversations WHERE missing_since = ?", at(120))
    ).toEqual(missing)
    expect(yield* values("SELECT count(*) FROM conversations WHERE deleted_at IS NOT NULL")).toEqual([0])
    expect(
      yield* rows(
        "SELECT provider_id, last_seen_at FROM conversations WHERE provider_id IN ('c2', 'c6', 'c9') ORDER BY 1"
      )
    ).toEqual([
      { provider_id: "c2", last_seen_at: at(100) },
      { provider_id: "c6", last_seen_at: at(105) },
      { provider_id: "c9", last_seen_at: at(1) }
    ])
    expect(yield* values("SELECT last_complete_sync_at FROM freshness")).toEqual([at(100)])
    expect(yield* faults).toEqual([])
  }).pipe(Effect.provide(freshStore))
)

it.scoped("names what is still missing after a second scan, since when it was first missed", () =>
  Effect.gen(function* () {
    const { commit, mirror } = yield* started
    yield* TestClock.setTime(atMillis(50))
    yield* commit([page(1, many(0, 2))])
    const miss = (seconds: number) =>
      Effect.gen(function* () {
        yield* TestClock.setTime(atMillis(seconds + 5))
        const seen = new SeenSet()
        yield* commit([page(seconds + 1, many(0, 1))], { scan: { scope: "", startedAt: at(seconds) }, seen })
        const { missing } = yield* mirror.finishScan({
          connection: "leads",
          lane: "sync",
          startedAt: at(seconds),
          seen
        })
        return missing
      })
    expect(yield* miss(100)).toEqual(["c1"])
    expect(yield* miss(200)).toEqual(["c1"])
    expect(yield* values("SELECT missing_since FROM remote_conversations WHERE provider_id = 'c1'")).toEqual([
      at(105)
    ])
  }).pipe(Effect.provide(freshStore))
)

it.scoped("concludes nothing from a scan of a part", () =>
  Effect.gen(function* () {
    const { commit, mirror } = yield* started
    yield* TestClock.setTime(atMillis(50))
    yield* commit([page(1, many(0, 3))])
    expect(
      yield* mirror.finishScan({ connection: "leads", lane: "sync", startedAt: at(100), seen: null })
    ).toEqual({ missing: [], held: 0 })
    expect(yield* values("SELECT last_complete_scan_at FROM connections")).toEqual([null])
    expect(
      yield* values("SELECT count(*) FROM remote_conversations WHERE missing_since IS NOT NULL")
    ).toEqual([0])
  }).pipe(Effect.provide(freshStore))
)

it.scoped("knows after a crash what the first part of the scan met", () =>
  Effect.gen(function* () {
    const path = yield* temporaryFile
    yield* Effect.gen(function* () {
      const { commit } = yield* started
      yield* TestClock.setTime(atMillis(50))
      yield* commit([
        page(
          1,
          many(0, 20_000).filter((_, index) => index % 100 === 0 || index > 19_900)
        )
      ])
      yield* commit([page(101, many(0, 150), { cursor: "x" })], { scan, seen: new SeenSet() })
    }).pipe(Effect.provide(storeLayer(path)))
    yield* Effect.gen(function* () {
      const { commit, mirror } = yield* started
      const seen = new SeenSet()
      yield* commit(
        [page(102, [{ _tag: "Unchanged", providerId: "c19999" }], { end: { complete: true, reason: null } })],
        { scan, seen }
      )
      const { missing } = yield* mirror.finishScan({
        connection: "leads",
        lane: "sync",
        startedAt: scan.startedAt,
        seen
      })
      expect(missing).toHaveLength(200 + 99 - 2 - 1)
      expect(missing).not.toContain("c0")
      expect(missing).not.toContain("c19999")
      expect(yield* values("SELECT count(*) FROM scan_seen")).toEqual([0])
    }).pipe(Effect.provide(storeLayer(path)))
  })
)

it.scoped("does not take what another scan met for its own", () =>
  Effect.gen(function* () {
    const { commit, mirror } = yield* started
    yield* TestClock.setTime(atMillis(50))
    yield* commit([page(1, many(0, 2))])
    yield* commit([page(101, many(0, 2), { cursor: "x" })], { scan, seen: new SeenSet() })
    const seen = new SeenSet()
    const later = { scope: "everything", startedAt: at(200) }
    yield* commit([page(201, many(0, 1))], { scan: later, seen })
    expect(
      yield* mirror.finishScan({ connection: "leads", lane: "sync", startedAt: later.startedAt, seen })
    ).toMatchObject({ missing: ["c1"] })
  }).pipe(Effect.provide(freshStore))
)

it.scoped("starts anew after a scan was dropped", () =>
  Effect.gen(function* () {
    const { commit, mirror } = yield* started
    yield* commit([page(101, many(0, 1), { cursor: "x" })], { scan, seen: new SeenSet() })
    yield* mirror.dropScan("leads", "sync")
    expect(yield* mirror.unfinishedScan("leads", "sync")).toBeNull()
    expect(yield* values("SELECT count(*) FROM scan_seen")).toEqual([0])
  }).pipe(Effect.provide(freshStore))
)

const deleted = Effect.gen(function* () {
  const { commit, mirror, runId } = yield* started
  yield* TestClock.setTime(atMillis(50))
  yield* commit([
    page(1, [sighting({ updatedAt: at(0) }, { messages: { extent: "whole", items: messagesOf("Hello") } })])
  ])
  const count = yield* mirror.tombstone({
    connection: "leads",
    providerIds: ["c1", "c1", "unknown"],
    askedAt: at(50),
    runId
  })
  expect(count).toBe(1)
  expect(yield* mirror.countConversations("leads")).toBe(0)
  return commit
})

const isDeleted = Effect.map(values("SELECT deleted_at FROM conversations"), ([value]) => value !== null)

it.scoped("marks a conversation deleted once, keeps its messages, and says so to the adapter", () =>
  Effect.gen(function* () {
    yield* deleted
    expect(yield* rows("SELECT deleted_at, deleted_in_run FROM remote_conversations")).toEqual([
      { deleted_at: at(50), deleted_in_run: 1 }
    ])
    expect(yield* values("SELECT content FROM messages")).toEqual(["Hello"])
    expect(
      (yield* Effect.flatMap(Mirror, (mirror) => mirror.known("leads", ["c1"]))).get("c1")?.deleted
    ).toBe(true)
  }).pipe(Effect.provide(freshStore))
)

it.scoped("does not mark what was seen after it was asked for", () =>
  Effect.gen(function* () {
    const { commit, mirror, runId } = yield* started
    yield* commit([page(60, many(0, 2))])
    const bury = (askedAt: Timestamp) =>
      mirror.tombstone({ connection: "leads", providerIds: ["c0"], askedAt, runId })
    expect(yield* bury(at(59))).toBe(0)
    expect(yield* mirror.countConversations("leads")).toBe(2)
    expect(yield* bury(at(60))).toBe(1)
    expect(yield* mirror.countConversations("leads")).toBe(1)
  }).pipe(Effect.provide(freshStore))
)

const returns: ReadonlyArray<{
  readonly what: string
  readonly seconds: number
  readonly item: Item
  readonly isBack: boolean
  readonly updated: number
}> = [
  {
    what: "the same record, asked for later",
    seconds: 60,
    item: sighting({ updatedAt: at(0) }),
    isBack: true,
    updated: 1
  },
  {
    what: "a changed record",
    seconds: 60,
    item: sighting({ updatedAt: at(1), title: "x" }),
    isBack: true,
    updated: 1
  },
  {
    what: "an older version, restored",
    seconds: 60,
    item: sighting({ updatedAt: at(-1) }),
    isBack: true,
    updated: 1
  },
  {
    what: "a list that names it",
    seconds: 60,
    item: { _tag: "Unchanged", providerId: "c1" },
    isBack: true,
    updated: 0
  },
  {
    what: "a list that names it, once it was looked up",
    seconds: 60,
    item: { _tag: "Unchanged", providerId: "c1", key: 1 },
    isBack: true,
    updated: 0
  },
  {
    what: "an answer from before the deletion",
    seconds: 49,
    item: sighting({ updatedAt: at(2), title: "x" }),
    isBack: false,
    updated: 0
  },
  {
    what: "a list from before the deletion",
    seconds: 49,
    item: { _tag: "Unchanged", providerId: "c1" },
    isBack: false,
    updated: 0
  },
  {
    what: "a list from before the deletion, once it was looked up",
    seconds: 49,
    item: { _tag: "Unchanged", providerId: "c1", key: 1 },
    isBack: false,
    updated: 0
  }
]
for (const { what, seconds, item, isBack, updated } of returns) {
  it.scoped(`${isBack ? "brings a deleted conversation back with" : "is not misled by"} ${what}`, () =>
    Effect.gen(function* () {
      const commit = yield* deleted
      const totals = yield* commit([page(seconds, [item])])
      expect(totals.updated).toBe(updated)
      expect(yield* isDeleted).toBe(!isBack)
      expect(yield* values("SELECT deleted_in_run FROM remote_conversations")).toEqual([isBack ? null : 1])
      expect(yield* faults).toEqual([])
    }).pipe(Effect.provide(freshStore))
  )
}

it.scoped("no longer misses what is seen again", () =>
  Effect.gen(function* () {
    const { commit, mirror } = yield* started
    yield* TestClock.setTime(atMillis(50))
    const unchanged = { _tag: "Unchanged", providerId: "c1" } as const
    for (const item of [sighting(), unchanged, { ...unchanged, key: 1 }]) {
      yield* commit([page(1, [sighting()])])
      yield* mirror.finishScan({ connection: "leads", lane: "sync", startedAt: at(100), seen: new SeenSet() })
      expect(yield* values("SELECT missing_since IS NULL FROM remote_conversations")).toEqual([0])
      yield* commit([page(101, [item])])
      expect(yield* values("SELECT missing_since IS NULL FROM remote_conversations")).toEqual([1])
      yield* rows("UPDATE remote_conversations SET observed_at = ? RETURNING 1", at(1))
    }
  }).pipe(Effect.provide(freshStore))
)

it("holds one bit for each row, and joins what was saved", () => {
  const seen = new SeenSet()
  const keys = [1, 7, 8, 8191, 8192, 1_000_000]
  for (const key of keys) seen.add(key)
  expect(keys.every((key) => seen.has(key))).toBe(true)
  expect([0, 2, 9, 8190, 8193, 999_999].some((key) => seen.has(key))).toBe(false)
  expect(seen.unsaved().map(([block]) => block)).toEqual([0, 1, 122])
  seen.saved()
  seen.add(7)
  expect(seen.unsaved()).toEqual([])
  const other = new SeenSet()
  other.add(2)
  const bits = new Uint8Array(1024)
  bits[1] = 1
  other.restore(0, bits)
  expect([2, 8].every((key) => other.has(key))).toBe(true)
  expect(other.size).toBe(2)
})
