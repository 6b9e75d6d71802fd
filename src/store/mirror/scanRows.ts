import type { Timestamp } from "../../domain/Timestamp.ts"
import type { Lane } from "../../http/contract.ts"
import type { Page } from "../../providers/Provider.ts"
import type { Session } from "../Db.ts"
import type { SeenSet } from "./SeenSet.ts"
import { latestBelieved } from "./staleness.ts"

/** One enumeration of a connection. */
export interface ScanOf {
  /** The scope as text: a scan resumes only for the same scope. */
  readonly scope: string
  /** When its first run began. */
  readonly startedAt: Timestamp
}

export interface UnfinishedScan extends ScanOf {
  /** Where it goes on. */
  readonly cursor: string
}

interface ScanPages {
  readonly connection: string
  readonly lane: Lane
  readonly pages: ReadonlyArray<Page>
}

/** Keeps how far each scan has come, and what it has met. */
export const makeScanRows = ({ prepare }: Session) => {
  const save = prepare(
    `INSERT INTO scans (connection, lane, scope, cursor, started_at, updated_at) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (connection, lane) DO UPDATE SET scope = excluded.scope, cursor = excluded.cursor,
       started_at = excluded.started_at, updated_at = excluded.updated_at`
  )
  const begin = prepare(
    `INSERT INTO scans (connection, lane, scope, cursor, started_at, updated_at) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (connection, lane) DO UPDATE SET scope = excluded.scope, cursor = excluded.cursor,
       started_at = excluded.started_at, updated_at = excluded.updated_at WHERE started_at <> excluded.started_at`
  )
  const remove = prepare("DELETE FROM scans WHERE connection = ? AND lane = ?")
  const readSeen = prepare(
    "SELECT block, bits FROM scan_seen WHERE connection = ? AND lane = ? AND started_at = ?"
  )
  const dropOtherSeen = prepare("DELETE FROM scan_seen WHERE connection = ? AND lane = ? AND started_at <> ?")
  const dropSeen = prepare("DELETE FROM scan_seen WHERE connection = ? AND lane = ?")
  const saveSeen = prepare(
    `INSERT INTO scan_seen (connection, lane, block, started_at, bits) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (connection, lane, block) DO UPDATE SET started_at = excluded.started_at, bits = excluded.bits`
  )

  /** Joins what an earlier process met in the same scan into the set. */
  const restoreSeen = (of: { connection: string; lane: Lane }, scan: ScanOf, seen: SeenSet): void => {
    if (seen.restored) return
    const rows = readSeen.all(of.connection, of.lane, scan.startedAt) as ReadonlyArray<{
      readonly block: number
      readonly bits: Uint8Array
    }>
    for (const { block, bits } of rows) seen.restore(block, bits)
    seen.restored = true
  }

  /** Moves the scan to the cursor of its last page that has one; the page that ends the scan removes it. */
  const advance = (
    { connection, lane, pages }: ScanPages,
    scan: ScanOf,
    seen: SeenSet | null,
    now: string
  ) => {
    const end = pages.find((page) => page.end !== null)?.end ?? null
    if (end === null) {
      const cursor = pages.findLast((page) => page.cursor !== null)?.cursor ?? null
      if (cursor !== null) save.run(connection, lane, scan.scope, cursor, scan.startedAt, now)
    } else remove.run(connection, lane)
    if (end !== null && !end.complete) dropSeen.run(connection, lane)
    else if (seen !== null) {
      dropOtherSeen.run(connection, lane, scan.startedAt)
      for (const [block, bits] of seen.unsaved()) saveSeen.run(connection, lane, block, scan.startedAt, bits)
    }
  }

  return {
    restoreSeen,
    advance,
    /** Notes that a scan has begun, unless more than that is known of it. */
    begin: (connection: string, lane: Lane, { cursor, scope, startedAt }: UnfinishedScan, now: string) =>
      begin.run(connection, lane, scope, cursor, startedAt, now),
    dropSeen: (connection: string, lane: Lane) => dropSeen.run(connection, lane)
  } as const
}

/** Where a lane's scan was interrupted; null: it was not, or it began by a clock that was ahead, and nothing is sure. */
export const unfinishedScan = (
  { prepare }: Session,
  connection: string,
  lane: Lane,
  at: Timestamp
): UnfinishedScan | null => {
  const row = prepare(
    "SELECT scope, cursor, started_at AS startedAt FROM scans WHERE connection = ? AND lane = ? AND started_at <= ?"
  ).get(connection, lane, latestBelieved(at)) as UnfinishedScan | undefined
  return row ?? null
}

/** A conversation that a complete scan did not list. */
export interface Missing {
  readonly key: number
  readonly providerId: string
  /** 1 where an earlier scan did not meet it either. */
  readonly isMarked: 0 | 1
}

/**
 * Conversations that were there before a scan began and that it did not meet. Times later than `believed` (UTC, ISO 8601)
 * are of a clock that was ahead, and so from before.
 */
export const missingFrom = (
  { prepare }: Session,
  { believed, connection, startedAt }: { connection: string; startedAt: Timestamp; believed: string },
  seen: SeenSet
): ReadonlyArray<Missing> => {
  // Keys alone are read from an index, so that a scan which met everything reads no rows.
  const keys = prepare("SELECT key FROM remote_conversations WHERE connection = ?")
    .pluck()
    .all(connection) as ReadonlyArray<number>
  const unmet = prepare(
    `SELECT key, provider_id AS providerId, missing_since IS NOT NULL AS isMarked FROM remote_conversations
     WHERE key = $key AND deleted_at IS NULL AND merged_into IS NULL
       AND (first_seen_at < $startedAt OR first_seen_at > $believed)
       AND (observed_at < $startedAt OR observed_at > $believed)`
  )
  const missing: Array<Missing> = []
  for (const key of keys) {
    const row = seen.has(key) ? undefined : (unmet.get({ key, startedAt, believed }) as Missing | undefined)
    if (row !== undefined) missing.push(row)
  }
  return missing
}
