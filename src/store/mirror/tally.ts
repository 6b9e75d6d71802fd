import { type RecordCounts, recordCounts } from "../../domain/RecordCounts.ts"

const more = ["contacts", "overtaken"] as const

/** What became of received records, conversations, messages and contacts alike. */
export interface Totals extends RecordCounts {
  /** Of those inserted or updated, the contacts: several conversations may describe one contact differently. */
  readonly contacts: number
  /** Of those unchanged, conversations of which a newer reading is stored: what came of them was not taken. */
  readonly overtaken: number
}

/** Totals while they are counted. */
export type Tally = { -readonly [Key in keyof Totals]: Totals[Key] }

const keys: ReadonlyArray<keyof Totals> = [...recordCounts, ...more]

export const emptyTally = (): Tally => Object.fromEntries(keys.map((key) => [key, 0])) as Tally

export const addTo = (sum: Tally, part: Totals): void => {
  for (const key of keys) sum[key] += part[key]
}
