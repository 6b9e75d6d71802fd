import { type Timestamp, toMillis } from "../../../domain/Timestamp.ts"
import type { Session } from "../../Db.ts"

/*
 * How soon news of a connection comes: by its runs, and by webhooks.
 */

/** How many webhooks came, and what became of them. */
export interface HintFacts {
  readonly received: number
  /** Of these, named what another one had named just before. */
  readonly merged: number
  /** Led to a request. */
  readonly fetched: number
  /** What is stored was as new. */
  readonly useless: number
  /** The provider refused the request. */
  readonly failed: number
  /** Not signed. */
  readonly refused: number
  /** Tests, and those that name no conversation. */
  readonly unread: number
  /** Too many at once: counted, and left to the next sync. */
  readonly dropped: number
  readonly last_at: Timestamp | null
  readonly last_refused_at: Timestamp | null
  /** Records that runs have found new or changed since the last one came. */
  readonly changes_since: number
}

export interface NewsFacts {
  /** Its webhooks; null: none has ever come. */
  readonly hints: HintFacts | null
  /**
   * Within how many milliseconds rows are shown again, as a rule: from the start of a complete sync to the end of the next,
   * the median of the last ones. Null: there were too few, or no more come.
   */
  readonly kept_within_ms: number | null
}

/** Webhooks that stay away for so long, milliseconds, while runs find so many records changed, do not arrive any more. */
const silentAfter = 3_600_000
const missedRecords = 10

/** Whether webhooks that used to come do not come any more. @param at epoch milliseconds */
export const areSilent = ({ changes_since, last_at }: HintFacts, at: number): boolean =>
  last_at !== null && at - toMillis(last_at) > silentAfter && changes_since >= missedRecords

const hintFacts = `
SELECT received, merged, fetched, useless, failed, refused, unread, dropped, last_at, last_refused_at,
  (SELECT coalesce(sum(c.inserted + c.updated), 0) FROM run_connections c
   WHERE c.connection = h.connection AND c.lane = 'sync' AND c.started_at > h.last_at) AS changes_since
FROM hint_counts h WHERE connection = ?`

/** Complete syncs that are looked at, and how many spans between two of them tell something. */
const lately = 10
const enough = 3

/** Without a sync for so many of these times, no more come. */
const over = 3

const lastSyncs = `
SELECT started_at, finished_at FROM run_connections
WHERE connection = ? AND lane = 'sync' AND outcome = 'complete' ORDER BY run_id DESC LIMIT ${lately}`

type Sync = readonly [startedAt: Timestamp, finishedAt: Timestamp]

const keptWithin = (newestFirst: ReadonlyArray<Sync>, at: number): number | null => {
  const [newest] = newestFirst
  const spans = newestFirst.slice(1).map(([startedAt], index) => {
    const [, finishedAt] = newestFirst[index] ?? [startedAt, startedAt]
    return toMillis(finishedAt) - toMillis(startedAt)
  })
  if (newest === undefined || spans.length < enough) return null
  const median = spans.sort((one, other) => one - other)[Math.ceil(spans.length / 2) - 1] ?? 0
  return at - toMillis(newest[1]) > over * median ? null : median
}

/** @param at now, epoch milliseconds */
export const makeNewsFacts = ({ prepare }: Session, at: number): ((connection: string) => NewsFacts) => {
  const hinted = prepare(hintFacts)
  const syncs = prepare(lastSyncs).raw()
  return (connection) => ({
    hints: (hinted.get(connection) as HintFacts | undefined) ?? null,
    kept_within_ms: keptWithin(syncs.all(connection) as ReadonlyArray<Sync>, at)
  })
}
