/** How a received record can end. */
export const recordOutcomes = ["inserted", "updated", "unchanged", "filtered", "quarantined"] as const

/** Received records, and how they ended: `received` is the sum of the others. */
export const receivedCounts = ["received", ...recordOutcomes] as const

/** What is counted of a page, of a run's connection, and in reports; the columns of `run_connections` have these names. */
export const recordCounts = ["pages", ...receivedCounts, "conversations", "messages"] as const

/** `conversations` and `messages`: those that were received in scope, new or not. */
export type RecordCounts = Readonly<Record<(typeof recordCounts)[number], number>>
