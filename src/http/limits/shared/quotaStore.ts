import { chmodSync, mkdirSync } from "node:fs"
import { dirname, join } from "node:path"
import Sqlite from "better-sqlite3"
import { refuseLaid } from "../../../files/ownership.ts"
import {
  type Change,
  calm,
  isAhead,
  type MemberUse,
  type QuotaLedger,
  type SharedBucket,
  sharedIn,
  type View
} from "./sharedState.ts"
import { stateFolder } from "./stateFolder.ts"

/*
 * The state that all processes of this user share: one small SQLite file. It holds hashes, counts and times; no
 * credential, no address and no path.
 */

/** `quota.db` in the state folder. */
export const quotaFile = (environment: NodeJS.ProcessEnv = process.env): string =>
  join(stateFolder(environment).folder, "quota.db")

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

/** How often (milliseconds) a process says that it is there, and after how long without it is gone. */
const heartbeatMillis = 3000
const silence = 10_000

const isPresent = (seenAt: number, now: number): boolean => seenAt > now - silence && !isAhead(seenAt, now)

/** How old (milliseconds) what other processes wrote may be: to ask for each request costs as much as sending it. */
const staleMillis = 5

/** The same array each time: no one else uses it. */
const none: Array<MemberUse> = []

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

/** The uses of others, but for those that a clock wrote which was ahead. */
const usesIn = (states: ReadonlyArray<string>, now: number): ReadonlyArray<MemberUse> =>
  states.map((state) => JSON.parse(state) as MemberUse).filter(({ at }) => !isAhead(at, now))

const open = (file: string): Sqlite.Database => {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  refuseLaid(file)
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
  const sweepUses = db.prepare<[number, number]>("DELETE FROM uses WHERE kept_until <= ? OR kept_until > ?")
  const sweepBuckets = db.prepare<[number]>("DELETE FROM buckets WHERE kept_until <= ?")
  const sweepMembers = db.prepare<[number, number]>("DELETE FROM members WHERE seen_at <= ? OR seen_at > ?")

  const ledger = (account: string, member: string): QuotaLedger => {
    let seenVersion = -1
    let checkedAt = -1
    let beatAt = Number.NEGATIVE_INFINITY
    let buckets = new Map<string, SharedBucket>()
    let others = new Map<string, Array<MemberUse>>()
    let members: ReadonlyArray<{ readonly member: string; readonly seen_at: number }> = []

    const read = (now: number) => {
      buckets = new Map(selectBuckets.all(account).map(({ bucket, state }) => [bucket, sharedIn(state, now)]))
      others = new Map()
      for (const { bucket, state } of selectUses.all(account, member, now)) {
        others.set(bucket, [...(others.get(bucket) ?? []), ...usesIn([state], now)])
      }
      members = selectMembers.all(account)
    }
    /** Another process's write changes the version; our own do not. */
    const refresh = (now: number) => {
      if (now - checkedAt < staleMillis && now >= checkedAt) return
      checkedAt = now
      const found = dataVersion.get() ?? 0
      if (found === seenVersion) return
      seenVersion = found
      read(now)
    }
    const cached = (bucket: string): View => ({
      shared: buckets.get(bucket) ?? calm,
      others: others.get(bucket) ?? none
    })

    const keepUntil = (shared: SharedBucket, now: number): number => {
      const { search, stated, until } = shared
      const isLearned = search !== null || stated.length > 0
      return Math.max(now + (isLearned ? memory : 600_000), until + 60_000)
    }

    const change = db.transaction((bucket: string, now: number, decide: (view: View) => Change): View => {
      const found = selectBucket.get(account, bucket)
      const before: View = {
        shared: found === undefined ? calm : sharedIn(found, now),
        others: usesIn(selectUse.all(account, bucket, member, now), now)
      }
      const { shared, use } = decide(before)
      if (shared !== undefined) putBucket.run(account, bucket, JSON.stringify(shared), keepUntil(shared, now))
      if (use !== undefined)
        putUse.run(account, bucket, member, JSON.stringify(use), Math.ceil(use.keptUntil))
      return shared === undefined ? before : { ...before, shared }
    })

    return {
      member,
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
        const present = members.filter((one) => one.member === member || isPresent(one.seen_at, now))
        const rank = present.findIndex((one) => one.member === member)
        return rank < 0
          ? { others: present.length, rank: present.length }
          : { others: present.length - 1, rank }
      },
      heartbeat: (now) => {
        const since = now - beatAt
        if (since < heartbeatMillis) return false
        beatAt = now
        putMember.run(account, member, now)
        sweepUses.run(now, now + 2 * memory)
        sweepBuckets.run(now)
        sweepMembers.run(now - 60_000, now + 60_000)
        read(now)
        return since > 3 * heartbeatMillis
      },
      leave: () => {
        beatAt = Number.NEGATIVE_INFINITY
        deleteMember.run(account, member)
      }
    }
  }
  return { ledger, close: () => db.close() }
}
