import { readFileSync } from "node:fs"
import { expect, it } from "@effect/vitest"
import Sqlite from "better-sqlite3"
import { migrate } from "../../src/store/migrate.ts"
import { migrations } from "../../src/store/migrations/index.ts"
import { describeNewest, type NewestSchema } from "../../src/store/newest.ts"

const time = "2026-01-01T10:00:00.123Z"

const made = (described: NewestSchema | null): Sqlite.Database => {
  const database = new Sqlite(":memory:")
  expect(
    migrate(
      database,
      time,
      migrations,
      () => {},
      () => described
    )
  ).toHaveLength(migrations.length)
  return database
}

const byStep = () => made(null)

const namesIn = (database: Sqlite.Database): ReadonlyArray<string> =>
  database
    .prepare(
      "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'shadow') ORDER BY name"
    )
    .pluck()
    .all() as ReadonlyArray<string>

const contentOf = (database: Sqlite.Database) => ({
  header: ["application_id", "user_version"].map((name) => database.pragma(name, { simple: true })),
  schema: database.prepare("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name").all(),
  rows: Object.fromEntries(
    namesIn(database)
      .filter((name) => !["sqlite_schema", "mirror_identity", "hash_key"].includes(name))
      .map((name) => [name, database.prepare(`SELECT * FROM ${name}`).all()])
  )
})

const secretsOf = (database: Sqlite.Database) =>
  ["SELECT id FROM mirror_identity", "SELECT hex(key) FROM hash_key"].map((sql) =>
    String(database.prepare(sql).pluck().get())
  )

it("makes a new file at once that is the same as one that took every step, but for what each has of its own", () => {
  const newest = describeNewest([byStep(), byStep()])
  const files = [byStep(), made(newest), made(newest)] as const
  const [stepped, atOnce] = files.map(contentOf)
  expect(atOnce).toEqual(stepped)
  expect(Object.keys(stepped?.rows ?? {}).length).toBeGreaterThan(40)
  const secrets = files.flatMap(secretsOf)
  expect(secrets.map((secret) => secret.length)).toEqual([32, 64, 32, 64, 32, 64])
  expect(new Set(secrets).size).toBe(6)
  expect(files.map((file) => file.pragma("integrity_check", { simple: true }))).toEqual(["ok", "ok", "ok"])
})

it("takes the steps where another number of them is described", () => {
  const newest = describeNewest([byStep(), byStep()])
  const older = made({ ...newest, version: newest.version - 1, statements: ["CREATE TABLE older (x)"] })
  expect(contentOf(older)).toEqual(contentOf(byStep()))
})

it("is described beside the built program as the steps make it", () => {
  const built = JSON.parse(readFileSync("dist/newestSchema.json", "utf8"))
  expect(built).toEqual(describeNewest([byStep(), byStep()]))
})

it("keeps what turns and hand-overs say where their times become numbers", () => {
  const database = new Sqlite(":memory:")
  migrate(database, time, migrations.slice(0, 25))
  database.exec(`
    INSERT INTO connections (name, provider, first_seen_at) VALUES ('leads', 'x', '${time}');
    INSERT INTO runs (id, command, started_at, host, pid) VALUES (1, 'sync', '${time}', 'here', 1);
    INSERT INTO pages (id, run_id, connection, lane, operation, method, path, status, requested_at, received_at, bytes,
      received, inserted, updated, unchanged, filtered, quarantined)
      VALUES (1, 1, 'leads', 'sync', 'list', 'GET', '/', 200, '${time}', '${time}', 2, 0, 0, 0, 0, 0, 0);
    INSERT INTO remote_conversations (key, id, connection, provider_id, status, observed_at, first_seen_at, content_hash, page_id)
      VALUES (1, 'leads:a', 'leads', 'a', 'handed_off', '${time}', '${time}', 'h', 1);
    INSERT INTO status_history (conversation_id, from_status, to_status, origin, observed_at, run_id)
      VALUES ('leads:a', 'active', 'handed_off', 'provider', '2026-03-01T09:00:00.000Z', 1);
    INSERT INTO conversation_turns (key, turn, asked_at, answered_at, answered_by, seconds, business_seconds) VALUES
      (1, 1, '2026-03-01T08:00:00.000Z', '2026-03-01T08:00:01.007Z', 'agent', 1.007, 1),
      (1, 2, '2026-03-01T08:59:59.999Z', '2026-03-01T09:30:00.120Z', 'human', 1800.121, NULL),
      (1, 3, '2026-03-01T10:00:00.000Z', '2026-03-01T09:59:00.000Z', 'agent', NULL, NULL),
      (1, 4, NULL, '2026-03-01T11:00:00.000Z', 'agent', NULL, NULL),
      (1, 5, '2026-03-01T12:00:00.000Z', NULL, NULL, NULL, NULL)`)
  const said = () =>
    ["turns ORDER BY turn", "handoffs"].map((table) => database.prepare(`SELECT * FROM ${table}`).all())
  const before = said()
  migrate(database, time)
  expect(before.map((rows) => rows.length)).toEqual([5, 1])
  expect(said()).toEqual(before)
})
