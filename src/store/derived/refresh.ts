import { makeActivityRows } from "../mirror/activity.ts"
import type { Session } from "../Session.ts"

/** Conversations counted again in one transaction, so that no other writer waits for long. */
const atOnce = 200

/**
 * Counts again what is derived from messages and was made by another version or for another time zone: from where the last
 * process came to, in many short transactions. Nothing is done, and no lock taken, where all is up to date.
 */
export const refreshDerived = (session: Session): void => {
  const { database, prepare } = session
  const place = prepare("SELECT refresh_after FROM analysis_clock").pluck()
  if (place.get() === null) return
  const activity = makeActivityRows(session)
  const next = prepare(
    "SELECT key, id, stored_messages FROM remote_conversations WHERE key > ? ORDER BY key LIMIT ?"
  ).raw()
  const come = prepare("UPDATE analysis_clock SET refresh_after = ?")
  const step = database.transaction(() => {
    const after = place.get()
    if (after === null) return false
    const rows = next.all(after, atOnce) as ReadonlyArray<
      readonly [key: number, id: string, messages: number]
    >
    for (const [key, id, messages] of rows) if (messages > 0) activity.refresh(key, id)
    const last = rows.at(-1)
    come.run(last === undefined || rows.length < atOnce ? null : last[0])
    return last !== undefined && rows.length === atOnce
  })
  while (step.immediate()) {
    // The next ones.
  }
}
