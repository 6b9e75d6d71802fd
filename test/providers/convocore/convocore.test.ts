import { assert, describe, it } from "@effect/vitest"
import {
  Arbitrary,
  Chunk,
  Effect,
  Either,
  Exit,
  FastCheck as fc,
  Redacted,
  Schema,
  Stream,
  TestClock
} from "effect"
import type { Json } from "../../../src/domain/Conversation.ts"
import type { RequestedChange, StatusChange } from "../../../src/domain/StatusChange.ts"
import { fromEpoch, fromIso, now } from "../../../src/domain/Timestamp.ts"
import { agentList } from "../../../src/providers/convocore/agentList.ts"
import { groupsOf } from "../../../src/providers/convocore/exports.ts"
import { convocore } from "../../../src/providers/convocore/index.ts"
import {
  exportConversation,
  exportConversations,
  listConversations
} from "../../../src/providers/convocore/requests.ts"
import { Conversation, OtherMessage, TextMessage } from "../../../src/providers/convocore/wire.ts"
import type { Page, PullScope, Sighting, Unreadable } from "../../../src/providers/Provider.ts"
import { type FakeAnswer, fakeClient, type RecordedRequest, reading } from "../../support/fakeClient.ts"
import {
  countsOf,
  itemsIn,
  knownFrom,
  pullScope,
  sightingsIn,
  unreadablesIn
} from "../../support/pullScope.ts"
import { requested, statusChange } from "../../support/statusChange.ts"

/** The conversation of https://docs.convocore.ai/api-reference/v3/conversations/update, placeholders as its page has them. */
const example: Readonly<Record<string, unknown>> = {
  userEmail: "<string>",
  userName: "<string>",
  userPhone: "<string>",
  userAddress: "<string>",
  userCompany: "<string>",
  userWebsite: "<string>",
  notes: "<string>",
  userProfilePic: "<string>",
  ID: "<string>",
  userID: "<string>",
  campaignId: "<string>",
  userImage: "<string>",
  socialHandle: "<string>",
  isFollowingBusiness: true,
  socialVerified: true,
  userOs: "<string>",
  userBrowser: "<string>",
  origin: "<unknown>",
  whatsappPhoneNumberId: "<string>",
  whatsappBusinessNumber: "<string>",
  whatsappDisplayPhoneNumber: "<string>",
  whatsappBusinessAccountId: "<string>",
  messagesNum: 123,
  interactionsNum: 123,
  ts: 123,
  tags: ["<string>"],
  convoTimeSeconds: 123,
  firstMessageTS: 123,
  lastMessageTS: 123,
  userPlatform: "<string>",
  state: "requested_chat",
  chatAssignedTo: "<string>",
  handoffHistory: [
    {
      requestedAt: 123,
      acceptedAt: 123,
      completedAt: 123,
      acceptedBy: "<string>",
      organizationId: "<string>",
      requestedTeamKey: "<string>",
      teamIds: ["<string>"],
      teamKeys: ["<string>"]
    }
  ],
  isTyping: true,
  lastModified: 123,
  sessionsNum: 123,
  lang: "<string>",
  vapi: {
    cost: 123,
    callDuration: 123,
    recordingUrl: "<string>",
    callerPhoneNumber: "<string>",
    calleePhoneNumber: "<string>",
    callStatus: "<string>",
    callError: "<string>"
  },
  ratingFrom5: 123,
  totalUserInteractions: 123,
  isBlocked: true,
  nodesInfo: { currentNode: "<string>" },
  capturedVariables: "<unknown>",
  campaignCalls: "<array>",
  sessions: "<array>",
  endReason: "<string>",
  isTest: true,
  metrics: "<array>",
  notifyToUserId: "<string>",
  averageLatency: 123,
  voice: { latestSessionId: "<string>", listenUrl: "<string>", listenUrlUNIX: 123 },
  detailedCost: {
    totalCreditsConsumed: 123,
    speechGenCost: 123,
    transcriberCost: 123,
    twilioCost: 123,
    llmCost: 123
  },
  summary: "<string>",
  requestedTeamKey: "<string>",
  delegatedBy: "<string>",
  delegatedAt: 123,
  lastViewed: 123,
  note: "<string>",
  leadScore: 0,
  funnelStepsMatched: [],
  funnelScoreHistory: [],
  funnelNotificationSent: false,
  funnelLastEvaluated: 123,
  funnelExtractedData: {},
  funnelSummary: "<string>",
  title: "<string>",
  lastMessage: "<string>"
}

const started = Date.UTC(2026, 2, 1) / 1000

const spoken = (second: number) => {
  const two = (value: number) => String(value).padStart(2, "0")
  return `March 1st 2026, 12:${two(Math.floor(second / 60) % 60)}:${two(second % 60)} am`
}

const said = (index: number, from = index % 2 === 0 ? "user" : "bot", more: object = {}) => ({
  from,
  messages: [
    {
      type: "text",
      ts: spoken(index),
      payload: { message: `line ${index}`, feedback: "Unset", aiGenerated: from === "bot" },
      ...more
    }
  ]
})

interface Held {
  readonly agentId: string
  readonly row: Record<string, unknown> & { ID: string }
  readonly turns: ReadonlyArray<unknown>
}

const held = (id: string, messages = 2, rest: object = {}, agentId = "agent-1"): Held => ({
  agentId,
  row: {
    ID: id,
    userID: `user-${id}`,
    ts: started,
    messagesNum: messages,
    userName: "Jane",
    userEmail: "jane@example.com",
    tags: ["new-lead"],
    origin: "web-chat",
    firstMessageTS: started,
    lastMessageTS: started + messages,
    state: "ai-chatting",
    lastModified: (started + messages) * 1000,
    ...rest
  },
  turns: Array.from({ length: messages }, (_, index) => said(index))
})

const many = (count: number, agentId = "agent-1", from = 0) =>
  Array.from({ length: count }, (_, index) =>
    held(`c${String(from + index).padStart(5, "0")}`, 2, { firstMessageTS: started - from - index }, agentId)
  )

interface VendorOptions {
  readonly paging?: "page" | "cursor"
  readonly largestPage?: number
  /** 400 where more than `largestPage` is asked for; else as much as there is. */
  readonly refusesLargePages?: boolean
  readonly access?: "allowed" | "forbidden"
  readonly selected?: "taken" | "refused" | "ignored"
  /** By these ids there is no conversation, although they are listed. */
  readonly ghosts?: ReadonlyArray<string>
  /** Conversations that no bulk export shows. */
  readonly silent?: ReadonlyArray<string>
  readonly agents?: ReadonlyArray<string>
  readonly agentEnvelope?: (agents: ReadonlyArray<object>) => unknown
  readonly beforeAnswer?: (request: RecordedRequest) => void
  /** Wins over everything. */
  readonly override?: (request: RecordedRequest) => FakeAnswer | null
}

const missing: FakeAnswer = { status: 404, json: { message: "Conversation not found", code: "NOT_FOUND" } }
const addon: FakeAnswer = {
  status: 403,
  json: { message: "Chat Export API addon required.", code: "FORBIDDEN" }
}

const thin = ({ row }: Held) => {
  const { state: _, lastModified: __, title: ___, summary: ____, lastMessage: _____, ...rest } = row
  return rest
}

const exported = ({ row, turns }: Held) => ({
  metadata: {
    feedback: "Positive",
    convo: { id: row.ID, userName: "Jane", tags: [], origin: "web" },
    sessions: []
  },
  turns
})

const listRoute = (
  rows: ReadonlyArray<Held>,
  options: VendorOptions,
  query: RecordedRequest["query"]
): FakeAnswer => {
  const asked = Number(query?.limit ?? 20)
  const largest = options.largestPage ?? (options.paging === "cursor" ? 20 : 100)
  if (asked > largest && options.refusesLargePages === true)
    return { status: 400, json: { code: "BAD_REQUEST" } }
  const limit = Math.min(asked, largest)
  const page = Number(query?.page ?? 1)
  if (options.paging !== "cursor")
    return { json: { success: true, data: rows.slice((page - 1) * limit, page * limit).map(thin) } }
  if (page > 1) return { status: 400, json: { code: "BAD_REQUEST" } }
  const after =
    query?.cursor === undefined ? 0 : rows.findIndex(({ row }) => `after-${row.ID}` === query.cursor) + 1
  if (query?.cursor !== undefined && after === 0) return { status: 400, json: { message: "Invalid cursor" } }
  const given = rows.slice(after, after + limit)
  const hasMore = after + limit < rows.length
  const nextCursor = hasMore ? `after-${given.at(-1)?.row.ID}` : null
  return { json: { success: true, data: given.map(thin), hasMore, nextCursor, limit } }
}

const exportRoute = (
  all: ReadonlyArray<Held>,
  options: VendorOptions,
  query: RecordedRequest["query"]
): FakeAnswer => {
  if (options.access === "forbidden") return addon
  if (options.selected === "refused") return { status: 400, json: { code: "BAD_REQUEST" } }
  const ids = String(query?.convoIds ?? "").split(",")
  const chosen = options.selected === "ignored" ? all : all.filter(({ row }) => ids.includes(row.ID))
  const loud = chosen.filter(({ row }) => !(options.silent ?? []).includes(row.ID))
  return { json: { success: true, mode: "selected", data: loud.map(exported) } }
}

const settings = {
  name: "support",
  baseUrl: "https://eu.example/v3",
  statusMap: {},
  token: Redacted.make("t"),
  exportTimeZone: "UTC"
}

/** A workspace at a vendor that does what its pages say. `all` may change while it is read. */
const vendor = (
  all: Array<Held>,
  options: VendorOptions = {},
  more: Partial<typeof settings> & { agents?: ReadonlyArray<string> } = {}
) => {
  const agentIds = options.agents ?? ["agent-1"]
  const fake = fakeClient((request) => {
    options.beforeAnswer?.(request)
    const special = options.override?.(request) ?? null
    if (special !== null) return special
    const [, agents, agentId = "", , id, action] = request.path.split("/").map(decodeURIComponent)
    if (agents !== "agents") return null
    if (agentId === "") {
      const data = agentIds.map((ID) => ({ ID, title: ID, SECRET_API_KEY: "vg-secret-of-the-workspace" }))
      return { json: options.agentEnvelope?.(data) ?? { success: true, message: "ok", data } }
    }
    if (!agentIds.includes(agentId)) return { status: 404, json: { message: "Agent not found" } }
    const own = all.filter((one) => one.agentId === agentId)
    if (id === undefined) return listRoute(own, options, request.query)
    if (id === "export") return exportRoute(own, options, request.query)
    const one = own.find(({ row }) => row.ID === id)
    const isGhost = (options.ghosts ?? []).includes(id)
    if (action === "export") {
      if (options.access === "forbidden") return addon
      return one === undefined || isGhost ? missing : { json: { success: true, data: exported(one) } }
    }
    if (one === undefined || isGhost) return missing
    return { json: { success: true, message: "ok", data: one.row } }
  })
  const asked = (operation: string) => fake.requests.filter((request) => request.operation === operation)
  return { ...fake, asked, provider: convocore.make({ ...settings, ...more }, fake.client) }
}

const pulled = (provider: ReturnType<typeof vendor>["provider"], scope: PullScope = pullScope()) =>
  Effect.map(Stream.runCollect(provider.pull(scope)), Chunk.toReadonlyArray)

const idsIn = (pages: Iterable<Page>) => sightingsIn(pages).map(({ conversation }) => conversation.providerId)

const noticesIn = (pages: ReadonlyArray<Page>) =>
  pages.flatMap(({ notices }) => notices.map(({ code }) => code))

/** A mirror that stored `pages`, and then `later`, whose messages are kept where they say nothing of any. */
const knownAfter = (pages: ReadonlyArray<Page>, later: ReadonlyArray<Page>) => {
  const before = new Map(knownFrom(pages).map((one) => [one.providerId, one]))
  for (const one of knownFrom(later)) {
    const stored = before.get(one.providerId)?.storedMessages ?? 0
    before.set(one.providerId, { ...one, storedMessages: Math.max(one.storedMessages, stored) })
  }
  return [...before.values()]
}

const interpreted = (row: unknown, detail?: unknown, exportOf?: unknown, zone = "UTC") => {
  const payload = (kind: string, value: unknown) => ({
    kind,
    providerId: "agent-1/x",
    conversationId: "x",
    payload: JSON.stringify(value)
  })
  const payloads = [
    ...(row === undefined ? [] : [payload("conversation", row)]),
    ...(detail === undefined ? [] : [payload("detail", detail)]),
    ...(exportOf === undefined ? [] : [payload("export", exportOf)])
  ]
  return vendor([], {}, { exportTimeZone: zone }).provider.interpret(payloads)
}

const sighted = (...args: Parameters<typeof interpreted>): Sighting => {
  const result = interpreted(...args)
  return "_tag" in result ? result : assert.fail(`${result.path}: ${result.reason}`)
}

const messagesOf = (turns: ReadonlyArray<unknown>, detail: object = {}, zone = "UTC") =>
  sighted(undefined, { ...held("x").row, ...detail }, { turns }, zone).messages?.items ??
  assert.fail("no messages")

const change = (
  status: RequestedChange["status"],
  rest: Partial<RequestedChange> = {},
  providerId = "a/b"
): StatusChange =>
  statusChange("support", providerId, { requested: requested(status, rest), agentId: "agent-1" })

describe("Convocore's conversations", () => {
  it("find a home for every field of the vendor's page", () => {
    const { conversation, contact } = sighted(undefined, example)
    const columns = {
      providerId: "x",
      contactId: "<string>",
      channel: "<unknown>",
      providerChannel: "<unknown>",
      status: "handed_off",
      providerStatus: "requested_chat",
      agentId: "agent-1",
      campaignId: "<string>",
      title: "<string>",
      summary: "<string>",
      qualified: null,
      qualificationReason: null,
      tags: ["<string>"],
      declaredMessages: 123,
      startedAt: fromEpoch(123),
      lastMessageAt: fromEpoch(123),
      updatedAt: fromEpoch(123)
    }
    const { attributes, ...rest } = conversation
    assert.deepStrictEqual<unknown>(rest, columns)
    const inColumns = [
      "ID",
      "userID",
      "userName",
      "userEmail",
      "userPhone",
      "origin",
      "campaignId",
      "state",
      "title",
      "summary",
      "tags",
      "messagesNum",
      "firstMessageTS",
      "lastMessageTS",
      "lastModified"
    ]
    for (const [field, value] of Object.entries(example)) {
      if (!inColumns.includes(field)) assert.deepStrictEqual<unknown>(attributes[field], value, field)
    }
    assert.deepStrictEqual(contact, {
      providerId: "<string>",
      name: "<string>",
      email: "<string>",
      phone: "<string>",
      attributes: {
        userAddress: "<string>",
        userCompany: "<string>",
        userWebsite: "<string>",
        userProfilePic: "<string>",
        userImage: "<string>",
        socialHandle: "<string>",
        isFollowingBusiness: true,
        socialVerified: true
      }
    })
  })

  it("keep name, email and phone where they name no contact, and an origin that is no word", () => {
    const { conversation, contact } = sighted(undefined, { ...example, userID: null, origin: { via: "x" } })
    assert.strictEqual(contact, null)
    const { userName, userEmail, userPhone, origin } = conversation.attributes
    assert.deepStrictEqual<unknown>(
      [userName, userEmail, userPhone, origin, conversation.channel],
      ["<string>", "<string>", "<string>", { via: "x" }, null]
    )
  })

  it("decode whatever the page allows", () => {
    const holds = <A, I extends object>(
      wire: Schema.Schema<A, I>,
      read: (value: I) => Sighting | Unreadable
    ) =>
      fc.assert(
        fc.property(Arbitrary.make(Schema.encodedSchema(wire)), (value) => {
          const result = read(value)
          assert.isTrue("_tag" in result && result.unreadable.length === 0)
        })
      )
    holds(Conversation, (value) => interpreted({ ...value, ID: "x" }))
    holds(Conversation, (value) => interpreted(undefined, { ...value, ID: undefined, id: "7" }))
    const ts = spoken(1)
    holds(TextMessage, (value) =>
      interpreted(held("x").row, undefined, { turns: [{ messages: [{ ...value, type: "text", ts }] }] })
    )
    holds(OtherMessage, (value) =>
      interpreted(held("x").row, undefined, { turns: [{ messages: [{ ...value, ts }] }] })
    )
  })

  it("take each field in its own type only, and say which one was wrong", () => {
    const untyped = ["origin", "capturedVariables"]
    for (const [field, value] of Object.entries(example)) {
      if (untyped.includes(field)) continue
      const wrong = typeof value === "object" ? "text" : { not: "this" }
      const result = interpreted({ ...example, [field]: wrong })
      if ("_tag" in result) return assert.fail(`${field} was taken`)
      assert.strictEqual(result.path, `$.${field}`)
      assert.match(result.reason, /expected/)
    }
    for (const [damage, path] of [
      [{ handoffHistory: [{ requestedAt: 1 }, { teamIds: "x" }] }, "$.handoffHistory[1].teamIds"],
      [{ vapi: { cost: "much" } }, "$.vapi.cost"],
      [{ tags: ["a", 5] }, "$.tags[1]"],
      [{ lastMessageTS: "soon" }, "$.lastMessageTS"],
      [{ messagesNum: -1 }, "$.messagesNum"],
      [{ ID: "" }, "$.ID"],
      [{ ID: undefined }, "$.ID"]
    ] as const) {
      const result = interpreted({ ...example, ...damage })
      assert.strictEqual("_tag" in result ? "none" : result.path, path)
    }
  })

  it("read seconds and milliseconds of one record as the same time", () => {
    const { conversation } = sighted(
      { ID: "x", firstMessageTS: 1_785_326_394_000, lastMessageTS: 1_785_326_394, ts: 1_785_326_000 },
      { ID: "x", lastModified: 1_785_692_957_753 }
    )
    assert.deepStrictEqual<unknown>(
      [conversation.startedAt, conversation.lastMessageAt, conversation.updatedAt],
      ["2026-07-29T11:59:54.000Z", "2026-07-29T11:59:54.000Z", "2026-08-02T17:49:17.753Z"]
    )
    assert.strictEqual(sighted({ ID: "x", lastMessageTS: 123 }).conversation.updatedAt, fromEpoch(123))
    assert.strictEqual(sighted({ ID: "x", ts: 456 }).conversation.startedAt, fromEpoch(456))
  })

  it("keep words nobody has documented, and all of the payload", () => {
    const { conversation, raw } = sighted({
      ID: "x",
      state: "snoozed",
      origin: "fax",
      tokenUsage: { usd: 1 }
    })
    assert.deepStrictEqual(
      [conversation.status, conversation.providerStatus, conversation.channel],
      ["unknown", "snoozed", "fax"]
    )
    assert.include(raw[0]?.payload, "tokenUsage")
    assert.deepStrictEqual(conversation.attributes, { $other: { tokenUsage: { usd: 1 } } })
    assert.strictEqual(sighted({ ID: "x", origin: "web" }).conversation.channel, "web")
    assert.strictEqual(sighted({ ID: "x" }).conversation.providerStatus, null)
  })

  it.effect("that do not decode are put aside, and the rest of their page is stored", () =>
    Effect.gen(function* () {
      const all = [
        held("a"),
        held("bad", 2, { messagesNum: "two" }),
        held("c"),
        held("worse", 2, { tags: 5 })
      ]
      const pages = yield* pulled(vendor(all).provider)
      assert.deepStrictEqual(idsIn(pages), ["a", "c"])
      assert.deepStrictEqual(
        unreadablesIn(pages)
          .map(({ kind, providerId, conversationId, path }) => [kind, providerId, conversationId, path])
          .sort(),
        [
          ["conversation", "agent-1/bad", "bad", "$.messagesNum"],
          ["conversation", "agent-1/worse", "worse", "$.tags"]
        ]
      )
    })
  )

  it.effect("whose details do not decode are kept as listed, and what came instead in quarantine", () =>
    Effect.gen(function* () {
      const bad: ReadonlyArray<readonly [FakeAnswer, path: string]> = [
        [{ json: { success: true, data: { ID: "bad", state: 5 } } }, "$.state"],
        [{ json: { success: true, data: { ID: "other" } } }, "$.ID"],
        [{ json: { success: true } }, "$.data"],
        [{ text: "<html>" }, "$"]
      ]
      for (const [answer, path] of bad) {
        const override = ({ path: url }: RecordedRequest) => (url.endsWith("/convos/bad") ? answer : null)
        const pages = yield* pulled(vendor([held("a"), held("bad"), held("c")], { override }).provider)
        assert.deepStrictEqual([...idsIn(pages)].sort(), ["a", "bad", "c"])
        assert.deepStrictEqual(
          unreadablesIn(pages).map((one) => [one.kind, one.providerId, one.path]),
          [["detail", "agent-1/bad", path]]
        )
        assert.isTrue(pages.at(-1)?.end?.complete)
      }
    })
  )
})

describe("Convocore's messages", () => {
  it("come out of the turns of the vendor's example", () => {
    const items = messagesOf([
      {
        from: "user",
        messages: [
          {
            type: "text",
            ts: "December 1st 2024, 10:30:00 am",
            payload: { message: "Hello!", feedback: "Unset", aiGenerated: false }
          }
        ]
      },
      {
        from: "bot",
        messages: [
          {
            type: "text",
            ts: "December 1st 2024, 10:30:02 am",
            payload: { message: "Hi! ...", feedback: "Positive", aiGenerated: true }
          }
        ]
      }
    ])
    assert.deepStrictEqual(
      items.map(({ messageId: _, ...rest }) => rest),
      [
        {
          providerId: null,
          role: "customer",
          providerRole: "user",
          type: "text",
          content: "Hello!",
          sentAt: fromIso("2024-12-01T10:30:00Z"),
          sentAtSource: "ts",
          attributes: { feedback: "Unset", aiGenerated: false }
        },
        {
          providerId: null,
          role: "agent",
          providerRole: "bot",
          type: "text",
          content: "Hi! ...",
          sentAt: fromIso("2024-12-01T10:30:02Z"),
          sentAtSource: "ts",
          attributes: { feedback: "Positive", aiGenerated: true }
        }
      ]
    )
  })

  it("come out of what is stored as well, with the channel's own id and times in seconds", () => {
    const [message] = messagesOf([
      {
        from: "human",
        ts: 1_785_326_394,
        session_id: "s1",
        isAIGenerated: false,
        messages: [
          {
            from: "human",
            type: "text",
            mid: "wamid.1",
            item: { type: "text", payload: { message: "Hi" } },
            sourceLabel: "WhatsApp",
            replyTo: { messageId: "m0" }
          }
        ]
      }
    ])
    assert.deepStrictEqual(message, {
      messageId: "wamid.1",
      providerId: "wamid.1",
      role: "customer",
      providerRole: "human",
      type: "text",
      content: "Hi",
      sentAt: fromEpoch(1_785_326_394),
      sentAtSource: "turn.ts",
      attributes: {
        isAIGenerated: false,
        session_id: "s1",
        sourceLabel: "WhatsApp",
        replyTo: { messageId: "m0" }
      }
    })
  })

  it("are a person's from the acceptance to the end of a hand-off, and scripted before and after", () => {
    const scripted = (minute: number) =>
      said(minute, "bot", {
        ts: `2026-03-01T10:${minute}:00Z`,
        payload: { message: "Hello", aiGenerated: false }
      })
    const messages = messagesOf([10, 20, 30, 40, 50].map(scripted), {
      state: "ended_chat",
      handoffHistory: [
        { requestedAt: Date.UTC(2026, 2, 1, 10, 15), acceptedAt: null },
        {
          requestedAt: Date.UTC(2026, 2, 1, 10, 18) / 1000,
          acceptedAt: Date.UTC(2026, 2, 1, 10, 20, 0, 500),
          completedAt: Date.UTC(2026, 2, 1, 10, 35),
          acceptedBy: "kate"
        }
      ]
    })
    assert.deepStrictEqual(
      messages.map(({ attributes, role }) => [role, attributes.$author]),
      [
        ["agent", undefined],
        ["human", "kate"],
        ["human", "kate"],
        ["agent", undefined],
        ["agent", undefined]
      ]
    )
  })

  it("are a person's where no AI made them and a person has taken the chat", () => {
    const bots = [said(1, "bot"), said(2, "bot", { payload: { message: "Jo here", aiGenerated: false } })]
    const roles = (detail: object) => messagesOf(bots, detail).map(({ role }) => role)
    assert.deepStrictEqual(roles({ state: "ai-chatting" }), ["agent", "agent"])
    assert.deepStrictEqual(roles({ state: "human-chatting" }), ["agent", "human"])
    const accepted = { state: "ended_chat", handoffHistory: [{ requestedAt: 1 }, { acceptedAt: 2 }] }
    assert.deepStrictEqual(roles(accepted), ["agent", "human"])
    assert.deepStrictEqual(roles({ handoffHistory: [{ requestedAt: 1 }] }), ["agent", "agent"])
    assert.deepStrictEqual(
      messagesOf([said(0, "system"), said(1, "narrator")]).map(({ role, providerRole }) => [
        role,
        providerRole
      ]),
      [
        ["system", "system"],
        ["unknown", "narrator"]
      ]
    )
  })

  it("say what can be read of any type, and keep the rest beside it", () => {
    const ts = spoken(0)
    const buttons = [{ name: "Yes" }, { name: "No", request: 1 }, {}]
    const items = messagesOf([
      {
        from: "bot",
        messages: [
          { type: "choice", ts, payload: { buttons } },
          { type: "choice", ts, payload: { message: "Really?", buttons } },
          { type: "visual", ts, payload: { image: "https://x/y.png" } },
          { type: "launch", ts, payload: null },
          { type: "debug:tell", ts, payload: { message: "route: a" } },
          { type: "cardV2", ts, payload: { message: { title: "Card" } } },
          { type: "no-reply", ts, payload: "text" },
          { type: "text", ts, payload: { message: "" } }
        ]
      }
    ])
    assert.deepStrictEqual(
      items.map(({ type, content }) => [type, content]),
      [
        ["choice", "Yes, No"],
        ["choice", "Really?\nYes, No"],
        ["visual", null],
        ["launch", null],
        ["debug:tell", "route: a"],
        ["cardV2", null],
        ["no-reply", null],
        ["text", null]
      ]
    )
    assert.deepStrictEqual(items[2]?.attributes, { payload: { image: "https://x/y.png" } })
    assert.deepStrictEqual(items[0]?.attributes, { payload: { buttons } })
  })

  it("that do not decode are put aside one by one", () => {
    for (const [damage, path] of [
      [{ ts: "noon" }, "$.ts"],
      [{ ts: true }, "$.ts"],
      [{ payload: { message: 5 } }, "$.payload.message"],
      [{ payload: { message: "x", aiGenerated: "yes" } }, "$.payload.aiGenerated"],
      [{ payload: "x" }, "$.payload"],
      [{ type: 7 }, "$.type"],
      [{ mid: {} }, "$.mid"],
      [{ from: 1 }, "$.from"]
    ] as const) {
      const turns = [said(0), said(1, "bot", damage), said(2)]
      const { messages, unreadable } = sighted(undefined, held("x").row, { turns })
      assert.deepStrictEqual(
        messages?.items.map(({ content }) => content),
        ["line 0", "line 2"]
      )
      assert.deepStrictEqual(
        unreadable.map((one) => [one.kind, one.conversationId, one.path]),
        [["message", "x", path]]
      )
      assert.deepStrictEqual(
        JSON.parse(unreadable[0]?.payload ?? ""),
        JSON.parse(JSON.stringify(turns[1]?.messages[0]))
      )
    }
    const turn = sighted(undefined, held("x").row, {
      turns: [said(0), { from: "user", messages: "none" }, 5]
    })
    assert.deepStrictEqual(
      turn.unreadable.map(({ kind, path }) => [kind, path]),
      [
        ["turn", "$.messages"],
        ["turn", "$"]
      ]
    )
    assert.strictEqual(turn.messages?.items.length, 1)
    const whole = sighted(undefined, held("x").row, { turns: "none" })
    assert.deepStrictEqual(
      [whole.messages, whole.unreadable.map(({ kind, path }) => [kind, path])],
      [null, [["export", "$.turns"]]]
    )
  })

  const lines = fc.array(
    fc.record({
      second: fc.nat(59),
      text: fc.constantFrom("yes", "no", "ok"),
      from: fc.constantFrom("user", "bot")
    }),
    { minLength: 1, maxLength: 12 }
  )
  const turnsOf = (all: ReadonlyArray<{ second: number; text: string; from: string }>, feedback = "Unset") =>
    all.map(({ second, text, from }) => said(second, from, { payload: { message: text, feedback } }))

  it("get ids that are their own, and keep them when messages are appended or judged", () => {
    fc.assert(
      fc.property(lines, fc.nat(), (all, at) => {
        const ids = messagesOf(turnsOf(all)).map(({ messageId }) => messageId)
        assert.strictEqual(new Set(ids).size, all.length)
        const before = all.slice(0, 1 + (at % all.length))
        assert.deepStrictEqual(
          messagesOf(turnsOf(before, "Positive")).map(({ messageId }) => messageId),
          ids.slice(0, before.length)
        )
      })
    )
  })

  it("are timed by the connection's zone", () => {
    const [winter] = messagesOf([said(0)], {}, "America/New_York")
    assert.strictEqual(winter?.sentAt, "2026-03-01T05:00:00.000Z")
    assert.strictEqual(messagesOf([said(0)])[0]?.sentAt, "2026-03-01T00:00:00.000Z")
  })
})

describe("Convocore's list", () => {
  const styles: ReadonlyArray<VendorOptions> = [
    { paging: "page" },
    { paging: "page", largestPage: 20 },
    { paging: "page", largestPage: 20, refusesLargePages: true },
    { paging: "cursor" },
    { paging: "cursor", refusesLargePages: true },
    { paging: "cursor", largestPage: 100 }
  ]

  it.effect(
    "is read to its end in every way of paging, each conversation once, with state and messages",
    () =>
      Effect.gen(function* () {
        for (const style of styles) {
          for (const count of [0, 1, 20, 21, 100]) {
            const { provider, asked } = vendor(many(count), style)
            const pages = yield* pulled(provider)
            const which = JSON.stringify([style, count])
            assert.deepStrictEqual(
              countsOf(pages),
              { Sighting: count, Unchanged: 0, Filtered: 0, Unreadable: 0 },
              which
            )
            assert.strictEqual(new Set(idsIn(pages)).size, count, which)
            assert.deepStrictEqual(pages.at(-1)?.end, { complete: true, reason: null }, which)
            assert.strictEqual(pages.filter(({ end }) => end !== null).length, 1)
            assert.strictEqual(asked("get a conversation").length, count)
            assert.strictEqual(asked("export conversations").length, Math.ceil(count / 50), which)
            assert.strictEqual(asked("export a conversation").length, 0)
            for (const { conversation, messages } of sightingsIn(pages)) {
              assert.deepStrictEqual([conversation.status, messages?.items.length], ["active", 2])
            }
          }
        }
      })
  )

  it.effect("sends a cursor alone, and never more than twenty at a time with it", () =>
    Effect.gen(function* () {
      const { provider, asked } = vendor(many(70), { paging: "cursor", refusesLargePages: true })
      const pages = yield* pulled(provider)
      assert.deepStrictEqual(
        asked("list conversations").map(({ query }) => query),
        [
          { page: 1, limit: 100 },
          { page: 1, limit: 20 },
          { cursor: "after-c00019", limit: 20 },
          { cursor: "after-c00039", limit: 20 },
          { cursor: "after-c00059", limit: 20 },
          { page: 1, limit: 20 }
        ]
      )
      const learned = Object.assign({}, ...pages.map((one) => one.learned)) as Record<string, string>
      assert.deepStrictEqual(learned, { "list-limit": "20" })
      const again = vendor(many(70), { paging: "cursor", refusesLargePages: true })
      const lesson = { "list-limit": { value: "20", at: now(0) } }
      yield* pulled(again.provider, pullScope({ learned: lesson }))
      assert.deepStrictEqual(again.asked("list conversations")[0]?.query, { page: 1, limit: 20 })
    })
  )

  it.effect("asks for no detail and no export where nothing has changed", () =>
    Effect.gen(function* () {
      for (const style of styles) {
        const all = many(90)
        const known = knownFrom(yield* pulled(vendor(all, style).provider))
        const { provider, requests } = vendor(all, style)
        const pages = yield* pulled(provider, pullScope({ known }))
        assert.deepStrictEqual(countsOf(pages), { Sighting: 0, Unchanged: 90, Filtered: 0, Unreadable: 0 })
        assert.deepStrictEqual([...new Set(requests.map(({ operation }) => operation))].sort(), [
          "list agents",
          "list conversations"
        ])
      }
    })
  )

  it.effect("fetches the details of what has changed, and exports only where messages have", () =>
    Effect.gen(function* () {
      const all = many(60)
      const first = yield* pulled(vendor(all).provider)
      const known = knownFrom(first)
      const watched = all.map((one) => ({ ...one, row: { ...one.row, isTyping: true, lastViewed: 5 } }))
      const unmoved = vendor(watched)
      assert.strictEqual(countsOf(yield* pulled(unmoved.provider, pullScope({ known }))).Unchanged, 60)
      assert.strictEqual(unmoved.asked("get a conversation").length, 0)

      const changed = all.map((one, index): Held => {
        if (index === 5) return { ...one, row: { ...one.row, userName: "Joan" } }
        if (index !== 40) return one
        const row = { ...one.row, messagesNum: 3, lastMessage: "line 2" }
        return { ...one, row, turns: [...one.turns, said(2)] }
      })
      const third = vendor(changed)
      const pages = yield* pulled(third.provider, pullScope({ known }))
      const [renamed, answered] = [...sightingsIn(pages)].sort((a, b) =>
        a.conversation.providerId < b.conversation.providerId ? -1 : 1
      )
      assert.deepStrictEqual([renamed?.contact?.name, renamed?.messages], ["Joan", null])
      assert.strictEqual(answered?.messages?.items.length, 3)
      assert.strictEqual(third.asked("get a conversation").length, 2)
      assert.deepStrictEqual(
        third.asked("export conversations").map(({ query }) => query?.convoIds),
        ["c00040"]
      )
      const fourth = vendor(changed)
      const after = yield* pulled(fourth.provider, pullScope({ known: knownAfter(first, pages) }))
      assert.strictEqual(countsOf(after).Unchanged, 60)
      assert.strictEqual(
        fourth.asked("get a conversation").length + fourth.asked("export conversations").length,
        0
      )
    })
  )

  it.effect(
    "dates conversations by their details, which say the status, however much later the export came",
    () =>
      Effect.gen(function* () {
        const fake = vendor(many(3))
        let asked = 0
        const details: Array<number> = []
        const slowly = convocore.make(settings, {
          ...fake.client,
          // Each answer is asked for a second after the one before.
          ...reading((request) =>
            Effect.suspend(() => {
              asked += 1
              if (request.operation === "get a conversation") details.push(asked * 1000)
              return Effect.zipRight(TestClock.setTime(asked * 1000), fake.client.read(request))
            })
          )
        })
        const dates = (page: Page | null) => [page?.exchange.operation, page?.exchange.requestedAt]
        const pages = yield* pulled(slowly, pullScope({ concurrency: 1 }))
        const exports = pages.filter(({ exchange }) => exchange.operation === "export conversations")
        assert.deepStrictEqual(exports.map(dates), [["export conversations", details[0]]])
        const one = yield* slowly.fetch(idsIn(pages)[0] ?? "", null, { messages: true })
        assert.deepStrictEqual(dates(one), ["export a conversation", details.at(-1)])
      })
  )

  it.effect("does not export again what only lost its mark, as after a change of ours", () =>
    Effect.gen(function* () {
      const all = many(3)
      const known = knownFrom(yield* pulled(vendor(all).provider)).map((one) => ({
        ...one,
        fingerprint: null
      }))
      const second = vendor(all)
      const pages = yield* pulled(second.provider, pullScope({ known }))
      assert.deepStrictEqual([countsOf(pages).Sighting, second.asked("export conversations").length], [3, 0])
      const third = vendor(all)
      const after = yield* pulled(third.provider, pullScope({ known: knownFrom(pages) }))
      assert.strictEqual(countsOf(after).Unchanged, 3)
      const short = known.map((one) => ({ ...one, storedMessages: 1 }))
      const fourth = vendor(all)
      yield* pulled(fourth.provider, pullScope({ known: short }))
      assert.strictEqual(fourth.asked("export conversations").length, 1)
    })
  )

  it.effect("keeps what its API created, though its id answers 404, and asks for it once", () =>
    Effect.gen(function* () {
      const [ghost, quiet] = ["agent-1_ghost", "agent-1_quiet"] as const
      const all = [held("a"), held(ghost), held(quiet), held("d")]
      const options: VendorOptions = { ghosts: [ghost, quiet], silent: [quiet] }
      const first = vendor(all, options)
      const pages = yield* pulled(first.provider)
      const byId = new Map(sightingsIn(pages).map((one) => [one.conversation.providerId, one]))
      assert.deepStrictEqual([...byId.keys()].sort(), ["a", ghost, quiet, "d"])
      assert.deepStrictEqual(
        [ghost, quiet].map((id) => [byId.get(id)?.conversation.status, byId.get(id)?.messages?.items.length]),
        [
          ["unknown", 2],
          ["unknown", undefined]
        ]
      )
      assert.strictEqual(first.asked("export a conversation").length, 0)
      assert.deepStrictEqual(
        pages.flatMap(({ soughtById }) => soughtById?.missing ?? []),
        []
      )
      const second = vendor(all, options)
      assert.strictEqual(
        countsOf(yield* pulled(second.provider, pullScope({ known: knownFrom(pages) }))).Unchanged,
        4
      )
      assert.strictEqual(second.asked("get a conversation").length, 0)
    })
  )

  it.effect("asks again for any other whose id answers 404, and counts it as missing, exported or not", () =>
    Effect.gen(function* () {
      const all = [held("a"), held("ghost"), held("quiet"), held("d")]
      const options: VendorOptions = { ghosts: ["ghost", "quiet"], silent: ["quiet"] }
      const pages = yield* pulled(vendor(all, options).provider)
      const sought = (pages: ReadonlyArray<Page>) => [
        pages.reduce((sum, { soughtById }) => sum + (soughtById?.found ?? 0), 0),
        pages.flatMap(({ soughtById }) => soughtById?.missing ?? [])
      ]
      assert.deepStrictEqual(sought(pages), [2, ["ghost", "quiet"]])
      assert.deepStrictEqual(idsIn(pages).sort(), ["a", "d", "ghost", "quiet"])
      const second = vendor(all, options)
      const again = yield* pulled(second.provider, pullScope({ known: knownFrom(pages) }))
      assert.deepStrictEqual(sought(again), [0, ["ghost", "quiet"]])
      assert.strictEqual(second.asked("get a conversation").length, 2)
    })
  )

  it.effect("leaves out what was started outside of the window, without asking for its details", () =>
    Effect.gen(function* () {
      const day = (number: number) => Date.UTC(2026, 0, number) / 1000
      const all = [1, 2, 3, 4].map((number) => held(`d${number}`, 1, { firstMessageTS: day(number) * 1000 }))
      const { provider, asked } = vendor(all)
      const window = { since: fromIso("2026-01-02"), until: fromIso("2026-01-04") }
      const pages = yield* pulled(provider, pullScope(window))
      assert.deepStrictEqual([idsIn(pages), countsOf(pages).Filtered], [["d2", "d3"], 2])
      assert.strictEqual(asked("get a conversation").length, 2)
    })
  )

  it.effect("goes on after the cursor of any page, in every way of paging", () =>
    Effect.gen(function* () {
      const all = [...many(45), ...many(25, "agent-2", 500), ...many(5, "agent-3", 900)]
      const agents = ["agent-1", "agent-2", "agent-3"]
      for (const style of styles) {
        const whole = yield* pulled(vendor(all, { ...style, agents }).provider)
        for (const [index, { cursor }] of whole.entries()) {
          if (cursor === null) continue
          const known = knownFrom(whole.slice(0, index + 1))
          const { provider, asked } = vendor(all, { ...style, agents })
          const rest = yield* pulled(provider, pullScope({ cursor, known }))
          const both = new Set([...known.map(({ providerId }) => providerId), ...idsIn(rest)])
          assert.strictEqual(both.size, 75)
          assert.strictEqual(asked("get a conversation").length, 75 - known.length)
          assert.deepStrictEqual(rest.at(-1)?.end, { complete: true, reason: null })
        }
      }
    })
  )

  it.effect("begins anew where a cursor is no longer taken, and gives up where none is", () =>
    Effect.gen(function* () {
      const all = many(90)
      let refused = 0
      const once = ({ query }: RecordedRequest): FakeAnswer | null =>
        query?.cursor === "after-c00039" && refused++ === 0
          ? { status: 410, json: { message: "Cursor expired" } }
          : null
      const pages = yield* pulled(vendor(all, { paging: "cursor", override: once }).provider)
      assert.deepStrictEqual([new Set(idsIn(pages)).size, countsOf(pages).Sighting], [90, 90])
      assert.isTrue(pages.at(-1)?.end?.complete)
      const never = ({ query }: RecordedRequest): FakeAnswer | null =>
        query?.cursor === "after-c00039" ? { status: 400, json: {} } : null
      const { provider, requests } = vendor(all, { paging: "cursor", override: never })
      const stored: Array<Page> = []
      const exit = yield* Effect.exit(
        Stream.runForEach(provider.pull(pullScope()), (one) => Effect.sync(() => stored.push(one)))
      )
      assert.isTrue(Exit.isFailure(exit))
      assert.strictEqual(idsIn(stored).length, 40)
      assert.isBelow(requests.filter(({ operation }) => operation === "list conversations").length, 12)
    })
  )

  it.effect("that does not end is an error, and what came before it is kept", () =>
    Effect.gen(function* () {
      const circle = ({ operation }: RecordedRequest): FakeAnswer | null =>
        operation === "list conversations"
          ? { json: { data: many(20).map(thin), hasMore: true, nextCursor: "again", limit: 20 } }
          : null
      const { provider, asked } = vendor(many(20), { override: circle })
      const stored: Array<Page> = []
      const failure = yield* Effect.flip(
        Stream.runForEach(provider.pull(pullScope()), (one) => Effect.sync(() => stored.push(one)))
      )
      assert.strictEqual(failure._tag, "Malformed")
      assert.match(failure.message, /does not end: its cursor comes again/)
      assert.strictEqual(idsIn(stored).length, 20)
      assert.isBelow(asked("list conversations").length, 5)
    })
  )

  it("without an end is noticed in both ways of paging", () => {
    for (const cursors of [true, false]) {
      const list = agentList({ from: null, mostPages: 40 })
      let next = 0
      let endless: string | null = null
      let asked = 0
      for (; endless === null && asked < 400; asked++) {
        const { limit } = list.next()
        const rows = Array.from({ length: limit }, () => ({
          id: String(next++),
          startedAt: null,
          stored: false,
          isNews: true
        }))
        endless = list.received({
          rows,
          hasMore: null,
          nextCursor: cursors ? `c${next}` : null,
          limit: null
        }).endless
      }
      assert.match(endless ?? "", cursors ? /went on after 200 pages/ : /went on after 41 pages/)
    }
  })

  it("that shows the same rows under ever new cursors is given up, and what it held is incomplete", () => {
    const list = agentList({ from: null })
    const rows = ["a", "b"].map((id) => ({ id, startedAt: null, stored: false, isNews: false }))
    let end: ReturnType<typeof list.received>["end"] = null
    let asked = 0
    for (; end === null && asked < 1000; asked++) {
      list.next()
      end = list.received({ rows, hasMore: true, nextCursor: `c${asked}`, limit: 20 }).end
    }
    assert.strictEqual(end?.complete, false)
    assert.match(end?.reason ?? "", /brought nothing new/)
    assert.isBelow(asked, 150)
  })
})

describe("Convocore's list, while it moves", () => {
  const schedule = fc.record({
    count: fc.integer({ min: 15, max: 50 }),
    style: fc.constantFrom<VendorOptions>(
      { paging: "page", largestPage: 10 },
      { paging: "page", largestPage: 10, refusesLargePages: false },
      { paging: "page", largestPage: 100 },
      { paging: "cursor", largestPage: 10 }
    ),
    moves: fc.array(
      fc.record({
        at: fc.integer({ min: 1, max: 12 }),
        what: fc.constantFrom("insert", "delete", "speak"),
        where: fc.double({ min: 0, max: 0.999, noNaN: true })
      }),
      { maxLength: 6 }
    )
  })

  it.effect("misses nothing that was there all the time, or says that it may have", () =>
    Effect.promise(() =>
      fc.assert(
        fc.asyncProperty(schedule, async ({ count, style, moves }) => {
          const all = many(count)
          const throughout = new Set(all.map(({ row }) => row.ID))
          let lists = 0
          let born = 0
          const move = (what: (typeof moves)[number]["what"], where: number) => {
            if (what === "insert") {
              born += 1
              all.unshift(held(`born${born}`, 2, { firstMessageTS: started + born }))
              return
            }
            const [moved] = all.splice(Math.floor(where * all.length), 1)
            if (moved === undefined) return
            if (what === "delete") throughout.delete(moved.row.ID)
            // Whoever speaks comes first, with another row.
            else all.unshift({ ...moved, row: { ...moved.row, messagesNum: 3 } })
          }
          const beforeAnswer = ({ operation }: RecordedRequest) => {
            if (operation !== "list conversations") return
            lists += 1
            for (const { at, what, where } of moves) if (at === lists) move(what, where)
          }
          const { provider } = vendor(all, { ...style, beforeAnswer })
          const exit = await Effect.runPromiseExit(pulled(provider))
          // A cursor that names a row which is gone is refused; the list is then begun anew, within bounds.
          if (Exit.isFailure(exit)) return
          const seen = new Set(idsIn(exit.value))
          const missed = [...throughout].filter((id) => !seen.has(id))
          const end = exit.value.at(-1)?.end
          if (end?.complete === true) assert.deepStrictEqual(missed, [])
          else assert.match(end?.reason ?? "", /kept moving/)
        }),
        { numRuns: 60, seed: 7 }
      )
    )
  )
})

describe("Convocore's exports", () => {
  it.effect("are asked for one by one where the vendor takes no selection, which is remembered", () =>
    Effect.gen(function* () {
      for (const [selected, lesson] of [
        ["refused", "refused"],
        ["ignored", "ignored"]
      ] as const) {
        const all = many(70)
        const first = vendor(all, { selected })
        const pages = yield* pulled(first.provider)
        assert.isTrue(sightingsIn(pages).every(({ messages }) => messages?.items.length === 2))
        assert.isAtMost(first.asked("export conversations").length, 2)
        const learned = Object.assign({}, ...pages.map((one) => one.learned)) as Record<string, string>
        assert.deepStrictEqual(learned, { "export-selected": lesson })
        const second = vendor(all, { selected })
        yield* pulled(
          second.provider,
          pullScope({ learned: { "export-selected": { value: lesson, at: now(0) } } })
        )
        assert.deepStrictEqual(
          [second.asked("export conversations").length, second.asked("export a conversation").length],
          [0, 70]
        )
      }
    })
  )

  it.effect("are asked for alone where a selection leaves one out, or its id cannot be in one", () =>
    Effect.gen(function* () {
      const all = [held("a"), held("silent"), held("b,c")]
      const first = vendor(all, { silent: ["silent"] })
      const pages = yield* pulled(first.provider)
      assert.deepStrictEqual(
        sightingsIn(pages).map(({ messages }) => messages?.items.length),
        [2, 2, 2]
      )
      assert.deepStrictEqual(
        first.requests
          .flatMap(({ path, query }) => (path.endsWith("/export") ? [query?.convoIds ?? path] : []))
          .sort(),
        ["/agents/agent-1/convos/b%2Cc/export", "/agents/agent-1/convos/silent/export", "a,silent"]
      )
    })
  )

  it.effect("are asked for where all messages of a conversation are gone, and show it", () =>
    Effect.gen(function* () {
      const before = held("a")
      const known = knownFrom(yield* pulled(vendor([before]).provider))
      const after = { ...before, row: { ...before.row, messagesNum: 0 }, turns: [] }
      for (const refetch of [false, true]) {
        const [sighting] = sightingsIn(yield* pulled(vendor([after]).provider, pullScope({ known, refetch })))
        assert.deepStrictEqual(sighting?.messages, { extent: "whole", items: [] })
      }
    })
  )

  it.effect("are asked for later where all messages are gone and none could be had, and then not again", () =>
    Effect.gen(function* () {
      const before = held("a")
      const first = yield* pulled(vendor([before]).provider)
      const after = { ...before, row: { ...before.row, messagesNum: 0 }, turns: [] }
      const marked = knownFrom(first)
      const unmarked = marked.map((one) => ({ ...one, fingerprint: null }))
      const cases: ReadonlyArray<readonly [string, VendorOptions, Parameters<typeof pullScope>[0]]> = [
        ["stopped", {}, { known: marked }],
        ["stopped", {}, { known: unmarked }],
        ["refused", { access: "forbidden" }, { known: marked, refetch: true }],
        ["not wanted", {}, { known: marked, messages: false }]
      ]
      for (const [why, options, scope] of cases) {
        const second = vendor([after], options)
        const isStopped = () => why === "stopped" && second.asked("get a conversation").length > 0
        const stopping = { now: isStopped, requested: Effect.never }
        const without = yield* pulled(second.provider, pullScope({ ...scope, stopping }))
        assert.deepStrictEqual(
          sightingsIn(without).map(({ messages }) => messages),
          [null],
          why
        )
        const third = yield* pulled(
          vendor([after]).provider,
          pullScope({ known: knownAfter(first, without) })
        )
        assert.deepStrictEqual(sightingsIn(third)[0]?.messages, { extent: "whole", items: [] }, why)
        const fourth = yield* pulled(vendor([after]).provider, pullScope({ known: knownFrom(third) }))
        assert.strictEqual(countsOf(fourth).Unchanged, 1, why)
      }
      const [unread] = sightingsIn(yield* pulled(vendor([after]).provider, pullScope({ known: unmarked })))
      assert.deepStrictEqual(unread?.messages, { extent: "whole", items: [] })
    })
  )

  it.effect("are asked for alone where a selection shows one twice, and not alike", () =>
    Effect.gen(function* () {
      const all = [held("a"), held("b")]
      for (const twice of [exported(held("a")), { ...exported(held("a")), turns: [] }]) {
        const first = vendor(all, {
          override: ({ path }) =>
            path.endsWith("/convos/export")
              ? { json: { success: true, mode: "selected", data: [...all.map(exported), twice] } }
              : null
        })
        assert.deepStrictEqual(
          sightingsIn(yield* pulled(first.provider)).map(({ messages }) => messages?.items.length),
          [2, 2]
        )
        assert.strictEqual(first.asked("export a conversation").length, twice.turns.length === 0 ? 1 : 0)
      }
    })
  )

  it.effect("are the fuller of two where one cannot be asked for alone", () =>
    Effect.gen(function* () {
      const ghost = held("agent-1_ghost")
      const both = [exported(ghost), { ...exported(ghost), turns: [] }]
      for (const data of [both, both.toReversed()]) {
        const { asked, provider } = vendor([ghost], {
          ghosts: [ghost.row.ID],
          override: ({ path }) =>
            path.endsWith("/convos/export") ? { json: { success: true, mode: "selected", data } } : null
        })
        assert.deepStrictEqual(
          sightingsIn(yield* pulled(provider)).map(({ messages }) => messages?.items.length),
          [2]
        )
        assert.strictEqual(asked("export a conversation").length, 0)
      }
    })
  )

  it("are selected in groups that fit into a request", () => {
    const ids = fc.array(fc.string({ minLength: 1, maxLength: 60 }), { maxLength: 200 })
    fc.assert(
      fc.property(ids, (all) => {
        const groups = groupsOf(all)
        assert.deepStrictEqual(groups.flat(), all)
        for (const group of groups) {
          assert.isAtMost(group.length, 50)
          assert.isAtLeast(group.length, 1)
          if (group.length > 1) assert.isAtMost(encodeURIComponent(group.join(",")).length, 1_800)
        }
      })
    )
  })

  it.effect("that are forbidden leave conversations without new messages, and are told of once", () =>
    Effect.gen(function* () {
      const all = many(130)
      const first = vendor(all, { access: "forbidden" })
      const pages = yield* pulled(first.provider)
      assert.deepStrictEqual(noticesIn(pages), ["export-forbidden"])
      assert.strictEqual(sightingsIn(pages).length, 130)
      assert.isTrue(sightingsIn(pages).every(({ messages }) => messages === null))
      assert.isTrue(pages.at(-1)?.end?.complete)
      assert.isAtMost(first.asked("export conversations").length, 2)
      assert.strictEqual(first.asked("export a conversation").length, 0)

      const known = knownFrom(pages)
      const second = vendor(all, { access: "forbidden" })
      const again = yield* pulled(second.provider, pullScope({ known }))
      assert.deepStrictEqual([countsOf(again).Unchanged, noticesIn(again)], [130, ["export-forbidden"]])
      assert.strictEqual(second.asked("get a conversation").length, 0)
      assert.strictEqual(second.asked("export a conversation").length, 1)

      const allowed = vendor(all)
      const at = yield* pulled(allowed.provider, pullScope({ known }))
      assert.isTrue(sightingsIn(at).every(({ messages }) => messages?.items.length === 2))
      assert.strictEqual(sightingsIn(at).length, 130)
    })
  )

  it.effect("are not asked for where no messages are wanted, and are once they are", () =>
    Effect.gen(function* () {
      const all = many(30)
      const without = vendor(all)
      const pages = yield* pulled(without.provider, pullScope({ messages: false }))
      assert.strictEqual(without.requests.filter(({ path }) => path.endsWith("/export")).length, 0)
      const known = knownFrom(pages)
      const again = vendor(all)
      assert.strictEqual(
        countsOf(yield* pulled(again.provider, pullScope({ messages: false, known }))).Unchanged,
        30
      )
      const wanted = yield* pulled(vendor(all).provider, pullScope({ known }))
      assert.isTrue(sightingsIn(wanted).every(({ messages }) => messages?.items.length === 2))
      assert.strictEqual(sightingsIn(wanted).length, 30)
    })
  )

  it.effect("are asked for again where they lag behind a conversation of this hour, and else not", () =>
    Effect.gen(function* () {
      const late = held("late", 3)
      const all = [{ ...late, turns: late.turns.slice(0, 2) }]
      yield* TestClock.setTime((started + 600) * 1000)
      const first = yield* pulled(vendor(all).provider)
      assert.strictEqual(sightingsIn(first)[0]?.messages?.items.length, 2)
      const second = yield* pulled(vendor([late]).provider, pullScope({ known: knownFrom(first) }))
      assert.strictEqual(sightingsIn(second)[0]?.messages?.items.length, 3)
      const third = yield* pulled(vendor([late]).provider, pullScope({ known: knownFrom(second) }))
      assert.strictEqual(countsOf(third).Unchanged, 1)

      yield* TestClock.setTime((started + 86_400) * 1000)
      const settled = knownFrom(yield* pulled(vendor(all).provider))
      assert.strictEqual(
        countsOf(yield* pulled(vendor(all).provider, pullScope({ known: settled }))).Unchanged,
        1
      )
    })
  )

  it.effect("that are no exports are one conversation's fault", () =>
    Effect.gen(function* () {
      const override = ({ path }: RecordedRequest): FakeAnswer | null =>
        path === "/agents/agent-1/convos/export" || path.endsWith("/bad/export") ? { text: "<html>" } : null
      const pages = yield* pulled(vendor([held("a"), held("bad"), held("c")], { override }).provider)
      assert.deepStrictEqual(
        sightingsIn(pages)
          .map(({ conversation, messages }) => [conversation.providerId, messages?.items.length])
          .sort(),
        [
          ["a", 2],
          ["bad", undefined],
          ["c", 2]
        ]
      )
      assert.deepStrictEqual(
        unreadablesIn(pages).map(({ kind, providerId }) => [kind, providerId]),
        [["export", "agent-1/bad"]]
      )
    })
  )

  it.effect("are made again from what was kept of them, to the letter", () =>
    Effect.gen(function* () {
      const { provider } = vendor([held("a", 3), held("b", 0), held("agent-1_ghost")], {
        ghosts: ["agent-1_ghost"]
      })
      for (const sighting of sightingsIn(yield* pulled(provider))) {
        const again = provider.interpret(sighting.raw)
        if (!("_tag" in again)) return assert.fail(again.reason)
        assert.deepStrictEqual({ ...again, fingerprint: null }, { ...sighting, fingerprint: null })
      }
    })
  )
})

describe("Convocore's agents", () => {
  it.effect("are found in any envelope, and nothing but their ids leaves the answer", () =>
    Effect.gen(function* () {
      const all = [held("a"), held("b", 2, {}, "agent-2")]
      const envelopes: ReadonlyArray<NonNullable<VendorOptions["agentEnvelope"]>> = [
        (data) => ({ success: true, data }),
        (agents) => ({ agents, total: 2, hasMore: false }),
        (data) => ({ data, total: 2, totalPages: 1, currentPage: 1 }),
        (data) => data,
        (data) => ({ agents: data.map((agent) => ({ id: (agent as { ID: string }).ID })) })
      ]
      for (const agentEnvelope of envelopes) {
        const { provider } = vendor(all, { agents: ["agent-1", "agent-2"], agentEnvelope })
        const pages = yield* pulled(provider)
        assert.deepStrictEqual(
          sightingsIn(pages).map(({ conversation }) => [conversation.providerId, conversation.agentId]),
          [
            ["a", "agent-1"],
            ["b", "agent-2"]
          ]
        )
        assert.notInclude(JSON.stringify(pages), "vg-secret")
      }
      const paged = vendor(all, {
        override: ({ path, query }) => {
          if (path !== "/agents") return null
          const page = Number(query?.page ?? 1)
          return { json: { data: [{ ID: `agent-${page}` }], totalPages: 2, currentPage: page } }
        },
        agents: ["agent-1", "agent-2"]
      })
      assert.strictEqual(sightingsIn(yield* pulled(paged.provider)).length, 2)
    })
  )

  it.effect("without an end are not taken for all there are", () =>
    Effect.gen(function* () {
      const { provider, asked } = vendor([held("a")], {
        override: ({ path, query }) =>
          path === "/agents" ? { json: { data: [{ ID: `agent-${query?.page}` }], hasMore: true } } : null
      })
      const failure = yield* Effect.flip(pulled(provider))
      assert.match(failure.message, /list agents.*does not end: it went on after 100 pages/)
      assert.isAtMost(asked("list agents").length, 101)
    })
  )

  it.effect("of the configuration are read, and no others", () =>
    Effect.gen(function* () {
      const all = [held("a"), held("b", 2, {}, "agent-2")]
      const { provider, asked } = vendor(all, { agents: ["agent-1", "agent-2"] }, { agents: ["agent-2"] })
      assert.deepStrictEqual(idsIn(yield* pulled(provider)), ["b"])
      assert.strictEqual(asked("list agents").length, 0)
    })
  )

  it.effect("that do not exist are told of, and the scan is not complete", () =>
    Effect.gen(function* () {
      const { provider } = vendor([held("a")], {}, { agents: ["agent-1", "agent-9"] })
      const pages = yield* pulled(provider)
      assert.deepStrictEqual(idsIn(pages), ["a"])
      assert.deepStrictEqual(noticesIn(pages), ["agent-missing-agent-9"])
      assert.deepStrictEqual(pages.at(-1)?.end, { complete: false, reason: 'agent "agent-9" does not exist' })
    })
  )

  it.effect("of a workspace without any are a complete scan of nothing", () =>
    Effect.gen(function* () {
      const pages = yield* pulled(vendor([], { agents: [] }).provider)
      assert.deepStrictEqual([itemsIn(pages), pages.at(-1)?.end], [[], { complete: true, reason: null }])
    })
  )

  it.effect("that are no list, or have no id, end or mark the scan without quoting them", () =>
    Effect.gen(function* () {
      const { provider } = vendor([], { agentEnvelope: () => ({ secret: "vg-secret-of-the-workspace" }) })
      const failure = yield* Effect.flip(Stream.runDrain(provider.pull(pullScope())))
      assert.strictEqual(failure._tag, "Malformed")
      assert.notInclude(JSON.stringify(failure), "vg-secret")
      const nameless = vendor([held("a")], {
        agentEnvelope: (data) => ({ data: [...data, { title: "x", SECRET_API_KEY: "vg-secret" }] })
      })
      const pages = yield* pulled(nameless.provider)
      assert.deepStrictEqual([idsIn(pages), noticesIn(pages)], [["a"], ["agent-unreadable"]])
      assert.isFalse(pages.at(-1)?.end?.complete)
    })
  )

  it.effect(
    "that hold the same id each keep their conversation, and the same one is read, written and fetched",
    () =>
      Effect.gen(function* () {
        const all = [held("x", 2, { userName: "One" }), held("x", 2, { userName: "Two" }, "agent-2")]
        const agents = ["agent-1", "agent-2"]
        const { provider, requests } = vendor(all, { agents })
        const pages = yield* pulled(provider)
        const names = (of: ReadonlyArray<Page>) =>
          sightingsIn(of).map(({ conversation, contact }) => [
            conversation.providerId,
            conversation.agentId,
            contact?.name
          ])
        const both = [
          ["x", "agent-1", "One"],
          ["x@agent-2", "agent-2", "Two"]
        ]
        assert.deepStrictEqual(names(pages), both)
        for (const sighting of sightingsIn(pages)) {
          const again = provider.interpret(sighting.raw)
          assert.deepStrictEqual("_tag" in again && again.conversation, sighting.conversation)
        }
        const known = knownFrom(pages)
        assert.strictEqual(
          countsOf(yield* pulled(vendor(all, { agents }).provider, pullScope({ known }))).Unchanged,
          2
        )
        // Whoever was stored first keeps the plain id, also where the other agent is read alone.
        const onlySecond = vendor(all, { agents }, { agents: ["agent-2"] })
        const first = known.filter(({ agentId }) => agentId === "agent-1")
        assert.deepStrictEqual(
          names(yield* pulled(onlySecond.provider, pullScope({ known: first }))),
          both.slice(1)
        )
        const second = known.find(({ agentId }) => agentId === "agent-2") ?? null
        const page = yield* provider.fetch("x@agent-2", second, { messages: true })
        assert.deepStrictEqual(names(page === null ? [] : [page]), both.slice(1))
        yield* provider.readStatus({ ...change("active", {}, "x@agent-2"), agentId: "agent-2" })
        assert.strictEqual(requests.at(-1)?.path, "/agents/agent-2/convos/x")
      })
  )
})

describe("Convocore's status", () => {
  const echo = (data: object): FakeAnswer => ({
    json: { success: true, message: "ok", data: { ID: "a/b", ...data } }
  })
  const answering = (answer: (body: { conversation: { state?: string } }) => FakeAnswer, statusMap = {}) => {
    const fake = fakeClient(({ body }) => answer(body as { conversation: { state?: string } }))
    return { ...fake, provider: convocore.make({ ...settings, statusMap }, fake.client) }
  }

  it("reads the five words, writes three, and keeps any other", () => {
    const { statusMap } = vendor([]).provider
    for (const [word, status] of [
      ["ai-chatting", "active"],
      ["requested_chat", "handed_off"],
      ["human-chatting", "handed_off"],
      ["completed", "completed"],
      ["ended_chat", "completed"],
      ["closed", "unknown"]
    ] as const) {
      assert.strictEqual(statusMap.read(word), status)
    }
    assert.deepStrictEqual(statusMap.write, {
      active: "ai-chatting",
      handed_off: "requested_chat",
      completed: "completed"
    })
    assert.strictEqual(statusMap.read(null), "unknown")
  })

  it.effect("is written with what changes and nothing else, and the echo tells what is held", () =>
    Effect.gen(function* () {
      const cases: ReadonlyArray<readonly [StatusChange, Json]> = [
        [change("active"), { conversation: { state: "ai-chatting" } }],
        [change("handed_off"), { conversation: { state: "requested_chat" } }],
        [
          change("completed", { tags: ["support", "resolved"], title: "Product Inquiry - Resolved" }),
          {
            conversation: {
              state: "completed",
              title: "Product Inquiry - Resolved",
              tags: ["support", "resolved"]
            }
          }
        ],
        [change(null, { tags: ["vip"] }), { conversation: { tags: ["vip"] } }],
        [change(null, { title: "T" }), { conversation: { title: "T" } }]
      ]
      for (const [asked, body] of cases) {
        const { provider, requests } = answering(({ conversation }) =>
          echo({ state: "ai-chatting", lastModified: 1_785_693_265, tags: ["old"], ...conversation })
        )
        const { state } = yield* provider.setStatus(asked)
        assert.deepStrictEqual<unknown>(requests, [
          {
            through: "write",
            operation: "update a conversation",
            method: "PATCH",
            path: "/agents/agent-1/convos/a%2Fb",
            body
          }
        ])
        assert.strictEqual(state?.updatedAt, fromEpoch(1_785_693_265))
        assert.strictEqual(state?.status, asked.requested.status ?? "active")
      }
    })
  )

  it.effect("is asked for in the published word where `completed` is refused, and then at once", () =>
    Effect.gen(function* () {
      for (const status of [400, 422]) {
        const { provider, requests } = answering(({ conversation }) =>
          conversation.state === "completed" ? { status, json: { code: "BAD_REQUEST" } } : echo(conversation)
        )
        const first = yield* provider.setStatus(change("completed", { tags: ["done"] }))
        assert.deepStrictEqual(
          [first.state?.status, first.state?.providerStatus],
          ["completed", "ended_chat"]
        )
        yield* provider.setStatus(change("completed"))
        assert.deepStrictEqual<unknown>(
          requests.map(({ body }) => body),
          [
            { conversation: { state: "completed", tags: ["done"] } },
            { conversation: { state: "ended_chat", tags: ["done"] } },
            { conversation: { state: "ended_chat" } }
          ]
        )
      }
    })
  )

  it.effect("is sent once where anything else goes wrong, whatever it is", () =>
    Effect.gen(function* () {
      for (const [status, tag] of [
        [500, "Unavailable"],
        [404, "Rejected"],
        [409, "Rejected"],
        [403, "Unauthorized"],
        [429, "RateLimited"]
      ] as const) {
        const { provider, requests } = answering(() => ({ status, json: {} }))
        const failure = yield* Effect.flip(provider.setStatus(change("completed")))
        assert.deepStrictEqual([failure._tag, requests.length], [tag, 1])
      }
      const { provider, requests } = answering(() => ({ status: 400, json: {} }))
      assert.strictEqual((yield* Effect.flip(provider.setStatus(change("active"))))._tag, "Rejected")
      assert.strictEqual(requests.length, 1)
      const always = answering(() => ({ status: 400, json: {} }))
      assert.strictEqual(
        (yield* Effect.flip(always.provider.setStatus(change("completed"))))._tag,
        "Rejected"
      )
      assert.strictEqual(always.requests.length, 2)
    })
  )

  it.effect("follows the connection's own word, which is then the only one", () =>
    Effect.gen(function* () {
      const { provider, requests } = answering(() => ({ status: 400, json: {} }), { completed: "ended_chat" })
      yield* Effect.flip(provider.setStatus(change("completed")))
      assert.deepStrictEqual<unknown>(
        requests.map(({ body }) => body),
        [{ conversation: { state: "ended_chat" } }]
      )
    })
  )

  it.effect("is not taken from an answer that does not say it", () =>
    Effect.gen(function* () {
      const silent: ReadonlyArray<FakeAnswer> = [
        { text: "" },
        { json: { success: true } },
        echo({ state: null })
      ]
      for (const answer of silent) {
        assert.deepStrictEqual(yield* answering(() => answer).provider.setStatus(change("active")), {
          state: null
        })
      }
      // What was changed is then not known.
      const other: FakeAnswer = { json: { data: { ID: "other", state: "ai-chatting" } } }
      const failure = yield* Effect.flip(answering(() => other).provider.setStatus(change("active")))
      assert.strictEqual(failure._tag, "Malformed")
      const faulty = echo({ state: "ai-chatting", messagesNum: "many" })
      const { state } = yield* answering(() => faulty).provider.setStatus(change("active"))
      assert.strictEqual(state?.status, "active")
    })
  )

  it.effect("is read live from the conversation's agent, or from whichever agent has it", () =>
    Effect.gen(function* () {
      const all = [held("x", 1, { state: "human-chatting", title: "T" }, "agent-2")]
      const { provider, asked } = vendor(all, { agents: ["agent-1", "agent-2"] })
      const state = yield* provider.readStatus({ ...change("active", {}, "x"), agentId: "agent-2" })
      assert.deepStrictEqual(
        [state?.status, state?.providerStatus, state?.title, state?.tags],
        ["handed_off", "human-chatting", "T", ["new-lead"]]
      )
      assert.strictEqual(asked("get a conversation").length, 1)
      const found = yield* provider.readStatus({ ...change("active", {}, "x"), agentId: null })
      assert.strictEqual(found?.status, "handed_off")
      assert.strictEqual(yield* provider.readStatus({ ...change("active", {}, "gone"), agentId: null }), null)
    })
  )

  it("refuses what Convocore has no place for", () => {
    const { provider } = vendor([])
    assert.strictEqual(provider.refuse(requested("completed", { title: "T", tags: ["a"] })), null)
    assert.strictEqual(provider.refuse(requested(null, { tags: ["a"] })), null)
    assert.include(provider.refuse(requested("abandoned"))?.message, "abandoned")
    assert.include(provider.refuse(requested("completed", { category: "c" }))?.message, "category")
    assert.isNotNull(provider.refuse(requested(null)))
  })
})

describe("One Convocore conversation", () => {
  it.effect("comes with its messages, and its list row still tells whether it has changed", () =>
    Effect.gen(function* () {
      const all = many(3)
      const { provider, asked } = vendor(all)
      const known = knownFrom(yield* pulled(provider))
      const exports = asked("export conversations").length
      const page = yield* provider.fetch("c00001", known[1] ?? null, { messages: true })
      const [one] = page === null ? [] : sightingsIn([page])
      assert.deepStrictEqual([one?.messages?.items.length, one?.conversation.agentId], [2, "agent-1"])
      assert.strictEqual(one?.fingerprint, known[1]?.fingerprint)
      assert.strictEqual(asked("export conversations").length, exports)
      assert.strictEqual(yield* provider.fetch("gone", null, { messages: true }), null)
      const forbidden = vendor(all, { access: "forbidden" })
      const without = yield* forbidden.provider.fetch("c00001", null, { messages: true })
      assert.deepStrictEqual(
        without?.notices.map(({ code }) => code),
        ["export-forbidden"]
      )
      assert.strictEqual(without === null ? 0 : sightingsIn([without])[0]?.messages, null)
    })
  )
})

describe("Convocore's account", () => {
  const decode = Schema.decodeUnknownEither(convocore.settings)

  it("lives in a region, reads agents that are named, and in a zone that exists", () => {
    const read = Either.getOrThrow(decode({ token: "t", region: "eu" }))
    assert.strictEqual(convocore.baseUrl(read), "https://eu-gcp-api.vg-stuff.com/v3")
    assert.strictEqual(convocore.baseUrl({ ...read, region: "na" }), "https://na-gcp-api.vg-stuff.com/v3")
    assert.strictEqual(convocore.baseUrl(Either.getOrThrow(decode({ token: "t" }))), null)
    assert.strictEqual(read.exportTimeZone, "UTC")
    const fault = (more: object) => String(Either.getOrThrow(Either.flip(decode({ token: "t", ...more }))))
    assert.include(fault({ exportTimeZone: "Berlin" }), "Europe/Berlin")
    assert.include(fault({ agents: [] }), "leave agents out")
    assert.isTrue(Either.isLeft(decode({ token: "t", region: "asia" })))
    const { authorize } = convocore
    const authorization = authorize(read)
    assert.strictEqual(authorization._tag, "Fixed")
    if (authorization._tag === "Fixed") {
      assert.strictEqual(Redacted.value(authorization.headers.authorization ?? Redacted.make("")), "Bearer t")
    }
  })

  it("counts exports of either kind, and nothing else, against the hour", () => {
    const [limit] = convocore.limits
    assert.deepStrictEqual([limit?.requests, limit?.perMillis, limit?.burst], [1_500, 3_600_000, true])
    assert.isTrue(limit?.applies?.(exportConversations("a", { convoIds: ["b"] })))
    assert.isTrue(limit?.applies?.(exportConversation("a", "b")))
    assert.isFalse(limit?.applies?.(listConversations("a", { page: 1, limit: 20 })))
  })

  it.effect(
    "is checked without changing anything, and exports one conversation, for the zone of its times",
    () =>
      Effect.gen(function* () {
        const good = vendor([held("a")])
        const findings = yield* good.provider.check({ messages: true })
        assert.deepStrictEqual(
          findings.map(({ ok, what }) => [ok, what]),
          [
            [true, "list agents"],
            [true, "list conversations"],
            [true, "get a conversation"],
            [true, "export messages"],
            [true, "time zone of exports"],
            [true, "change a status"]
          ]
        )
        assert.isTrue(good.requests.every(({ through }) => through === "read"))
        assert.strictEqual(good.requests.filter(({ path }) => path.endsWith("/a/export")).length, 1)
        const forbidden = yield* vendor([held("a")], { access: "forbidden" }).provider.check({
          messages: true
        })
        assert.deepStrictEqual(
          forbidden.filter(({ ok }) => !ok).map(({ what }) => what),
          ["export messages"]
        )
        const plan = vendor([], { override: () => ({ status: 403, json: { message: "Business plan" } }) })
        assert.deepStrictEqual(
          (yield* plan.provider.check({ messages: true })).map(({ ok, what }) => [ok, what]),
          [[false, "list agents"]]
        )
        const noAgent = yield* vendor([], {}, { agents: ["agent-9"] }).provider.check({ messages: true })
        assert.deepStrictEqual([noAgent.at(-1)?.ok, noAgent.at(-1)?.what], [false, "list conversations"])
      })
  )

  it("can be asked with every parameter that is documented", () => {
    const options = {
      convoIds: ["a", "b"],
      limit: 50,
      sort: "asc",
      fromTs: 1_735_689_600,
      toTs: 1_738_367_999,
      cursor: "c",
      format: "json"
    } as const
    assert.deepStrictEqual<unknown>(exportConversations("x", options).query, { ...options, convoIds: "a,b" })
    assert.deepStrictEqual<unknown>(exportConversation("x", "y", { format: "csv" }).query, { format: "csv" })
    assert.deepStrictEqual<unknown>(listConversations("x", { page: 2, limit: 100 }).query, {
      page: 2,
      limit: 100
    })
    assert.deepStrictEqual<unknown>(listConversations("x", { cursor: "c", limit: 20 }).query, {
      cursor: "c",
      limit: 20
    })
  })
})
