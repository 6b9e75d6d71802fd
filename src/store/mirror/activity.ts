import { ownAttributes, type Role } from "../../domain/Conversation.ts"
import { toMillis } from "../../domain/Timestamp.ts"
import { businessClock } from "../derived/clock.ts"
import type { Session } from "../Session.ts"

/** Who spoke, and when (UTC, ISO 8601); null where the vendor does not say. */
export interface Spoken {
  readonly role: Role
  readonly providerRole: string | null
  readonly sentAt: string | null
  /** The vendor's id of the person on our side; null: none, or not said. */
  readonly author: string | null
}

/** A time in which the customer waited. */
export interface Turn {
  readonly askedAt: string | null
  readonly answeredAt: string | null
  /** Null: still unanswered. */
  readonly answeredBy: "agent" | "human" | null
  /** Null: unanswered, a time is not known, or the clocks ran backwards. */
  readonly seconds: number | null
}

/** A stretch of a conversation between pauses of a day or more. */
interface TalkSession {
  readonly startedAt: string | null
  readonly endedAt: string | null
  readonly messages: number
  readonly customerMessages: number
  readonly agentMessages: number
  readonly humanMessages: number
  readonly firstAnswerSeconds: number | null
  readonly firstAnswerBy: "agent" | "human" | null
}

/** What a person on our side did in a conversation. */
interface PersonActivity {
  readonly author: string | null
  readonly messages: number
  /** From the customer's first message to the first of a person, of the person who gave it; otherwise null. */
  readonly firstAnswerSeconds: number | null
}

/** Who spoke how often, and the moments that analysts ask for. Null: it did not happen, or its time is not known. */
interface Activity {
  readonly customerMessages: number
  readonly agentMessages: number
  readonly humanMessages: number
  readonly unknownMessages: number
  readonly firstMessageAt: string | null
  readonly firstCustomerAt: string | null
  /** The first answer of an agent or a person after the customer's first message. */
  readonly firstAnswerAt: string | null
  readonly firstAnswerBy: "agent" | "human" | null
  readonly firstHumanAt: string | null
  readonly lastCustomerAt: string | null
  /** Who spoke last, of customer, agent and human. */
  readonly lastRole: "customer" | "agent" | "human" | null
  /** The customer's first message that is still unanswered. */
  readonly unansweredSince: string | null
  /** From the customer's first message; null where that is not before it. */
  readonly secondsToFirstAnswer: number | null
  /** To the first message of a person after it. */
  readonly secondsToPerson: number | null
  /** To the latest message; from the first of all where the customer did not write. */
  readonly secondsToLastMessage: number | null
  /** Messages without a time. */
  readonly untimedMessages: number
  /** Messages whose time is ahead of the mirror's clock by more than a day. It counts as not known. */
  readonly futureTimes: number
  /** Messages whose time is before 2000, as a clock that was never set says. It counts as not known. */
  readonly pastTimes: number
  /** Answers that were sent before what they answer. */
  readonly negativeTimes: number
  readonly turns: ReadonlyArray<Turn>
  readonly sessions: ReadonlyArray<TalkSession>
  readonly people: ReadonlyArray<PersonActivity>
}

/** A conversation that paused for so long began anew. */
const pauseMillis = 24 * 3_600_000

/** No such service is older. */
const earliest = "2000-01-01"

/** Sent to many, or by a rule: no answer to what this customer said. */
const unasked: ReadonlySet<string | null> = new Set(["broadcast", "workflow"])

const secondsBetween = (from: string | null, to: string | null): number | null =>
  from === null || to === null ? null : (toMillis(to) - toMillis(from)) / 1000

const millisOf = (time: string | null): number | null => (time === null ? null : toMillis(time))

const notNegative = (seconds: number | null): number | null =>
  seconds === null || seconds < 0 ? null : seconds

type OurSide = "agent" | "human"

/** Collects the turns of a conversation. */
class Turns {
  readonly all: Array<Turn> = []
  /** Of these, answers that were sent before what they answer. */
  negative = 0
  private open: { readonly askedAt: string | null } | null = null

  asked(at: string | null): void {
    this.open ??= { askedAt: at }
  }

  answered(by: OurSide, at: string | null): void {
    if (this.open === null) return
    const { askedAt } = this.open
    const seconds = secondsBetween(askedAt, at)
    if (seconds !== null && seconds < 0) this.negative += 1
    this.all.push({ askedAt, answeredAt: at, answeredBy: by, seconds: notNegative(seconds) })
    this.open = null
  }

  /** When the customer's first message was sent that is still unanswered; null: none is, or it is not known. */
  ended(): string | null {
    if (this.open === null) return null
    const { askedAt } = this.open
    this.all.push({ askedAt, answeredAt: null, answeredBy: null, seconds: null })
    return askedAt
  }
}

interface MutableSession {
  startedAt: string | null
  endedAt: string | null
  messages: number
  customer: number
  agent: number
  human: number
  customerAt: string | null
  answer: { readonly by: OurSide; readonly at: string | null } | null
}

const newSession = (): MutableSession => ({
  startedAt: null,
  endedAt: null,
  messages: 0,
  customer: 0,
  agent: 0,
  human: 0,
  customerAt: null,
  answer: null
})

const toSession = (session: MutableSession): TalkSession => ({
  startedAt: session.startedAt,
  endedAt: session.endedAt,
  messages: session.messages,
  customerMessages: session.customer,
  agentMessages: session.agent,
  humanMessages: session.human,
  firstAnswerSeconds: notNegative(secondsBetween(session.customerAt, session.answer?.at ?? null)),
  firstAnswerBy: session.answer?.by ?? null
})

/**
 * Reads a conversation's messages, in their order. System messages and unknown speakers are no answers.
 * @param believed the latest time that is believed, UTC, ISO 8601
 * @param closings when it was seen closed before it was opened again, UTC, in order
 */
export const activityOf = (
  messages: Iterable<Spoken>,
  believed: string,
  closings: ReadonlyArray<string> = []
): Activity => {
  let [customer, agent, human, unknown, untimed, future, past] = [0, 0, 0, 0, 0, 0, 0]
  let firstMessageAt: string | null = null
  let firstCustomerAt: string | null = null
  let firstHumanAt: string | null = null
  let lastCustomerAt: string | null = null
  let lastRole: Activity["lastRole"] = null
  let latest: string | null = null
  let personAnswer: { readonly at: string | null; readonly author: string | null } | null = null
  const turns = new Turns()
  const people = new Map<string | null, number>()
  const sessions: Array<MutableSession> = []
  let session = newSession()
  for (const { author, providerRole, role, sentAt } of messages) {
    if (sentAt === null) untimed += 1
    else if (sentAt < earliest) past += 1
    else if (sentAt > believed) future += 1
    const at = sentAt === null || sentAt < earliest || sentAt > believed ? null : sentAt
    const { endedAt } = session
    const isCut =
      at !== null &&
      endedAt !== null &&
      at > endedAt &&
      (toMillis(at) - toMillis(endedAt) >= pauseMillis ||
        closings.some((closed) => endedAt < closed && closed <= at))
    if (session.messages === 0 || isCut) {
      session = newSession()
      sessions.push(session)
    }
    session.messages += 1
    if (at !== null) {
      session.startedAt ??= at
      if (session.endedAt === null || at > session.endedAt) session.endedAt = at
      firstMessageAt ??= at
      if (latest === null || at > latest) latest = at
    }
    if (role === "customer") {
      if (customer === 0) firstCustomerAt = at
      if (session.customer === 0) session.customerAt = at
      customer += 1
      session.customer += 1
      lastCustomerAt = at
      lastRole = role
      turns.asked(at)
    } else if (role === "agent" || role === "human") {
      lastRole = role
      if (role === "agent") {
        agent += 1
        session.agent += 1
      } else {
        if (human === 0) firstHumanAt = at
        human += 1
        session.human += 1
        people.set(author, (people.get(author) ?? 0) + 1)
        if (customer > 0) personAnswer ??= { at, author }
      }
      if (!unasked.has(providerRole)) {
        if (session.customer > 0) session.answer ??= { by: role, at }
        turns.answered(role, at)
      }
    } else if (role === "unknown") unknown += 1
  }
  const unansweredSince = turns.ended()
  const first = turns.all[0]
  const toPerson = secondsBetween(firstCustomerAt, personAnswer?.at ?? null)
  return {
    customerMessages: customer,
    agentMessages: agent,
    humanMessages: human,
    unknownMessages: unknown,
    firstMessageAt,
    firstCustomerAt,
    firstAnswerAt: first?.answeredAt ?? null,
    firstAnswerBy: first?.answeredBy ?? null,
    firstHumanAt,
    lastCustomerAt,
    lastRole,
    unansweredSince,
    secondsToFirstAnswer: first?.seconds ?? null,
    secondsToPerson: notNegative(toPerson),
    secondsToLastMessage: notNegative(
      secondsBetween(customer === 0 ? firstMessageAt : firstCustomerAt, latest)
    ),
    untimedMessages: untimed,
    futureTimes: future,
    pastTimes: past,
    negativeTimes: turns.negative,
    turns: turns.all,
    sessions: sessions.map(toSession),
    people: [...people].map(([author, count]) => ({
      author,
      messages: count,
      firstAnswerSeconds: author === personAnswer?.author ? notNegative(toPerson) : null
    }))
  }
}

/** A quarter of an hour. */
export const slotMillis = 900_000

interface Slot {
  customer: number
  agent: number
  human: number
  system: number
  unknown: number
}

/** How many messages of each role were sent in each quarter of an hour since 1970: zones differ by whole quarters. */
export const slotsOf = (
  messages: Iterable<Pick<Spoken, "role" | "sentAt">>
): ReadonlyMap<number, Readonly<Slot>> => {
  const slots = new Map<number, Slot>()
  for (const { role, sentAt } of messages) {
    if (sentAt === null) continue
    const at = Math.floor(toMillis(sentAt) / slotMillis)
    const slot = slots.get(at) ?? { customer: 0, agent: 0, human: 0, system: 0, unknown: 0 }
    slot[role] += 1
    slots.set(at, slot)
  }
  return slots
}

/** What a message that is written, rather than read back, says of its author. */
interface Written extends Pick<Spoken, "role" | "providerRole" | "sentAt"> {
  readonly attributes: { readonly [name: string]: unknown }
}

const authorOf = (attributes: Written["attributes"]): string | null => {
  const author = attributes[ownAttributes.author]
  return typeof author === "string" ? author : null
}

/**
 * Keeps `conversation_activity` and what belongs to it in step with `messages`. To be called inside of a transaction; `begin`
 * at the start of each but the first.
 */
export const makeActivityRows = (session: Pick<Session, "prepare">) => {
  const { prepare } = session
  const clock = businessClock(session)
  let counted: ReturnType<typeof clock> | null = null

  /** Another process may have set how the business counts its time. */
  const begin = (): void => {
    counted = null
  }

  const clear = ["turns", "sessions", "slots", "people"].map((part) =>
    prepare(`DELETE FROM conversation_${part} WHERE key = ?`)
  )
  const drop = prepare("DELETE FROM conversation_activity WHERE key = ?")
  const put = prepare(
    `INSERT OR REPLACE INTO conversation_activity (key, customer_messages, agent_messages, human_messages, unknown_messages,
       first_message_at, first_customer_at, first_answer_at, first_answer_by, first_human_at, last_customer_at, last_role,
       unanswered_since, seconds_to_first_answer, seconds_to_person, seconds_to_last_message, untimed_messages,
       future_times, past_times, negative_times)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
  )
  const putTurn = prepare(
    `INSERT INTO conversation_turns (key, turn, asked_at, answered_at, by_person, business_seconds)
     VALUES (?, ?, ?, ?, ?, ?)`
  )
  const putSession = prepare(
    `INSERT INTO conversation_sessions (key, number, started_at, ended_at, messages, customer_messages, agent_messages,
       human_messages, first_answer_seconds, first_answer_by)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
  )
  const putSlot = prepare(
    "INSERT INTO conversation_slots (key, slot, customer, agent, human, system, unknown) VALUES (?, ?, ?, ?, ?, ?, ?)"
  )
  const putPerson = prepare(
    "INSERT INTO conversation_people (key, author, messages, first_answer_seconds) VALUES (?, ?, ?, ?)"
  )
  const stored = prepare(
    `SELECT role, provider_role AS providerRole, sent_at AS sentAt,
       iif(role = 'human', attributes ->> '$."$author"', NULL) AS author
     FROM messages WHERE conversation_id = ? ORDER BY position, key`
  )
  const history = prepare(
    "SELECT observed_at, to_status FROM status_history WHERE conversation_id = ? ORDER BY id"
  ).raw()

  const isClosed = (status: string): boolean => status === "completed" || status === "abandoned"

  const closingsOf = (conversationId: string): ReadonlyArray<string> => {
    const rows = history.all(conversationId) as ReadonlyArray<readonly [at: string, status: string]>
    return rows.flatMap(([at, status], index) => {
      const next = rows[index + 1]
      return isClosed(status) && next !== undefined && !isClosed(next[1]) ? [at] : []
    })
  }

  const putAll = (
    key: number,
    messages: ReadonlyArray<Spoken>,
    closings: ReadonlyArray<string> = []
  ): void => {
    counted ??= clock()
    const { believed, businessSeconds } = counted
    const activity = activityOf(messages, believed, closings)
    put.run(
      key,
      activity.customerMessages,
      activity.agentMessages,
      activity.humanMessages,
      activity.unknownMessages,
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
      activity.secondsToLastMessage,
      activity.untimedMessages,
      activity.futureTimes,
      activity.pastTimes,
      activity.negativeTimes
    )
    activity.turns.forEach(({ answeredAt, answeredBy, askedAt, seconds }, index) => {
      const business = seconds === null ? null : businessSeconds(askedAt, answeredAt)
      const byPerson = answeredBy === null ? null : Number(answeredBy === "human")
      putTurn.run(key, index + 1, millisOf(askedAt), millisOf(answeredAt), byPerson, business)
    })
    activity.sessions.forEach((one, index) => {
      putSession.run(
        key,
        index + 1,
        one.startedAt,
        one.endedAt,
        one.messages,
        one.customerMessages,
        one.agentMessages,
        one.humanMessages,
        one.firstAnswerSeconds,
        one.firstAnswerBy
      )
    })
    for (const [slot, { customer, agent, human, system, unknown }] of slotsOf(messages)) {
      putSlot.run(key, slot, customer, agent, human, system, unknown)
    }
    for (const { author, firstAnswerSeconds, messages: count } of activity.people) {
      putPerson.run(key, author ?? "", count, firstAnswerSeconds)
    }
  }

  /**
   * For one that had no messages before.
   * @param key of the row in `remote_conversations`; `messages` are all that are stored of it, in order.
   */
  const write = (key: number, messages: Iterable<Written>): void =>
    putAll(
      key,
      Array.from(messages, (message) => ({
        role: message.role,
        providerRole: message.providerRole,
        sentAt: message.sentAt,
        author: message.role === "human" ? authorOf(message.attributes) : null
      }))
    )

  /** For when only some of the messages are in memory: reads the stored ones. */
  const refresh = (key: number, conversationId: string): void => {
    for (const statement of clear) statement.run(key)
    putAll(key, stored.all(conversationId) as ReadonlyArray<Spoken>, closingsOf(conversationId))
  }

  /** For a conversation without messages. */
  const remove = (key: number): void => {
    for (const statement of clear) statement.run(key)
    drop.run(key)
  }

  return { begin, write, refresh, remove } as const
}

export type ActivityRows = ReturnType<typeof makeActivityRows>
