import { Worker } from "node:worker_threads"
import { sqlitePath } from "../../scripts/sqlite.mjs"

/** What a reader saw until it was told to stop. */
export interface Seen {
  readonly looks: number
  /** Looks that found at least one conversation. */
  readonly filled: number
  /** Conversations that were seen in part. */
  readonly partial: ReadonlyArray<unknown>
  /** What SQLite refused. */
  readonly errors: ReadonlyArray<string>
}

export interface Reader {
  readonly stop: () => Promise<Seen>
}

/*
 * In a thread of its own, with a connection of its own that waits for nobody: a lock would show as an error at once.
 */
const source = `
const { parentPort, workerData } = require("node:worker_threads")
const Sqlite = require(workerData.sqlitePath)
const { existsSync } = require("node:fs")
const seen = { looks: 0, filled: 0, partial: [], errors: [] }
let database = null
let stopped = false
const open = () => {
  if (database === null && existsSync(workerData.path)) {
    const opened = new Sqlite(workerData.path, { readonly: true, timeout: 0 })
    if (opened.prepare("SELECT count(*) FROM sqlite_schema WHERE name = 'freshness'").pluck().get() === 1) database = opened
    else opened.close()
  }
  return database
}
const look = () => {
  const mirror = open()
  if (mirror === null) return
  const rows = mirror.prepare(workerData.sql).all()
  const [{ n }] = mirror.prepare("SELECT count(*) AS n FROM conversations").all()
  seen.looks += 1
  if (n > 0) seen.filled += 1
  if (seen.partial.length < 5) seen.partial.push(...rows.slice(0, 5))
}
parentPort.on("message", () => { stopped = true })
const turn = () => {
  try { look() } catch (error) {
    // Before its first commit the file is not yet a database with tables.
    if (database !== null && seen.errors.length < 5) seen.errors.push(String(error.code || error))
  }
  if (!stopped) return setTimeout(turn, workerData.pause)
  if (database !== null) database.close()
  parentPort.postMessage(seen)
}
turn()
`

/** Looks for conversations that are there in part, over and over. `sql` returns them. */
export const startReader = (path: string, sql: string): Reader => {
  const worker = new Worker(source, {
    eval: true,
    workerData: { path, sql, sqlitePath, pause: 40 }
  })
  return {
    stop: () =>
      new Promise((done, fail) => {
        worker.once("message", (seen: Seen) => {
          void worker.terminate()
          done(seen)
        })
        worker.once("error", fail)
        worker.postMessage("stop")
      })
  }
}
