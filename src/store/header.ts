import { closeSync, openSync, readSync, statSync } from "node:fs"
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

/** A file that this process has open through SQLite. */
interface OpenFile {
  connections: number
  /** With which its header was read; null: it was not. */
  descriptor: number | null
}

const openFiles = new Map<string, OpenFile>()

const keyOf = (path: string): string => {
  const { dev, ino } = statSync(path, { bigint: true })
  return `${dev} ${ino}`
}

/**
 * Notes that SQLite has the file open, until the result is called, after it was closed. POSIX takes all locks of a process
 * away with any descriptor of the file that is closed (https://sqlite.org/howtocorrupt.html, 2.2): another program would
 * then delete the log that is written here.
 */
export const noteOpen = (path: string): (() => void) => {
  const key = keyOf(path)
  const file = openFiles.get(key) ?? { connections: 0, descriptor: null }
  openFiles.set(key, file)
  file.connections += 1
  return () => {
    file.connections -= 1
    if (file.connections > 0) return
    openFiles.delete(key)
    if (file.descriptor !== null) closeSync(file.descriptor)
  }
}

export const headerOf = (path: string): Header => {
  const bytes = Buffer.alloc(100)
  const opened = openFiles.get(keyOf(path))
  const file = opened?.descriptor ?? openSync(path, "r")
  try {
    readSync(file, bytes, 0, bytes.length, 0)
  } finally {
    if (opened === undefined) closeSync(file)
    else opened.descriptor = file
  }
  return {
    isSqlite: bytes.toString("latin1", 0, 16) === "SQLite format 3\0",
    isParleys: bytes.readUInt32BE(68) === applicationId,
    hasLog: bytes[18] === 2 || bytes[19] === 2,
    writer: versionOf(bytes.readUInt32BE(96))
  }
}
