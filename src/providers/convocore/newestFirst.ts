import { type Timestamp, toMillis } from "../../domain/Timestamp.ts"

/** The times of a listed row; null: it shows none. */
export interface RowTimes {
  /** What the list is sorted by. */
  readonly ts: Timestamp | null
  readonly startedAt: Timestamp | null
}

/** The vendor writes some times in seconds and others in milliseconds: so much, in milliseconds, they may differ. */
const rounding = 1_000

/**
 * Tells when the rest of a list can hold nothing that began at `since` or later. The vendor says that its lists are
 * sorted by `ts`, newest first, and not what `ts` is; so each page must be in that order, and no conversation may
 * have begun after its `ts`. Once that was not so, nothing is concluded any more.
 * https://docs.convocore.ai/api-reference/v3/conversations/get
 */
export const makeNewestFirst = (since: Timestamp | null) => {
  let holds = true

  const holdsFor = ({ startedAt, ts }: RowTimes, before: RowTimes | undefined): boolean =>
    ts !== null &&
    (startedAt === null || toMillis(startedAt) < toMillis(ts) + rounding) &&
    (before === undefined || before.ts === null || toMillis(ts) < toMillis(before.ts) + rounding)

  /** @param page the rows of the newest answer, in its order */
  return (page: ReadonlyArray<RowTimes>): boolean => {
    holds &&= page.every((row, index) => holdsFor(row, page[index - 1]))
    if (!holds || since === null || page.length === 0) return false
    const before = toMillis(since) - rounding
    return page.every(({ ts }) => ts !== null && toMillis(ts) < before)
  }
}
