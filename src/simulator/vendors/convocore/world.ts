import { type Plan, personOf } from "../../dialogues.ts"
import { hashText, hex, mix, pick } from "../../random.ts"
import type { Fields } from "../../vendor.ts"
import { makeWorld, type World, type WorldInput } from "../../world.ts"
import { type ConvocoreMessage, renderMessage } from "./transcript.ts"

/** The fields that this simulator fills, of the many that a conversation may have. Times: seconds or milliseconds. */
export interface ConvocoreConversation {
  ID: string
  userID: string
  ts: number
  messagesNum: number
  interactionsNum: number
  sessionsNum: number
  firstMessageTS: number
  lastMessageTS: number
  lastModified: number
  convoTimeSeconds: number
  origin: string
  lang: string
  userName?: string
  userEmail?: string
  userPhone?: string
  userAddress?: string
  userCompany?: string
  userWebsite?: string
  userProfilePic?: string
  notes?: string
  tags: Array<string>
  state?: string
  title?: string
  summary?: string
  lastMessage?: string
  chatAssignedTo?: string
  isTest: boolean
  leadScore: number
  handoffHistory?: Array<Readonly<Record<string, unknown>>>
  capturedVariables?: Readonly<Record<string, unknown>>
  vapi?: Readonly<Record<string, unknown>>
  tokenUsage?: Readonly<Record<string, unknown>>
}

export const conversationFields: Fields = {
  ID: "id",
  userID: "text",
  ts: "time",
  messagesNum: "number",
  firstMessageTS: "time",
  lastMessageTS: "time",
  lastModified: "time",
  userName: "text",
  userEmail: "text",
  tags: "list",
  state: "word",
  title: "text",
  summary: "text",
  lastMessage: "text"
}

/** What the documentation leaves open, and what a workspace can be like. */
export interface ConvocoreOptions {
  token: string
  /** `page`: by number, short or empty page at the end; `cursor`: at most 20 rows, `nextCursor`, no second page by number. */
  paging: "page" | "cursor"
  /** List rows lack `state`, `lastModified`, `title`, `summary`, `lastMessage`. */
  thinRows: boolean
  /** `addon` and `unpaid` answer exports with 403; `plan` answers everything with 403. */
  access: "allowed" | "addon" | "unpaid" | "plan"
  /** What bulk export does without `convoIds`. */
  bulkExport: "paginated" | "all"
  /** Whether PATCH takes the state `completed`. */
  completed: "accepted" | "refused"
  /** Time zone of an export's times, which they do not name. */
  exportTimeZone: string
  /** The list and the exports show a change so much later, milliseconds. */
  mirrorLagMillis: number
  /** Exports per hour. */
  exportLimit: number
}

/** What is decided when the world is made. */
export interface ConvocoreBirth {
  readonly agents: number
  /** Share of conversations that are listed, but answer 404 by id. */
  readonly ghosts: number
  /** Whether times mix seconds and milliseconds, also within one record. */
  readonly units: "seconds" | "mixed"
  /** What `ts` means: the start, or the last message. */
  readonly ts: "start" | "last"
}

export interface ConvocoreState {
  readonly seed: number
  readonly options: ConvocoreOptions
  readonly world: ConvocoreWorld
  /** Sessions exported so far, which the vendor bills. */
  billed: number
}

export interface ConvocoreWorld extends World<ConvocoreConversation, ConvocoreMessage> {
  readonly agentIds: ReadonlyArray<string>
  readonly agentOf: (id: string) => string
  readonly isGhost: (id: string) => boolean
  /** Notes a change at `at`: moves `lastModified`, and remembers what the mirror still shows. */
  readonly modify: (conversation: ConvocoreConversation, at: number, change: () => void) => void
  /** The conversation as list and exports show it at `now`. */
  readonly mirrored: (conversation: ConvocoreConversation, now: number) => ConvocoreConversation
}

/** Seconds and milliseconds both as milliseconds. */
export const toMillis = (value: number): number => (value >= 1e11 ? value : value * 1000)

const stateOf = (plan: Plan): string =>
  plan.handedOff
    ? pick(["requested_chat", "human-chatting"], mix(plan.key, 51))
    : pick(["ai-chatting", "ai-chatting", "ended_chat", "ended_chat", "completed"], mix(plan.key, 51))

const idOf = (key: number, origin: string): string => {
  if (origin === "messenger") return `2${String(mix(key, 61)).padStart(10, "0")}${mix(key, 62) % 1_000_000}`
  if (origin === "telegram") return String(1_000_000_000 + mix(key, 61))
  const letters = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"
  let id = ""
  for (let i = 0; i < 15; i++) id += letters[mix(key, 63 + i) % letters.length]
  return id
}

const stamp = (units: ConvocoreBirth["units"], millis: number, hash: number) =>
  units === "mixed" && hash % 2 === 0 ? Math.floor(millis) : Math.floor(millis / 1000)

const createConversation = (
  birth: ConvocoreBirth,
  agentIds: ReadonlyArray<string>,
  plan: Plan,
  last: string | null
): ConvocoreConversation => {
  const { key, startedAt, lastAt, count } = plan
  const person = personOf(key)
  const channels = ["web-chat", "web-chat", "whatsapp", "messenger", "telegram", "instagram", "voice"]
  const origin = pick(channels, mix(key, 52))
  const ghost = mix(key, 53) / 4_294_967_296 < birth.ghosts
  const id = ghost ? `${pick(agentIds, mix(key, 54))}_${hex(key, 8)}` : idOf(key, origin)
  const conversation: ConvocoreConversation = {
    ID: id,
    userID: origin === "voice" ? person.phone : id,
    ts: Math.floor((birth.ts === "start" ? startedAt : lastAt) / 1000),
    messagesNum: count,
    interactionsNum: Math.ceil(count / 2),
    sessionsNum: 1 + (mix(key, 55) % 3),
    firstMessageTS: stamp(birth.units, startedAt, mix(key, 56)),
    lastMessageTS: Math.floor(lastAt / 1000),
    lastModified: stamp(birth.units, lastAt + 2000, mix(key, 57)),
    convoTimeSeconds: Math.floor((lastAt - startedAt) / 1000),
    origin,
    lang: person.language.code,
    tags: mix(key, 58) % 3 === 0 ? ["new-lead"] : [],
    isTest: false,
    leadScore: mix(key, 59) % 100
  }
  if (mix(key, 60) % 5 > 0) conversation.userName = person.name
  if (person.email !== null) conversation.userEmail = person.email
  if (origin === "whatsapp" || origin === "voice") conversation.userPhone = person.phone
  if (mix(key, 61) % 20 > 0) conversation.state = stateOf(plan)
  if (mix(key, 62) % 3 > 0) conversation.title = `${person.firstName}: booking`
  if (mix(key, 63) % 2 === 0) conversation.summary = `${person.firstName} asked about a booking.`
  if (last !== null) conversation.lastMessage = last
  if (plan.handedOff) {
    conversation.chatAssignedTo = "operator-7"
    conversation.handoffHistory = [
      { requestedAt: stamp(birth.units, lastAt - 60_000, key), requestedTeamKey: "sales" }
    ]
  }
  if (mix(key, 64) % 4 === 0)
    conversation.capturedVariables = { persons: 1 + (key % 4), wantsCall: key % 2 === 0 }
  if (origin === "voice") conversation.vapi = { cost: 0.42, callDuration: 120, callStatus: "ended" }
  if (mix(key, 65) % 3 === 0)
    conversation.tokenUsage = { cumulativeInputTokens: count * 410, cumulativeUsd: 0.02 }
  return conversation
}

export const makeConvocoreWorld = (
  input: WorldInput,
  birth: ConvocoreBirth,
  options: () => ConvocoreOptions
): ConvocoreWorld => {
  const agentIds = Array.from({ length: birth.agents }, (_, index) => `agent-${index + 1}`)
  const mirror = new Map<string, { until: number; shown: ConvocoreConversation }>()
  const agentOf = (id: string) =>
    agentIds.find((agent) => id.startsWith(`${agent}_`)) ?? pick(agentIds, hashText(id))
  const isGhost = (id: string) => agentIds.some((agent) => id.startsWith(`${agent}_`))

  const modify = (conversation: ConvocoreConversation, at: number, change: () => void) => {
    const lag = options().mirrorLagMillis
    if (lag > 0) mirror.set(conversation.ID, { until: at + lag, shown: { ...conversation } })
    change()
    // Seen at the vendor: milliseconds before a write, seconds after it. It never runs backwards.
    const was = toMillis(conversation.lastModified)
    const seconds = Math.floor(at / 1000)
    conversation.lastModified = seconds * 1000 >= was ? seconds : Math.max(was, Math.floor(at))
  }

  const world = makeWorld<ConvocoreConversation, ConvocoreMessage>(input, {
    statuses: ["ai-chatting", "requested_chat", "human-chatting", "ended_chat"],
    idOf: (conversation) => conversation.ID,
    create: (plan, _index, last) => createConversation(birth, agentIds, plan, last),
    message: (line) => renderMessage(line, options().exportTimeZone),
    said: (conversation, line, count) =>
      modify(conversation, line.at, () => {
        conversation.messagesNum = count
        conversation.interactionsNum = Math.ceil(count / 2)
        conversation.lastMessageTS = Math.floor(line.at / 1000)
        conversation.lastMessage = line.text
        if (birth.ts === "last") conversation.ts = Math.floor(line.at / 1000)
      }),
    statusChanged: (conversation, status, at) =>
      modify(conversation, at, () => {
        conversation.state = status
      })
  })

  return {
    ...world,
    agentIds,
    agentOf,
    isGhost,
    modify,
    mirrored: (conversation, now) => {
      const known = mirror.get(conversation.ID)
      if (known === undefined) return conversation
      if (now < known.until) return known.shown
      mirror.delete(conversation.ID)
      return conversation
    }
  }
}
