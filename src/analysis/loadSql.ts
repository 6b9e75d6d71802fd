import { present } from "../domain/present.ts"
import type { ExportFormat } from "./exportFormats.ts"
import type { Manifest } from "./manifest.ts"
import type { ColumnKind, ExportColumn, ExportTable } from "./tables.ts"

/** https://duckdb.org/docs/stable/sql/data_types/overview */
const types: Readonly<Record<ColumnKind, string>> = {
  text: "VARCHAR",
  json: "JSON",
  integer: "BIGINT",
  boolean: "BOOLEAN",
  real: "DOUBLE",
  date: "DATE",
  time: "TIMESTAMPTZ"
}

/** DuckDB's type of what stands in a file that has no types of its own: texts are cast, and never guessed at. */
const written = (kind: ColumnKind, format: ExportFormat): string => {
  if (format === "csv") return "VARCHAR"
  return kind === "integer" || kind === "boolean" ? "BIGINT" : kind === "real" ? "DOUBLE" : "VARCHAR"
}

/** Some names are words of SQL. */
const quoted = (name: string): string => `"${name}"`

/** What reads a file, with every column of the type that it has in the mirror. */
const selectFrom = (file: string, columns: ReadonlyArray<ExportColumn>, format: ExportFormat): string => {
  const name = `'${file.replaceAll("'", "''")}'`
  if (format === "parquet") return `SELECT * FROM read_parquet(${name})`
  const struct = columns.map(({ kind, name }) => `${quoted(name)}: '${written(kind, format)}'`).join(", ")
  const casts = columns.map(({ kind, name }) => {
    const from = kind === "boolean" && format === "csv" ? `CAST(${quoted(name)} AS BIGINT)` : quoted(name)
    return `CAST(${from} AS ${types[kind]}) AS ${quoted(name)}`
  })
  const source =
    format === "csv"
      ? `read_csv(${name}, header = true, delim = ',', quote = '"', escape = '"', nullstr = '', ` +
        `allow_quoted_nulls = false, parallel = false, auto_detect = false, columns = {${struct}})`
      : `read_json(${name}, format = 'newline_delimited', columns = {${struct}})`
  return `SELECT ${casts.join(", ")}\n  FROM ${source}`
}

const head = ({ format, since }: Manifest): string =>
  present(
    "-- Loads the files beside this one into tables of DuckDB, with types: in this folder, duckdb FILE < load.sql",
    since === null
      ? "-- Tables of the same names are replaced."
      : `-- Brings the tables of an earlier export, of commit ${since} or a later one, to this export's moment.`,
    format === "csv" && "-- Texts that a spreadsheet would run as formulas keep the apostrophe before them."
  ).join("\n")

/**
 * SQL for DuckDB, to be run in the export's folder. A complete export makes the tables; one of changes is laid over those
 * that an earlier one made, and may be laid over them again.
 */
export const loadSql = (
  manifest: Manifest,
  tables: ReadonlyArray<ExportTable>,
  deleted: ExportTable
): string => {
  const { format } = manifest
  const columnsOf = (name: string) => tables.find((table) => table.name === name)?.columns ?? []
  const gone = manifest.deleted
  const statements = manifest.tables.flatMap(({ content, file, key, table }) => {
    const select = selectFrom(file, columnsOf(table), format)
    if (content === "all" || key === null) return [`CREATE OR REPLACE TABLE ${table} AS ${select};`]
    const changes = `changed_${table}`
    return present<string>(
      `CREATE OR REPLACE TEMP TABLE ${changes} AS ${select};`,
      `CREATE TABLE IF NOT EXISTS ${table} AS SELECT * FROM ${changes} LIMIT 0;`,
      `DELETE FROM ${table} WHERE ${key} IN (SELECT ${key} FROM ${changes});`,
      `INSERT INTO ${table} BY NAME SELECT * FROM ${changes};`,
      `DROP TABLE ${changes};`,
      gone !== null &&
        `DELETE FROM ${table} WHERE CAST(${key} AS VARCHAR) IN (
  SELECT id FROM (${selectFrom(gone.file, deleted.columns, format)}) WHERE table_name = '${table}');`
    )
  })
  return `${[head(manifest), "BEGIN;", ...statements, "COMMIT;"].join("\n")}\n`
}
