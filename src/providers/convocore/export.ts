import { Either } from "effect"
import {
  type Json,
  type JsonObject,
  type Message,
  normalizeRole,
  ownAttributes,
  type Role
} from "../../domain/Conversation.ts"
import { canonicalJson, isJsonObject, writeExactly } from "../../domain/exactJson.ts"
import { type Timestamp, toMillis } from "../../domain/Timestamp.ts"
import { allOf, noAttributes, undocumented } from "../kit/attributes.ts"
import type { Fault } from "../kit/decode.ts"
import { digest } from "../kit/digest.ts"
import { idOf, unreadable } from "../kit/page.ts"
import type { Unreadable } from "../Provider.ts"
import { readExportTime, readWallClock } from "./exportTime.ts"
import { stretchAt, type TakenOver } from "./fields.ts"
import {
  decodeExport,
  decodeOtherMessage,
  decodeTextMessage,
  decodeTurn,
  OtherMessage,
  type Turn,
  type Message as WireMessage
} from "./wire.ts"

/** How an export is to be read. */
interface ExportReading {
  readonly conversationId: string
  /** The zone of times that name none. */
  readonly timeZone: string
  /** When people on our side had taken over: bot messages that no AI made are then theirs. */
  readonly takenOver: ReadonlyArray<TakenOver>
  /** How many messages the conversation says it has; null: it does not say. */
  readonly declared: number | null
}

const objectIn = (value: Json | undefined): JsonObject => (isJsonObject(value) ? value : {})

/** The payload, which what is stored (rather than exported) holds within `item`. */
const payloadOf = (message: WireMessage): JsonObject => ({
  ...objectIn(objectIn(message.item ?? undefined).payload),
  ...objectIn(message.payload ?? undefined)
})

const filledText = (value: Json | undefined): string | null =>
  typeof value === "string" && value !== "" ? value : null

const buttonNames = (payload: JsonObject): string | null => {
  const buttons = Array.isArray(payload.buttons) ? (payload.buttons as ReadonlyArray<Json>) : []
  const names = buttons.flatMap((button) => filledText(objectIn(button).name) ?? [])
  return names.length === 0 ? null : names.join(", ")
}

/** What was said; of a choice, its question and the names of its buttons. */
const contentOf = (type: string, payload: JsonObject): string | null => {
  const said = filledText(payload.message)
  if (type !== "choice") return said
  const parts = [said, buttonNames(payload)].filter((part) => part !== null)
  return parts.length === 0 ? null : parts.join("\n")
}

/** `human` is the vendor's word for the customer. A scripted text is a person's where one had taken over. */
const speakerOf = (
  from: string | null,
  aiMade: boolean | null,
  takenOver: TakenOver | undefined
): { readonly role: Role; readonly author: string | null } => {
  if (from?.toLowerCase() === "human") return { role: "customer", author: null }
  const role = normalizeRole(from)
  return role === "agent" && aiMade === false && takenOver !== undefined
    ? { role: "human", author: takenOver.by }
    : { role, author: null }
}

/** May change without the message becoming another. */
const judgements = ["feedback", "aiGenerated"]

const withoutKeys = (
  record: { readonly [key: string]: Json | undefined },
  keys: ReadonlyArray<string>
): { [key: string]: Json } =>
  Object.fromEntries(
    Object.entries(record).flatMap(([key, value]) =>
      value === undefined || value === null || keys.includes(key) ? [] : [[key, value]]
    )
  )

/** Makes equal keys different: the first is the key itself, and appended messages change none before them. */
const numbering = (): ((key: string) => string) => {
  const times = new Map<string, number>()
  return (key) => {
    const time = (times.get(key) ?? 0) + 1
    times.set(key, time)
    return time === 1 ? key : `${key}-${time}`
  }
}

const attributesOf = (message: WireMessage, turn: Turn, payload: JsonObject) => {
  const rest = withoutKeys(payload, ["message", ...judgements])
  return withoutKeys(
    {
      feedback: payload.feedback,
      aiGenerated: payload.aiGenerated,
      isAIGenerated: message.isAIGenerated ?? turn.isAIGenerated,
      session_id: turn.session_id,
      sourceLabel: message.sourceLabel,
      sendError: message.sendError,
      replyTo: message.replyTo,
      payload: Object.keys(rest).length === 0 ? null : rest
    },
    []
  )
}

const noTime: Fault = {
  path: "$.ts",
  reason: 'expected a time such as "December 1st 2024, 10:30:00 am", or one in Unix seconds or milliseconds'
}

const noTurns: Fault = { path: "$.turns", reason: "missing, expected a list" }

const absent = (value: Json | null | undefined): boolean =>
  value === null || value === undefined || value === ""

interface Place {
  readonly reading: ExportReading
  readonly turn: Turn
  readonly number: (key: string) => string
  /** When the message before it was sent, epoch milliseconds. */
  readonly previous: number | null
}

/** When it was said: the message's own time, else its turn's. */
const timeOf = (message: WireMessage, { turn, reading, previous }: Place) => {
  const source = absent(message.ts) ? (absent(turn.ts) ? null : "turn.ts") : "ts"
  const value = source === "ts" ? message.ts : turn.ts
  const sentAt = source === null ? null : readExportTime(value, reading.timeZone, previous)
  return { source, value: value ?? null, sentAt }
}

const decodeMessage = (entry: Json): Either.Either<WireMessage, Fault> =>
  objectIn(entry).type === "text" ? decodeTextMessage(entry) : decodeOtherMessage(entry)

const readMessage = (entry: Json, place: Place): Either.Either<Message, Fault> =>
  Either.flatMap(decodeMessage(entry), (wire) => {
    const { turn, reading, number } = place
    const time = timeOf(wire, place)
    if (time.source !== null && time.sentAt === null) return Either.left(noTime)
    // Decoding keeps what is documented; the rest is taken from the message as it came.
    const record = objectIn(entry)
    const payload = payloadOf({ ...wire, payload: record.payload ?? null, item: record.item ?? null })
    const type = wire.type ?? filledText(objectIn(record.item).type) ?? "text"
    const from = wire.from ?? turn.from
    const aiMade = payload.aiGenerated ?? wire.isAIGenerated ?? turn.isAIGenerated
    const made = digest(canonicalJson([time.value, from, type, withoutKeys(payload, judgements)]))
    const mid = filledText(wire.mid ?? undefined)
    const at = time.sentAt === null ? place.previous : toMillis(time.sentAt)
    const { author, role } = speakerOf(
      from,
      typeof aiMade === "boolean" ? aiMade : null,
      stretchAt(reading.takenOver, at)
    )
    const message: Message = {
      messageId: number(mid ?? made),
      providerId: mid,
      role,
      providerRole: from,
      type,
      content: contentOf(type, payload),
      sentAt: time.sentAt,
      sentAtSource: time.source,
      attributes: allOf(
        attributesOf(wire, turn, payload),
        undocumented(record, OtherMessage),
        author === null ? noAttributes : { [ownAttributes.author]: author }
      )
    }
    return Either.right(message)
  })

interface ReadExport {
  /** Null: the export says nothing about messages. */
  readonly items: ReadonlyArray<Message> | null
  readonly unreadable: ReadonlyArray<Unreadable>
}

/** The messages of an export, in its order, and what of it did not decode. @param key the raw payload's `providerId` */
export const readExport = (value: Json, key: string, reading: ExportReading): ReadExport => {
  const { conversationId, declared } = reading
  const faulty = (kind: string, record: Json, providerId: string | null, fault: Fault) =>
    unreadable({ kind, providerId, conversationId, payload: writeExactly(record) }, fault)
  const decoded = decodeExport(value)
  if (Either.isLeft(decoded)) {
    return { items: null, unreadable: [faulty("export", value, key, decoded.left)] }
  }
  if (decoded.right.turns === null) {
    const isLacking = declared !== null && declared > 0
    return { items: null, unreadable: isLacking ? [faulty("export", value, key, noTurns)] : [] }
  }
  const items: Array<Message> = []
  const faults: Array<Unreadable> = []
  const number = numbering()
  let previous: Timestamp | null = null
  for (const element of decoded.right.turns) {
    const turn = decodeTurn(element)
    if (Either.isLeft(turn)) {
      faults.push(faulty("turn", element as Json, null, turn.left))
      continue
    }
    for (const entry of turn.right.messages as ReadonlyArray<Json>) {
      const place = {
        reading,
        turn: turn.right,
        number,
        previous: previous === null ? null : toMillis(previous)
      }
      const message = readMessage(entry, place)
      if (Either.isLeft(message)) faults.push(faulty("message", entry, idOf(entry, "mid"), message.left))
      else {
        items.push(message.right)
        previous = message.right.sentAt ?? previous
      }
    }
  }
  return { items, unreadable: faults }
}

const listIn = (record: Json, field: string): ReadonlyArray<Json> => {
  const list = objectIn(record)[field]
  return Array.isArray(list) ? (list as ReadonlyArray<Json>) : []
}

/** How many messages an export lists, whether or not they can be read. */
export const countMessages = (value: Json): number =>
  listIn(value, "turns").reduce<number>((sum, turn) => sum + listIn(turn, "messages").length, 0)

/** The readings of an export's times that name no zone, as if they were UTC; milliseconds. */
export const wallClocks = (value: Json): ReadonlyArray<number> =>
  listIn(value, "turns")
    .flatMap((turn) => listIn(turn, "messages").map((message) => objectIn(message).ts ?? objectIn(turn).ts))
    .flatMap((time) => (typeof time === "string" ? (readWallClock(time) ?? []) : []))

/** The id of the conversation that an exported record is about; null: it cannot be read. */
export const exportedId = (value: Json): string | null => {
  const convo = objectIn(objectIn(objectIn(value).metadata).convo) as Json
  return idOf(convo, "id") ?? idOf(convo, "ID")
}
