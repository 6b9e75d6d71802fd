import { randomBytes } from "node:crypto"
import { readFileSync } from "node:fs"
import type Sqlite from "better-sqlite3"
import { codeOf } from "../files/faults.ts"

/** A value that each file has its own of: so many random bytes, or as many in hexadecimal digits. */
interface Random {
  readonly random: number
  readonly isText: boolean
}

type Value = null | number | string | Random

/** What the steps of the schema make of an empty file. The build writes it down, so that a new file need not take every step. */
export interface NewestSchema {
  readonly version: number
  /** In the order in which they can be executed. */
  readonly statements: ReadonlyArray<string>
  /** Rows of a new file, but those about the steps. */
  readonly rows: ReadonlyArray<readonly [table: string, values: ReadonlyArray<Value>]>
}

const written = (value: unknown, other: unknown): Value => {
  if (value === other) return value as Value
  if (Buffer.isBuffer(value)) return { random: value.length, isText: false }
  if (typeof value === "string" && /^[0-9a-f]{32,}$/.test(value))
    return { random: value.length / 2, isText: true }
  throw new Error(`two new files differ in ${value} and ${other}`)
}

const read = (value: Value): unknown => {
  if (value === null || typeof value !== "object") return value
  const bytes = randomBytes(value.random)
  return value.isText ? bytes.toString("hex") : bytes
}

/** @param made two files that were made by the steps: what they differ in is random */
export const describeNewest = (made: readonly [Sqlite.Database, Sqlite.Database]): NewestSchema => {
  const [one, other] = made
  const list = (database: Sqlite.Database, sql: string) =>
    database.prepare(sql).raw().all() as ReadonlyArray<ReadonlyArray<unknown>>
  const tables = list(
    one,
    "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name <> 'sqlite_schema' ORDER BY name"
  )
  return {
    version: Number(one.pragma("user_version", { simple: true })),
    statements: [
      ...(one
        .prepare(
          `SELECT s.sql FROM sqlite_schema s LEFT JOIN pragma_table_list t ON t.name = s.name AND t.type = 'shadow'
         WHERE t.name IS NULL AND s.sql IS NOT NULL AND s.name NOT GLOB 'sqlite_*' ORDER BY s.rowid`
        )
        .pluck()
        .all() as ReadonlyArray<string>),
      ...list(one, "SELECT k, v FROM message_search_config WHERE k <> 'version'").map(
        ([name, value]) => `INSERT INTO message_search (message_search, rank) VALUES ('${name}', ${value})`
      )
    ],
    rows: tables
      .map(([name]) => String(name))
      .filter((name) => name !== "migrations")
      .flatMap((name) => {
        const others = list(other, `SELECT * FROM ${name}`)
        return list(one, `SELECT * FROM ${name}`).map(
          (row, index) => [name, row.map((value, column) => written(value, others[index]?.[column]))] as const
        )
      })
  }
}

/** The description beside the program; null: the program runs from its sources. */
export const readNewest = (): NewestSchema | null => {
  try {
    return JSON.parse(readFileSync(new URL("newestSchema.json", import.meta.url), "utf8")) as NewestSchema
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") return null
    throw cause
  }
}

/** Makes an empty file what the description says. To be called inside of a transaction. */
export const makeNewest = (database: Sqlite.Database, { rows, statements }: NewestSchema): void => {
  for (const sql of statements) database.exec(sql)
  for (const [table, values] of rows) {
    database
      .prepare(`INSERT INTO ${table} VALUES (${values.map(() => "?").join(", ")})`)
      .run(...values.map(read))
  }
}
