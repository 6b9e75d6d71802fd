import { statSync } from "node:fs"
import { type Timestamp, toMillis } from "../../../domain/Timestamp.ts"
import type { StoredPrivacy } from "../../../privacy/policy.ts"
import type { Session } from "../../Db.ts"
import { headerOf } from "../../header.ts"
import { runsOver } from "../../ledger/Ledger.ts"
import { migrations } from "../../migrations/index.ts"
import { type OldWriter, oldWriters } from "./oldWriters.ts"

/** What can be said of a mirror's file by reading it. */
export interface DoctorFacts {
  /** What SQLite finds wrong with the file, at most ten lines; empty: nothing. */
  readonly damage: ReadonlyArray<string>
  /** Rows that refer to rows which are not there. */
  readonly dangling: number
  readonly schema: number
  /** The newest schema that this program knows. */
  readonly newestSchema: number
  readonly sqliteVersion: string
  readonly bytes: number
  /** Of the write-ahead log. */
  readonly logBytes: number
  readonly oldWriters: ReadonlyArray<OldWriter>
  /** Version of the SQLite that last wrote the file's first page. */
  readonly lastWriter: string
  /** What all that is stored follows, by connection. */
  readonly privacy: ReadonlyArray<{ readonly name: string; readonly stored: StoredPrivacy }>
  readonly leases: ReadonlyArray<{
    readonly connection: string
    readonly lane: string
    readonly pid: number
    readonly isExpired: boolean
  }>
  /** Requests to forget someone, and those of them that are not finished. */
  readonly erasures: number
  readonly openErasures: number
  /** Runs whose processes are gone and that no run has marked yet. */
  readonly deadRuns: number
}

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0

/** @param whole also compares every index with its table: takes many times as long */
export const doctorFacts = (
  session: Session,
  { at, since, whole }: { readonly at: Timestamp; readonly since: Timestamp; readonly whole: boolean }
): DoctorFacts => {
  const { database, prepare } = session
  const check = database.pragma(whole ? "integrity_check(10)" : "quick_check(10)") as ReadonlyArray<
    Readonly<Record<string, string>>
  >
  const damage = check.flatMap((row) => Object.values(row)).filter((line) => line !== "ok")
  const leases = prepare(
    "SELECT connection, lane, pid, expires_at <= ? AS isExpired FROM leases ORDER BY connection, lane"
  ).all(at) as ReadonlyArray<{ connection: string; lane: string; pid: number; isExpired: 0 | 1 }>
  const count = (sql: string): number => Number(prepare(sql).pluck().get())
  return {
    damage,
    erasures: count("SELECT count(*) FROM erasures"),
    openErasures: count("SELECT count(*) FROM erasures WHERE finished_at IS NULL"),
    dangling: (database.pragma("foreign_key_check") as ReadonlyArray<unknown>).length,
    schema: Number(database.pragma("user_version", { simple: true })),
    newestSchema: migrations.length,
    sqliteVersion: prepare("SELECT sqlite_version()").pluck().get() as string,
    bytes: sizeOf(database.name),
    logBytes: sizeOf(`${database.name}-wal`),
    oldWriters: oldWriters(session, since),
    lastWriter: headerOf(database.name).writer,
    privacy: (
      prepare("SELECT name, privacy FROM connections ORDER BY name").all() as ReadonlyArray<{
        readonly name: string
        readonly privacy: string | null
      }>
    ).map(({ name, privacy }) => ({
      name,
      stored: privacy === null ? null : (JSON.parse(privacy) as StoredPrivacy)
    })),
    leases: leases.map((lease) => ({ ...lease, isExpired: lease.isExpired === 1 })),
    deadRuns: runsOver(session, toMillis(at)).size
  }
}
