import { createHash } from "node:crypto"
import Sqlite from "better-sqlite3"
import { describe, expect, it } from "vitest"
import { hashContent } from "../../../src/store/copies/contentHash.ts"

const all = { table: () => true, column: () => true }

const toEnd = <A>(steps: Generator<void, A>): A => {
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
  }
}

const tables = `
  CREATE TABLE things (key INTEGER PRIMARY KEY, name TEXT, size REAL, content BLOB) STRICT;
  CREATE TABLE pairs (a TEXT NOT NULL, b INTEGER NOT NULL, note, PRIMARY KEY (b, a)) WITHOUT ROWID;`

const rows = `
  INSERT INTO things VALUES (1, 'é', 1.5, x'FF00'), (2, NULL, NULL, NULL), (9007199254740993, 'a' || char(0) || 'b', -0.1, x'');
  INSERT INTO pairs VALUES ('y', 1, 7), ('x', 2, 'seven'), ('x', 1, NULL);`

const make = (sql: string): Sqlite.Database => {
  const database = new Sqlite(":memory:")
  database.exec(sql)
  return database
}

const hash = (database: Sqlite.Database, withSchema = false) =>
  toEnd(hashContent(database, all, { withSchema }))

describe("the hash of what a database holds", () => {
  it("is as the manual says: columns, then rows in the order of their keys, each value with its type and length", () => {
    const sha256 = (text: string | Buffer) => createHash("sha256").update(text).digest("hex")
    const pairs = sha256("a,b,note\nt1:xi1;n\nt1:yi1;i7;\nt1:xi2;t5:seven\n")
    const things = sha256(
      "key,name,size,content\ni1;t2:ér3FF8000000000000b2:FF00\ni2;nnn\ni9007199254740993;t3:a\0brBFB999999999999Ab0:\n"
    )
    expect(hash(make(tables + rows))).toEqual({
      tables: [
        { table: "pairs", rows: 3, sha256: pairs },
        { table: "things", rows: 3, sha256: things }
      ],
      sha256: sha256(`pairs 3 ${pairs}\nthings 3 ${things}\n`)
    })
  })

  it("does not depend on how SQLite has laid the rows out", () => {
    const plain = hash(make(tables + rows), true)
    const moved = make(
      `PRAGMA page_size = 512; ${tables}
      INSERT INTO things SELECT value + 10, hex(randomblob(99)), 0.5, randomblob(2000) FROM generate_series(1, 300);
      ${rows} DELETE FROM things WHERE key BETWEEN 11 AND 400;`.replace(
        "generate_series(1, 300)",
        "(WITH RECURSIVE n (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 300) SELECT value FROM n)"
      )
    )
    expect(hash(moved, true)).toEqual(plain)
    moved.exec("VACUUM")
    expect(hash(moved, true)).toEqual(plain)
  })

  it("is another one for any other value, type, row, column or index", () => {
    const before = hash(make(tables + rows), true).sha256
    const changes = [
      "UPDATE things SET name = 'e' WHERE key = 1",
      "UPDATE things SET name = 'a' WHERE key = 9007199254740993",
      "UPDATE things SET key = 9007199254740992 WHERE key = 9007199254740993",
      "UPDATE things SET size = 1.5000000000000002 WHERE key = 1",
      "UPDATE things SET content = x'' WHERE key = 2",
      "UPDATE things SET content = NULL WHERE key = 9007199254740993",
      "UPDATE pairs SET note = '7' WHERE a = 'y'",
      "UPDATE pairs SET note = 7.0 WHERE a = 'y'",
      "UPDATE pairs SET note = x'37' WHERE a = 'y'",
      "DELETE FROM pairs WHERE a = 'y'",
      "INSERT INTO things (key) VALUES (3)",
      "ALTER TABLE things RENAME COLUMN name TO title",
      "CREATE INDEX by_name ON things (name)"
    ]
    const hashes = changes.map((sql) => hash(make(tables + rows + sql), true).sha256)
    expect(new Set([before, ...hashes]).size).toBe(changes.length + 1)
  })

  it("leaves out tables and columns that do not count", () => {
    const counted = {
      table: (name: string) => name !== "pairs",
      column: (_: string, name: string) => name !== "name"
    }
    const of = (database: Sqlite.Database) => toEnd(hashContent(database, counted, { withSchema: false }))
    const before = of(make(tables + rows))
    expect(of(make(`${tables}${rows}DELETE FROM pairs; UPDATE things SET name = 'other'`))).toEqual(before)
    expect(of(make(`${tables}${rows}UPDATE things SET size = 2`))).not.toEqual(before)
  })
})
