import { Worker } from "node:worker_threads"
import Sqlite from "better-sqlite3"
import { messageOf } from "../../domain/messageOf.ts"
import type { Answer } from "./QueryProcess.ts"
import { type Row, temporaryFilesFull, type Value } from "./value.ts"

/*
 * A process of its own that runs one query: SQLite cannot be interrupted from inside the thread that it works in, so
 * ending this process is the way to stop it. Arguments: the mirror's file, the SQL, how long a statement waits for a
 * lock, in milliseconds, and how many bytes its temporary files may take. Each number that it is sent asks for so many rows; fewer come where there are no more.
 */

const [, , path = "", sql = "", timeout = "0", maxTemporary = "Infinity"] = process.argv

// A terminal sends these to all of its processes; the one that started this one decides.
process.on("SIGINT", () => undefined)
process.on("SIGTERM", () => undefined)

/*
 * Only another thread can look around while SQLite works. It ends the process if no one waits for the answer any more,
 * and where temporary files take too much: SQLite takes their names away at once, so that only their descriptors are left.
 */
const watch = `
const { fstatSync, readdirSync, writeSync } = require("node:fs")
const folder = process.platform === "linux" ? "/proc/self/fd" : "/dev/fd"
const sizeOf = (file) => {
  try {
    const stats = fstatSync(file)
    return stats.isFile() && stats.nlink === 0 ? stats.blocks * 512 : 0
  } catch {
    return 0
  }
}
const temporaryBytes = () => {
  try {
    return readdirSync(folder).reduce((sum, name) => sum + sizeOf(Number(name)), 0)
  } catch {
    return 0
  }
}
setInterval(() => {
  if (process.ppid !== ${process.ppid}) process.kill(process.pid, "SIGKILL")
  if (temporaryBytes() > ${Number(maxTemporary)}) {
    writeSync(2, ${JSON.stringify(temporaryFilesFull)})
    process.kill(process.pid, "SIGKILL")
  }
}, 100)`
new Worker(watch, { eval: true }).unref()
process.on("disconnect", () => process.exit())

const open = (): IterableIterator<Row> => {
  const database = new Sqlite(path, { readonly: true, fileMustExist: true, timeout: Number(timeout) })
  database.pragma("query_only = ON")
  database.pragma("cache_size = -32000")
  return database.prepare<Array<unknown>, Row>(sql).raw().safeIntegers().iterate()
}

/** Numbers that JavaScript holds exactly are numbers. */
const plain = (value: Value): Value =>
  typeof value === "bigint" && Number.isSafeInteger(Number(value)) ? Number(value) : value

const take = (rows: IterableIterator<Row>, most: number): ReadonlyArray<Row> => {
  const taken: Array<Row> = []
  while (taken.length < most) {
    const next = rows.next()
    if (next.done === true) break
    taken.push(next.value.map(plain))
  }
  return taken
}

let rows: IterableIterator<Row> | null = null

const answer = (most: number): Answer => {
  try {
    rows ??= open()
    return { _tag: "Rows", rows: take(rows, most) }
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : ""
    return { _tag: "Fault", code, message: messageOf(cause) }
  }
}

process.on("message", (most) => process.send?.(answer(Number(most))))
