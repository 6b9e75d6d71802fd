import type { Role } from "../../domain/Conversation.ts"
import type { Session } from "../Db.ts"

/** Who spoke, and when (UTC, ISO 8601); null where the vendor does not say. */
export interface Spoken {
  readonly role: Role
  readonly sentAt: string | null
}

/** Who spoke how often, and the moments that analysts ask for. Null: it did not happen, or its time is not known. */
export interface Activity {
  readonly customerMessages: number
  readonly agentMessages: number
  readonly humanMessages: number
  readonly firstMessageAt: string | null
  readonly firstCustomerAt: string | null
  /** The first message of an agent or a person after the customer's first. */
  readonly firstAnswerAt: string | null
  readonly firstAnswerBy: "agent" | "human" | null
  readonly firstHumanAt: string | null
  readonly lastCustomerAt: string | null
  /** Who spoke last, of customer, agent and human. */
  readonly lastRole: "customer" | "agent" | "human" | null
  /** The customer's first message that is still unanswered; null if ours is the last word. */
  readonly unansweredSince: string | null
  /** From the customer's first message; never negative, whatever the vendor's clocks say. */
  readonly secondsToFirstAnswer: number | null
  readonly secondsToPerson: number | null
  /** To the latest message; from the first of all where the customer did not write. */
  readonly secondsToLastMessage: number | null
}

const secondsBetween = (from: string | null, to: string | null): number | null =>
  from === null || to === null ? null : Math.max(0, Date.parse(to) - Date.parse(from)) / 1000

/** Reads a conversation's messages, in their order. System messages and unknown speakers are no answers. */
export const activityOf = (messages: Iterable<Spoken>): Activity => {
  let customerMessages = 0
  let agentMessages = 0
  let humanMessages = 0
  let firstMessageAt: string | null = null
  let firstCustomerAt: string | null = null
  let firstAnswerAt: string | null = null
  let firstAnswerBy: "agent" | "human" | null = null
  let firstHumanAt: string | null = null
  let lastCustomerAt: string | null = null
  let lastRole: Activity["lastRole"] = null
  let unansweredSince: string | null = null
  let latest: string | null = null
  for (const { role, sentAt } of messages) {
    firstMessageAt ??= sentAt
    if (sentAt !== null && (latest === null || sentAt > latest)) latest = sentAt
    if (role === "customer") {
      if (customerMessages === 0) firstCustomerAt = sentAt
      if (lastRole !== "customer") unansweredSince = sentAt
      customerMessages += 1
      lastCustomerAt = sentAt
      lastRole = role
    } else if (role === "agent" || role === "human") {
      if (customerMessages > 0 && firstAnswerBy === null) {
        firstAnswerBy = role
        firstAnswerAt = sentAt
      }
      if (role === "agent") agentMessages += 1
      else {
        if (humanMessages === 0) firstHumanAt = sentAt
        humanMessages += 1
      }
      lastRole = role
      unansweredSince = null
    }
  }
  return {
    customerMessages,
    agentMessages,
    humanMessages,
    firstMessageAt,
    firstCustomerAt,
    firstAnswerAt,
    firstAnswerBy,
    firstHumanAt,
    lastCustomerAt,
    lastRole,
    unansweredSince,
    secondsToFirstAnswer: secondsBetween(firstCustomerAt, firstAnswerAt),
    secondsToPerson: secondsBetween(firstCustomerAt, firstHumanAt),
    secondsToLastMessage: secondsBetween(customerMessages === 0 ? firstMessageAt : firstCustomerAt, latest)
  }
}

/** Keeps `conversation_activity` in step with `messages`. One for each open database, called inside the transaction. */
export const makeActivityRows = ({ prepare }: Pick<Session, "prepare">) => {
  const put = prepare(
    `INSERT OR REPLACE INTO conversation_activity (key, customer_messages, agent_messages, human_messages, first_message_at,
       first_customer_at, first_answer_at, first_answer_by, first_human_at, last_customer_at, last_role,
       unanswered_since, seconds_to_first_answer, seconds_to_person, seconds_to_last_message)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
  )
  const stored = prepare(
    "SELECT role, sent_at AS sentAt FROM messages WHERE conversation_id = ? ORDER BY position, key"
  )

  /** @param key of the row in `remote_conversations`; `messages` are all that are stored of it, in order. */
  const write = (key: number, messages: Iterable<Spoken>): void => {
    const activity = activityOf(messages)
    put.run(
      key,
      activity.customerMessages,
      activity.agentMessages,
      activity.humanMessages,
      activity.firstMessageAt,
      activity.firstCustomerAt,
      activity.firstAnswerAt,
      activity.firstAnswerBy,
      activity.firstHumanAt,
      activity.lastCustomerAt,
      activity.lastRole,
      activity.unansweredSince,
      activity.secondsToFirstAnswer,
      activity.secondsToPerson,
      activity.secondsToLastMessage
    )
  }

  /** For when only some of the messages are in memory: reads the stored ones. */
  const refresh = (key: number, conversationId: string): void =>
    write(key, stored.all(conversationId) as ReadonlyArray<Spoken>)

  return { write, refresh } as const
}

export type ActivityRows = ReturnType<typeof makeActivityRows>
