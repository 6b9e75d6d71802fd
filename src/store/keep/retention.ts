import type { Retention } from "../../domain/Retention.ts"
import type { Session } from "../Session.ts"

export const retentionOf = ({ prepare }: Pick<Session, "prepare">): Retention =>
  prepare("SELECT messages, raw, ledger FROM retention").get() as Retention

export const isForEver = ({ ledger, messages, raw }: Retention): boolean =>
  messages === null && raw === null && ledger === null

export const isSameRetention = (one: Retention, other: Retention): boolean =>
  one.messages === other.messages && one.raw === other.raw && one.ledger === other.ledger

/** Notes how long things are kept from now on. To be called inside of a transaction. */
export const setRetention = (
  session: Pick<Session, "prepare">,
  { ledger, messages, raw }: Retention
): void => {
  session.prepare("UPDATE retention SET messages = ?, raw = ?, ledger = ?").run(messages, raw, ledger)
}

/** An earlier time is of a clock that was never set, and says nothing: no such service is older. Epoch milliseconds. */
const earliest = Date.UTC(2000)

/**
 * SQL: whether a message m of the conversation r was sent before $before (epoch milliseconds). One without a time is as old
 * as the conversation.
 */
export const isExpired = `CASE WHEN m.sent_at >= ${earliest} THEN m.sent_at < $before ELSE $unknown END`

/** The same of a message that came. @param of when the conversation last changed, epoch milliseconds; null: not known */
export const isOlder = (sentAt: number | null, of: number | null, before: number): boolean =>
  sentAt !== null && sentAt >= earliest ? sentAt < before : of !== null && of < before
