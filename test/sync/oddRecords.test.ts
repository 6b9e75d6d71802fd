import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { vendorIds } from "../../src/simulator/index.ts"
import { Db } from "../../src/store/Db.ts"
import type { Mirror } from "../../src/store/mirror/Mirror.ts"
import type { OpenConnection } from "../../src/sync/connection.ts"
import type { Progress } from "../../src/sync/progress.ts"
import { rebuild, retryQuarantine } from "../../src/sync/rebuild.ts"
import { type LaneWork, run } from "../../src/sync/run.ts"
import { verify } from "../../src/sync/verify.ts"
import { inProcess, makeWorld, type PullRun, pullRun, rowsOf, temporaryFolder } from "../support/inProcess.ts"
import { deep, type OddVendors, withOddVendors } from "../support/oddVendors.ts"

/** Four odd vendors, an empty mirror, and what can be done between them. */
const odd = Effect.gen(function* () {
  const world = yield* makeWorld({ conversations: 1 })
  const vendors: OddVendors = { mended: false, contentType: "application/json", asked: [] }
  const folder = yield* temporaryFolder
  const connections = vendorIds.map((id) => world.connection(id))
  const mirror = inProcess(join(folder, "mirror.db"), withOddVendors(world.simulator, vendors))
  const lane = <A>(
    command: string,
    work: (connection: OpenConnection, runId: number) => Effect.Effect<A, unknown, Mirror | Progress>
  ) => {
    const offline = {
      lane: "verify",
      work: (connection: OpenConnection, runId: number) => Effect.as(work(connection, runId), { fault: null })
    } as LaneWork<Mirror | Progress>
    return run({ command, connections, maxWaitMillis: 1_000, lanes: [offline] })
  }
  return {
    vendors,
    mirror,
    pull: (options?: PullRun) => pullRun(connections, options),
    rebuild: lane("rebuild", rebuild),
    retry: lane("quarantine retry", retryQuarantine),
    verify: lane("verify", (connection, runId) => verify(connection, runId, null))
  }
})

const quarantined = (column: string, where = "resolved_at IS NULL") =>
  Effect.map(
    rowsOf<{ readonly of: string; readonly value: string }>(
      `SELECT connection || ':' || kind || ':' || coalesce(conversation_provider_id, provider_id, '?') AS "of",
         ${column} AS value FROM quarantine WHERE ${where} ORDER BY 1`
    ),
    (rows) => Object.fromEntries(rows.map(({ of, value }) => [of, value]))
  )

/** Everything normalized, as text. */
const content = Effect.gen(function* () {
  const conversations = yield* rowsOf(
    "SELECT id, contact_id, remote_status, attributes FROM conversations ORDER BY id"
  )
  const messages = yield* rowsOf(
    "SELECT id, conversation_id, position, content, sent_at, attributes FROM messages ORDER BY id"
  )
  const contacts = yield* rowsOf("SELECT id, name, attributes FROM contacts ORDER BY id")
  return JSON.stringify([conversations, messages, contacts], null, 1)
})

/** Each text of the file that is no UTF-8, or that SQLite's functions would not read to its end. */
const brokenTexts = Effect.flatMap(Db, (db) =>
  db.use("test.texts", ({ database }) => {
    const tables = database
      .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND sql LIKE '%STRICT%'")
      .pluck()
      .all() as ReadonlyArray<string>
    return tables.flatMap((table) => {
      const columns = database.pragma(`table_info(${table})`) as ReadonlyArray<{ name: string; type: string }>
      return columns
        .filter(({ type }) => type === "TEXT")
        .flatMap(({ name }) => {
          const bytes = database.prepare(`SELECT CAST("${name}" AS BLOB) FROM "${table}"`).pluck().all()
          return (bytes as ReadonlyArray<Buffer | null>).flatMap((value) => {
            if (value === null) return []
            const text = value.toString("utf8")
            return Buffer.from(text).equals(value) && !text.includes("\0")
              ? []
              : [`${table}.${name}: ${text}`]
          })
        })
    })
  })
)

const deepFaults = {
  "inbox:contact:4": "nested more than 500 levels deep",
  "leads:conversation:deep": "nested more than 500 levels deep",
  "leads:conversation:deep-message": "nested more than 500 levels deep",
  "salon:conversation:deep": "nested more than 500 levels deep",
  "salon:detail:deep-message": "nested more than 500 levels deep",
  "support:conversation:deep": "nested more than 500 levels deep"
}

const notAddressable = (id: string) => `expected an id that an address can hold, got "${id}"`

describe("records that are odd", () => {
  it.live("keep every digit from the wire to the mirror, and are made again from raw as they were", () =>
    Effect.gen(function* () {
      const { mirror, pull, rebuild, verify } = yield* odd
      yield* Effect.gen(function* () {
        expect((yield* pull()).exitCode).toBe(3)
        const pairs = yield* rowsOf<{ id: string; contact_id: string }>(
          "SELECT id, contact_id FROM conversations WHERE id LIKE '%:big%' OR id LIKE '%:9007%' ORDER BY id"
        )
        expect(pairs.map(({ contact_id, id }) => [id, contact_id])).toEqual([
          ["inbox:9007199254740992", "inbox:9007199254740992"],
          ["inbox:9007199254740993", "inbox:9007199254740993"],
          ["leads:big", "leads:9007199254740993"],
          ["leads:bigger", "leads:9007199254740992"],
          ["salon:big", "salon:l"],
          ["support:big", "support:u"]
        ])
        const attributes = Object.fromEntries(
          (yield* rowsOf<{ id: string; attributes: string }>(
            `SELECT id, attributes FROM conversations UNION ALL SELECT 'contact ' || id, attributes FROM contacts
             UNION ALL SELECT conversation_id || ' message', attributes FROM messages WHERE attributes <> '{}'`
          )).map(({ attributes, id }) => [id, attributes])
        )
        expect(attributes["leads:big"]).toBe('{"$other":{"x":1e400},"currentStageIndex":2.0}')
        expect(attributes["support:big"]).toBe(
          '{"capturedVariables":{"far":1e400,"id":9007199254740993,"k\ufffd":"v","price":0.10},"leadScore":12345678901234567890.50,"ts":1772877600}'
        )
        expect(attributes["support:big message"]).toBe('{"payload":{"n":1.50}}')
        expect(attributes["salon:big message"]).toBe('{"metadata":{"n":12345678901234567890,"d":1.0}}')
        expect(attributes["contact inbox:9007199254740992"]).toContain('"value":12.50')
        expect(
          yield* rowsOf(
            "SELECT DISTINCT provider_id AS id FROM messages WHERE provider_id LIKE '709%' ORDER BY 1"
          )
        ).toEqual([{ id: "70918000037909537" }, { id: "70918000037909538" }])
        expect((yield* quarantined("payload"))["leads:message:wrong"]).toContain("12345678901234567890.50")
        const raw = yield* rowsOf<{ payload: string }>(
          "SELECT CAST(payload AS TEXT) AS payload FROM raw_records WHERE encoding = 'json' AND provider_id = 'agent-1/big'"
        )
        expect(raw.map(({ payload }) => payload).join()).toContain('{ "price" : 0.10, "far":1e400')
        expect(
          yield* rowsOf(
            "SELECT content FROM messages WHERE conversation_id = 'leads:turned' ORDER BY position"
          )
        ).toEqual(["0", "1", "2", "3"].map((content) => ({ content })))
        const before = yield* content
        yield* rebuild
        expect(yield* content).toBe(before)
        yield* pull({ full: true })
        yield* verify
        yield* rebuild
        expect(yield* content).toBe(before)
      }).pipe(Effect.provide(mirror))
    }).pipe(Effect.scoped)
  )

  it.live("are put aside one by one, by their ids, in every verb, and nothing else is missing", () =>
    Effect.gen(function* () {
      const { mirror, pull, rebuild, retry, vendors, verify } = yield* odd
      yield* Effect.gen(function* () {
        expect((yield* pull()).exitCode).toBe(3)
        const expected = {
          ...deepFaults,
          "inbox:contact:5": "not JSON",
          "inbox:message:6": "not JSON",
          "inbox:message-list:3": "not JSON at $",
          "leads:conversation:broken": "not JSON",
          "leads:conversation:..": notAddressable(".."),
          "leads:conversation:half\ufffd": notAddressable("half\ufffd"),
          "leads:message:wrong": "expected text, got an object",
          "salon:conversation:..": notAddressable(".."),
          "salon:conversation:half\ufffd": notAddressable("half\ufffd"),
          "salon:detail:broken": "not JSON",
          "support:conversation:..": notAddressable(".."),
          "support:conversation:half\ufffd": notAddressable("half\ufffd"),
          "support:conversation:no": "not JSON: it breaks at character 11",
          "support:export:broken": "requested, it came as not JSON at $"
        }
        expect(yield* quarantined("reason")).toEqual(expected)
        const stored = "SELECT id, remote_status AS status FROM conversations ORDER BY id"
        const kept = yield* rowsOf(stored)
        expect(kept).toEqual(
          [
            ["inbox:3", "completed"],
            ["inbox:6", "active"],
            ["inbox:9007199254740992", "active"],
            ["inbox:9007199254740993", "active"],
            ["leads:...", "active"],
            ["leads:a/b?c#d%2Fe f", "active"],
            ["leads:big", "active"],
            ["leads:bigger", "active"],
            ["leads:turned", "active"],
            ["leads:wrong", "active"],
            ["salon:a/b?c#d%2Fe f", "active"],
            ["salon:big", "active"],
            ["salon:broken", "handed_off"],
            ["salon:deep-message", "active"],
            ["support:a/b?c#d%2Fe f", "active"],
            ["support:big", "active"],
            ["support:broken", "active"]
          ].map(([id, status]) => ({ id, status }))
        )
        const payloads = yield* quarantined("payload")
        expect(payloads["leads:conversation:broken"]).toBe('{"_id":"broken","status":oops,"messages":[]}')
        expect(payloads["leads:conversation:deep"]).toContain(deep(100_000))
        expect(payloads["inbox:message-list:3"]).toBe('{"items":[oops\ufffd')
        expect(payloads["support:export:broken"]).toBe('{"data":{"turns":[oops]}}')
        expect(payloads["salon:detail:broken"]).toBe('{"id":"broken","status":"escalated","messages":[oops]')
        // What verify requests alone comes as a detail, which is as odd as the list's row.
        const requested = {
          ...expected,
          "salon:detail:deep": "nested more than 500 levels deep",
          "support:detail:deep": "nested more than 500 levels deep",
          "support:detail:no": "not JSON: it breaks at character 21"
        }
        for (const [verb, aside] of [
          [pull(), expected],
          [pull({ full: true }), expected],
          [pull({ lane: "backfill" }), expected],
          [verify, requested],
          [rebuild, requested],
          [retry, requested]
        ] as const) {
          expect((yield* verb).exitCode).not.toBe(1)
          expect(yield* quarantined("reason")).toEqual(aside)
          expect(yield* rowsOf(stored)).toEqual(kept)
        }
        expect(yield* brokenTexts).toEqual([])
        expect(vendors.asked.filter(([, path]) => /\/(?:\.\.|%2e%2e)(?:\/|$)/i.test(path))).toEqual([])
      }).pipe(Effect.provide(mirror))
    }).pipe(Effect.scoped)
  )

  it.live("are never asked for by an id that leads elsewhere, which an older version may have stored", () =>
    Effect.gen(function* () {
      const { mirror, pull, vendors, verify } = yield* odd
      yield* Effect.gen(function* () {
        yield* pull()
        const db = yield* Db
        yield* db.use("test.rename", ({ database }) => {
          database.pragma("foreign_keys = OFF")
          database.exec(
            `UPDATE remote_conversations SET provider_id = '..', id = connection || ':..' WHERE provider_id LIKE 'a/b%'`
          )
        })
        expect((yield* verify).exitCode).toBe(3)
        expect(vendors.asked.filter(([, path]) => /\/(?:\.\.|%2e%2e)(?:\/|$)/i.test(path))).toEqual([])
        const gone = yield* rowsOf(
          "SELECT id FROM conversations WHERE deleted_at IS NOT NULL AND id LIKE '%:..'"
        )
        expect(gone).toEqual([])
      }).pipe(Effect.provide(mirror))
    }).pipe(Effect.scoped)
  )

  it.live("leave the quarantine once they are good", () =>
    Effect.gen(function* () {
      const { mirror, pull, vendors } = yield* odd
      yield* Effect.gen(function* () {
        yield* pull()
        vendors.mended = true
        yield* pull()
        expect(Object.keys(yield* quarantined("reason", "resolved_at IS NOT NULL")).sort()).toEqual([
          "inbox:message-list:3",
          "inbox:message:6",
          "leads:conversation:broken",
          "salon:detail:broken",
          "support:export:broken"
        ])
        const complete = yield* rowsOf(
          "SELECT conversation_id AS id, count(*) AS n FROM messages WHERE conversation_id IN ('inbox:3', 'inbox:6', 'salon:broken', 'support:broken') GROUP BY 1 ORDER BY 1"
        )
        expect(complete).toEqual([
          { id: "inbox:3", n: 2 },
          { id: "inbox:6", n: 2 },
          { id: "salon:broken", n: 1 },
          { id: "support:broken", n: 1 }
        ])
      }).pipe(Effect.provide(mirror))
    }).pipe(Effect.scoped)
  )

  it.live("leave it with a retry where an older version kept them without an id that can be read now", () =>
    Effect.gen(function* () {
      const { mirror, pull, retry, vendors } = yield* odd
      yield* Effect.gen(function* () {
        yield* pull()
        const db = yield* Db
        yield* db.use("test.older", ({ database }) =>
          database.exec(
            "UPDATE quarantine SET provider_id = NULL, conversation_provider_id = NULL WHERE connection = 'leads' AND payload LIKE '%oops,%'"
          )
        )
        const nameless =
          "SELECT count(*) AS n FROM quarantine WHERE provider_id IS NULL AND connection = 'leads' AND payload LIKE '%oops,%' AND resolved_at IS NULL"
        yield* retry
        expect(yield* rowsOf(nameless)).toEqual([{ n: 1 }])
        vendors.mended = true
        yield* pull()
        expect(yield* rowsOf(nameless)).toEqual([{ n: 1 }])
        yield* retry
        expect(yield* rowsOf(nameless)).toEqual([{ n: 0 }])
      }).pipe(Effect.provide(mirror))
    }).pipe(Effect.scoped)
  )

  for (const contentType of ["text/html; charset=utf-8", "text/plain", "application/octet-stream"]) {
    it.live(`are the same where JSON is labelled ${contentType}`, () =>
      Effect.gen(function* () {
        const { mirror, pull, vendors } = yield* odd
        vendors.contentType = contentType
        const { report } = yield* Effect.provide(pull(), mirror)
        expect(report.connections.map(({ conversations, name }) => [name, conversations])).toEqual([
          ["leads", 6],
          ["support", 3],
          ["salon", 4],
          ["inbox", 4]
        ])
      }).pipe(Effect.scoped)
    )
  }
})
