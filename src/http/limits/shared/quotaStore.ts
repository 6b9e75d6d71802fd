import { chmodSync, existsSync, mkdirSync } from "node:fs"
import { homedir } from "node:os"
import { dirname, join } from "node:path"
import Sqlite from "better-sqlite3"
import {
  type Change,
  calm,
  type MemberUse,
  type QuotaLedger,
  type SharedBucket,
  type View
} from "./sharedState.ts"

/*
 * The state that all processes of this user share: one small SQLite file. It holds hashes, counts and times; no
 * credential, no address and no path.
 */

/** `$XDG_STATE_HOME/parley/quota.db`, else `~/.local/state/parley/quota.db`. */
export const quotaFile = (environment: NodeJS.ProcessEnv = process.env): string => {
  const { XDG_STATE_HOME: state } = environment
  const folder = state === undefined || state === "" ? join(homedir(), ".local", "state") : state
  return join(folder, "parley", "quota.db")
}

const version = 3

const tables = /* sql */ `
DROP TABLE IF EXISTS buckets;
DROP TABLE IF EXISTS uses;
DROP TABLE IF EXISTS members;
CREATE TABLE buckets (
  account TEXT NOT NULL, bucket TEXT NOT NULL, state TEXT NOT NULL, kept_until INTEGER NOT NULL,
  PRIMARY KEY (account, bucket)
) STRICT, WITHOUT ROWID;
CREATE TABLE uses (
  account TEXT NOT NULL, bucket TEXT NOT NULL, member TEXT NOT NULL, state TEXT NOT NULL, kept_until INTEGER NOT NULL,
  PRIMARY KEY (account, bucket, member)
) STRICT, WITHOUT ROWID;
CREATE TABLE members (
  rank INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, member TEXT NOT NULL, seen_at INTEGER NOT NULL,
  UNIQUE (account, member)
) STRICT;
PRAGMA user_version = ${version};
`

/** A process that was not heard of for so long (milliseconds) is gone. */
const silence = 10_000

/** How long found limits are remembered, milliseconds. */
const memory = 30 * 24 * 3_600_000

export interface QuotaStore {
  /** @param member this process; every account has its own ledger */
  readonly ledger: (account: string, member: string) => QuotaLedger
  readonly close: () => void
}

interface Row {
  readonly bucket: string
  readonly state: string
}

const open = (file: string): Sqlite.Database => {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const db = new Sqlite(file, { timeout: 5000 })
  chmodSync(file, 0o600)
  db.pragma("journal_mode = WAL")
  db.pragma("synchronous = NORMAL")
  const prepare = db.transaction(() => {
    if (db.pragma("user_version", { simple: true }) !== version) db.exec(tables)
  })
  prepare.immediate()
  return db
}

/** What stands between one credential and its next request. Times are epoch milliseconds. */
export interface Standing {
  /** Nothing leaves before; null: no refusal stands. */
  readonly waiting: {
    readonly until: number
    /** In words: `it asked for 30 s`. */
    readonly reason: string
    /** Only some requests wait: those of one path, or of one kind. */
    readonly isPart: boolean
  } | null
  /** The rate that was found where no limit is known, requests a second; null: none was. */
  readonly foundPerSecond: number | null
}

/** Reads how an account stands and changes nothing; null: there is no such file, or it cannot be read. */
export const readStanding = (account: string, now: number, file: string = quotaFile()): Standing | null => {
  if (!existsSync(file)) return null
  let db: Sqlite.Database | null = null
  try {
    db = new Sqlite(file, { readonly: true, fileMustExist: true, timeout: 1000 })
    let waiting: Standing["waiting"] = null
    let foundPerSecond: number | null = null
    const rows = db.prepare<[string], Row>("SELECT bucket, state FROM buckets WHERE account = ?").all(account)
    for (const { bucket, state } of rows) {
      const { finder, reason, until } = JSON.parse(state) as SharedBucket
      const isPart = bucket !== "general"
      if (!isPart) foundPerSecond = finder?.hits ? finder.rate : null
      if (until > now && (waiting === null || (waiting.isPart && (!isPart || until > waiting.until)))) {
        waiting = { until, reason, isPart }
      }
    }
    return { waiting, foundPerSecond }
  } catch {
    return null
  } finally {
    db?.close()
  }
}

/** Opens or creates the file. Throws where it cannot: read-only folder, not a database, disk full. */
export const openQuotaStore = (file: string): QuotaStore => {
  const db = open(file)
  const dataVersion = db.prepare<[], number>("PRAGMA data_version").pluck()
  const selectBuckets = db.prepare<[string], Row>("SELECT bucket, state FROM buckets WHERE account = ?")
  const selectBucket = db
    .prepare<[string, string], string>("SELECT state FROM buckets WHERE account = ? AND bucket = ?")
    .pluck()
  const selectUses = db.prepare<[string, string, number], Row>(
    "SELECT bucket, state FROM uses WHERE account = ? AND member <> ? AND kept_until > ?"
  )
  const selectUse = db
    .prepare<[string, string, string, number], string>(
      "SELECT state FROM uses WHERE account = ? AND bucket = ? AND member <> ? AND kept_until > ?"
    )
    .pluck()
  const putBucket = db.prepare("INSERT OR REPLACE INTO buckets VALUES (?, ?, ?, ?)")
  const putUse = db.prepare("INSERT OR REPLACE INTO uses VALUES (?, ?, ?, ?, ?)")
  const putMember = db.prepare(
    "INSERT INTO members (account, member, seen_at) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET seen_at = excluded.seen_at"
  )
  const selectMembers = db.prepare<[string], { readonly member: string; readonly seen_at: number }>(
    "SELECT member, seen_at FROM members WHERE account = ? ORDER BY rank"
  )
  const deleteMember = db.prepare("DELETE FROM members WHERE account = ? AND member = ?")
  const sweep = [
    db.prepare<[number]>("DELETE FROM uses WHERE kept_until <= ?"),
    db.prepare<[number]>("DELETE FROM buckets WHERE kept_until <= ?"),
    db.prepare<[number]>("DELETE FROM members WHERE seen_at <= ?")
  ]

  const ledger = (account: string, member: string): QuotaLedger => {
    let seenVersion = -1
    let checkedAt = -1
    let buckets = new Map<string, SharedBucket>()
    let others = new Map<string, Array<MemberUse>>()
    let members: ReadonlyArray<{ readonly member: string; readonly seen_at: number }> = []

    const read = (now: number) => {
      buckets = new Map(
        selectBuckets.all(account).map(({ bucket, state }) => [bucket, JSON.parse(state) as SharedBucket])
      )
      others = new Map()
      for (const { bucket, state } of selectUses.all(account, member, now)) {
        const uses = others.get(bucket)
        if (uses === undefined) others.set(bucket, [JSON.parse(state) as MemberUse])
        else uses.push(JSON.parse(state) as MemberUse)
      }
      members = selectMembers.all(account)
    }
    /** Another process's write changes the version; our own do not. */
    const refresh = (now: number) => {
      if (now === checkedAt) return
      checkedAt = now
      const found = dataVersion.get() ?? 0
      if (found === seenVersion) return
      seenVersion = found
      read(now)
    }
    const cached = (bucket: string): View => ({
      shared: buckets.get(bucket) ?? calm,
      others: others.get(bucket) ?? []
    })

    const keepUntil = (shared: SharedBucket, now: number): number => {
      const { evenUntil, finder, lower, stated, until } = shared
      const isLearnt = finder !== null || lower !== null || stated.length > 0 || evenUntil > 0
      return Math.max(now + (isLearnt ? memory : 600_000), until + 60_000)
    }

    const change = db.transaction((bucket: string, now: number, decide: (view: View) => Change): View => {
      const found = selectBucket.get(account, bucket)
      const before: View = {
        shared: found === undefined ? calm : (JSON.parse(found) as SharedBucket),
        others: selectUse.all(account, bucket, member, now).map((state) => JSON.parse(state) as MemberUse)
      }
      const { shared, use } = decide(before)
      if (shared !== undefined) putBucket.run(account, bucket, JSON.stringify(shared), keepUntil(shared, now))
      if (use !== undefined)
        putUse.run(account, bucket, member, JSON.stringify(use), Math.ceil(use.keptUntil))
      return shared === undefined ? before : { ...before, shared }
    })

    return {
      view: (bucket, now) => {
        refresh(now)
        return cached(bucket)
      },
      update: (bucket, now, decide) => {
        const view = change.immediate(bucket, now, decide)
        buckets.set(bucket, view.shared)
        others.set(bucket, [...view.others])
        return view
      },
      company: (now) => {
        refresh(now)
        const present = members.filter((one) => one.member === member || one.seen_at > now - silence)
        const rank = present.findIndex((one) => one.member === member)
        return rank < 0
          ? { others: present.length, rank: present.length }
          : { others: present.length - 1, rank }
      },
      greet: (now) => {
        putMember.run(account, member, now)
        for (const statement of sweep) statement.run(statement === sweep[2] ? now - 60_000 : now)
        read(now)
      },
      leave: () => {
        deleteMember.run(account, member)
      }
    }
  }
  return { ledger, close: () => db.close() }
}
