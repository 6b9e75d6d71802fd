import { execFileSync } from "node:child_process"
import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { Db, type Session } from "../../src/store/Db.ts"
import { behindViews, dictionary, dictionaryRows, refreshDictionary } from "../../src/store/dictionary.ts"
import { Vendors } from "../../src/store/Vendors.ts"
import { temporaryFile } from "./fixtures.ts"

const vendors = {
  "one-vendor": { "messages.sent_at": "$.messages[*].created_at" },
  "another-vendor": { "messages.content": "$.text" }
}

/** Tables that may change with any version, and should not be queried. */
const internalTables: ReadonlySet<string> = new Set([
  ...behindViews,
  "alerts",
  "copy_manifest",
  "file_copies",
  "erasure_rows",
  "erasures",
  "forgotten",
  "hash_key",
  "hint_counts",
  "hints",
  "leases",
  "learned",
  "message_search_source",
  "messages_by_change",
  "restorations",
  "retention",
  "scan_seen",
  "scans"
])

interface Column {
  readonly name: string
  readonly notnull: number
  readonly pk: number
  readonly hidden: number
}

const withSession = <A>(f: (session: Session) => A) =>
  Effect.flatMap(temporaryFile, (path) => {
    const read = Effect.flatMap(Db, (db) => db.use("test", f))
    return Effect.provide(read, Db.layer(path))
  })

/** The names of the tables and views that are not SQLite's own business. */
const tablesOf = ({ prepare }: Session, type: "table" | "view"): ReadonlyArray<string> =>
  (
    prepare(
      `SELECT name FROM sqlite_schema WHERE type = ? AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
         AND name NOT GLOB 'message_search_[a-z]*' OR name = 'message_search_source' AND type = ?`
    )
      .pluck()
      .all(type, type) as ReadonlyArray<string>
  ).toSorted()

const columnsOf = ({ database }: Session, table: string): ReadonlyArray<Column> =>
  (database.pragma(`table_xinfo(${table})`) as ReadonlyArray<Column>).filter(({ hidden }) => hidden !== 1)

it.scoped("has an entry for every table, every view and every column that analysts see, and no other", () =>
  withSession((session) => {
    const seen = [...tablesOf(session, "table"), ...tablesOf(session, "view")]
      .filter((name) => !internalTables.has(name))
      .toSorted()
    expect(dictionary.map(({ table }) => table).toSorted()).toEqual(seen)
    for (const { columns, table } of dictionary) {
      expect({ [table]: Object.keys(columns).toSorted() }).toEqual({
        [table]: columnsOf(session, table)
          .map(({ name }) => name)
          .toSorted()
      })
    }
  })
)

it.scoped("keeps no name in the list of internal tables that does not exist", () =>
  withSession((session) => {
    const all = new Set([...tablesOf(session, "table"), ...tablesOf(session, "view")])
    expect([...internalTables].filter((name) => !all.has(name))).toEqual([])
  })
)

it.scoped("says what null means for exactly those columns of a table that may be null", () =>
  withSession((session) => {
    const tables = new Set(tablesOf(session, "table"))
    const mayBeNull = (table: string) =>
      columnsOf(session, table).filter(({ notnull, pk }) => notnull === 0 && pk === 0)
    for (const { columns, table } of dictionary.filter((entry) => tables.has(entry.table))) {
      const explained = Object.keys(columns).filter((name) => columns[name]?.nullMeans !== undefined)
      expect({ [table]: explained.toSorted() }).toEqual({
        [table]: mayBeNull(table)
          .map(({ name }) => name)
          .toSorted()
      })
    }
    const conversation = dictionary.find(({ table }) => table === "conversations")
    const nullable = new Set(mayBeNull("remote_conversations").map(({ name }) => name))
    for (const { name } of columnsOf(session, "remote_conversations")) {
      const entry = conversation?.columns[name]
      if (entry !== undefined)
        expect({ [name]: entry.nullMeans !== undefined }).toEqual({ [name]: nullable.has(name) })
    }
  })
)

it.scoped("shows queries that run", () =>
  withSession(({ prepare }) => {
    const queries = dictionary.flatMap(({ example }) => (example === undefined ? [] : [example]))
    expect(queries.length).toBeGreaterThan(15)
    for (const query of queries) expect(prepare(query).all(), query).toBeInstanceOf(Array)
  })
)

it.scoped("keeps the words of every view of analysts inside of its definition", () =>
  withSession((session) => {
    const views = tablesOf(session, "view").filter(
      (name) => !internalTables.has(name) && !["conversations", "contacts", "freshness"].includes(name)
    )
    const sql = session.prepare("SELECT sql FROM sqlite_schema WHERE name = ?").pluck()
    expect(views.length).toBeGreaterThan(8)
    for (const view of views) expect(sql.get(view)).toMatch(/^CREATE VIEW \w+ AS\s+-- [A-Z]/)
  })
)

it.scoped("is filled when a mirror is made, and left alone when it is opened again", () =>
  Effect.gen(function* () {
    const path = yield* temporaryFile
    const open = <A>(f: (session: Session) => A) =>
      Effect.provide(
        Effect.flatMap(Db, (db) => db.use("test", f)),
        Db.layer(path)
      )
    const changes = ({ database }: Session) => database.prepare("SELECT total_changes()").pluck().get()
    const rows = yield* open(({ prepare }) => prepare("SELECT count(*) FROM dictionary").pluck().get())
    expect(rows).toBe(dictionaryRows(vendors).length)
    expect(yield* open(changes)).toBe(0)
    const sqlite = execFileSync("sqlite3", [
      path,
      "SELECT null_means, source ->> 'one-vendor' FROM dictionary WHERE table_name = 'messages' AND column_name = 'sent_at'"
    ])
    expect(String(sqlite)).toBe("the vendor gives no time|$.messages[*].created_at\n")
  }).pipe(Effect.provideService(Vendors, Effect.succeed(vendors)))
)

it.scoped("takes the place of what an older program wrote, as a whole", () =>
  withSession(({ database, prepare }) => {
    const newer = dictionaryRows(vendors)
    const older = newer
      .slice(0, 20)
      .map(([table, column, , ...rest]) => [table, column, "an older text", ...rest] as const)
    expect(refreshDictionary(database, older)).toBe(true)
    expect(prepare("SELECT DISTINCT meaning FROM dictionary").pluck().all()).toEqual(["an older text"])
    expect(refreshDictionary(database, newer)).toBe(true)
    expect(refreshDictionary(database, newer)).toBe(false)
    expect(prepare("SELECT * FROM dictionary ORDER BY rowid").raw().all()).toEqual(newer)
  })
)

it.scoped("names the encodings of payloads that the mirror takes, wherever it speaks of them", () =>
  withSession(({ prepare }) => {
    const sql = prepare("SELECT sql FROM sqlite_schema WHERE name = 'raw_blocks'").pluck().get() as string
    const words = /encoding IN \(([^)]*)\)/.exec(sql)?.[1]?.match(/\w+/g) ?? []
    expect(words).toContain("brotli")
    const entries = prepare(
      "SELECT table_name, meaning, example FROM dictionary WHERE column_name IN ('encoding', 'raw_encoding')"
    ).all() as ReadonlyArray<{ table_name: string; meaning: string; example: string }>
    expect(entries.map(({ table_name }) => table_name).toSorted()).toEqual(["lineage", "raw_records"])
    for (const { example, meaning } of entries) {
      expect(words.filter((word) => !meaning.includes(word))).toEqual([])
      expect(words).toContain(example)
    }
  })
)
