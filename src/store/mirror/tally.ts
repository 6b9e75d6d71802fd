/** What became of received records, conversations, messages and contacts alike. */
export interface Totals {
  readonly pages: number
  /** inserted + updated + unchanged + filtered + quarantined. */
  readonly received: number
  readonly inserted: number
  readonly updated: number
  readonly unchanged: number
  readonly filtered: number
  readonly quarantined: number
  /** Conversations received in scope, new or not. */
  readonly conversations: number
  /** Messages received, new or not. */
  readonly messages: number
  /** Of those inserted or updated, the contacts: several conversations may describe one contact differently. */
  readonly contacts: number
  /** Of those unchanged, conversations of which a newer reading is stored: what came of them was not taken. */
  readonly overtaken: number
}

/** Totals while they are counted. */
export type Tally = { -readonly [Key in keyof Totals]: Totals[Key] }

export const emptyTally = (): Tally => ({
  pages: 0,
  received: 0,
  inserted: 0,
  updated: 0,
  unchanged: 0,
  filtered: 0,
  quarantined: 0,
  conversations: 0,
  messages: 0,
  contacts: 0,
  overtaken: 0
})

export const addTo = (sum: Tally, part: Totals): void => {
  sum.pages += part.pages
  sum.received += part.received
  sum.inserted += part.inserted
  sum.updated += part.updated
  sum.unchanged += part.unchanged
  sum.filtered += part.filtered
  sum.quarantined += part.quarantined
  sum.conversations += part.conversations
  sum.messages += part.messages
  sum.contacts += part.contacts
  sum.overtaken += part.overtaken
}
