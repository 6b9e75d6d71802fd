import type { Timestamp } from "../../../domain/Timestamp.ts"
import type { Session } from "../../Db.ts"

/** A version of SQLite that requested changes, and can damage a file that another process checkpoints meanwhile. */
export interface OldWriter {
  readonly sqlite_version: string
  readonly changes: number
  readonly last_at: Timestamp
}

/** The first version without the fault: https://sqlite.org/wal.html#the_wal_reset_bug */
export const fixedVersion = "3.51.3"

/** Versions of older lines that have the fix as well: 3.44.6 and 3.50.7. */
const fixedPatch: Readonly<Record<number, number>> = { 44: 6, 50: 7, 51: 3 }

/** Whether a version of SQLite 3 can lose what it wrote where another connection checkpoints at the same moment. */
export const hasResetFault = (version: string): boolean => {
  const [major = 0, minor = 0, patch = 0] = version.split(".").map(Number)
  if (major !== 3) return false
  const fixedIn = fixedPatch[minor]
  return fixedIn === undefined ? minor < 51 : patch < fixedIn
}

/** For so long, in milliseconds, they are remembered. */
export const writersKept = 30 * 24 * 3_600_000

/** Those that requested a change since then, newest first. */
export const oldWriters = ({ prepare }: Session, since: Timestamp): ReadonlyArray<OldWriter> =>
  (
    prepare(
      `SELECT sqlite_version, count(*) AS changes, max(requested_at) AS last_at FROM status_changes
       WHERE sqlite_version IS NOT NULL AND requested_at >= ? GROUP BY sqlite_version ORDER BY last_at DESC`
    ).all(since) as ReadonlyArray<OldWriter>
  ).filter((writer) => hasResetFault(writer.sqlite_version))
