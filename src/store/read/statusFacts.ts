import { type TimeRange, union } from "../../domain/TimeRange.ts"
import { type Timestamp, toMillis } from "../../domain/Timestamp.ts"
import type { StoredPrivacy } from "../../privacy/policy.ts"
import type { Session } from "../Db.ts"
import { runsOver, standingOutcome } from "../ledger/Ledger.ts"
import { isHolderDead } from "../ledger/processIdentity.ts"
import { latestBelieved } from "../mirror/staleness.ts"
import { type LastRunRow, makeLastRuns } from "./health/lastRuns.ts"
import { makeNewsFacts, type NewsFacts } from "./health/newsFacts.ts"

/** The last push or the last pull of a connection: the one that failed, otherwise the later one. */
interface LastRun extends Omit<LastRunRow, "error_kind" | "error_message" | "error_hint"> {
  readonly error: { readonly kind: string; readonly message: string; readonly hint: string | null } | null
}

/** A run that holds a connection's lane right now. */
interface Holder {
  readonly lane: string
  readonly host: string
  readonly pid: number
  readonly since: Timestamp
}

/** What the mirror knows of one connection. Times are UTC, ISO 8601. */
export interface ConnectionFacts extends NewsFacts {
  readonly name: string
  readonly provider: string
  /** That the provider still has as ones of their own: deleted ones and merged ones are counted by themselves. */
  readonly conversations: number
  readonly conversations_incomplete: number
  readonly conversations_deleted: number
  readonly conversations_merged: number
  /** Of `conversations`. */
  readonly messages: number
  readonly contacts: number
  readonly newest_message_at: Timestamp | null
  readonly last_complete_sync_at: Timestamp | null
  readonly last_attempt_at: Timestamp | null
  readonly last_attempt_outcome: string | null
  readonly last_run: LastRun | null
  readonly running: ReadonlyArray<Holder>
  /** Open changes by state: pending, sending, queued, sent. */
  readonly changes: Readonly<Record<string, number>>
  readonly changes_open: number
  /** Rejected or in conflict, and no later change of the conversation. */
  readonly changes_failed: number
  readonly quarantined: number
  /** What all that is stored follows; null: all is as it came. */
  readonly privacy: StoredPrivacy
  readonly unfinished_scans: ReadonlyArray<string>
  /** When conversations began that were all listed, the earliest first; what lies between is yet to be backfilled. */
  readonly covered: ReadonlyArray<TimeRange>
}

type Counts = Omit<
  ConnectionFacts,
  "last_run" | "running" | "changes" | "unfinished_scans" | "covered" | keyof NewsFacts
>

/** An id is its connection's name, a colon and the vendor's id; the semicolon is the character after the colon. */
const idOf = (column: string, connection: string): string =>
  `${column} >= ${connection} || ':' AND ${column} < ${connection} || ';'`

const counts = `
SELECT f.connection AS name, f.provider, f.conversations, f.conversations_incomplete,
  (SELECT count(*) FROM remote_conversations r WHERE r.connection = f.connection AND r.deleted_at IS NOT NULL)
    AS conversations_deleted,
  (SELECT count(*) FROM remote_conversations r
    WHERE r.connection = f.connection AND r.deleted_at IS NULL AND r.merged_into IS NOT NULL) AS conversations_merged,
  (SELECT coalesce(sum(r.stored_messages), 0) FROM remote_conversations r
    WHERE r.connection = f.connection AND r.deleted_at IS NULL AND r.merged_into IS NULL) AS messages,
  (SELECT count(*) FROM remote_contacts k WHERE ${idOf("k.id", "f.connection")}) AS contacts,
  f.newest_message_at, f.last_complete_sync_at, f.last_attempt_at, f.last_attempt_outcome, f.changes_open,
  (SELECT count(*) FROM status_changes c
    WHERE ${idOf("c.conversation_id", "f.connection")} AND c.state IN ('rejected', 'conflict') AND c.resolved_at IS NULL
      AND NOT EXISTS (SELECT 1 FROM status_changes l WHERE l.conversation_id = c.conversation_id AND l.id > c.id))
    AS changes_failed,
  f.quarantined, (SELECT c.privacy FROM connections c WHERE c.name = f.connection) AS privacy
FROM freshness f ORDER BY f.connection`

const toLastRun = (
  { error_hint, error_kind, error_message, ...rest }: LastRunRow,
  over: ReadonlySet<number>
): LastRun => ({
  ...rest,
  outcome: standingOutcome(rest.outcome, rest.run_id, over),
  error: error_kind === null ? null : { kind: error_kind, message: error_message ?? "", hint: error_hint }
})

const openChanges = `
SELECT c.state, count(*) AS count FROM status_changes c
WHERE ${idOf("c.conversation_id", "$connection")} AND c.state IN ('pending', 'sending', 'queued', 'sent') GROUP BY c.state`

/** The run whose start is the last attempt to pull. */
const lastAttempt = `
SELECT run_id FROM run_connections
WHERE connection = ? AND started_at = ? AND lane IN ('sync', 'backfill') ORDER BY run_id DESC LIMIT 1`

interface HolderRow extends Holder {
  readonly owner: string
}

/** Every connection that the mirror holds, by name. */
export const statusFacts = (session: Session, at: Timestamp): ReadonlyArray<ConnectionFacts> => {
  const { prepare } = session
  const rows = prepare(counts).all() as ReadonlyArray<Counts & { readonly privacy: string | null }>
  const holders = prepare(
    "SELECT lane, host, pid, acquired_at AS since, owner FROM leases WHERE connection = ? AND expires_at > ? ORDER BY lane"
  )
  const ranges = prepare("SELECT since, until FROM covered_ranges WHERE connection = ? AND listed_at <= ?")
  const scans = prepare("SELECT lane FROM scans WHERE connection = ? ORDER BY lane").pluck()
  const news = makeNewsFacts(session, toMillis(at))
  const over = runsOver(session, toMillis(at))
  const attempts = prepare(lastAttempt).pluck()
  const lastRuns = makeLastRuns(session)
  return rows.map((row) => {
    const [last] = lastRuns(row.name)
    const states = prepare(openChanges).all({ connection: row.name }) as ReadonlyArray<{
      state: string
      count: number
    }>
    return {
      ...row,
      privacy: row.privacy === null ? null : (JSON.parse(row.privacy) as StoredPrivacy),
      last_attempt_outcome:
        row.last_attempt_outcome === null
          ? null
          : standingOutcome(
              row.last_attempt_outcome,
              Number(attempts.get(row.name, row.last_attempt_at)),
              over
            ),
      last_run: last === undefined ? null : toLastRun(last, over),
      running: (holders.all(row.name, at) as ReadonlyArray<HolderRow>)
        .filter((holder) => !isHolderDead(holder))
        .map(({ host, lane, pid, since }) => ({ lane, host, pid, since })),
      changes: Object.fromEntries(states.map(({ count, state }) => [state, count])),
      unfinished_scans: scans.all(row.name) as ReadonlyArray<string>,
      ...news(row.name),
      covered: union(ranges.all(row.name, latestBelieved(at)) as ReadonlyArray<TimeRange>)
    }
  })
}
