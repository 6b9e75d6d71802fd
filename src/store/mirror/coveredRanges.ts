import { intersect, subtract, type TimeRange } from "../../domain/TimeRange.ts"
import { now, type Timestamp, toMillis } from "../../domain/Timestamp.ts"
import type { Session } from "../Db.ts"
import { latestBelieved } from "./staleness.ts"

/** Conversations that began in the range were all listed by one scan. */
interface CoveredRange extends TimeRange {
  readonly until: Timestamp
  /** When that scan began. */
  readonly listedAt: Timestamp
}

/** What a scan covers, where it ends complete. */
export interface Coverage {
  /** What decides what the account shows, as text: ranges listed with other settings do not count. */
  readonly subject: string
  readonly ranges: ReadonlyArray<TimeRange>
}

/** Vendors' lists lag behind, and clocks differ: what began this long before a scan, in milliseconds, may not be in it. */
const settling = 3_600_000

/**
 * The ranges of a connection that were listed whole, newest first; `subject` null: with whatever settings. Those that
 * a clock that was ahead has entered count as not listed: their true end is unknown.
 */
export const coveredRanges = (
  { prepare }: Session,
  connection: string,
  subject: string | null,
  at: Timestamp
): ReadonlyArray<CoveredRange> =>
  prepare(
    `SELECT since, until, listed_at AS listedAt FROM covered_ranges
     WHERE connection = ? AND subject = coalesce(?, subject) AND listed_at <= ? ORDER BY until DESC, listed_at DESC`
  ).all(connection, subject, latestBelieved(at)) as ReadonlyArray<CoveredRange>

/** Puts the ranges in the place of all that were there. */
const replace = (
  { prepare }: Session,
  connection: string,
  subject: string,
  ranges: ReadonlyArray<CoveredRange>
): void => {
  prepare("DELETE FROM covered_ranges WHERE connection = ?").run(connection)
  const insert = prepare(
    "INSERT INTO covered_ranges (connection, subject, since, until, listed_at) VALUES (?, ?, ?, ?, ?)"
  )
  for (const { listedAt, since, until } of ranges) insert.run(connection, subject, since, until, listedAt)
}

const without = (ranges: ReadonlyArray<CoveredRange>, taken: TimeRange): ReadonlyArray<CoveredRange> =>
  ranges.flatMap((range) =>
    subtract(range, taken).map((rest) => ({ ...range, since: rest.since, until: rest.until ?? range.until }))
  )

/** Enters what a scan that began at `startedAt` has listed whole. To be called inside of a transaction. */
export const cover = (
  session: Session,
  connection: string,
  { ranges, subject }: Coverage,
  startedAt: Timestamp,
  at: Timestamp
): void => {
  const settled = now(toMillis(startedAt) - settling)
  const listed = ranges.flatMap((range): ReadonlyArray<CoveredRange> => {
    const both = intersect(range, { since: null, until: settled })
    return both === null ? [] : [{ since: both.since, until: both.until ?? settled, listedAt: startedAt }]
  })
  const older = listed.reduce(without, coveredRanges(session, connection, subject, at))
  replace(session, connection, subject, [...listed, ...older])
}

/** Forgets that anything in the range was listed. To be called inside of a transaction. */
export const uncover = (
  session: Session,
  connection: string,
  subject: string,
  range: TimeRange,
  at: Timestamp
): void =>
  replace(session, connection, subject, without(coveredRanges(session, connection, subject, at), range))
