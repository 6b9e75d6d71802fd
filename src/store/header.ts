import { closeSync, openSync, readSync } from "node:fs"
import { applicationId } from "./migrate.ts"

/** The first bytes of a file: https://sqlite.org/fileformat2.html#the_database_header */
export interface Header {
  readonly isSqlite: boolean
  readonly isParleys: boolean
  /** Written with a write-ahead log, as mirrors are; backups and publications are not, until they are put to use as mirrors. */
  readonly hasLog: boolean
  /** Version of the SQLite that last wrote the first page, which most changes do not touch: `3.51.3`. */
  readonly writer: string
}

const versionOf = (number: number): string =>
  [Math.floor(number / 1_000_000), Math.floor(number / 1_000) % 1_000, number % 1_000].join(".")

export const headerOf = (path: string): Header => {
  const bytes = Buffer.alloc(100)
  const file = openSync(path, "r")
  try {
    readSync(file, bytes, 0, bytes.length, 0)
  } finally {
    closeSync(file)
  }
  return {
    isSqlite: bytes.toString("latin1", 0, 16) === "SQLite format 3\0",
    isParleys: bytes.readUInt32BE(68) === applicationId,
    hasLog: bytes[18] === 2 || bytes[19] === 2,
    writer: versionOf(bytes.readUInt32BE(96))
  }
}
