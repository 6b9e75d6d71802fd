import { execFileSync } from "node:child_process"
import { expect, it } from "@effect/vitest"
import Sqlite from "better-sqlite3"
import { Effect } from "effect"
import { Db } from "../../../src/store/Db.ts"
import { migrate } from "../../../src/store/migrate.ts"
import { migrations } from "../../../src/store/migrations/index.ts"
import {
  at,
  contact,
  freshStore,
  messagesOf,
  openBeside,
  page,
  rows,
  sighting,
  started,
  storeLayer,
  temporaryFile,
  values
} from "../fixtures.ts"

const talk = (id: string, ...texts: ReadonlyArray<string>) =>
  sighting(
    { providerId: id, contactId: `p-${id}`, status: "active" },
    {
      contact: contact({ providerId: `p-${id}`, name: "Ann" }),
      messages: { extent: "whole", items: messagesOf(...texts) }
    }
  )

const newest = Effect.map(values("SELECT coalesce(max(seq), 0) FROM change_feed"), ([seq]) => Number(seq))

/** What changed since, as `op table row`. */
const since = (seq: number) =>
  Effect.map(
    values("SELECT op || ' ' || table_name || ' ' || row_id FROM change_feed WHERE seq > ? ORDER BY 1", seq),
    (found) => found
  )

it.scoped("names each row that a pull wrote, with its run, and none that it found as it was", () =>
  Effect.gen(function* () {
    const { commit, runId } = yield* started
    yield* commit([page(1, [talk("a", "Hi", "Oh"), talk("b", "Hi")])])
    expect(yield* since(0)).toEqual([
      "upsert contacts leads:p-a",
      "upsert contacts leads:p-b",
      "upsert conversations leads:a",
      "upsert conversations leads:b",
      "upsert messages leads:a:m0",
      "upsert messages leads:a:m1",
      "upsert messages leads:b:m0",
      "upsert status_history 1",
      "upsert status_history 2"
    ])
    expect(yield* values("SELECT DISTINCT run_id FROM change_feed")).toEqual([runId])
    const seq = yield* newest
    yield* commit([page(2, [talk("a", "Hi", "Oh"), talk("b", "Hi")])])
    expect(yield* since(seq)).toEqual([])
    yield* commit([page(3, [talk("a", "Hi", "Ah")])])
    expect(yield* since(seq)).toContain("upsert messages leads:a:m1")
    expect(yield* since(seq)).not.toContain("upsert messages leads:a:m0")
  }).pipe(Effect.provide(freshStore))
)

it.scoped("tells of a message that goes, and takes it back where the message comes again", () =>
  Effect.gen(function* () {
    const { commit, runId } = yield* started
    yield* commit([page(1, [talk("a", "Hi", "Oh")])])
    const first = yield* newest
    yield* commit([page(2, [talk("a", "Hi")])])
    const gone = yield* rows("SELECT op, run_id FROM change_feed WHERE row_id = 'leads:a:m1'")
    expect(gone).toEqual([{ op: "delete", run_id: runId }])
    expect(yield* since(first)).toContain("delete messages leads:a:m1")
    const second = yield* newest
    yield* commit([page(3, [talk("a", "Hi", "Oh")])])
    expect(yield* since(second)).toContain("upsert messages leads:a:m1")
    expect(yield* since(0)).not.toContain("delete messages leads:a:m1")
    const third = yield* newest
    yield* commit([page(4, [talk("a", "Hi")])])
    expect(yield* since(third)).toContain("delete messages leads:a:m1")
  }).pipe(Effect.provide(freshStore))
)

it.scoped("tells of a conversation that its provider deleted, merged or has again", () =>
  Effect.gen(function* () {
    const { commit, mirror, runId } = yield* started
    yield* commit([page(1, [talk("a"), talk("b")])])
    const stored = yield* newest
    yield* mirror.tombstone({ connection: "leads", providerIds: ["a"], askedAt: at(2), runId })
    expect(yield* since(stored)).toEqual(["delete conversations leads:a"])
    const deleted = yield* newest
    yield* commit([page(3, [{ _tag: "Filtered", providerId: "a" }])])
    expect(yield* since(deleted)).toEqual(["upsert conversations leads:a"])
    const back = yield* newest
    yield* mirror.merged({ connection: "leads", providerId: "a", into: "b", askedAt: at(4) })
    expect(yield* since(back)).toEqual(["upsert conversations leads:a"])
  }).pipe(Effect.provide(freshStore))
)

it.scoped("moves a conversation with its open change, whoever asks for it: here SQLite's own shell", () =>
  Effect.gen(function* () {
    const path = yield* temporaryFile
    yield* Effect.gen(function* () {
      const { commit } = yield* started
      yield* commit([page(1, [talk("a"), talk("b")])])
      const stored = yield* newest
      const shell = (sql: string) => String(execFileSync("sqlite3", [path, sql])).trim()
      shell("UPDATE conversations SET status = 'completed' WHERE id = 'leads:a'")
      expect(yield* since(stored)).toEqual(["upsert conversations leads:a", "upsert status_changes 1"])
      const asked = yield* newest
      shell("UPDATE conversations SET status = 'active' WHERE id = 'leads:a'")
      expect(yield* since(asked)).toEqual(["upsert conversations leads:a", "upsert status_changes 1"])
      expect(shell("SELECT seq FROM conversations WHERE id = 'leads:a'")).toBe(String(yield* newest))
      const taken = yield* newest
      shell("DELETE FROM status_history WHERE id = 2")
      expect(yield* since(taken)).toEqual(["delete status_history 2"])
      const left = yield* newest
      shell(
        "UPDATE remote_conversations SET title = 'x' WHERE id = 'leads:b'; UPDATE remote_contacts SET name = 'x' WHERE id = 'leads:p-b'"
      )
      expect(yield* since(left)).toEqual(["upsert contacts leads:p-b", "upsert conversations leads:b"])
      expect(() => shell("UPDATE conversations SET seq = 0 WHERE id = 'leads:a'")).toThrow(
        /only status can be changed/
      )
    }).pipe(Effect.provide(storeLayer(path)))
  })
)

it.scoped("is read along indices, however large the mirror is", () =>
  Effect.gen(function* () {
    const { commit } = yield* started
    for (let index = 0; index < 40; index += 1) {
      yield* commit([page(index, [talk(`c${index}`, "Hi", "Oh", "Ah")])])
    }
    yield* Effect.flatMap(Db, (db) => db.use("test", ({ database }) => database.exec("ANALYZE")))
    const since = (yield* newest) - 1
    const plan = (sql: string) =>
      Effect.map(rows(`EXPLAIN QUERY PLAN ${sql}`, since), (steps) =>
        steps.map(({ detail }) => String(detail))
      )
    for (const sql of [
      "SELECT * FROM change_feed WHERE seq > ? ORDER BY seq",
      "SELECT * FROM messages_by_change WHERE seq > ? ORDER BY seq",
      "SELECT * FROM conversations WHERE seq > ?",
      "SELECT * FROM contacts WHERE seq > ?"
    ]) {
      // The few connections (n) and kinds of messages (t) may be scanned, and the parts of one id (ends).
      const steps = yield* plan(sql)
      expect(
        steps.filter(
          (step) => /^SCAN (?!n\b|t\b|ends\b|CONSTANT ROW)/.test(step) || step.includes("TEMP B-TREE")
        )
      ).toEqual([])
    }
    const feed = yield* plan("SELECT * FROM change_feed WHERE seq > ? ORDER BY seq")
    expect(feed.filter((step) => step === "SEARCH g USING PRIMARY KEY (seq>?)")).toHaveLength(1)
    for (const index of [
      "remote_conversations_by_seq",
      "remote_contacts_by_seq",
      "status_changes_by_seq",
      "status_history_by_seq",
      "tombstones_by_seq"
    ]) {
      expect(feed.filter((step) => step.includes(`${index} (seq>?)`))).toHaveLength(1)
    }
  }).pipe(Effect.provide(freshStore))
)

it.scoped("begins, in a mirror from before it was kept, with everything there is", () =>
  Effect.gen(function* () {
    const path = yield* temporaryFile
    const old = new Sqlite(path)
    migrate(old, at(0), migrations.slice(0, 12))
    old.exec(`
      INSERT INTO connections (name, provider, first_seen_at) VALUES ('leads', 'naturalead', '${at(0)}');
      INSERT INTO writable_statuses VALUES ('leads', 'completed', 'completed');
      INSERT INTO runs (id, command, started_at, host, pid) VALUES (1, 'sync', '${at(0)}', 'here', 1);
      INSERT INTO pages (id, run_id, connection, lane, operation, method, path, status, requested_at, received_at, bytes,
        received, inserted, updated, unchanged, filtered, quarantined)
        VALUES (7, 1, 'leads', 'sync', 'list', 'GET', '/', 200, '${at(0)}', '${at(1)}', 2, 0, 0, 0, 0, 0, 0);
      INSERT INTO remote_contacts (id, connection, provider_id, observed_at, first_seen_at)
        VALUES ('leads:p', 'leads', 'p', '${at(0)}', '${at(0)}');
      INSERT INTO remote_conversations (id, connection, provider_id, contact_id, status, observed_at, first_seen_at,
        content_hash, page_id) VALUES ('leads:a', 'leads', 'a', 'leads:p', 'active', '${at(0)}', '${at(0)}', 'h', 7);
      INSERT INTO messages (id, conversation_id, position, role, type, page_id)
        VALUES ('leads:a:m', 'leads:a', 0, 'agent', 'text', 7);
      INSERT INTO status_history (conversation_id, to_status, origin, observed_at, run_id)
        VALUES ('leads:a', 'active', 'provider', '${at(0)}', 1);
      UPDATE conversations SET status = 'completed' WHERE id = 'leads:a'`)
    old.close()
    yield* Effect.gen(function* () {
      const feed = yield* rows(
        "SELECT seq, op, table_name, row_id, run_id FROM change_feed ORDER BY seq, table_name"
      )
      expect(feed).toEqual([
        { seq: 7, op: "upsert", table_name: "conversations", row_id: "leads:a", run_id: 1 },
        { seq: 7, op: "upsert", table_name: "messages", row_id: "leads:a:m", run_id: 1 },
        { seq: 8, op: "upsert", table_name: "contacts", row_id: "leads:p", run_id: null },
        { seq: 8, op: "upsert", table_name: "status_changes", row_id: "1", run_id: null },
        { seq: 8, op: "upsert", table_name: "status_history", row_id: "1", run_id: 1 }
      ])
      const beside = yield* openBeside(path)
      beside.exec("UPDATE conversations SET status = 'active' WHERE id = 'leads:a'")
      expect(yield* since(8)).toEqual(["upsert conversations leads:a", "upsert status_changes 1"])
      const { commit } = yield* started
      const seq = yield* newest
      yield* commit([page(1, [talk("b", "Hi")])])
      expect(yield* since(seq)).toContain("upsert messages leads:b:m0")
      expect(yield* values("SELECT count(*) FROM pages p JOIN commits c ON c.seq = p.id")).toEqual([2])
    }).pipe(Effect.provide(storeLayer(path)))
  })
)
