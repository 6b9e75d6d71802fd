import { createHash, type Hash } from "node:crypto"
import type Sqlite from "better-sqlite3"

/*
 * What a database holds, as one number. It is defined over rows, so that files which SQLite laid out differently have the
 * same one: docs/operating.md says how, for those who want to compute it themselves.
 */

export interface TableHash {
  readonly table: string
  readonly rows: number
  /** In hexadecimal. */
  readonly sha256: string
}

export interface ContentHash {
  /** Of all tables together, in hexadecimal. */
  readonly sha256: string
  /** By name. */
  readonly tables: ReadonlyArray<TableHash>
}

/** Which of a file's tables and columns count. */
export interface Counted {
  readonly table: (name: string) => boolean
  readonly column: (table: string, name: string) => boolean
}

interface Column {
  readonly name: string
  readonly type: string
  readonly pk: number
}

/** Rows, and characters of them, that are read before other work has its turn. */
const rowsAtOnce = 2_000
const charactersAtOnce = 1 << 20

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

/** `n` null, `i7;` integer, `t2:é` text and `b1:FF` bytes, with their number before them. */
const encoded = (column: string): string => /* sql */ `CASE typeof(${column})
  WHEN 'null' THEN 'n' WHEN 'integer' THEN 'i' || ${column} || ';'
  WHEN 'text' THEN 't' || octet_length(${column}) || ':' || ${column}
  WHEN 'blob' THEN 'b' || octet_length(${column}) || ':' || hex(${column})
  ELSE printf('r%!.17g;', ${column}) END`

/** The eight bytes of a number that is no integer, as IEEE 754 has them, in hexadecimal: `r3FF0000000000000`. */
const real = Buffer.alloc(8)
const encodedReal = (value: number): string => {
  real.writeDoubleBE(value)
  return `r${real.toString("hex").toUpperCase()}`
}

/** One text a row, but for numbers that are no integers, which SQLite writes as text with rounding. */
const rowsOf = (database: Sqlite.Database, table: string, counted: Counted) => {
  const columns = (database.pragma(`table_info(${quoted(table)})`) as ReadonlyArray<Column>).filter(
    ({ name }) => counted.column(table, name)
  )
  const [{ wr: isWithoutRowid } = { wr: 0 }] = database.pragma(
    `table_list(${quoted(table)})`
  ) as ReadonlyArray<{
    readonly wr: number
  }>
  const key = columns.filter(({ pk }) => pk > 0).toSorted((left, right) => left.pk - right.pk)
  const order = isWithoutRowid === 1 ? key.map(({ name }) => quoted(name)).join(", ") : "rowid"
  const values = columns.map(({ name, type }) =>
    type === "REAL" ? `iif(typeof(${quoted(name)}) = 'real', ${quoted(name)}, 'n')` : encoded(quoted(name))
  )
  return {
    names: columns.map(({ name }) => name),
    rows: database
      .prepare<[], ReadonlyArray<string | number>>(
        `SELECT ${merged(values, columns).join(", ")} FROM ${quoted(table)} ORDER BY ${order}`
      )
      .raw()
      .iterate()
  }
}

/** Neighbours that are texts, as one text. */
const merged = (
  values: ReadonlyArray<string>,
  columns: ReadonlyArray<Pick<Column, "type">>
): ReadonlyArray<string> => {
  const parts: Array<string> = []
  let texts: Array<string> = []
  const close = (): void => {
    if (texts.length > 0) parts.push(texts.join(" || "))
    texts = []
  }
  values.forEach((value, index) => {
    if (columns[index]?.type !== "REAL") texts.push(value)
    else {
      close()
      parts.push(value)
    }
  })
  close()
  return parts
}

const tablesOf = (database: Sqlite.Database): ReadonlyArray<string> =>
  database
    .prepare<[], string>(
      `SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 ORDER BY name COLLATE BINARY`
    )
    .pluck()
    .all()

/** Of one table: the names of its columns, then each row and a line break. Steps of a few milliseconds each. */
function* hashTable(database: Sqlite.Database, table: string, counted: Counted): Generator<void, TableHash> {
  const hash = createHash("sha256")
  const { names, rows } = rowsOf(database, table, counted)
  hash.update(`${names.join(",")}\n`)
  let count = 0
  let characters = 0
  let texts: Array<string> = []
  for (const row of rows) {
    for (const value of row) {
      const text = typeof value === "number" ? encodedReal(value) : value
      texts.push(text)
      characters += text.length
    }
    texts.push("\n")
    count += 1
    if (count % rowsAtOnce === 0 || characters > charactersAtOnce) {
      hash.update(texts.join(""))
      texts = []
      characters = 0
      yield
    }
  }
  hash.update(texts.join(""))
  return { table, rows: count, sha256: hash.digest("hex") }
}

/** Adds what the schema says: one line for each table, index, view and trigger. */
const addSchema = (hash: Hash, database: Sqlite.Database): void => {
  const lines = database
    .prepare<[], string>(
      `SELECT type || ' ' || name || ' ' || tbl_name || ' ' || coalesce(sql, '') FROM sqlite_schema
       ORDER BY type, name COLLATE BINARY`
    )
    .pluck()
    .all()
  for (const line of lines) hash.update(`${line}\n`)
}

/**
 * Reads all rows of the tables that count, in steps. The caller holds one moment of the file meanwhile.
 * @param withSchema what tables, views and triggers are made of counts, too
 */
export function* hashContent(
  database: Sqlite.Database,
  counted: Counted,
  { withSchema }: { readonly withSchema: boolean }
): Generator<void, ContentHash> {
  const hash = createHash("sha256")
  if (withSchema) addSchema(hash, database)
  const tables: Array<TableHash> = []
  for (const table of tablesOf(database).filter(counted.table)) {
    const hashed = yield* hashTable(database, table, counted)
    tables.push(hashed)
    hash.update(`${hashed.table} ${hashed.rows} ${hashed.sha256}\n`)
  }
  return { sha256: hash.digest("hex"), tables }
}
