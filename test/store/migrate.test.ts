import { execFile } from "node:child_process"
import { join } from "node:path"
import { promisify } from "node:util"
import { brotliDecompressSync, deflateSync, inflateSync } from "node:zlib"
import { expect, it } from "@effect/vitest"
import Sqlite from "better-sqlite3"
import { Effect, Layer } from "effect"
import { Db } from "../../src/store/Db.ts"
import { migrate } from "../../src/store/migrate.ts"
import { migrations } from "../../src/store/migrations/index.ts"
import { childScript } from "./childScript.ts"
import { faultsOf, temporaryFile, temporaryFolder } from "./fixtures.ts"

const schemaOf = (path: string): ReadonlyArray<unknown> => {
  const database = new Sqlite(path, { readonly: true })
  const schema = database
    .prepare("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name")
    .all()
  database.close()
  return schema
}

const open = (path: string) => Effect.scoped(Layer.build(Db.layer(path)))

const time = "2026-01-01T10:00:00.123Z"

const payload = (text: string): string => `x'${deflateSync(text).toString("hex")}'`

/** Two conversations with all that may differ in messages and payloads, as every schema before the packed one holds them. */
const holdings = `
  INSERT INTO runs (id, command, started_at, host, pid) VALUES (1, 'sync', '${time}', 'here', 1);
  INSERT INTO pages (id, run_id, connection, lane, operation, method, path, status, requested_at, received_at, bytes,
    received, inserted, updated, unchanged, filtered, quarantined)
    VALUES (1, 1, 'leads', 'sync', 'list', 'GET', '/', 200, '${time}', '${time}', 2, 0, 0, 0, 0, 0, 0);
  INSERT INTO remote_conversations (id, connection, provider_id, status, observed_at, first_seen_at, content_hash, page_id,
    stored_messages) VALUES
    ('leads:a:1', 'leads', 'a:1', 'active', '${time}', '${time}', 'h', 1, 4),
    ('leads:b', 'leads', 'b', 'active', '${time}', '${time}', 'h', 1, 2);
  INSERT INTO status_history (conversation_id, to_status, origin, observed_at, run_id)
    SELECT id, 'active', 'provider', '${time}', 1 FROM remote_conversations;
  INSERT INTO messages (key, id, conversation_id, provider_id, position, role, provider_role, type, content, sent_at,
    sent_at_source, attributes, page_id) VALUES
    (1, 'leads:b:m2', 'leads:b', 'm2', 1, 'agent', 'bot', 'text', 'Second', '${time}', 'at', '{"n":1.0}', 1),
    (2, 'leads:a:1:x:y', 'leads:a:1', NULL, 0, 'customer', NULL, 'text', '我想预约明天', '2026-12-31T23:59:59.999Z', NULL, '{}', 1),
    (3, 'leads:a:1:m2', 'leads:a:1', 'other', 1, 'unknown', 'x', '', NULL, NULL, NULL, '{}', 1),
    (4, 'leads:b:m1', 'leads:b', 'm1', 0, 'customer', 'user', 'text', 'First', '1970-01-01T00:00:00.000Z', 'at', '{}', 1),
    (5, 'leads:a:1:m3', 'leads:a:1', '', 2, 'human', 'user', 'text', '', '9999-12-30T00:00:00.001Z', 'at', '{}', 1),
    (6, 'leads:a:1:m4', 'leads:a:1', 'm4', 3, 'customer', 'user', 'text', 'Last', '${time}', 'at', '{}', 1);
  INSERT INTO message_words (key, words) VALUES (2, '我 想 预约 明天');
  INSERT INTO message_search (rowid, content) SELECT key, content FROM message_search_source;
  INSERT INTO raw_records (connection, kind, provider_id, conversation_provider_id, hash, newest, encoding, payload,
    observed_at, page_id) VALUES
    ('leads', 'conversation', 'a:1', 'a:1', 'h', 1, 'json', CAST('{"id":"a:1"}' AS BLOB), '${time}', 1),
    ('leads', 'conversation', 'b', 'b', 'h', 0, 'deflate', ${payload('{"old":"é"}')}, '${time}', 1),
    ('leads', 'conversation', 'b', 'b', 'h', 1, 'deflate', ${payload('{"new":"你"}')}, '${time}', 1),
    ('leads', 'message', 'm1', 'b', 'h', 1, 'json', CAST('{}' AS BLOB), '${time}', 1);
`

/** What readers are promised of messages and payloads. */
const contentOf = (database: Sqlite.Database) => {
  const raw = database
    .prepare("SELECT * FROM raw_records ORDER BY kind, conversation_provider_id, newest")
    .all() as Array<{
    readonly encoding: string
    readonly payload: Buffer
    readonly payload_start?: number
    readonly payload_length?: number
    readonly [column: string]: unknown
  }>
  const textOf = ({ encoding, payload, payload_length, payload_start = 0 }: (typeof raw)[number]) => {
    if (encoding === "deflate") return String(inflateSync(payload))
    if (encoding === "json") return String(payload)
    return String(
      brotliDecompressSync(payload).subarray(payload_start, payload_start + (payload_length ?? 0))
    )
  }
  return {
    messages: database
      .prepare(
        `SELECT id, conversation_id, provider_id, position, role, provider_role, type, content, sent_at, sent_at_source,
           attributes, page_id FROM messages ORDER BY conversation_id, position`
      )
      .all(),
    raw: raw.map((row) => [
      row.connection,
      row.kind,
      row.provider_id,
      row.conversation_provider_id,
      row.newest,
      row.observed_at,
      row.page_id,
      textOf(row)
    ]),
    found: database
      .prepare(
        "SELECT m.id FROM message_search s JOIN messages m ON m.key = s.rowid WHERE message_search MATCH ? ORDER BY 1"
      )
      .pluck()
      .all("First OR 预约")
  }
}

it("numbers the steps without a gap", () => {
  expect(migrations.map(({ version }) => version)).toEqual(migrations.map((_, index) => index + 1))
})

const packed = migrations.find(({ name }) => name === "packed")?.version ?? 0

for (let version = 1; version < migrations.length; version += 1) {
  it.scoped(`brings a mirror of schema ${version} to the newest, with what it holds`, () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const [old, fresh] = [join(folder, "old.db"), join(folder, "fresh.db")]
      const database = new Sqlite(old)
      // What the packed schema holds comes from the schema before it: its views take no rows.
      migrate(database, "2026-01-01T00:00:00.000Z", migrations.slice(0, Math.min(version, packed - 1)))
      database.exec(
        "INSERT INTO connections (name, provider, first_seen_at) VALUES ('leads', 'naturalead', '2026-01-01T00:00:00.000Z')"
      )
      database.exec(holdings)
      migrate(database, "2026-01-01T00:00:00.000Z", migrations.slice(0, version))
      if (version >= 14) database.exec("UPDATE analysis_clock SET refresh_after = 0")
      const before = contentOf(database)
      expect(before.messages).toHaveLength(6)
      database.close()
      yield* open(old)
      yield* open(fresh)
      expect(schemaOf(old)).toEqual(schemaOf(fresh))
      const after = new Sqlite(old)
      expect(after.prepare("SELECT name FROM connections").pluck().all()).toEqual(["leads"])
      expect(contentOf(after)).toEqual(before)
      expect(faultsOf(after)).toEqual([])
      expect(
        after.prepare("SELECT version, name, program_version <> '' AS told FROM migrations").all()
      ).toEqual(migrations.map((step) => ({ version: step.version, name: step.name, told: 1 })))
      expect(
        after
          .prepare("SELECT count(*) FROM migrations WHERE applied_at = '2026-01-01T00:00:00.000Z'")
          .pluck()
          .get()
      ).toBe(version)
      expect(after.pragma("integrity_check", { simple: true })).toBe("ok")
      after.close()
    })
  )
}

it.scoped("keeps the ledger of an older mirror, where runs that others held back were failed", () =>
  Effect.gen(function* () {
    const path = yield* temporaryFile
    const database = new Sqlite(path)
    migrate(database, "2026-01-01T00:00:00.000Z", migrations.slice(0, 7))
    const at = "2026-01-01T00:00:00.000Z"
    database.exec(`
      INSERT INTO connections (name, provider, first_seen_at) VALUES ('leads', 'naturalead', '${at}');
      INSERT INTO runs (id, command, started_at, finished_at, outcome, exit_code, host, pid) VALUES
        (1, 'sync', '${at}', '${at}', 'complete', 0, 'here', 1), (2, 'sync', '${at}', '${at}', 'failed', 75, 'here', 2),
        (3, 'sync', '${at}', '${at}', 'failed', 3, 'here', 3), (4, 'sync', '${at}', NULL, 'running', NULL, 'here', 4),
        (9, 'sync', '${at}', '${at}', 'complete', 0, 'here', 5);
      DELETE FROM runs WHERE id = 9;
      INSERT INTO run_connections (run_id, connection, lane, outcome, started_at, finished_at, requests, error_kind) VALUES
        (1, 'leads', 'sync', 'complete', '${at}', '${at}', 5, NULL), (2, 'leads', 'push', 'complete', '${at}', '${at}', 0, NULL),
        (2, 'leads', 'sync', 'failed', '${at}', '${at}', 0, 'busy'), (3, 'leads', 'sync', 'failed', '${at}', '${at}', 1, 'unavailable');
      INSERT INTO pages (run_id, connection, lane, operation, method, path, status, requested_at, received_at, bytes,
        received, inserted, updated, unchanged, filtered, quarantined)
        VALUES (1, 'leads', 'sync', 'list', 'GET', '/', 200, '${at}', '${at}', 2, 0, 0, 0, 0, 0, 0)`)
    database.close()
    yield* open(path)
    const after = new Sqlite(path)
    after.pragma("foreign_keys = ON")
    expect(after.prepare("SELECT id, outcome, exit_code FROM runs ORDER BY id").raw().all()).toEqual([
      [1, "complete", 0],
      [2, "held", 75],
      [3, "failed", 3],
      [4, "running", null]
    ])
    expect(after.prepare("SELECT run_id, lane, outcome, requests FROM run_connections").raw().all()).toEqual([
      [1, "sync", "complete", 5],
      [2, "push", "complete", 0],
      [2, "sync", "held", 0],
      [3, "sync", "failed", 1]
    ])
    expect(after.prepare("SELECT run_id FROM pages").pluck().all()).toEqual([1])
    expect(after.pragma("foreign_key_check")).toEqual([])
    // What refers to a run refers to the new table, and no number is given twice.
    expect(() => after.prepare("UPDATE pages SET run_id = 77").run()).toThrow(/FOREIGN KEY/)
    const insert = "INSERT INTO runs (command, started_at, host, pid) VALUES ('sync', '', '', 1) RETURNING id"
    expect(after.prepare(insert).pluck().get()).toBe(10)
    after.close()
  })
)

it.scoped(
  "keeps the changes of a mirror from before pushes had a brake, and notes what later ones are based on",
  () =>
    Effect.gen(function* () {
      const path = yield* temporaryFile
      const database = new Sqlite(path)
      migrate(database, "2026-01-01T00:00:00.000Z", migrations.slice(0, 8))
      const at = "2026-01-01T00:00:00.000Z"
      database.exec(`
      INSERT INTO connections (name, provider, first_seen_at) VALUES ('leads', 'naturalead', '${at}');
      INSERT INTO writable_statuses VALUES ('leads', 'completed', 'completed');
      INSERT INTO runs (id, command, started_at, host, pid) VALUES (1, 'sync', '${at}', 'here', 1);
      INSERT INTO pages (run_id, connection, lane, operation, method, path, status, requested_at, received_at, bytes,
        received, inserted, updated, unchanged, filtered, quarantined)
        VALUES (1, 'leads', 'sync', 'list', 'GET', '/', 200, '${at}', '${at}', 2, 0, 0, 0, 0, 0, 0);`)
      for (const id of ["a", "b"]) {
        database
          .prepare(
            `INSERT INTO remote_conversations (id, connection, provider_id, status, updated_at, observed_at, first_seen_at,
             content_hash, page_id) VALUES (?, 'leads', ?, 'active', ?, ?, ?, 'h', 1)`
          )
          .run(`leads:${id}`, id, at, at, at)
      }
      const ask = "UPDATE conversations SET status = 'completed' WHERE id = ?"
      database.prepare(ask).run("leads:a")
      database.close()
      yield* open(path)
      const after = new Sqlite(path)
      after.prepare(ask).run("leads:b")
      expect(
        after
          .prepare(
            "SELECT state, from_updated_at, to_provider_status, refused_at FROM status_changes ORDER BY id"
          )
          .raw()
          .all()
      ).toEqual([
        ["pending", null, null, null],
        ["pending", at, null, null]
      ])
      expect(after.prepare("SELECT id FROM mirror_identity").pluck().get()).toMatch(/^[0-9a-f]{32}$/)
      after.close()
    })
)

it.scoped(
  "orders what an older mirror holds by when it was asked for, and takes nothing of it for merged",
  () =>
    Effect.gen(function* () {
      const path = yield* temporaryFile
      const database = new Sqlite(path)
      const step = migrations.findIndex(({ name }) => name === "order")
      migrate(database, "2026-01-01T00:00:00.000Z", migrations.slice(0, step))
      const at = "2026-01-01T00:00:00.000Z"
      database.exec(`
      INSERT INTO connections (name, provider, first_seen_at) VALUES ('inbox', 'aelyst', '${at}');
      INSERT INTO writable_statuses VALUES ('inbox', 'completed', 'close');
      INSERT INTO runs (id, command, started_at, host, pid) VALUES (1, 'sync', '${at}', 'here', 1);
      INSERT INTO pages (id, run_id, connection, lane, operation, method, path, status, requested_at, received_at, bytes,
        received, inserted, updated, unchanged, filtered, quarantined)
      VALUES (1, 1, 'inbox', 'sync', 'list', 'GET', '/', 200, '${at}', '${at}', 0, 0, 0, 0, 0, 0, 0);
      INSERT INTO remote_conversations (id, connection, provider_id, status, observed_at, first_seen_at, content_hash, page_id)
      VALUES ('inbox:1', 'inbox', '1', 'active', '${at}', '${at}', 'h', 1);`)
      database.close()
      yield* open(path)
      const after = new Sqlite(path)
      after.exec("UPDATE conversations SET status = 'completed' WHERE id = 'inbox:1'")
      expect(
        after.prepare("SELECT status, remote_status, merged_into, last_seen_at FROM conversations").all()
      ).toEqual([{ status: "completed", remote_status: "active", merged_into: null, last_seen_at: at }])
      expect(
        after.prepare("SELECT observed_at, answered_at, merged_at FROM remote_conversations").all()
      ).toEqual([{ observed_at: at, answered_at: null, merged_at: null }])
      after.close()
    })
)

it.scoped("does nothing to a mirror that is up to date", () =>
  Effect.gen(function* () {
    const path = yield* temporaryFile
    yield* open(path)
    const database = new Sqlite(path)
    const version = database.pragma("data_version", { simple: true })
    yield* open(path)
    expect(database.pragma("data_version", { simple: true })).toBe(version)
    database.close()
  })
)

it.scoped("takes a step whole or not at all, and keeps the steps before it", () =>
  Effect.gen(function* () {
    const path = yield* temporaryFile
    const database = new Sqlite(path)
    const steps = [
      ...migrations,
      {
        version: migrations.length + 1,
        name: "broken",
        sql: "CREATE TABLE half (x); INSERT INTO nowhere VALUES (1);"
      }
    ]
    expect(() => migrate(database, "2026-01-01T00:00:00.000Z", steps)).toThrow("no such table: nowhere")
    expect(database.pragma("user_version", { simple: true })).toBe(migrations.length)
    expect(database.prepare("SELECT count(*) FROM sqlite_schema WHERE name = 'half'").pluck().get()).toBe(0)
    expect(database.prepare("SELECT max(version) FROM migrations").pluck().get()).toBe(migrations.length)
    expect(database.pragma("foreign_keys", { simple: true })).toBe(1)
    database.close()
  })
)

it.scoped("refuses a step that leaves rows that refer to nothing", () =>
  Effect.gen(function* () {
    const path = yield* temporaryFile
    const database = new Sqlite(path)
    const sql = "INSERT INTO learned (connection, name, value, learned_at) VALUES ('nobody', 'a', 'b', 'c')"
    expect(() =>
      migrate(database, "", [...migrations, { version: migrations.length + 1, name: "loose", sql }])
    ).toThrow(/refer to nothing/)
    expect(database.prepare("SELECT count(*) FROM learned").pluck().get()).toBe(0)
    database.close()
  })
)

it.scopedLive(
  "leaves the older mirror as it was where it is killed in the middle of a long step, and goes on from there",
  () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const path = join(folder, "mirror.db")
      const database = new Sqlite(path)
      database.pragma("journal_mode = WAL")
      migrate(database, time, migrations.slice(0, 13))
      database.exec(
        `INSERT INTO connections (name, provider, first_seen_at) VALUES ('leads', 'naturalead', '${time}')`
      )
      database.exec(holdings)
      const before = contentOf(database)
      database.close()
      const script = yield* childScript(
        folder,
        `import Sqlite from "better-sqlite3"
         import { migrate } from "./src/store/migrate.ts"
         import { migrations } from "./src/store/migrations/index.ts"
         migrate(new Sqlite(process.argv[2]), "", migrations, (step, share) => {
           if (share >= Number(process.argv[3])) process.kill(process.pid, "SIGKILL")
         })`
      )
      for (const share of ["0", "0.7", "0.95"]) {
        const died = yield* Effect.promise(() =>
          promisify(execFile)(process.execPath, [script, path, share]).then(
            () => null,
            (error: { readonly signal: string }) => error.signal
          )
        )
        expect(died).toBe("SIGKILL")
        const left = new Sqlite(path)
        expect(left.pragma("user_version", { simple: true })).toBe(17)
        expect(left.pragma("integrity_check", { simple: true })).toBe("ok")
        expect(contentOf(left)).toEqual(before)
        left.close()
      }
      yield* open(path)
      const after = new Sqlite(path)
      expect(contentOf(after)).toEqual(before)
      expect(faultsOf(after)).toEqual([])
      after.close()
    }),
  60_000
)

it.scopedLive(
  "lets several processes create one mirror at once",
  () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const script = yield* childScript(
        folder,
        `import { Effect, Layer } from "effect"
         import { Db } from "./src/store/Db.ts"
         await Effect.runPromise(Effect.scoped(Layer.build(Db.layer(process.argv[2]))))`
      )
      const path = join(folder, "mirror.db")
      yield* Effect.promise(() =>
        Promise.all(Array.from({ length: 6 }, () => promisify(execFile)(process.execPath, [script, path])))
      )
      const database = new Sqlite(path, { readonly: true })
      expect(database.prepare("SELECT version FROM migrations").pluck().all()).toEqual(
        migrations.map(({ version }) => version)
      )
      database.close()
    }),
  60_000
)

it.scoped(
  "gives conversations whose own id ends like an agent's another ending, with all that belongs to them",
  () =>
    Effect.gen(function* () {
      const path = yield* temporaryFile
      const database = new Sqlite(path)
      migrate(database, "2026-01-01T00:00:00.000Z", migrations.slice(0, 11))
      const at = "2026-01-01T00:00:00.000Z"
      database.exec(`
      INSERT INTO connections (name, provider, first_seen_at) VALUES ('s', 'convocore', '${at}');
      INSERT INTO writable_statuses VALUES ('s', 'completed', 'completed');
      INSERT INTO runs (id, command, started_at, host, pid) VALUES (1, 'sync', '${at}', 'here', 1);
      INSERT INTO pages (run_id, connection, lane, operation, method, path, status, requested_at, received_at, bytes,
        received, inserted, updated, unchanged, filtered, quarantined)
        VALUES (1, 's', 'sync', 'list', 'GET', '/', 200, '${at}', '${at}', 2, 0, 0, 0, 0, 0, 0);`)
      // Of agent a: bob, and one who calls himself bob@a. Of agent b: a bob, told apart by an ending.
      const held = [
        ["bob", "a", "a/bob"],
        ["bob@a", "a", "a/bob@a"],
        ["bob@b", "b", "b/bob"]
      ] as const
      for (const [id, agent, raw] of held) {
        database
          .prepare(
            `INSERT INTO remote_conversations (id, connection, provider_id, agent_id, status, observed_at, first_seen_at,
             content_hash, page_id) VALUES ('s:' || @id, 's', @id, @agent, 'active', @at, @at, 'h', 1)`
          )
          .run({ id, agent, at })
        database
          .prepare(
            `INSERT INTO raw_records (connection, kind, provider_id, conversation_provider_id, hash, encoding, payload,
             observed_at, page_id) VALUES ('s', 'detail', ?, ?, 'h', 'json', x'7b7d', ?, 1)`
          )
          .run(raw, id, at)
        database
          .prepare(
            `INSERT INTO messages (id, conversation_id, position, role, type, page_id)
           VALUES ('s:' || @id || ':m', 's:' || @id, 0, 'customer', 'text', 1)`
          )
          .run({ id })
        database.prepare("UPDATE conversations SET status = 'completed' WHERE id = ?").run(`s:${id}`)
      }
      database.close()
      yield* open(path)
      const after = new Sqlite(path, { readonly: true })
      const ids = ["bob", "bob@a@a", "bob@b"]
      const column = (sql: string) => after.prepare(`${sql} ORDER BY 1`).pluck().all()
      expect(column("SELECT provider_id FROM conversations WHERE change_state = 'pending'")).toEqual(ids)
      expect(column("SELECT id FROM messages")).toEqual(ids.map((id) => `s:${id}:m`))
      expect(column("SELECT conversation_provider_id FROM raw_records")).toEqual(ids)
      expect(after.pragma("foreign_key_check")).toEqual([])
      after.close()
    })
)
