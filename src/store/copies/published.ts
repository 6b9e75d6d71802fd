import type Sqlite from "better-sqlite3"
import { behindViews, dictionary } from "../dictionary.ts"
import type { Counted } from "./contentHash.ts"

/*
 * What a publication holds: the tables that the dictionary promises, and those that their views are made of. A table that is
 * in neither list is emptied, so that what a later version keeps for itself stays private until someone decides otherwise.
 */

const promised: ReadonlySet<string> = new Set(dictionary.map(({ table }) => table))

/** Payloads as they came. */
const rawTables = ["raw_rows", "raw_blocks", "raw_kinds"]

/** Tables that SQLite keeps the search index in, and what it counts itself; its statistics hold values of rows that are gone. */
const isSqlites = (table: string): boolean =>
  table.startsWith("message_search_") || table === "sqlite_sequence" || table === "sqlite_schema"

const isPublished = (table: string): boolean =>
  isSqlites(table) || promised.has(table) || behindViews.has(table)

export type Without = ReadonlyArray<"raw">

/** What counts where two publications, or a publication and its mirror, are compared: rows that readers see. */
export const countedInPublication = (without: Without): Counted => {
  const isRaw = without.includes("raw")
  return {
    table: (name) => isPublished(name) && !isSqlites(name) && !(isRaw && rawTables.includes(name)),
    column: (table, name) =>
      !(isRaw && table === "quarantine" && (name === "payload" || name === "payload_hash"))
  }
}

const withoutRaw = /* sql */ `
${rawTables.map((table) => `DELETE FROM ${table};`).join("\n")}
UPDATE quarantine SET payload = '', payload_hash = 'left out ' || id;
`

/** A request made in a copy would reach no provider. */
const refusesRequests = /* sql */ `
DROP TRIGGER conversations_update;
CREATE TRIGGER conversations_update INSTEAD OF UPDATE ON conversations
BEGIN
  SELECT RAISE(ABORT, 'this is a published copy: a status can be changed in the mirror that it was made of, and nowhere else');
END;
-- One segment: no word of a message that is gone stays in the index.
INSERT INTO message_search (message_search) VALUES ('optimize');
`

/** Takes everything out of a copy that is not for its readers. The space is not given back yet. */
export const stripForReaders = (database: Sqlite.Database, without: Without): void => {
  const tables = database
    .prepare<[], string>("SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0")
    .pluck()
    .all()
  database.pragma("foreign_keys = OFF")
  database.transaction(() => {
    for (const table of tables) if (!isPublished(table)) database.exec(`DELETE FROM "${table}"`)
    if (without.includes("raw")) database.exec(withoutRaw)
    database.exec(refusesRequests)
  })()
}
