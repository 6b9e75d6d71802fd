import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Chunk, Effect, Exit, FastCheck as fc, Redacted, Schema, Stream, TestClock } from "effect"
import type { Json } from "../../../src/domain/Conversation.ts"
import type { RequestedChange, StatusChange } from "../../../src/domain/StatusChange.ts"
import { fromIso, now, type Timestamp } from "../../../src/domain/Timestamp.ts"
import { aelyst } from "../../../src/providers/aelyst/index.ts"
import { makeWalk, mostMessageResponses } from "../../../src/providers/aelyst/list.ts"
import { getMessage, listContacts } from "../../../src/providers/aelyst/requests.ts"
import { Contact, Message } from "../../../src/providers/aelyst/wire.ts"
import { written } from "../../../src/providers/kit/written.ts"
import type { Page, PullScope, Sighting } from "../../../src/providers/Provider.ts"
import { type FakeAnswer, fakeClient, type RecordedRequest, reading } from "../../support/fakeClient.ts"
import { countsOf, knownFrom, pullScope, sightingsIn, unreadablesIn } from "../../support/pullScope.ts"
import { requested, statusChange } from "../../support/statusChange.ts"

/** https://developers.aelyst.ai/api/operations/getcontact/ */
const contact = (id: number, rest: object = {}) => ({
  id,
  firstName: "Jane",
  lastName: "Smith",
  phone: "+60121233112",
  email: "jane@example.com",
  language: "en",
  profilePic: "https://files.example/jane.jpg",
  countryCode: "MY",
  custom_fields: [{ name: "Company", value: "ACME" }],
  status: "open",
  tags: ["vip", "paid"],
  assignee: { id: 5, firstName: "Kate", lastName: "Ong", email: "kate@example.com" },
  lifecycle: "Hot Lead",
  created_at: 1_663_274_081,
  isBlocked: false,
  ...rest
})

/** https://developers.aelyst.ai/api/operations/getmessage/ */
const message = (messageId: number, rest: object = {}) => ({
  messageId,
  channelMessageId: 123,
  contactId: 1,
  channelId: 7,
  traffic: "outgoing",
  message: { type: "text", text: `message ${messageId}`, messageTag: "ACCOUNT_UPDATE" },
  status: [
    { value: "sent", timestamp: 1_700_000_000 },
    { value: "failed", timestamp: 1_700_000_004, message: "window closed" }
  ],
  sender: { source: "user", userId: 123_456_789, teamId: 987_654_321 },
  ...rest
})

type MessageJson = ReturnType<typeof message>

const settings = {
  token: Redacted.make("t"),
  messageList: "auto" as const,
  name: "inbox",
  baseUrl: "https://ae.example/v1",
  statusMap: {}
}

const account = (
  route: Parameters<typeof fakeClient>[0],
  chosen: { readonly messageList?: "auto" | "off"; readonly statusMap?: Record<string, string> } = {}
) => {
  const fake = fakeClient(route)
  return { ...fake, provider: aelyst.make({ ...settings, ...chosen }, fake.client) }
}

type Account = ReturnType<typeof account>

interface Workspace {
  readonly contacts: ReadonlyArray<{ readonly id: number }>
  /** Oldest first; a contact without an entry has none. */
  readonly messages?: Readonly<Record<number, ReadonlyArray<{ readonly messageId: number }>>>
  /** Rows in a response, whatever was asked. */
  readonly cap?: number
  /** The row that a cursor names comes again. */
  readonly inclusive?: boolean
  /** How the link to a next page is spelt. */
  readonly link?: (path: string, cursor: number) => string
  readonly last?: string | null
}

const noMessageList: FakeAnswer = { status: 404, json: { code: 404, message: "Not Found" } }

/** A page of a list whose rows are found by a number; cursors name the last row of the page before. */
const listed = <A>(
  request: RecordedRequest,
  space: Workspace,
  rows: ReadonlyArray<A>,
  idOf: (row: A) => number
) => {
  const { cap = 99, inclusive = false, last = "" } = space
  const link = space.link ?? ((path, cursor) => `https://api.aelyst.ai${path}?limit=10&cursorId=${cursor}`)
  const limit = Math.min(Number(request.query?.limit), cap)
  const cursor = request.query?.cursorId
  const at =
    cursor === undefined ? 0 : rows.findIndex((row) => idOf(row) === Number(cursor)) + (inclusive ? 0 : 1)
  const items = rows.slice(at, at + limit)
  const end = items.at(-1)
  const next = end === undefined || at + limit >= rows.length ? last : link(request.path, idOf(end))
  return { json: { items, pagination: { next, previous: "https://api.aelyst.ai/contact/list?cursorId=-1" } } }
}

const workspace =
  (space: Workspace) =>
  (request: RecordedRequest): FakeAnswer | null => {
    const { contacts, messages = {} } = space
    if (request.path === "/contact/list") return listed(request, space, contacts, (one) => one.id)
    const [, id, list] = /^\/contact\/id:(\d+)(\/message\/list)?$/.exec(request.path) ?? []
    const found = contacts.find((one) => String(one.id) === id)
    if (found === undefined) return { status: 404, json: { code: 404, message: "Contact not found" } }
    if (list === undefined) return { json: found }
    const own = (messages[found.id] ?? []).map((one) => ({ ...one, contactId: found.id }))
    return listed(request, space, own.reverse(), (one) => one.messageId)
  }

const pulled = (provider: Account["provider"], scope: PullScope = pullScope()) =>
  Effect.map(Stream.runCollect(provider.pull(scope)), Chunk.toReadonlyArray)

const pulledUntilFailure = (provider: Account["provider"]) =>
  Effect.gen(function* () {
    const pages: Array<Page> = []
    const exit = yield* Effect.exit(
      Stream.runForEach(provider.pull(pullScope()), (page) => Effect.sync(() => pages.push(page)))
    )
    return { pages, exit }
  })

const interpreted = (contactJson: unknown, messages: ReadonlyArray<unknown> = []) => {
  const { provider } = account(() => null)
  const payload = (kind: string, json: unknown) => ({
    kind,
    providerId: "1",
    conversationId: "1",
    payload: JSON.stringify(json)
  })
  return provider.interpret([
    payload("contact", contactJson),
    ...messages.map((one) => payload("message", one))
  ])
}

const sighted = (contactJson: unknown, messages: ReadonlyArray<unknown> = []): Sighting => {
  const result = interpreted(contactJson, messages)
  return "_tag" in result ? result : assert.fail(`${result.path}: ${result.reason}`)
}

const sightedMessages = (messages: ReadonlyArray<unknown>, contactJson: unknown = contact(1)) =>
  sighted(contactJson, messages).messages?.items ?? []

const idsOf = (sightings: ReadonlyArray<Sighting>) =>
  sightings.map(({ conversation }) => Number(conversation.providerId)).sort((a, b) => a - b)

const range = (length: number, from = 1) => Array.from({ length }, (_, index) => from + index)

const change = (asked: RequestedChange): StatusChange => statusChange("inbox", "1", { requested: asked })

describe("Aelyst's contacts", () => {
  it("find a home for every field of the vendor's page", () => {
    const { conversation, contact: person, messages } = sighted(contact(1))
    assert.deepStrictEqual(conversation, {
      providerId: "1",
      contactId: "1",
      channel: null,
      providerChannel: null,
      status: "active",
      providerStatus: "open",
      agentId: null,
      campaignId: null,
      title: null,
      summary: null,
      qualified: null,
      qualificationReason: null,
      tags: ["vip", "paid"],
      attributes: {
        assignee: { id: 5, firstName: "Kate", lastName: "Ong", email: "kate@example.com" },
        lifecycle: "Hot Lead",
        isBlocked: false,
        $assignee: { id: "5", name: "Kate Ong", email: "kate@example.com" }
      },
      startedAt: "2022-09-15T20:34:41.000Z" as Timestamp,
      lastMessageAt: null,
      updatedAt: null
    })
    assert.deepStrictEqual(person, {
      isWhole: true,
      providerId: "1",
      name: "Jane Smith",
      email: "jane@example.com",
      phone: "+60121233112",
      attributes: {
        firstName: "Jane",
        lastName: "Smith",
        language: "en",
        profilePic: "https://files.example/jane.jpg",
        countryCode: "MY",
        custom_fields: [{ name: "Company", value: "ACME" }],
        created_at: 1_663_274_081
      }
    })
    assert.isNull(messages)
  })

  it("decode whatever their page allows", () => {
    const payloads = fc
      .tuple(Arbitrary.make(Schema.encodedSchema(Contact)), fc.dictionary(fc.string(), fc.jsonValue()))
      .map(([payload, unknown]) => ({ ...unknown, ...payload }))
    fc.assert(
      fc.property(payloads, (payload) => {
        const wire = JSON.parse(JSON.stringify(payload))
        const { conversation, raw } = sighted(wire)
        assert.strictEqual(conversation.providerStatus, payload.status ?? null)
        assert.deepStrictEqual(conversation.attributes.assignee ?? null, wire.assignee ?? null)
        assert.deepStrictEqual(JSON.parse(raw[0]?.payload ?? ""), wire)
      })
    )
  })

  const text = fc.constantFrom<Json>(7, true, [], {}, ["x"])
  const id = fc.constantFrom<Json>(true, [], {})
  const bad: Readonly<Record<string, fc.Arbitrary<Json>>> = {
    id: fc.oneof(id, fc.constantFrom<Json>(null, "")),
    firstName: text,
    lastName: text,
    phone: text,
    email: text,
    language: text,
    profilePic: text,
    countryCode: text,
    custom_fields: fc.constantFrom<Json>("none", 7, {}),
    "custom_fields[0].name": text,
    "custom_fields[0].value": fc.constantFrom<Json>([], {}),
    status: text,
    tags: fc.constantFrom<Json>("vip", 7, {}),
    "tags[0]": text,
    assignee: fc.constantFrom<Json>(7, false, []),
    "assignee.id": id,
    "assignee.email": text,
    lifecycle: text,
    created_at: fc.constantFrom<Json>("yesterday", true, {}, 1e300, -5),
    isBlocked: fc.constantFrom<Json>("no", 0, [])
  }

  const damage = (path: string, value: Json): object => {
    const damaged = structuredClone(contact(2)) as Record<string, unknown>
    const steps = path.split(/[.[\]]+/).filter((step) => step !== "")
    const last = steps.pop() ?? assert.fail(path)
    let at = damaged
    for (const step of steps) at = at[step] as Record<string, unknown>
    at[last] = value
    return damaged
  }

  it.effect.each(Object.keys(bad))(
    "end in quarantine where %s is mutilated, and their neighbours are stored",
    (path) =>
      Effect.gen(function* () {
        for (const value of fc.sample(bad[path] ?? assert.fail(path), 8)) {
          const damaged = damage(path, value)
          const { provider } = account((request) =>
            request.path === "/contact/list"
              ? { json: { items: [contact(1), damaged, contact(3)], pagination: { next: "" } } }
              : { json: { items: [], pagination: { next: "" } } }
          )
          const pages = yield* pulled(provider)
          assert.deepStrictEqual(idsOf(sightingsIn(pages)), [1, 3])
          const [unreadable = assert.fail("nothing in quarantine")] = unreadablesIn(pages)
          assert.strictEqual(unreadable.path, `$.${path}`)
          assert.match(unreadable.reason, /^expected /)
          assert.strictEqual(unreadable.providerId, path === "id" ? null : "2")
          assert.deepStrictEqual(JSON.parse(unreadable.payload), damaged)
        }
      })
  )

  it("keep what other clients of the vendor have seen in them", () => {
    const odd = contact(1, {
      id: "1",
      assignee: {},
      custom_fields: [{ name: "Age", value: 7 }, { name: "x" }],
      tags: null
    })
    assert.deepStrictEqual(sighted(odd).contact?.attributes.custom_fields, [
      { name: "Age", value: 7 },
      { name: "x" }
    ])
    assert.deepStrictEqual(sighted(odd).conversation.tags, [])
    assert.strictEqual(sighted({ id: 1, firstName: null, lastName: " " }).contact?.name, null)
    assert.strictEqual(
      sighted(contact(1, { assignee: "deleted" })).conversation.attributes.assignee,
      "deleted"
    )
  })
})

describe("Aelyst's messages", () => {
  it("find a home for every field of the vendor's page", () => {
    const [found] = sightedMessages([message(1_262_965_213, { replyTo: { messageId: 1 } })])
    assert.deepStrictEqual(found, {
      messageId: "1262965213",
      providerId: "1262965213",
      role: "human",
      providerRole: "user",
      type: "text",
      content: "message 1262965213",
      sentAt: "2023-11-14T22:13:20.000Z" as Timestamp,
      sentAtSource: "status[0].timestamp",
      attributes: {
        channelMessageId: 123,
        channelId: 7,
        traffic: "outgoing",
        message: { messageTag: "ACCOUNT_UPDATE" },
        status: [
          { value: "sent", timestamp: 1_700_000_000 },
          { value: "failed", timestamp: 1_700_000_004, message: "window closed" }
        ],
        sender: { source: "user", userId: 123_456_789, teamId: 987_654_321 },
        replyTo: { messageId: 1 },
        $author: "123456789"
      }
    })
  })

  it("decode whatever their page allows", () => {
    fc.assert(
      fc.property(Arbitrary.make(Schema.encodedSchema(Message)), (payload) => {
        const wire = JSON.parse(JSON.stringify(payload))
        const { messages, unreadable } = sighted(contact(1), [wire])
        assert.deepStrictEqual(unreadable, [])
        assert.strictEqual(messages?.items[0]?.messageId, String(payload.messageId))
      })
    )
  })

  it.each([
    [{ messageId: null }, "$.messageId"],
    [{ channelMessageId: {} }, "$.channelMessageId"],
    [{ contactId: true }, "$.contactId"],
    [{ channelId: [] }, "$.channelId"],
    [{ traffic: 1 }, "$.traffic"],
    [{ message: "hi" }, "$.message"],
    [{ message: { type: 1 } }, "$.message.type"],
    [{ message: { type: "text", text: 5 } }, "$.message.text"],
    [{ message: { type: "attachment", attachment: { url: 5 } } }, "$.message.attachment.url"],
    [{ status: {} }, "$.status"],
    [{ status: [{ value: "sent", timestamp: "soon" }] }, "$.status[0].timestamp"],
    [{ status: [{ value: 3, timestamp: 1_700_000_000 }] }, "$.status[0].value"],
    [{ sender: "user" }, "$.sender"],
    [{ sender: { source: 5 } }, "$.sender.source"],
    [{ timestamp: "soon" }, "$.timestamp"]
  ])("lose no more than the one that does not decode: %j", (damaged, path) => {
    const { messages, unreadable } = sighted(contact(1), [
      message(1),
      { ...message(2), ...damaged },
      message(3)
    ])
    assert.deepStrictEqual(
      messages?.items.map(({ messageId }) => messageId),
      ["1", "3"]
    )
    const [fault = assert.fail("nothing in quarantine"), ...others] = unreadable
    assert.deepStrictEqual(others, [])
    assert.deepStrictEqual([fault.kind, fault.path, fault.conversationId], ["message", path, "1"])
    assert.strictEqual(fault.providerId, "messageId" in damaged ? null : "2")
    assert.deepStrictEqual(JSON.parse(fault.payload), { ...message(2), ...damaged })
  })

  it.each([
    ["incoming", undefined, "customer", "incoming"],
    ["incoming", "contact", "customer", "incoming"],
    ["outgoing", "user", "human", "user"],
    ["outgoing", "echo", "human", "echo"],
    ["outgoing", "ai_agent", "agent", "ai_agent"],
    ["outgoing", "workflow", "agent", "workflow"],
    ["outgoing", "api", "agent", "api"],
    ["outgoing", "broadcast", "agent", "broadcast"],
    ["outgoing", "carrier_pigeon", "unknown", "carrier_pigeon"],
    ["outgoing", undefined, "agent", "outgoing"]
  ])("%s from %s are a %s's", (traffic, source, role, providerRole) => {
    const sender = source === undefined ? undefined : { source }
    const [found] = sightedMessages([message(1, { traffic, sender })])
    assert.deepStrictEqual([found?.role, found?.providerRole], [role, providerRole])
  })

  it.each([
    [{ type: "text", text: "hi" }, "text", "hi", undefined],
    [
      { type: "quick_reply", title: "Yes?", replies: ["y"] },
      "quick_reply",
      "Yes?",
      { title: "Yes?", replies: ["y"] }
    ],
    [{ type: "email", text: "hi", subject: "s" }, "email", "hi", { subject: "s" }],
    [
      { type: "attachment", attachment: { type: "image", url: "u" } },
      "attachment",
      null,
      { attachment: { type: "image", url: "u" } }
    ],
    [{ type: "whatsapp_order", order: [1] }, "whatsapp_order", null, { order: [1] }],
    [undefined, "unknown", null, undefined]
  ])("keep what is said in %j", (content, type, text, rest) => {
    const [found] = sightedMessages([message(1, { message: content })])
    assert.deepStrictEqual([found?.type, found?.content, found?.attributes.message], [type, text, rest])
  })

  it.each([
    [
      "its own time, if it has one",
      { timestamp: 1_700_000_500, createdAt: "2020-01-01" },
      "timestamp",
      "2023-11-14T22:21:40.000Z"
    ],
    ["any of the names for it", { sentAt: "2023-11-14T22:21:40Z" }, "sentAt", "2023-11-14T22:21:40.000Z"],
    ["milliseconds as well", { created_at: 1_700_000_500_123 }, "created_at", "2023-11-14T22:21:40.123Z"],
    [
      "else the earliest thing that happened to it",
      { status: [{ timestamp: 1_700_000_009 }, { timestamp: 1_700_000_001 }] },
      "status[1].timestamp",
      "2023-11-14T22:13:21.000Z"
    ],
    [
      "else its id in seconds",
      { messageId: 1_700_000_007, status: [] },
      "messageId",
      "2023-11-14T22:13:27.000Z"
    ],
    [
      "else its id in milliseconds",
      { messageId: 1_700_000_007_001, status: null },
      "messageId",
      "2023-11-14T22:13:27.001Z"
    ],
    [
      "else its id in microseconds",
      { messageId: 1_700_000_007_001_999, status: null },
      "messageId",
      "2023-11-14T22:13:27.001Z"
    ],
    ["nothing where the id is just a number", { messageId: 12_345, status: null }, null, null],
    [
      "nothing where the id would be older than its contact",
      { messageId: 1_500_000_000, status: null },
      null,
      null
    ],
    [
      "nothing where the id would lie in the far future",
      { messageId: 9_700_000_000, status: null },
      null,
      null
    ]
  ])("take the time of a message from %s", (_name, rest, source, at) => {
    const [found] = sightedMessages([message(1, rest)])
    assert.deepStrictEqual([found?.sentAtSource, found?.sentAt], [source, at as Timestamp | null])
  })

  it("stand where the vendor puts them, and get back a place they have lost", () => {
    const order = (ids: ReadonlyArray<number>) =>
      sightedMessages(ids.map((id) => message(id))).map(({ messageId }) => Number(messageId))
    assert.deepStrictEqual(order([1, 2, 3, 5, 6, 7, 8, 4]), [1, 2, 3, 4, 5, 6, 7, 8])
    assert.deepStrictEqual(order([80, 3, 41, 7, 60, 12]), [80, 3, 41, 7, 60, 12])
  })
})

describe("Aelyst's list of contacts", () => {
  it.effect.each([
    ["exclusive", {}],
    ["inclusive", { inclusive: true }],
    ["inclusive, ended by null", { inclusive: true, last: null }],
    [
      "with the version in its links",
      {
        link: (path: string, cursor: number) => `https://api.aelyst.ai/v1${path}?cursorId=${cursor}&limit=10`
      }
    ],
    [
      "with links to elsewhere",
      { link: (path: string, cursor: number) => `https://evil.example${path}?a=b&cursorId=${cursor}#x` }
    ],
    ["with bare cursors", { link: (_path: string, cursor: number) => String(cursor) }]
  ] as const)("is read to its end by cursors that are %s", ([, rest]) =>
    Effect.gen(function* () {
      for (const cap of [2, 7, 99]) {
        const contacts = range(30).map((id) => contact(id * 3))
        const { provider, requests } = account(workspace({ contacts, cap, ...rest }), { messageList: "off" })
        const pages = yield* pulled(provider)
        assert.deepStrictEqual(
          idsOf(sightingsIn(pages)),
          contacts.map(({ id }) => id)
        )
        assert.deepStrictEqual(
          pages.map(({ end }) => end),
          [...pages.slice(1).map(() => null), { complete: true, reason: null }]
        )
        assert.isTrue(requests.every(({ path, query }) => path === "/contact/list" && query?.limit === 99))
        assert.deepStrictEqual(requests[0]?.body, { search: "", filter: { $and: [] }, timezone: "UTC" })
      }
    })
  )

  it.effect("goes on from the cursor of an interrupted scan", () =>
    Effect.gen(function* () {
      const contacts = range(25).map((id) => contact(id))
      const route = workspace({ contacts, cap: 10 })
      const first = yield* pulled(account(route, { messageList: "off" }).provider)
      assert.deepStrictEqual(
        first.map(({ cursor }) => cursor),
        ["10", "20", null]
      )
      const rest = yield* pulled(account(route, { messageList: "off" }).provider, pullScope({ cursor: "20" }))
      assert.deepStrictEqual(idsOf(sightingsIn(rest)), range(5, 21))
      assert.isTrue(rest.at(-1)?.end?.complete)
    })
  )

  it.effect.each([
    [
      "leads back to an earlier page",
      4,
      (asked: number) => ({ items: [contact(asked)], pagination: { next: `?cursorId=${1 + (asked % 3)}` } })
    ],
    [
      "never brings anything new",
      6,
      (asked: number) => ({ items: [contact(1)], pagination: { next: `?cursorId=${asked}` } })
    ],
    [
      "never brings anything new, and nothing that has an id",
      6,
      (asked: number) => ({ items: [{ firstName: "x" }], pagination: { next: `?cursorId=${asked}` } })
    ],
    [
      "is empty and never ends",
      5,
      (asked: number) => ({ items: [], pagination: { next: `?cursorId=${asked}` } })
    ],
    [
      "has a link without a cursor",
      1,
      () => ({ items: [contact(1)], pagination: { next: "https://api.aelyst.ai/more" } })
    ],
    ["is no list", 1, () => ({ contacts: [] })],
    ["is an error in a success", 1, () => ({ code: 500, message: "Unexpected error occurred" })]
  ] as const)("fails after a few requests where it %s, and never calls that complete", ([, most, answer]) =>
    Effect.gen(function* () {
      const { provider, requests } = account(
        (request) => {
          assert.isAtMost(Number(request.query?.cursorId ?? 0), 100)
          return { json: answer(Number(request.query?.cursorId ?? 0) + 1) }
        },
        { messageList: "off" }
      )
      const { pages, exit } = yield* pulledUntilFailure(provider)
      assert.isTrue(Exit.isFailure(exit))
      assert.include(JSON.stringify(exit), '"_tag":"Malformed"')
      assert.isTrue(pages.every(({ end }) => end === null))
      assert.strictEqual(requests.length, most)
    })
  )

  it.effect("leaves out what was created outside of the window, before it asks for messages", () =>
    Effect.gen(function* () {
      const at = (text: string) => Date.parse(text) / 1000
      const contacts = [
        contact(1, { created_at: at("2026-01-31T23:59:59Z") }),
        contact(2, { created_at: at("2026-02-01T00:00:00Z") }),
        contact(3, { created_at: at("2026-03-01T00:00:00Z") })
      ]
      const { provider, requests } = account(workspace({ contacts }))
      const pages = yield* pulled(
        provider,
        pullScope({ since: fromIso("2026-02-01"), until: fromIso("2026-03-01") })
      )
      assert.deepStrictEqual(countsOf(pages), { Sighting: 1, Unchanged: 0, Filtered: 2, Unreadable: 0 })
      // The list, what may follow it, and the messages of the one inside.
      assert.strictEqual(requests.length, 3)
    })
  )

  it("can be asked for with every parameter the vendor documents", () => {
    const filter = {
      $or: [{ category: "contactField", field: "assigneeUserId", operator: "isEqualTo", value: null }]
    } as const
    const request = listContacts({
      limit: 500,
      cursorId: "12",
      search: "jane",
      filter,
      timezone: "Asia/Kuala_Lumpur"
    })
    assert.deepStrictEqual(request.query, { limit: 99, cursorId: "12" })
    assert.deepStrictEqual(request.body, { search: "jane", filter, timezone: "Asia/Kuala_Lumpur" })
    assert.strictEqual(getMessage("1", "1662965880").path, "/contact/id:1/message/1662965880")
  })
})

describe("Aelyst's lists of messages", () => {
  const start = 1_700_000_000
  const messages = (count: number): ReadonlyArray<MessageJson> => range(count, start).map((id) => message(id))
  const messageRequests = (requests: ReadonlyArray<RecordedRequest>) =>
    requests.filter(({ path }) => path.endsWith("/message/list"))

  it.effect("are read back to their beginning the first time, and come as one sighting", () =>
    Effect.gen(function* () {
      for (const inclusive of [false, true]) {
        const space = { contacts: [contact(1), contact(2)], messages: { 1: messages(250), 2: [] }, inclusive }
        const { provider, requests } = account(workspace(space))
        const pages = yield* pulled(provider)
        const [first, second] = sightingsIn(pages)
        assert.deepStrictEqual(
          first?.messages?.items.map(({ messageId }) => Number(messageId)),
          range(250, start)
        )
        assert.strictEqual(first?.messages?.extent, "whole")
        assert.strictEqual(first?.conversation.lastMessageAt, fromIso("2023-11-14T22:13:20Z"))
        assert.deepStrictEqual(second?.messages, { extent: "whole", items: [] })
        // Five full pages, what may follow the last of them, and the other contact's.
        assert.strictEqual(messageRequests(requests).length, 7)
        assert.deepStrictEqual(pages.at(-1)?.end, { complete: true, reason: null })
      }
    })
  )

  it.effect("are asked for once each where nothing is new, and nothing is stored then", () =>
    Effect.gen(function* () {
      const space = {
        contacts: [contact(1), contact(2), contact(3)],
        messages: { 1: messages(250), 2: messages(3), 3: [] }
      }
      const known = knownFrom(yield* pulled(account(workspace(space)).provider))
      const again = account(workspace(space))
      const pages = yield* pulled(again.provider, pullScope({ known }))
      assert.deepStrictEqual(countsOf(pages), { Sighting: 0, Unchanged: 3, Filtered: 0, Unreadable: 0 })
      assert.strictEqual(pages.length, 1)
      assert.strictEqual(messageRequests(again.requests).length, 3)
      assert.strictEqual(again.requests.length, 5)
    })
  )

  it.effect("are read further back only while nothing known has turned up", () =>
    Effect.gen(function* () {
      const known = knownFrom(
        yield* pulled(account(workspace({ contacts: [contact(1)], messages: { 1: messages(30) } })).provider)
      )
      for (const [count, requested] of [
        [31, 1],
        [39, 1],
        [40, 2],
        [140, 4],
        [240, 6]
      ] as const) {
        const { provider, requests } = account(
          workspace({ contacts: [contact(1)], messages: { 1: messages(count) } })
        )
        const [sighting = assert.fail("no sighting")] = sightingsIn(
          yield* pulled(provider, pullScope({ known }))
        )
        const found = sighting.messages?.items.map(({ messageId }) => Number(messageId)) ?? []
        assert.strictEqual(sighting.messages?.extent, found.length === count ? "whole" : "newest")
        assert.deepStrictEqual(found, range(found.length, start + count - found.length))
        assert.isAtMost(found[0] ?? 0, start + 30)
        assert.strictEqual(messageRequests(requests).length, requested, `${count} messages`)
      }
    })
  )

  it.effect("are read no further back because of a message among the newest that cannot be read", () =>
    Effect.gen(function* () {
      const broken = messages(31).map((one, index) => (index === 27 ? { ...one, traffic: 5 } : one))
      const before = { contacts: [contact(1)], messages: { 1: broken.slice(0, -1) } }
      const known = knownFrom(yield* pulled(account(workspace(before)).provider))
      assert.strictEqual(known[0]?.storedMessages, 29)
      const { provider, requests } = account(workspace({ ...before, messages: { 1: broken } }))
      const [sighting] = sightingsIn(yield* pulled(provider, pullScope({ known })))
      assert.deepStrictEqual([sighting?.messages?.extent, sighting?.messages?.items.length], ["newest", 9])
      assert.strictEqual(messageRequests(requests).length, 1)
    })
  )

  it.effect("show a change of the contact or of a newest message's fate, though no message is new", () =>
    Effect.gen(function* () {
      const space = { contacts: [contact(1), contact(2)], messages: { 1: messages(12), 2: messages(12) } }
      const known = knownFrom(yield* pulled(account(workspace(space)).provider))
      const closed = { ...space, contacts: [contact(1, { status: "closed" }), contact(2)] }
      const first = sightingsIn(yield* pulled(account(workspace(closed)).provider, pullScope({ known })))
      assert.deepStrictEqual([idsOf(first), first[0]?.conversation.status], [[1], "completed"])
      const fate = message(start + 11, { status: [{ value: "read", timestamp: start }] })
      const read = { ...space, messages: { ...space.messages, 2: [...messages(11), fate] } }
      assert.deepStrictEqual(
        idsOf(sightingsIn(yield* pulled(account(workspace(read)).provider, pullScope({ known })))),
        [2]
      )
    })
  )

  it.effect("are read whole again where they do not continue what is stored", () =>
    Effect.gen(function* () {
      const earlier = messages(30).map((_, index) => message(start + index * 60))
      const inserted = message(start + 24 * 60 + 30)
      const renamed = earlier.map((one) => ({ ...one, messageId: one.messageId * 1_000_000 }))
      const changes: ReadonlyArray<
        readonly [string, ReadonlyArray<MessageJson>, ReadonlyArray<MessageJson>]
      > = [
        ["the last is gone", earlier, earlier.slice(0, -1)],
        ["one of the newest is gone", earlier, earlier.filter((_, index) => index !== 25)],
        ["one is put in between", earlier, [...earlier.slice(0, 25), inserted, ...earlier.slice(25)]],
        ["all have other ids", earlier, renamed],
        ["the first of a few is gone", earlier.slice(0, 3), earlier.slice(1, 3)],
        ["one is put before a few", earlier.slice(25), [inserted, ...earlier.slice(25)]],
        ["a few have other ids", earlier.slice(0, 3), renamed.slice(0, 3)]
      ]
      for (const [change, before, after] of changes) {
        const space = { contacts: [contact(1)] }
        const known = knownFrom(
          yield* pulled(account(workspace({ ...space, messages: { 1: before } })).provider)
        )
        const [sighting] = sightingsIn(
          yield* pulled(
            account(workspace({ ...space, messages: { 1: after } })).provider,
            pullScope({ known })
          )
        )
        assert.deepStrictEqual(
          [sighting?.messages?.extent, sighting?.messages?.items.map(({ messageId }) => Number(messageId))],
          ["whole", after.map(({ messageId }) => messageId)],
          change
        )
      }
    })
  )

  it.effect("that are empty for once take no messages away, unless they are read whole on request", () =>
    Effect.gen(function* () {
      const space = { contacts: [contact(1)] }
      const full = account(workspace({ ...space, messages: { 1: messages(3) } }))
      const known = knownFrom(yield* pulled(full.provider))
      const { provider } = account(workspace({ ...space, messages: { 1: [] } }))
      const [kept] = sightingsIn(yield* pulled(provider, pullScope({ known })))
      assert.deepStrictEqual(
        [kept?.messages, kept?.fingerprint, kept?.unreadable.map(({ kind }) => kind)],
        [null, null, ["message-list"]]
      )
      const [taken] = sightingsIn(yield* pulled(provider, pullScope({ known, refetch: true })))
      assert.deepStrictEqual(taken?.messages, { extent: "whole", items: [] })
    })
  )

  it.effect(
    "that show less than half of what is stored take none away, unless they are read whole on request",
    () =>
      Effect.gen(function* () {
        const space = { contacts: [contact(1)] }
        const known = knownFrom(
          yield* pulled(account(workspace({ ...space, messages: { 1: messages(120) } })).provider)
        )
        for (const left of [1, 50, 59]) {
          const { provider } = account(
            workspace({ ...space, messages: { 1: messages(120).slice(-left - 1, -1) } })
          )
          const [kept] = sightingsIn(yield* pulled(provider, pullScope({ known })))
          assert.deepStrictEqual(
            [kept?.messages, kept?.fingerprint, kept?.unreadable.map(({ reason }) => reason)],
            [
              null,
              null,
              [
                `it shows ${left}, although 120 messages are stored: \`parley sync --full\` takes it at its word`
              ]
            ]
          )
          const [taken] = sightingsIn(yield* pulled(provider, pullScope({ known, refetch: true })))
          assert.deepStrictEqual([taken?.messages?.extent, taken?.messages?.items.length], ["whole", left])
        }
        const { provider } = account(workspace({ ...space, messages: { 1: messages(120).slice(-61, -1) } }))
        const [removed] = sightingsIn(yield* pulled(provider, pullScope({ known })))
        assert.deepStrictEqual([removed?.messages?.extent, removed?.messages?.items.length], ["whole", 60])
      })
  )

  it.effect("are not whole where what follows a page shows it again", () =>
    Effect.gen(function* () {
      const space = { contacts: [contact(1)] }
      const stored = knownFrom(
        yield* pulled(account(workspace({ ...space, messages: { 1: messages(60) } })).provider)
      )
      const route = workspace({ ...space, messages: { 1: messages(59) }, link: () => "" })
      for (const known of [[], stored]) {
        for (const refetch of [false, true]) {
          const { provider } = account(({ query, ...request }) =>
            route({ ...request, query: { ...query, cursorId: undefined } })
          )
          const [sighting] = sightingsIn(yield* pulled(provider, pullScope({ known, refetch })))
          assert.deepStrictEqual(
            [sighting?.messages?.extent, sighting?.messages?.items.length],
            ["newest", 50]
          )
        }
      }
    })
  )

  it.effect("are read on behind the end that a list names where more are stored than it has shown", () =>
    Effect.gen(function* () {
      const space = { contacts: [contact(1)], messages: { 1: messages(33) } }
      const known = knownFrom(yield* pulled(account(workspace(space)).provider))
      const capped = { contacts: [contact(1)], messages: { 1: messages(34) }, cap: 5, link: () => "" }
      for (const refetch of [false, true]) {
        const { provider } = account(workspace(capped))
        const [sighting] = sightingsIn(yield* pulled(provider, pullScope({ known, refetch })))
        assert.deepStrictEqual(
          sighting?.messages?.items.map(({ messageId }) => Number(messageId)),
          range(34, start)
        )
      }
    })
  )

  it.effect("are read whole again on request", () =>
    Effect.gen(function* () {
      const space = { contacts: [contact(1)], messages: { 1: messages(120) } }
      const known = knownFrom(yield* pulled(account(workspace(space)).provider))
      const [sighting] = sightingsIn(
        yield* pulled(account(workspace(space)).provider, pullScope({ known, refetch: true }))
      )
      assert.deepStrictEqual([sighting?.messages?.extent, sighting?.messages?.items.length], ["whole", 120])
    })
  )

  it.effect("that go in circles are that contact's fault alone", () =>
    Effect.gen(function* () {
      const route = workspace({
        contacts: [contact(1), contact(2)],
        messages: { 1: messages(1), 2: messages(2) }
      })
      const { provider, requests } = account((request) =>
        request.path.startsWith("/contact/id:1/message")
          ? { json: { items: messages(1), pagination: { next: `?cursorId=${requests.length}` } } }
          : route(request)
      )
      const pages = yield* pulled(provider)
      assert.deepStrictEqual(idsOf(sightingsIn(pages)), [1, 2])
      const circling = sightingsIn(pages).find(({ conversation }) => conversation.providerId === "1")
      assert.deepStrictEqual([circling?.messages, circling?.fingerprint], [null, null])
      assert.deepStrictEqual(
        unreadablesIn(pages).map(({ kind, conversationId }) => [kind, conversationId]),
        [["message-list", "1"]]
      )
      assert.isTrue(pages.at(-1)?.end?.complete)
    })
  )

  it.effect("that go on for ever are that contact's fault alone", () =>
    Effect.gen(function* () {
      const route = workspace({
        contacts: [contact(1), contact(2)],
        messages: { 1: messages(1), 2: messages(2) }
      })
      const { provider, requests } = account((request) => {
        if (!request.path.startsWith("/contact/id:1/message")) return route(request)
        const messageId = requests.length
        return { json: { items: [{ messageId }], pagination: { next: `?cursorId=${messageId}` } } }
      })
      const pages = yield* pulled(provider)
      assert.deepStrictEqual(idsOf(sightingsIn(pages)), [1, 2])
      const [fault] = unreadablesIn(pages)
      assert.match(fault?.reason ?? "", /the list does not end: it went on after 1000 pages/)
      assert.isAtMost(requests.length, mostMessageResponses + 3)
    })
  )

  it.effect("do not date a contact's status later than it was seen", () =>
    Effect.gen(function* () {
      const route = workspace({ contacts: [contact(1)], messages: { 1: messages(1) } })
      const { client } = fakeClient((request) => route(request))
      const slow = {
        ...client,
        ...reading((request) => Effect.tap(client.read(request), () => TestClock.adjust("1 minute")))
      }
      const [detail] = yield* pulled(aelyst.make(settings, slow))
      assert.strictEqual(detail?.exchange.operation, "list messages")
      assert.strictEqual(detail?.exchange.requestedAt, 0)
    })
  )

  const absent = (contacts: Workspace["contacts"]) => {
    const route = workspace({ contacts })
    return (request: RecordedRequest) =>
      request.path.endsWith("/message/list") ? noMessageList : route(request)
  }

  it.effect(
    "are done without where the vendor has none, after three contacts, with one notice and a lesson",
    () =>
      Effect.gen(function* () {
        const { provider, requests } = account(absent(range(250).map((id) => contact(id))))
        const pages = yield* pulled(provider)
        assert.strictEqual(messageRequests(requests).length, 3)
        assert.strictEqual(sightingsIn(pages).length, 250)
        assert.isTrue(sightingsIn(pages).every(({ messages }) => messages === null))
        assert.deepStrictEqual(
          [...new Set(pages.flatMap(({ notices }) => notices.map(({ code }) => code)))],
          ["message-list-absent"]
        )
        assert.deepStrictEqual(pages.at(-1)?.learned, { "message-list": "absent" })
        assert.isTrue(pages.at(-1)?.end?.complete)

        const again = account(absent(range(250).map((id) => contact(id))))
        const learned = { "message-list": { value: "absent", at: now(0) } }
        const second = yield* pulled(again.provider, pullScope({ known: knownFrom(pages), learned }))
        assert.deepStrictEqual(countsOf(second), { Sighting: 0, Unchanged: 250, Filtered: 0, Unreadable: 0 })
        assert.strictEqual(messageRequests(again.requests).length, 0)
        assert.deepStrictEqual(second.at(-1)?.learned, {})
        assert.strictEqual(second.at(-1)?.notices.length, 1)
      })
  )

  it.effect("are looked for again after a day, and found", () =>
    Effect.gen(function* () {
      yield* TestClock.adjust("24 hours")
      const learned = { "message-list": { value: "absent", at: now(0) } }
      const { provider } = account(workspace({ contacts: [contact(1)], messages: { 1: messages(2) } }))
      const pages = yield* pulled(provider, pullScope({ learned }))
      assert.strictEqual(sightingsIn(pages)[0]?.messages?.items.length, 2)
      assert.deepStrictEqual(pages.at(-1)?.learned, { "message-list": "present" })
    })
  )

  it.effect("are done without where no API answers for them, as where the path does not exist", () =>
    Effect.gen(function* () {
      const route = workspace({ contacts: range(3).map((id) => contact(id)) })
      const { provider } = account((request) =>
        request.path.endsWith("/message/list")
          ? { status: 404, text: "<html><pre>Cannot GET /v1/contact</pre></html>" }
          : route(request)
      )
      const pages = yield* pulled(provider)
      assert.deepStrictEqual(idsOf(sightingsIn(pages)), [1, 2, 3])
      assert.deepStrictEqual(pages.at(-1)?.learned, { "message-list": "absent" })
    })
  )

  it.effect("are not taken to be absent because one contact has none, or has gone", () =>
    Effect.gen(function* () {
      const route = workspace({ contacts: range(6).map((id) => contact(id)), messages: { 3: messages(2) } })
      const { provider } = account((request) => {
        if (request.path.startsWith("/contact/id:1"))
          return { status: 404, json: { code: 404, message: "Contact not found" } }
        return request.path === "/contact/id:2/message/list" ? noMessageList : route(request)
      })
      const pages = yield* pulled(provider)
      assert.deepStrictEqual(idsOf(sightingsIn(pages)), [1, 2, 3, 4, 5, 6])
      assert.deepStrictEqual(
        pages.flatMap(({ soughtById }) => soughtById?.missing ?? []),
        ["1"]
      )
      assert.deepStrictEqual(
        pages.flatMap(({ notices }) => notices),
        []
      )
      assert.strictEqual(
        sightingsIn(pages).find(({ conversation }) => conversation.providerId === "3")?.messages?.items
          .length,
        2
      )
    })
  )

  it.effect("are done without where the token may not read them", () =>
    Effect.gen(function* () {
      const route = workspace({ contacts: [contact(1), contact(2)] })
      const { provider, requests } = account((request) =>
        request.path.endsWith("/message/list") ? { status: 403, json: { code: 403 } } : route(request)
      )
      const pages = yield* pulled(provider)
      assert.deepStrictEqual(idsOf(sightingsIn(pages)), [1, 2])
      assert.strictEqual(messageRequests(requests).length, 1)
      assert.strictEqual(pages.at(-1)?.notices[0]?.code, "message-list-forbidden")
      const revoked = account((request) =>
        request.path.endsWith("/message/list") ? { status: 401 } : route(request)
      )
      assert.strictEqual((yield* Effect.flip(pulled(revoked.provider)))._tag, "Unauthorized")
    })
  )

  it.effect("that are refused take only themselves with them, and check says so", () =>
    Effect.gen(function* () {
      const contacts = [1, 2, 3, 4].map((id) => contact(id))
      const route = workspace({ contacts })
      const refused = { status: 400, json: { code: 400, message: "Validation error." } }
      const { provider, requests } = account((request) =>
        request.path.endsWith("/message/list") ? refused : route(request)
      )
      const pages = yield* pulled(provider)
      assert.deepStrictEqual(idsOf(sightingsIn(pages)), [1, 2, 3, 4])
      assert.strictEqual(messageRequests(requests).length, 3)
      const end = pages.at(-1)?.end
      assert.isTrue(end?.complete)
      assert.include(end?.reason ?? "", "Aelyst refuses to list messages")
      const findings = yield* provider.check({ messages: true })
      assert.deepStrictEqual(
        findings.filter(({ ok }) => !ok).map(({ what }) => what),
        ["list messages"]
      )
    })
  )

  it.effect("are not asked for where the user wants none", () =>
    Effect.gen(function* () {
      for (const [messageList, wanted] of [
        ["off", true],
        ["auto", false]
      ] as const) {
        const { provider, requests } = account(
          workspace({ contacts: [contact(1)], messages: { 1: messages(2) } }),
          { messageList }
        )
        const pages = yield* pulled(provider, pullScope({ messages: wanted }))
        assert.deepStrictEqual(
          [requests.length, sightingsIn(pages)[0]?.messages, pages.at(-1)?.notices],
          [2, null, []]
        )
      }
    })
  )

  it.effect("make the same sighting again from what was kept of it", () =>
    Effect.gen(function* () {
      const damaged = { ...message(start + 3), traffic: 5 }
      const space = {
        contacts: [contact(1)],
        messages: { 1: [...messages(3), damaged, { ...message(9), messageId: null }] }
      }
      const { provider } = account(workspace(space as unknown as Workspace))
      for (const sighting of sightingsIn(yield* pulled(provider))) {
        const again = provider.interpret(sighting.raw)
        assert.isTrue("_tag" in again)
        assert.deepStrictEqual({ ...again, messages: null }, { ...sighting, messages: null })
        assert.deepStrictEqual("_tag" in again ? again.messages?.items : [], sighting.messages?.items)
        assert.strictEqual(sighting.unreadable.length, 2)
      }
    })
  )
})

describe("one Aelyst contact by its id", () => {
  it.effect("comes as the list would give it, newest messages only where some are known", () =>
    Effect.gen(function* () {
      const messages = { 1: range(120, 1_700_000_000).map((id) => message(id)) }
      const { provider } = account(workspace({ contacts: [contact(1)], messages }))
      const pages = yield* pulled(provider)
      const fetched = yield* provider.fetch("1", null, { messages: true })
      assert.deepStrictEqual(sightingsIn(fetched === null ? [] : [fetched]), sightingsIn(pages))
      const [known = null] = knownFrom(pages)
      const newest = yield* provider.fetch("1", known, { messages: true })
      assert.strictEqual(sightingsIn(newest === null ? [] : [newest])[0]?.messages?.items.length, 10)
      assert.isNull(yield* provider.fetch("2", null, { messages: true }))
    })
  )

  it.effect("keeps its messages where their list is empty, though nobody looked up which are stored", () =>
    Effect.gen(function* () {
      const full = account(workspace({ contacts: [contact(1)], messages: { 1: [message(1), message(2)] } }))
      const [known = assert.fail("no sighting")] = knownFrom(yield* pulled(full.provider))
      const { newestMessageIds, ...withoutIds } = known
      const { provider } = account(workspace({ contacts: [contact(1)] }))
      for (const one of [known, withoutIds, { ...withoutIds, fingerprint: null }]) {
        const page = yield* provider.fetch("1", one, { messages: true })
        const [sighting] = sightingsIn(page === null ? [] : [page])
        assert.deepStrictEqual(
          [sighting?.messages, sighting?.unreadable.map(({ kind }) => kind)],
          [null, ["message-list"]]
        )
      }
    })
  )

  it.effect("is put aside where it does not decode or is another one", () =>
    Effect.gen(function* () {
      for (const [json, path] of [
        [contact(1, { phone: 5 }), "$.phone"],
        [contact(2), "$.id"]
      ] as const) {
        const page = yield* account(() => ({ json })).provider.fetch("1", null, { messages: true })
        assert.deepStrictEqual(
          unreadablesIn(page === null ? [] : [page]).map((one) => [one.providerId, one.path]),
          [["1", path]]
        )
      }
    })
  )
})

describe("Aelyst's status", () => {
  it("is read as the canonical word, with the vendor's own beside it", () => {
    const words = ["open", "closed", "close", "blocked", "done", "snoozed", null]
    assert.deepStrictEqual(
      words.map((status) => sighted(contact(1, { status })).conversation.status),
      ["active", "completed", "unknown", "unknown", "unknown", "unknown", "unknown"]
    )
    assert.strictEqual(sighted(contact(1, { status: "blocked" })).conversation.providerStatus, "blocked")
  })

  const { provider } = account(() => null)

  it.each([
    [requested("active"), null],
    [requested("completed"), null],
    [requested("completed", { category: "x".repeat(128), summary: "é".repeat(512) }), null],
    [requested("completed", { category: "", summary: "" }), null],
    [requested("handed_off"), '"handed_off"'],
    [requested("abandoned"), '"abandoned"'],
    [requested(null), "nothing was requested"],
    [requested("completed", { summary: "s" }), "only beside a category"],
    [requested("active", { category: "Spam" }), "only when a conversation is closed"],
    [requested("completed", { category: "x".repeat(129) }), "129"],
    [requested("completed", { category: "Spam", summary: "x".repeat(513) }), "513"],
    [requested("completed", { title: "t" }), "no title"],
    [requested("completed", { tags: ["t"] }), "no tags"]
  ])("is refused before any request where the vendor would not take it: %j", (asked, part) => {
    const refusal = provider.refuse(asked)
    if (part === null) assert.isNull(refusal)
    else assert.include(refusal?.message, part)
  })

  it.effect.each([
    [requested("active"), { status: "open" }],
    [requested("completed"), { status: "close" }],
    [requested("completed", { category: "", summary: "" }), { status: "close" }],
    [requested("completed", { category: "Spam", summary: "" }), { status: "close", category: "Spam" }],
    [
      requested("completed", { category: "Spam", summary: "This contact is a bot" }),
      { status: "close", category: "Spam", summary: "This contact is a bot" }
    ]
  ] as const)(
    "is sent as the vendor documents it, and not believed before it was read: %j",
    ([asked, body]) =>
      Effect.gen(function* () {
        const { provider, requests } = account(() => ({ json: { contactId: 1 } }))
        assert.deepStrictEqual(yield* provider.setStatus(change(asked)), { state: null })
        assert.deepStrictEqual(
          requests.map((request) => [request.through, request.method, request.path, request.body]),
          [["write", "POST", "/contact/id:1/conversation/status", body]]
        )
      })
  )

  it.effect("is queued where the vendor says so, and uncertain where it answers something else", () =>
    Effect.gen(function* () {
      const queued = account(() => ({ status: 449, json: { code: 449, message: "in queue" } }))
      assert.strictEqual(
        (yield* Effect.flip(queued.provider.setStatus(change(requested("completed")))))._tag,
        "Queued"
      )
      for (const answer of [{ text: "<html>" }, { json: { contactId: 2 } }, { json: [] }]) {
        const odd = account(() => answer)
        assert.strictEqual(
          (yield* Effect.flip(odd.provider.setStatus(change(requested("active")))))._tag,
          "Malformed"
        )
      }
    })
  )

  it.effect("is known though another field of the contact is unreadable", () =>
    Effect.gen(function* () {
      const { provider } = account(() => ({ json: contact(1, { phone: 7 }) }))
      assert.strictEqual((yield* provider.readStatus(change(requested("active"))))?.status, "active")
    })
  )

  it.effect("is read live from the contact", () =>
    Effect.gen(function* () {
      const { provider, requests } = account(workspace({ contacts: [contact(1, { status: "closed" })] }))
      assert.deepStrictEqual(yield* provider.readStatus(change(requested("active"))), {
        status: "completed",
        providerStatus: "closed",
        updatedAt: null,
        title: null,
        tags: ["vip", "paid"],
        likeness: {
          startedAt: now(1_663_274_081_000),
          phone: "+60121233112",
          email: "jane@example.com"
        }
      })
      assert.deepStrictEqual(
        requests.map(({ path }) => path),
        ["/contact/id:1"]
      )
      const gone = account(workspace({ contacts: [] }))
      assert.isNull(yield* gone.provider.readStatus(change(requested("active"))))
    })
  )
})

describe("checking an Aelyst workspace", () => {
  it.effect("tries what a sync needs and changes nothing", () =>
    Effect.gen(function* () {
      const { provider, requests } = account(
        workspace({ contacts: [contact(1)], messages: { 1: [message(1)] } })
      )
      const findings = yield* provider.check({ messages: true })
      assert.deepStrictEqual(
        findings.map(({ ok }) => ok),
        [true, true, true]
      )
      assert.isTrue(requests.every(({ through }) => through === "read"))
      const [forbidden, ...others] = yield* account(() => ({ status: 401 })).provider.check({
        messages: true
      })
      assert.deepStrictEqual([forbidden?.ok, others], [false, []])
      assert.strictEqual(
        (yield* Effect.flip(account(() => ({ status: 500 })).provider.check({ messages: true })))._tag,
        "Unavailable"
      )
    })
  )

  it("signs with the token, which no one can read", () => {
    const authorization = aelyst.authorize({ token: Redacted.make("secret"), messageList: "auto" })
    assert.strictEqual(
      authorization._tag === "Fixed"
        ? Redacted.value(authorization.headers.Authorization ?? Redacted.make(""))
        : "",
      "Bearer secret"
    )
    assert.notInclude(JSON.stringify(authorization), "secret")
  })
})

describe("a walk through one of Aelyst's lists", () => {
  it.effect("ends where every page has something new, and another one follows it", () =>
    Effect.gen(function* () {
      const walk = makeWalk("list contacts", 40)
      let pages = 0
      const endless = Effect.gen(function* () {
        for (;;) {
          pages += 1
          assert.strictEqual(walk.fresh([written(`{"id":${pages}}`)], "id").length, 1)
          yield* walk.goOn(String(pages))
        }
      })
      const failure = yield* Effect.flip(endless)
      assert.match(failure.message, /list contacts.*does not end: it went on after 40 pages/)
      assert.strictEqual(pages, 40)
    })
  )
})
