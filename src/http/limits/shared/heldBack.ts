import { existsSync } from "node:fs"
import Sqlite from "better-sqlite3"
import { rateOf } from "../rateSearch.ts"
import { quotaFile } from "./quotaStore.ts"
import { sharedIn } from "./sharedState.ts"

/** Why some of a credential's requests do not leave. */
export interface Hold {
  /** Nothing leaves before, epoch milliseconds. */
  readonly until: number
  /** In words: `it asked for 30 s`. */
  readonly reason: string
  /** What waits: everything, the requests of one kind, those of one path, or all of this machine for the vendor. */
  readonly scope: "connection" | "kind" | "path" | "address"
}

/** What was learned of a credential's limits. Rates are requests a second. */
export interface LearnedLimits {
  /** What holds requests back now, what concerns the most first. */
  readonly holds: ReadonlyArray<Hold>
  /** The rate that was found where no limit is known; null: none was. */
  readonly foundPerSecond: number | null
  /** The limits that the vendor's headers state otherwise than its documentation, in the order of the configured ones. */
  readonly stated: ReadonlyArray<number | null>
  /** It refused although the documented limit was kept: requests that it served in the window; null: it did not. */
  readonly lower: number | null
}

const nothingLearned: LearnedLimits = { holds: [], foundPerSecond: null, stated: [], lower: null }

/** The keys of a credential at an origin, and of the origin alone. */
export interface LimitKeys {
  readonly account: string
  readonly origin: string
}

const scopes = ["connection", "address", "kind", "path"] as const

const scopeOf = (bucket: string): Hold["scope"] => {
  if (bucket === "general" || bucket.startsWith("whole ")) return "connection"
  if (bucket === "address") return "address"
  return bucket.startsWith("path ") ? "path" : "kind"
}

const byScope = (left: Hold, right: Hold): number =>
  scopes.indexOf(left.scope) - scopes.indexOf(right.scope) || right.until - left.until

/** Reads what was learned and changes nothing; null: there is no such file, or it cannot be read. */
export const readLearnedLimits = (
  { account, origin }: LimitKeys,
  now: number,
  file: string = quotaFile()
): LearnedLimits | null => {
  if (!existsSync(file)) return null
  let db: Sqlite.Database | null = null
  try {
    db = new Sqlite(file, { readonly: true, fileMustExist: true, timeout: 1000 })
    const rows = db
      .prepare<[string, string], { readonly bucket: string; readonly state: string }>(
        "SELECT bucket, state FROM buckets WHERE account IN (?, ?)"
      )
      .all(account, origin)
    let learned = nothingLearned
    for (const { bucket, state } of rows) {
      const { reason, search, stated, until } = sharedIn(state, now)
      const scope = scopeOf(bucket)
      if (until > now) learned = { ...learned, holds: [...learned.holds, { until, reason, scope }] }
      if (bucket !== "general") continue
      const lower = search?.lower ?? null
      learned = {
        ...learned,
        foundPerSecond: search?.hits ? rateOf(search, now) : null,
        stated,
        lower: lower !== null && lower.until > now ? lower.requests : null
      }
    }
    return { ...learned, holds: learned.holds.toSorted(byScope) }
  } catch {
    return null
  } finally {
    db?.close()
  }
}

/**
 * Forgets what was learned of a credential's limits, and of those of its origin: the next run begins as if it were the
 * first. Runs that are going on heed it at once. Throws what SQLite throws. Gives how many buckets it forgot.
 */
export const forgetLearnedLimits = ({ account, origin }: LimitKeys, file: string = quotaFile()): number => {
  if (!existsSync(file)) return 0
  const db = new Sqlite(file, { fileMustExist: true, timeout: 5000 })
  try {
    return db.prepare("DELETE FROM buckets WHERE account IN (?, ?)").run(account, origin).changes
  } finally {
    db.close()
  }
}
