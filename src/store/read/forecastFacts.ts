import { includes, type TimeRange } from "../../domain/TimeRange.ts"
import { now, type Timestamp, toMillis } from "../../domain/Timestamp.ts"
import type { Lane } from "../../http/contract.ts"
import type { Session } from "../Db.ts"

/** A pull that ended complete. */
export interface PastPull {
  readonly runId: number
  readonly lane: Lane
  readonly startedAt: Timestamp
  /** From its start to its end, milliseconds. */
  readonly millis: number
  readonly requests: number
  readonly waitedMillis: number
  /** Conversations that it was shown. */
  readonly listed: number
  /** Conversations that it brought for the first time. */
  readonly fresh: number
  /** Since the complete pull before it, milliseconds; null: it was the first. */
  readonly since: number | null
}

/** What the mirror and its ledger know about how much a pull will have to do. */
export interface ForecastFacts {
  /** When the last scan began that listed everything; null: none did. */
  readonly completeAt: Timestamp | null
  /** Conversations held that were not deleted, and those that began within the ranges. */
  readonly held: number
  readonly heldInside: number
  /** New conversations a day, in the last weeks before that scan. */
  readonly newPerDay: number
  /** Conversations that an interrupted pull of the same lane has been shown already. */
  readonly alreadyListed: number
  /** The newest first. */
  readonly past: ReadonlyArray<PastPull>
}

export const noFacts: ForecastFacts = {
  completeAt: null,
  held: 0,
  heldInside: 0,
  newPerDay: 0,
  alreadyListed: 0,
  past: []
}

const day = 86_400_000
const recentDays = 28
const mostPast = 30

/** Counts each conversation with the pull that brought it first. */
const countFresh = (past: ReadonlyArray<PastPull>) => {
  const counts = past.map(() => 0)
  return {
    add: (firstSeenAt: Timestamp): void => {
      const index = past.findIndex(({ startedAt }) => startedAt <= firstSeenAt)
      if (index >= 0) counts[index] = (counts[index] ?? 0) + 1
    },
    counted: (): ReadonlyArray<PastPull> =>
      past.map((pull, index) => ({ ...pull, fresh: counts[index] ?? 0 }))
  }
}

interface PastRow {
  readonly runId: number
  readonly lane: Lane
  readonly startedAt: Timestamp
  readonly finishedAt: Timestamp
  readonly requests: number
  readonly waitedMillis: number
  readonly listed: number
}

const pastPulls = ({ prepare }: Session, connection: string): ReadonlyArray<PastPull> => {
  const rows = prepare(
    `SELECT run_id AS runId, lane, started_at AS startedAt, finished_at AS finishedAt, requests,
       waited_ms AS waitedMillis, conversations + filtered AS listed
     FROM run_connections
     WHERE connection = ? AND lane IN ('sync', 'backfill') AND outcome IN ('complete', 'partial')
       AND error_kind IS NULL AND requests > 0
     ORDER BY run_id DESC LIMIT ?`
  ).all(connection, mostPast + 1) as ReadonlyArray<PastRow>
  return rows.slice(0, mostPast).map((row, index) => {
    const before = rows[index + 1]
    return {
      runId: row.runId,
      lane: row.lane,
      startedAt: row.startedAt,
      millis: toMillis(row.finishedAt) - toMillis(row.startedAt),
      requests: row.requests,
      waitedMillis: row.waitedMillis,
      listed: row.listed,
      fresh: 0,
      since: before === undefined ? null : toMillis(row.startedAt) - toMillis(before.startedAt)
    }
  })
}

const bitsIn = (bytes: Uint8Array): number => {
  let bits = 0
  for (const byte of bytes) for (let rest = byte; rest !== 0; rest &= rest - 1) bits += 1
  return bits
}

const alreadyListed = ({ prepare }: Session, connection: string, lane: Lane, scope: string): number => {
  const blocks = prepare(
    `SELECT e.bits FROM scan_seen e JOIN scans s ON s.connection = e.connection AND s.lane = e.lane
       AND s.started_at = e.started_at
     WHERE e.connection = ? AND e.lane = ? AND s.scope = ?`
  ).all(connection, lane, scope) as ReadonlyArray<{ readonly bits: Uint8Array }>
  return blocks.reduce((sum, { bits }) => sum + bitsIn(bits), 0)
}

/** @param ranges what the pull will ask for. @param scope of the pull, as its unfinished scan would be kept */
export const forecastFacts = (
  session: Session,
  connection: string,
  pull: { readonly lane: Lane; readonly scope: string; readonly ranges: ReadonlyArray<TimeRange> }
): ForecastFacts => {
  const { prepare } = session
  const completeAt =
    (prepare("SELECT last_complete_scan_at FROM connections WHERE name = ?").pluck().get(connection) as
      | Timestamp
      | null
      | undefined) ?? null
  const rows = prepare(
    `SELECT started_at AS startedAt, first_seen_at AS firstSeenAt FROM remote_conversations
     WHERE connection = ? AND deleted_at IS NULL AND merged_into IS NULL`
  ).iterate(connection) as IterableIterator<{ startedAt: Timestamp | null; firstSeenAt: Timestamp }>
  const recentFrom = completeAt === null ? null : now(Math.max(0, toMillis(completeAt) - recentDays * day))
  const fresh = countFresh(pastPulls(session, connection))
  let held = 0
  let heldInside = 0
  let recent = 0
  for (const { firstSeenAt, startedAt } of rows) {
    held += 1
    if (startedAt === null || pull.ranges.some((range) => includes(range, startedAt))) heldInside += 1
    if (recentFrom !== null && startedAt !== null && startedAt >= recentFrom) recent += 1
    fresh.add(firstSeenAt)
  }
  return {
    completeAt,
    held,
    heldInside,
    newPerDay: recent / recentDays,
    alreadyListed: alreadyListed(session, connection, pull.lane, pull.scope),
    past: fresh.counted()
  }
}
