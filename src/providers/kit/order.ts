import { type Timestamp, toMillis } from "../../domain/Timestamp.ts"
import type { RawPayload, Sighting } from "../Provider.ts"

/**
 * Whether a list of messages runs from the newest to the oldest, as most neighbours say: one odd time at its ends or in
 * its middle makes two neighbours wrong at most, and turns nothing around.
 * @param times of the messages, in the list's order; null: a message has none
 */
export const isNewestFirst = (times: ReadonlyArray<Timestamp | null>): boolean => {
  let before: Timestamp | null = null
  let falls = 0
  for (const time of times) {
    if (time === null) continue
    if (before !== null && time !== before) falls += time < before ? 1 : -1
    before = time
  }
  return falls > 0
}

interface Shown {
  readonly raw: RawPayload
}

/** Of payloads that are stored, and that were just shown. */
const isShownAfter = ({ shownAt }: RawPayload, other: RawPayload): boolean =>
  other.shownAt !== undefined && (shownAt === undefined || shownAt > other.shownAt)

/**
 * A sighting of a row of a list and of details. Where the row was shown later, the details were missing then, or not
 * wanted, and what the row says counts.
 * @param listed the sighting of the row alone
 */
export const withLaterWord = <Row extends Shown>(
  { detail, row }: { readonly detail: Shown | null; readonly row: Row | null },
  whole: Sighting,
  listed: (row: Row) => Sighting
): Sighting => {
  if (row === null || detail === null || !isShownAfter(row.raw, detail.raw)) return whole
  const { contact, conversation } = listed(row)
  return { ...whole, contact, conversation, fingerprint: null }
}

/** Copies that a vendor has of one record lag behind each other by an unknown time. After this, in milliseconds, they agree. */
const settlingMillis = 3_600_000

/** Whether a record that last changed then may be shown as it was before. @param changedAt null: not known */
export const maySettle = (changedAt: Timestamp | null, now: number): boolean =>
  changedAt !== null && Math.abs(now - toMillis(changedAt)) <= settlingMillis

/**
 * Whether details are older than the row that made them be requested, as a copy that lags shows them: the row does not
 * tell then that nothing has changed since. Only of what changed lately, for two places may always differ. Whole seconds
 * count, since not all places write fractions.
 */
export const isBehind = (detail: Timestamp | null, row: Timestamp | null, now: number): boolean =>
  detail !== null && row !== null && detail.slice(0, 19) < row.slice(0, 19) && maySettle(row, now)
