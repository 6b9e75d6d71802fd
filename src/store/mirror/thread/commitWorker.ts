import { parentPort, workerData } from "node:worker_threads"
import Sqlite from "better-sqlite3"
import { codeOf } from "../../../files/faults.ts"
import type { Page } from "../../../providers/Provider.ts"
import { forWriting, makeSession, refuseNewer } from "../../Session.ts"
import { schemaIsNewer } from "../../StoreError.ts"
import { makeCommit } from "../commit.ts"
import { SeenSet } from "../SeenSet.ts"
import type { CommitJob, CommitReply, CommitThreadSettings } from "./commitJob.ts"
import { unpackPages } from "./commitJob.ts"

/*
 * The thread that writes pages: it has its own connection to the file, and commits what it is given, one after the
 * other. A `null` closes the file.
 */

/** Of the time that transactions take, how much the file is left to other writers after each. */
const leftToOthers = 0.1

const { path, busyTimeoutMillis, knownSchema } = workerData as CommitThreadSettings
const database = new Sqlite(path, { fileMustExist: true, timeout: busyTimeoutMillis })
forWriting(database)
const session = makeSession(database)
const commitPages = makeCommit(session)
const inTransaction = database.transaction((f: () => unknown) => {
  refuseNewer(session, knownSchema)
  return f()
})

/** What each scan under way has met. The file knows all that was committed, so forgetting one costs a look there. */
const scans = new Map<string, { readonly startedAt: string; readonly seen: SeenSet }>()

const seenBy = (key: string, job: CommitJob): SeenSet | null => {
  if (!job.countsAsSeen || job.scan === null) return null
  const known = scans.get(key)
  if (known?.startedAt === job.scan.startedAt) return known.seen
  const seen = new SeenSet()
  scans.set(key, { startedAt: job.scan.startedAt, seen })
  return seen
}

/** What became of the first commit that failed, of each run's scans. */
const failures = new Map<string, CommitReply>()

const commit = (job: CommitJob, pages: ReadonlyArray<Page>): CommitReply => {
  const key = `${job.connection} ${job.lane}`
  try {
    const seen = seenBy(key, job)
    const totals = inTransaction.immediate(() => commitPages({ ...job, pages, seen }, job.now))
    seen?.saved()
    if (pages.some((page) => page.end !== null)) scans.delete(key)
    return { _tag: "Committed", totals: totals as ReturnType<typeof commitPages> }
  } catch (cause) {
    scans.delete(key)
    const given = codeOf(cause)
    const code = cause instanceof Sqlite.SqliteError || given === schemaIsNewer ? given : null
    const message =
      cause instanceof Error ? (code === null ? (cause.stack ?? "") : cause.message) : `${cause}`
    return { _tag: "Failed", code, message }
  }
}

/** The pages of a scan build on each other: once some could not be kept, none that came after them may be. */
const commitInOrder = (job: CommitJob, pages: ReadonlyArray<Page>): CommitReply => {
  const scan = `${job.runId} ${job.connection} ${job.lane}`
  const failure = job.scan === null ? undefined : failures.get(scan)
  if (failure !== undefined) return failure
  const reply = commit(job, pages)
  if (job.scan !== null && reply._tag === "Failed") failures.set(scan, reply)
  return reply
}

const sleeper = new Int32Array(new SharedArrayBuffer(4))
let freeUntil = 0

parentPort?.on("message", (job: CommitJob | null) => {
  if (job === null) {
    database.close()
    parentPort?.close()
    return
  }
  const pages = unpackPages(job)
  const wait = freeUntil - performance.now()
  // Others ask for the lock again and again, and would never have it if it were free for an instant only.
  if (wait > 0) Atomics.wait(sleeper, 0, 0, wait)
  const began = performance.now()
  const reply = commitInOrder(job, pages)
  const ended = performance.now()
  freeUntil = ended + (ended - began) * leftToOthers
  parentPort?.postMessage(reply)
})
