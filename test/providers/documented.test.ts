import { Schema, type SchemaAST } from "effect"
import { describe, expect, it } from "vitest"
import * as aelyst from "../../src/providers/aelyst/wire.ts"
import * as convocore from "../../src/providers/convocore/wire.ts"
import * as empfio from "../../src/providers/empfio/wire.ts"
import { registry } from "../../src/providers/index.ts"
import * as naturalead from "../../src/providers/naturalead/wire.ts"
import type { Provider, RawPayload } from "../../src/providers/Provider.ts"
import { makeSimulator, type VendorId } from "../../src/simulator/index.ts"
import { settingsFor } from "../support/simulatedVendor.ts"

/*
 * Every documented field of every vendor, with a value of every JSON type that its page does not give it: each must be
 * put into quarantine, whole, with the path of the field. Null and absent are always the same, and no fault.
 */

type JsonType = "text" | "number" | "flag" | "list" | "object"

const samples: Readonly<Record<JsonType, unknown>> = {
  text: "twelve",
  number: 7.5,
  flag: true,
  list: [{ strange: "twelve" }],
  object: { strange: true }
}

interface Kind {
  readonly types: ReadonlyArray<JsonType>
  /** One value that is taken. */
  readonly good: unknown
  /** Values of the right JSON type that are not what the page describes. */
  readonly bad?: ReadonlyArray<unknown>
}

/** What a field holds by the vendor's page. */
const kinds = {
  text: { types: ["text"], good: "some words" },
  id: { types: ["text"], good: "a1", bad: [""] },
  /** The id of the conversation that it came with: another's is refused. */
  ownerId: { types: ["text"], good: "1", bad: ["2"] },
  /** A whole number that the vendor's own programs write as text too. */
  wholeId: { types: ["number", "text"], good: 12, bad: ["twelve", 7.5, -1, ""] },
  textOrNumber: { types: ["text", "number"], good: 12 },
  isoTime: {
    types: ["text"],
    good: "2026-03-07T10:00:00Z",
    bad: ["the day before yesterday", "", "2026-02-30T10:00:00Z"]
  },
  epochTime: { types: ["number"], good: 1_772_877_600, bad: [-1, 1e300] },
  /** Named by no page: whichever form it has. */
  anyTime: { types: ["number", "text"], good: "1772877600", bad: ["the day before yesterday", -1] },
  /** A message's time in an export: words, or Unix time. */
  exportTime: { types: ["number", "text"], good: 1_772_877_600, bad: ["the day before yesterday", -1] },
  count: { types: ["number"], good: 3, bad: [-1, 7.5] },
  integer: { types: ["number"], good: 3, bad: [7.5] },
  number: { types: ["number"], good: 7.5 },
  flag: { types: ["flag"], good: false },
  object: { types: ["object"], good: {} },
  customField: { types: ["object"], good: { name: "size" } },
  list: { types: ["list"], good: [] },
  /** The page's example has the words `<array>` there. */
  listInWords: { types: ["list", "text"], good: "<array>" },
  /** The page leaves it untyped. */
  untyped: { types: ["text", "number", "flag", "list", "object"], good: 1 },
  customValue: { types: ["text", "number", "flag"], good: true },
  /** An object; deleted users are a word. */
  assignee: { types: ["object", "text"], good: "deleted" }
} satisfies Record<string, Kind>

type Fields = Readonly<Record<string, keyof typeof kinds>>

interface RecordKind {
  readonly schema: { readonly ast: SchemaAST.AST }
  readonly fields: Fields
  /** A conversation's payloads with this record in it. */
  readonly payloads: (record: object) => ReadonlyArray<RawPayload>
  /** What makes a record whole, whatever else is in it. */
  readonly base: object
}

const payload = (kind: string, providerId: string, json: unknown, conversationId = "1"): RawPayload => ({
  kind,
  providerId,
  conversationId,
  payload: JSON.stringify(json)
})

const texts = (...names: ReadonlyArray<string>): Fields =>
  Object.fromEntries(names.map((name) => [name, "text" as const]))
const numbers = (...names: ReadonlyArray<string>): Fields =>
  Object.fromEntries(names.map((name) => [name, "number" as const]))

const empfioFields: Fields = {
  ...texts("lead_id", "session_key", "channel", "status", "last_message_preview"),
  ...texts("lead.id", "lead.name", "lead.email"),
  id: "id",
  message_count: "count",
  created_at: "isoTime",
  updated_at: "isoTime",
  last_message_at: "isoTime",
  lead: "object"
}

const convocoreMessage: Fields = {
  ...texts("from", "type", "sourceLabel"),
  ts: "untyped",
  mid: "textOrNumber",
  isAIGenerated: "flag",
  sendError: "object",
  replyTo: "object"
}

const textPayload = (path: string): Fields => ({
  [path]: "object",
  [`${path}.message`]: "text",
  [`${path}.feedback`]: "text",
  [`${path}.aiGenerated`]: "flag"
})

const convocoreTurn = (turn: object) => [
  payload("conversation", "a/1", { ID: "1" }),
  payload("export", "a/1", { turns: [turn] })
]

const records: Readonly<Record<string, RecordKind>> = {
  "naturalead conversation": {
    schema: naturalead.Conversation,
    base: { _id: "1" },
    payloads: (record) => [payload("conversation", "1", record)],
    fields: {
      ...texts("accountId", "agentConfigId", "channel", "leadPhone", "status", "campaignId", "leadEmail"),
      ...texts("currentStageName", "summary", "qualificationResult.reason"),
      _id: "id",
      leadId: "textOrNumber",
      currentStageIndex: "integer",
      messages: "list",
      messageCount: "count",
      createdAt: "isoTime",
      updatedAt: "isoTime",
      qualificationResult: "object",
      "qualificationResult.qualified": "flag"
    }
  },
  "naturalead message": {
    schema: naturalead.Message,
    base: {},
    payloads: (record) => [payload("conversation", "1", { _id: "1", messages: [record] })],
    fields: { ...texts("role", "content", "agentConfigId"), timestamp: "isoTime" }
  },
  "convocore conversation": {
    schema: convocore.Conversation,
    base: { ID: "1" },
    payloads: (record) => [payload("detail", "a/1", record)],
    fields: {
      ...texts("userID", "userEmail", "userName", "userPhone", "userAddress", "userCompany", "userWebsite"),
      ...texts("notes", "userProfilePic", "campaignId", "userImage", "socialHandle", "userOs", "userBrowser"),
      ...texts("whatsappPhoneNumberId", "whatsappBusinessNumber", "whatsappDisplayPhoneNumber"),
      ...texts("whatsappBusinessAccountId", "userPlatform", "state", "chatAssignedTo", "lang", "endReason"),
      ...texts("notifyToUserId", "summary", "requestedTeamKey", "delegatedBy", "note", "funnelSummary"),
      ...texts("title", "lastMessage", "tags[]", "nodesInfo.currentNode", "vapi.recordingUrl"),
      ...texts("vapi.callerPhoneNumber", "vapi.calleePhoneNumber", "vapi.callStatus", "vapi.callError"),
      ...texts("voice.latestSessionId", "voice.listenUrl", "handoffHistory[].acceptedBy"),
      ...texts("handoffHistory[].organizationId", "handoffHistory[].requestedTeamKey"),
      ...texts("handoffHistory[].teamIds[]", "handoffHistory[].teamKeys[]"),
      ...numbers(
        "interactionsNum",
        "convoTimeSeconds",
        "sessionsNum",
        "ratingFrom5",
        "totalUserInteractions"
      ),
      ...numbers("averageLatency", "delegatedAt", "lastViewed", "leadScore", "funnelLastEvaluated"),
      ...numbers(
        "vapi.cost",
        "vapi.callDuration",
        "voice.listenUrlUNIX",
        "detailedCost.totalCreditsConsumed"
      ),
      ...numbers("detailedCost.speechGenCost", "detailedCost.transcriberCost", "detailedCost.twilioCost"),
      ...numbers("detailedCost.llmCost", "handoffHistory[].requestedAt", "handoffHistory[].acceptedAt"),
      ...numbers("handoffHistory[].completedAt"),
      ID: "id",
      id: "id",
      messagesNum: "count",
      ts: "epochTime",
      firstMessageTS: "epochTime",
      lastMessageTS: "epochTime",
      lastModified: "epochTime",
      isFollowingBusiness: "flag",
      socialVerified: "flag",
      isTyping: "flag",
      isBlocked: "flag",
      isTest: "flag",
      funnelNotificationSent: "flag",
      origin: "untyped",
      capturedVariables: "untyped",
      campaignCalls: "listInWords",
      sessions: "listInWords",
      metrics: "listInWords",
      tags: "list",
      funnelStepsMatched: "list",
      funnelScoreHistory: "list",
      handoffHistory: "list",
      "handoffHistory[]": "object",
      "handoffHistory[].teamIds": "list",
      "handoffHistory[].teamKeys": "list",
      funnelExtractedData: "object",
      nodesInfo: "object",
      vapi: "object",
      voice: "object",
      detailedCost: "object"
    }
  },
  "convocore export": {
    schema: convocore.Export,
    base: {},
    payloads: (record) => [payload("conversation", "a/1", { ID: "1" }), payload("export", "a/1", record)],
    fields: {
      metadata: "object",
      "metadata.feedback": "text",
      "metadata.convo": "object",
      "metadata.convo.id": "id",
      "metadata.convo.ID": "id",
      "metadata.sessions": "list",
      turns: "list"
    }
  },
  "convocore turn": {
    schema: convocore.Turn,
    base: { messages: [] },
    payloads: convocoreTurn,
    fields: {
      from: "text",
      ts: "textOrNumber",
      session_id: "textOrNumber",
      isAIGenerated: "flag",
      messages: "list"
    }
  },
  "convocore text message": {
    schema: convocore.TextMessage,
    base: { type: "text" },
    payloads: (record) => convocoreTurn({ from: "user", messages: [record] }),
    fields: {
      ...convocoreMessage,
      ...textPayload("payload"),
      ...textPayload("item.payload"),
      item: "object",
      "item.type": "text",
      ts: "exportTime"
    }
  },
  "convocore other message": {
    schema: convocore.OtherMessage,
    base: { type: "choice" },
    payloads: (record) => convocoreTurn({ from: "bot", messages: [record] }),
    fields: { ...convocoreMessage, payload: "untyped", item: "untyped", ts: "exportTime" }
  },
  "empfio row": {
    schema: empfio.Row,
    base: { id: "1" },
    payloads: (record) => [payload("conversation", "1", record)],
    fields: empfioFields
  },
  "empfio detail": {
    schema: empfio.Detail,
    base: { id: "1" },
    payloads: (record) => [payload("detail", "1", record)],
    fields: { ...empfioFields, messages: "list" }
  },
  "empfio message": {
    schema: empfio.Message,
    base: { id: "m1" },
    payloads: (record) => [payload("detail", "1", { id: "1", messages: [record] })],
    fields: {
      ...texts("role", "content"),
      conversation_id: "ownerId",
      id: "id",
      metadata: "object",
      created_at: "isoTime"
    }
  },
  "aelyst contact": {
    schema: aelyst.Contact,
    base: { id: 1 },
    payloads: (record) => [payload("contact", "1", record)],
    fields: {
      ...texts("firstName", "lastName", "phone", "email", "language", "profilePic", "countryCode", "status"),
      ...texts("tags[]", "lifecycle", "custom_fields[].name"),
      ...texts("assignee.firstName", "assignee.lastName", "assignee.email"),
      id: "wholeId",
      custom_fields: "list",
      "custom_fields[]": "customField",
      "custom_fields[].value": "customValue",
      tags: "list",
      assignee: "assignee",
      "assignee.id": "wholeId",
      created_at: "epochTime",
      isBlocked: "flag"
    }
  },
  "aelyst message": {
    schema: aelyst.Message,
    base: { messageId: 5 },
    payloads: (record) => [payload("contact", "1", { id: 1 }), payload("message", "5", record)],
    fields: {
      ...texts("traffic", "message.type", "message.text", "message.title", "message.messageTag"),
      ...texts("message.subject", "message.attachment.type", "message.attachment.url"),
      ...texts("status[].value", "status[].message", "sender.source"),
      messageId: "wholeId",
      channelMessageId: "textOrNumber",
      contactId: "wholeId",
      channelId: "wholeId",
      message: "object",
      "message.attachment": "object",
      status: "list",
      "status[]": "object",
      "status[].timestamp": "epochTime",
      sender: "object",
      "sender.userId": "textOrNumber",
      "sender.teamId": "textOrNumber",
      timestamp: "anyTime",
      createdAt: "anyTime",
      created_at: "anyTime",
      sentAt: "anyTime"
    }
  }
}

/** Fields that must be there whenever what holds them is. */
const required: Readonly<Record<string, object>> = { "custom_fields[]": { name: "size" } }

/** The fields of a wire schema, and of what is in them: `tags`, `tags[]`, `vapi.cost`. */
const fieldsOf = (ast: SchemaAST.AST, path = ""): ReadonlyArray<string> => {
  switch (ast._tag) {
    case "Transformation":
      return fieldsOf(ast.from, path)
    case "Refinement":
      return fieldsOf(ast.from, path)
    case "Union":
      return ast.types.flatMap((type) => fieldsOf(type, path))
    case "TypeLiteral":
      return ast.propertySignatures.flatMap(({ name, type }) => {
        const field = path === "" ? String(name) : `${path}.${String(name)}`
        return [field, ...fieldsOf(type, field)]
      })
    case "TupleType":
      return ast.rest.flatMap(({ type }) => {
        const inner = fieldsOf(type, `${path}[]`)
        return isTakenAsItComes(type) ? inner : [`${path}[]`, ...inner]
      })
    default:
      return []
  }
}

/** Elements that are taken as they come, or decoded one by one. */
const isTakenAsItComes = (ast: SchemaAST.AST): boolean =>
  Object.values(samples).every((value) => Schema.decodeUnknownOption(Schema.make(ast))(value)._tag === "Some")

/** A record in which the field has the value. */
const withField = (base: object, field: string, value: unknown): object => {
  const steps = field.split(".")
  const build = (index: number, prefix: string): unknown => {
    const step = steps[index] ?? ""
    const name = step.replace("[]", "")
    const here = prefix === "" ? step : `${prefix}.${step}`
    const inner = index === steps.length - 1 ? value : build(index + 1, here)
    const whole = index === steps.length - 1 ? inner : { ...required[here], ...(inner as object) }
    return { [name]: step.endsWith("[]") ? [whole] : whole }
  }
  return { ...base, ...(build(0, "") as object) }
}

const pathOf = (field: string): string => `$.${field.replaceAll("[]", "[0]")}`

const provider = (vendor: string): Provider => {
  const simulator = makeSimulator({ seed: 1, conversations: 1, now: 0 })
  const definition = registry[vendor]
  if (definition === undefined) throw new Error(`no provider ${vendor}`)
  const settings = settingsFor(simulator, vendor as VendorId)
  return definition.make(settings, undefined as never)
}

/** What of the record is put into quarantine. */
const faultsIn = (vendor: string, { payloads }: RecordKind, record: object) => {
  const read = provider(vendor).interpret(payloads(record))
  return "_tag" in read ? read.unreadable : [read]
}

describe("a documented field", () => {
  for (const [name, kind] of Object.entries(records)) {
    const [vendor = ""] = name.split(" ")

    it(`of a record (${name}) that is read is in this file`, () => {
      expect([...new Set(fieldsOf(kind.schema.ast))].sort()).toEqual(Object.keys(kind.fields).sort())
    })

    it(`of a record (${name}) is taken in its own type`, () => {
      for (const [field, of] of Object.entries(kind.fields)) {
        for (const value of [kinds[of].good, null]) {
          if (value === null && (field.endsWith("[]") || field in kind.base)) continue
          if (value === null && required[field.replace(/\.\w+$/, "")] !== undefined) continue
          const faults = faultsIn(vendor, kind, withField(kind.base, field, value))
          expect({ field, value, faults }).toEqual({ field, value, faults: [] })
        }
      }
    })

    it(`of a record (${name}) in any other type puts the record into quarantine`, () => {
      for (const [field, of] of Object.entries(kind.fields)) {
        const { bad = [], types }: Kind = kinds[of]
        const wrong = Object.entries(samples)
          .filter(([type]) => !types.includes(type as JsonType))
          .map(([, value]) => value)
        for (const value of [...wrong, ...bad]) {
          const record = withField(kind.base, field, value)
          const found = faultsIn(vendor, kind, record).map((fault) => ({
            path: fault.path,
            whole: JSON.parse(fault.payload)
          }))
          expect({ field, value, found }).toEqual({
            field,
            value,
            found: [{ path: expect.stringContaining(pathOf(field)), whole: record }]
          })
        }
      }
    })
  }
})
