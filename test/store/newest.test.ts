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
