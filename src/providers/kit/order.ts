import type { Timestamp } from "../../domain/Timestamp.ts"
import type { RawPayload } from "../Provider.ts"

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

/** Whether a list showed a conversation later than its details were: they were missing then, or not wanted. */
export const isLaterWord = (row: Shown, detail: Shown): boolean =>
  (row.raw.shownAt ?? "") > (detail.raw.shownAt ?? "")
