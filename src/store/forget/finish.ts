import { readdirSync, rmSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import Sqlite from "better-sqlite3"
import type { Timestamp } from "../../domain/Timestamp.ts"
import { isDead, isHolderDead, thisProcess } from "../ledger/processIdentity.ts"
import { makeBlockWriter } from "../mirror/raw/rawBlocks.ts"
import { removeKinds } from "../mirror/removeMessages.ts"
import type { Session } from "../Session.ts"
import { makeErase } from "./erase.ts"

/*
 * Finishes erasures: rows first, then what rows leave behind, in words that many messages share, in blocks of payloads, in
 * the search index, in free space and in the write-ahead log.
 */

/** Pages of the search index that are written in one transaction. */
const indexPagesAtOnce = 100

/** Whether anything is to be erased still. */
export const isErasing = ({ prepare }: Session): boolean =>
  prepare("SELECT EXISTS (SELECT 1 FROM erasures WHERE finished_at IS NULL)").pluck().get() === 1

/** Why the rest has to wait; the rows are gone. */
interface Unfinished {
  readonly reason: string
  /** It is likely over soon; left out: it is not. */
  readonly isBrief?: boolean
}

/** What a part of the work came to. `Waits`: another program or the disk is in the way, and the next opening goes on. */
export type Part = { readonly _tag: "More" | "Done" } | ({ readonly _tag: "Waits" } & Unfinished)

const more: Part = { _tag: "More" }

/** Merges a part of the index; words of texts that are gone stay until what holds them is merged. Whether there is more. */
export const mergeIndex = ({ prepare }: Session): boolean => {
  const changes = prepare("SELECT total_changes()").pluck()
  const before = Number(changes.get())
  prepare("INSERT INTO message_search (message_search, rank) VALUES ('merge', ?)").run(-indexPagesAtOnce)
  return Number(changes.get()) - before >= 2
}

/** A file of more bytes takes longer to be written anew than others wait for it. */
const largeFile = 200 * 2 ** 20

/** Who else is at work on a large file: it is not written anew under a run that would have to wait for longer than it does. */
const runInTheWay = ({ database, prepare }: Session, at: Timestamp): Unfinished | null => {
  const bytes =
    Number(database.pragma("page_count", { simple: true })) *
    Number(database.pragma("page_size", { simple: true }))
  if (bytes < largeFile) return null
  const leases = prepare("SELECT connection, lane, host, pid, owner FROM leases WHERE expires_at > ?").all(
    at
  ) as ReadonlyArray<{ connection: string; lane: string; host: string; pid: number; owner: string }>
  const living = leases.find((lease) => !isHolderDead(lease))
  return living === undefined
    ? null
    : {
        reason: `a run is at work (${living.connection}, ${living.lane}, process ${living.pid})`,
        isBrief: true
      }
}

/** Copies of the mirror that a `rebuild --plan` made and could not remove because it was killed. */
export const removeLeftCopies = (path: string): void => {
  const name = `${basename(path)}.plan-`
  for (const file of readdirSync(dirname(path))) {
    const pid = file.startsWith(name) ? Number.parseInt(file.slice(name.length), 10) : Number.NaN
    if (!Number.isNaN(pid) && isDead({ host: thisProcess().host, pid, start: null })) {
      rmSync(join(dirname(path), file), { force: true })
    }
  }
}

/** Writes the whole file anew, so that nothing is left in the space between rows, and empties the log. */
export const compact = ({ database }: Session): Unfinished | null => {
  // Its copy of the file is too large for memory; it has no name, and none of them in it.
  database.pragma("temp_store = FILE")
  try {
    database.exec("VACUUM")
  } catch (cause) {
    if (!(cause instanceof Sqlite.SqliteError)) throw cause
    return {
      reason:
        cause.code === "SQLITE_FULL"
          ? "there is no room on the disk to write the file anew"
          : `the file could not be written anew (${cause.message})`
    }
  } finally {
    database.pragma("temp_store = MEMORY")
  }
  return emptyLog(database)
}

const emptyLog = (database: Sqlite.Database): Unfinished | null => {
  const [log] = database.pragma("wal_checkpoint(TRUNCATE)") as ReadonlyArray<{ readonly busy: number }>
  return log?.busy === 0 ? null : { reason: "another program reads an older state of the mirror" }
}

/**
 * The parts of finishing what is to be erased, in order. Each call does one, in a transaction of its own where it writes
 * rows, and leaves the session as it was.
 */
export const makeFinish = (session: Session): ((at: Timestamp) => Part) => {
  const { database, prepare } = session
  const erase = makeErase(session)
  const blocks = makeBlockWriter(session)
  const spoilt = prepare("SELECT key FROM raw_blocks WHERE unused > 0 LIMIT 1").pluck()
  const transaction = database.transaction(<A>(f: () => A): A => f())
  const write = <A>(f: () => A): A => {
    database.pragma("foreign_keys = OFF")
    database.pragma("secure_delete = ON")
    try {
      return transaction.immediate(f) as A
    } finally {
      database.pragma("secure_delete = OFF")
      database.pragma("foreign_keys = ON")
    }
  }
  const shrink = (): boolean => {
    const block = spoilt.get() as number | undefined
    if (block !== undefined) blocks.shrink(block)
    return block !== undefined
  }
  const stages: ReadonlyArray<(at: Timestamp) => Part | null> = [
    (at) => (write(() => erase(at)) ? more : null),
    (at) => {
      write(() => {
        prepare("UPDATE erasures SET erased_at = ? WHERE erased_at IS NULL").run(at)
        removeKinds(session)
      })
      return null
    },
    () => (write(shrink) ? more : null),
    () => (write(() => mergeIndex(session)) ? more : null),
    (at) => {
      removeLeftCopies(database.name)
      const unfinished = runInTheWay(session, at) ?? compact(session)
      return unfinished === null ? null : { _tag: "Waits", ...unfinished }
    }
  ]
  let stage = 0
  return (at) => {
    if (stage === 0 && !isErasing(session)) return { _tag: "Done" }
    const part = stages[stage]?.(at)
    if (part !== null && part !== undefined) return part
    stage += 1
    if (stage < stages.length) return more
    stage = 0
    // What was requested meanwhile has rows to go, and begins again.
    write(() =>
      prepare(
        "UPDATE erasures SET finished_at = ? WHERE finished_at IS NULL AND erased_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM erasure_rows)"
      ).run(at)
    )
    return isErasing(session) ? more : { _tag: "Done" }
  }
}

/** Finishes all of it at once; null: it is done. */
export const finishErasures = (session: Session, at: Timestamp): Unfinished | null => {
  if (!isErasing(session)) return null
  const next = makeFinish(session)
  for (;;) {
    const part = next(at)
    if (part._tag === "Waits") return part
    if (part._tag === "Done") return null
  }
}
