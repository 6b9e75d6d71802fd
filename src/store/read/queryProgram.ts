import { Worker } from "node:worker_threads"
import Sqlite from "better-sqlite3"
import type { Answer } from "./QueryProcess.ts"
import type { Row, Value } from "./value.ts"

/*
 * A process of its own that runs one query: SQLite cannot be interrupted from inside the thread that it works in, so
 * whoever wants to stop it ends this process. Arguments: the mirror's file, the SQL, and how long a statement waits for
 * a lock, in milliseconds. Each number that it is sent asks for so many rows; fewer come where there are no more.
 */

const [, , path = "", sql = "", timeout = "0"] = process.argv

// A terminal sends these to all of its processes; the one that started this one decides.
process.on("SIGINT", () => undefined)
process.on("SIGTERM", () => undefined)

// Nobody waits for the answer once that one is gone, and only another thread can see it while SQLite works.
const watch = `setInterval(() => process.ppid === ${process.ppid} || process.kill(process.pid, "SIGKILL"), 500)`
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
    return { _tag: "Fault", code, message: cause instanceof Error ? cause.message : String(cause) }
  }
}

process.on("message", (most) => process.send?.(answer(Number(most))))
