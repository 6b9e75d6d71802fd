import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Chunk, Effect, Either, Exit, FastCheck as fc, Redacted, Schema, Stream } from "effect"
import type { Json } from "../../../src/domain/Conversation.ts"
import type { RequestedChange, StatusChange } from "../../../src/domain/StatusChange.ts"
import { fromIso } from "../../../src/domain/Timestamp.ts"
import { empfio } from "../../../src/providers/empfio/index.ts"
import { getMessages, listConversations } from "../../../src/providers/empfio/requests.ts"
import { Detail, Message, Row } from "../../../src/providers/empfio/wire.ts"
import { readPlace } from "../../../src/providers/kit/pageWalk.ts"
import type { Page, PullScope, Sighting, Unreadable } from "../../../src/providers/Provider.ts"
import { fakeClient, type RecordedRequest, reading } from "../../support/fakeClient.ts"
import { countsOf, knownFrom, pullScope, sightingsIn, unreadablesIn } from "../../support/pullScope.ts"
import { requested, statusChange } from "../../support/statusChange.ts"

/** A row of the list of https://docs.empfio.de/api/conversations, as its page shows it. */
const exampleRow = {
  id: "880b0500-...",
  lead_id: "550e8400-...",
  session_key: "whatsapp_+49123456789",
  channel: "whatsapp",
  status: "completed",
  message_count: 12,
  created_at: "2026-03-07T10:00:00Z",
  updated_at: "2026-03-07T10:15:00Z",
  lead: { id: "550e8400-...", name: "Jane Smith", email: "jane@example.com" },
  last_message_at: "2026-03-07T10:15:00Z",
  last_message_preview: "Your appointment is confirmed for..."
}

/** One conversation, as the same page shows it. */
const exampleDetail = {
  id: "880b0500-...",
  lead_id: "550e8400-...",
  session_key: "whatsapp_+49123456789",
  channel: "whatsapp",
  status: "completed",
  created_at: "2026-03-07T10:00:00Z",
  updated_at: "2026-03-07T10:15:00Z",
  messages: [
    {
      id: "990c0600-...",
      conversation_id: "880b0500-...",
      role: "user",
      content: "Hi, I'd like to book a haircut",
      metadata: {},
      created_at: "2026-03-07T10:00:00Z"
    },
    {
      id: "aa0d0700-...",
      conversation_id: "880b0500-...",
      role: "assistant",
      content: "Hello! I'd be happy to help you book a haircut...",
      metadata: {},
      created_at: "2026-03-07T10:00:05Z"
    }
  ],
  lead: { id: "550e8400-...", name: "Jane Smith" }
}

interface Held {
  readonly row: Record<string, unknown> & { id: string }
  readonly messages: ReadonlyArray<Record<string, unknown>>
}

const stamp = (minute: number) => new Date(Date.UTC(2026, 2, 7) + minute * 60_000).toISOString()

const held = (id: string, messages = 2, rest: object = {}): Held => ({
  row: {
    ...exampleRow,
    id,
    lead_id: `lead-${id}`,
    lead: { ...exampleRow.lead, id: `lead-${id}` },
    message_count: messages,
    ...rest
  },
  messages: Array.from({ length: messages }, (_, index) => ({
    id: `${id}-${String(index).padStart(4, "0")}`,
    conversation_id: id,
    role: index % 2 === 0 ? "user" : "assistant",
    content: `line ${index}`,
    metadata: {},
    created_at: stamp(index)
  }))
})

interface VendorOptions {
  /** Messages a detail shows; undefined: all; null: the field is absent. */
  detailMessages?: number | null
  largestPage?: number
  largestMessagePage?: number
  /** Left out of the list's envelope. */
  lacks?: ReadonlyArray<"total" | "size">
  pastTheEnd?: 200 | 404
  /** How the list is written; left out: as JSON is without white space. */
  write?: (list: unknown) => string
  beforeAnswer?: (request: RecordedRequest) => void
}

const listRoute = (all: ReadonlyArray<Held>, options: VendorOptions, query: RecordedRequest["query"]) => {
  const page = Number(query?.page ?? 1)
  const size = Math.min(Number(query?.size ?? 20), options.largestPage ?? 100)
  const matching = query?.lead_id === undefined ? all : all.filter(({ row }) => row.lead_id === query.lead_id)
  const conversations = matching.slice((page - 1) * size, page * size).map(({ row }) => row)
  if (conversations.length === 0 && page > 1 && options.pastTheEnd === 404) return { status: 404, json: {} }
  const envelope: Record<string, unknown> = { conversations, total: matching.length, page, size }
  for (const name of options.lacks ?? []) delete envelope[name]
  return { text: (options.write ?? JSON.stringify)(envelope) }
}

const detailOf = ({ row, messages }: Held, shown: number | null | undefined) => {
  const { message_count: _, last_message_at: __, last_message_preview: ___, lead, ...rest } = row
  const { email: ____, ...brief } = lead as Record<string, unknown>
  const detail = { ...rest, lead: brief }
  return shown === null ? detail : { ...detail, messages: messages.slice(0, shown) }
}

/** An account at a vendor that does what its page says. `all` may change while it is read. */
const vendor = (all: Array<Held>, options: VendorOptions = {}, statusMap: Record<string, string> = {}) => {
  const fake = fakeClient((request) => {
    options.beforeAnswer?.(request)
    const [, , , collection, id, action] = request.path.split("/")
    if (collection !== "conversations") return null
    if (id === undefined) return listRoute(all, options, request.query)
    const one = all.find(({ row }) => row.id === decodeURIComponent(id))
    if (one === undefined) return { status: 404, json: { detail: "Conversation not found" } }
    if (action === undefined) return { json: detailOf(one, options.detailMessages) }
    const limit = Math.min(Number(request.query?.limit ?? 100), options.largestMessagePage ?? 500)
    const offset = Number(request.query?.offset ?? 0)
    return { json: one.messages.slice(offset, offset + limit) }
  })
  const settings = { name: "salon", baseUrl: "https://salon.example", statusMap, token: Redacted.make("t") }
  const asked = (operation: string) => fake.requests.filter((request) => request.operation === operation)
  return { ...fake, asked, provider: empfio.make(settings, fake.client) }
}

const many = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => held(`c${String(from + index).padStart(5, "0")}`))

const pulled = (provider: ReturnType<typeof vendor>["provider"], scope: PullScope = pullScope()) =>
  Effect.map(Stream.runCollect(provider.pull(scope)), Chunk.toReadonlyArray)

const idsIn = (pages: Iterable<Page>) => sightingsIn(pages).map(({ conversation }) => conversation.providerId)

const interpreted = (row: unknown, detail: unknown) => {
  const payload = (kind: string, value: unknown) => ({
    kind,
    providerId: "x",
    conversationId: "x",
    payload: JSON.stringify(value)
  })
  const payloads = [
    ...(row === undefined ? [] : [payload("conversation", row)]),
    ...(detail === undefined ? [] : [payload("detail", detail)])
  ]
  return vendor([]).provider.interpret(payloads)
}

const sighted = (row: unknown, detail: unknown): Sighting => {
  const result = interpreted(row, detail)
  return "_tag" in result ? result : assert.fail(`${result.path}: ${result.reason}`)
}

const change = (status: RequestedChange["status"], providerId = "a/b"): StatusChange =>
  statusChange("salon", providerId, { requested: requested(status) })

describe("Empfio's conversations", () => {
  it("find a home for every field of the vendor's page, and the row's word where the detail has none", () => {
    const { conversation, contact, messages, raw } = sighted(
      { ...exampleRow, message_count: 2 },
      exampleDetail
    )
    assert.deepStrictEqual(conversation, {
      providerId: "880b0500-...",
      contactId: "550e8400-...",
      channel: "whatsapp",
      providerChannel: "whatsapp",
      status: "completed",
      providerStatus: "completed",
      agentId: null,
      campaignId: null,
      title: null,
      summary: null,
      qualified: null,
      qualificationReason: null,
      tags: [],
      attributes: {
        session_key: "whatsapp_+49123456789",
        last_message_preview: "Your appointment is confirmed for..."
      },
      declaredMessages: 2,
      startedAt: fromIso("2026-03-07T10:00:00Z"),
      lastMessageAt: fromIso("2026-03-07T10:15:00Z"),
      updatedAt: fromIso("2026-03-07T10:15:00Z")
    })
    assert.deepStrictEqual(contact, {
      providerId: "550e8400-...",
      name: "Jane Smith",
      email: "jane@example.com",
      phone: "+49123456789",
      attributes: {}
    })
    assert.deepStrictEqual(messages, {
      extent: "whole",
      items: [
        {
          messageId: "990c0600-...",
          providerId: "990c0600-...",
          role: "customer",
          providerRole: "user",
          type: "text",
          content: "Hi, I'd like to book a haircut",
          sentAt: fromIso("2026-03-07T10:00:00Z"),
          sentAtSource: "created_at",
          attributes: { metadata: {} }
        },
        {
          messageId: "aa0d0700-...",
          providerId: "aa0d0700-...",
          role: "agent",
          providerRole: "assistant",
          type: "text",
          content: "Hello! I'd be happy to help you book a haircut...",
          sentAt: fromIso("2026-03-07T10:00:05Z"),
          sentAtSource: "created_at",
          attributes: { metadata: {} }
        }
      ]
    })
    assert.deepStrictEqual(
      raw.map(({ kind }) => kind),
      ["conversation", "detail"]
    )
  })

  it("decode whatever the page allows", () => {
    const holds = <A, I>(wire: Schema.Schema<A, I>, read: (value: I) => Sighting | Unreadable) =>
      fc.assert(fc.property(Arbitrary.make(Schema.encodedSchema(wire)), (value) => "_tag" in read(value)))
    holds(Row, (row) => interpreted(row, undefined))
    holds(Detail, (detail) => interpreted(undefined, detail))
    const message = Arbitrary.make(Schema.encodedSchema(Message))
    fc.assert(
      fc.property(message, (value) => {
        const said = value.conversation_id == null ? value : { ...value, conversation_id: exampleDetail.id }
        const { messages, unreadable } = sighted(undefined, { ...exampleDetail, messages: [said] })
        assert.deepStrictEqual([messages?.items.length, unreadable], [1, []])
      })
    )
  })

  /** For each field a value of another JSON type, or a time nobody can read. */
  const damages: Readonly<Record<string, ReadonlyArray<unknown>>> = {
    id: [undefined, null, "", {}, true],
    lead_id: [{}, true],
    session_key: [49123456789, []],
    channel: [1, {}],
    status: [2, ["active"]],
    message_count: ["twelve", 1.5, -1, {}],
    created_at: [1_700_000_000, "yesterday", "2026-02-30T00:00:00Z"],
    updated_at: ["soon", {}],
    lead: ["Jane", []],
    last_message_at: ["13:00", 5],
    last_message_preview: [{}, 7]
  }

  it.effect(
    "with a damaged field are quarantined with reason and path, and the rest of their page is stored",
    () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(Object.keys(damages).sort(), Object.keys(exampleRow).sort())
        for (const [field, values] of Object.entries(damages)) {
          for (const value of values) {
            const rows = [held("a"), held("bad", 2, { [field]: value }), held("c")]
            const { provider } = vendor(rows)
            const pages = yield* pulled(provider)
            assert.deepStrictEqual(idsIn(pages), ["a", "c"], field)
            const [fault = assert.fail("nothing in quarantine"), ...others] = unreadablesIn(pages)
            assert.deepStrictEqual(others, [])
            assert.strictEqual(fault.kind, "conversation")
            assert.strictEqual(fault.path, `$.${field}`)
            assert.match(fault.reason, /expected/)
            assert.strictEqual(fault.providerId, field === "id" ? null : "bad")
            assert.deepStrictEqual(JSON.parse(fault.payload), JSON.parse(JSON.stringify(rows[1]?.row)))
          }
        }
      })
  )

  it.effect(
    "are kept as listed where their detail is damaged, no JSON or another's, which is quarantined",
    () =>
      Effect.gen(function* () {
        const details: ReadonlyArray<readonly [text: string, path: string]> = [
          [JSON.stringify({ ...exampleDetail, id: "bad", messages: {} }), "$.messages"],
          [JSON.stringify({ ...exampleDetail, id: "bad", updated_at: "never" }), "$.updated_at"],
          ["<html>", "$"],
          ["", "$"],
          [JSON.stringify({ ...exampleDetail, id: "other" }), "$.id"]
        ]
        for (const [text, path] of details) {
          const rows = [held("a"), held("bad"), held("c")]
          const fake = fakeClient((request) => {
            if (request.path.endsWith("/bad")) return { text }
            const one = rows.find(({ row }) => request.path.endsWith(`/${row.id}`))
            return one === undefined ? listRoute(rows, {}, request.query) : { json: detailOf(one, undefined) }
          })
          const provider = empfio.make(
            { name: "s", baseUrl: "", statusMap: {}, token: Redacted.make("t") },
            fake.client
          )
          const pages = yield* pulled(provider)
          assert.deepStrictEqual(idsIn(pages), ["a", "bad", "c"])
          const [, kept] = sightingsIn(pages)
          assert.strictEqual(kept?.conversation.providerStatus, rows[1]?.row.status)
          assert.deepStrictEqual([kept?.messages, kept?.fingerprint], [null, null])
          assert.deepStrictEqual(
            unreadablesIn(pages).map((fault) => [fault.kind, fault.providerId, fault.path, fault.payload]),
            [["detail", "bad", path, text]]
          )
          assert.deepStrictEqual(pages.at(-1)?.end, { complete: true, reason: null })
        }
      })
  )

  it("keep the good messages beside a damaged one", () => {
    const [first, second] = exampleDetail.messages
    for (const damage of [
      { content: 5 },
      { created_at: "noon" },
      { role: [] },
      { metadata: "m" },
      { id: "" }
    ]) {
      const sighting = sighted(undefined, {
        ...exampleDetail,
        messages: [first, { ...second, ...damage }, { ...second, id: "third" }]
      })
      assert.deepStrictEqual(
        sighting.messages?.items.map(({ messageId }) => messageId),
        ["990c0600-...", "third"]
      )
      const field = Object.keys(damage)[0]
      assert.deepStrictEqual(
        sighting.unreadable.map(({ kind, path, providerId }) => [kind, path, providerId]),
        [["message", `$.${field}`, field === "id" ? null : "aa0d0700-..."]]
      )
    }
  })

  it("keep words nobody has documented, and null is as good as absent", () => {
    const odd = sighted(
      { ...exampleRow, channel: "sms", status: "snoozed", unheard: { of: 1 } },
      {
        ...exampleDetail,
        channel: null,
        status: "snoozed",
        lead: null,
        messages: [{ id: "7", role: "tool" }]
      }
    )
    assert.deepStrictEqual(
      [odd.conversation.channel, odd.conversation.status, odd.conversation.providerStatus],
      ["sms", "unknown", "snoozed"]
    )
    assert.strictEqual(odd.contact?.email, "jane@example.com")
    assert.deepStrictEqual(
      odd.messages?.items.map(({ messageId, role, providerRole, sentAt }) => [
        messageId,
        role,
        providerRole,
        sentAt
      ]),
      [["7", "unknown", "tool", null]]
    )
    assert.include(odd.raw[0]?.payload, "unheard")
    const bare = sighted({ id: "a", lead_id: null, lead: null }, undefined)
    assert.deepStrictEqual([bare.contact, bare.messages, bare.fingerprint], [null, null, null])
  })

  it("take a phone number only from WhatsApp's session key", () => {
    const phone = (session_key: string) => sighted({ ...exampleRow, session_key }, undefined).contact?.phone
    assert.strictEqual(phone("whatsapp_+4915112345678"), "+4915112345678")
    for (const key of ["telegram_12345678", "web_+49123456789", "whatsapp_jane", "whatsapp_+49 123"]) {
      assert.strictEqual(phone(key), null)
    }
  })

  it.effect("are made again from what was kept of them, to the letter", () =>
    Effect.gen(function* () {
      const { provider } = vendor([held("a", 3), held("b", 620)], { detailMessages: 2 })
      for (const sighting of sightingsIn(yield* pulled(provider))) {
        assert.deepStrictEqual(provider.interpret(sighting.raw), sighting)
      }
    })
  )
})

describe("Empfio's messages", () => {
  it.effect("come from the messages endpoint where the detail shows fewer than there are", () =>
    Effect.gen(function* () {
      for (const detailMessages of [null, 0, 100]) {
        for (const largestMessagePage of [500, 100]) {
          const options = { detailMessages, largestMessagePage }
          const { provider, asked } = vendor([held("a", 1203)], options)
          const [sighting] = sightingsIn(yield* pulled(provider))
          assert.strictEqual(sighting?.messages?.extent, "whole")
          assert.deepStrictEqual(
            sighting?.messages?.items.map(({ content }) => content),
            Array.from({ length: 1203 }, (_, index) => `line ${index}`)
          )
          assert.deepStrictEqual(
            asked("get messages").map(({ query }) => query),
            Array.from({ length: Math.ceil(1203 / largestMessagePage) }, (_, index) => ({
              limit: 500,
              offset: index * largestMessagePage
            }))
          )
        }
      }
    })
  )

  it.effect(
    "come oldest first whichever way the endpoint gives them, and at the same time as it gives them",
    () =>
      Effect.gen(function* () {
        const one = held("a", 6)
        const paired = one.messages.map((message, index) => ({
          ...message,
          id: `${9 - index}`,
          created_at: stamp(Math.floor(index / 2))
        }))
        const texts = ["line 0", "line 1", "line 2", "line 3", "line 4", "line 5"]
        for (const messages of [paired, [...paired].reverse()]) {
          for (const detailMessages of [null, 3]) {
            const { provider } = vendor([{ ...one, messages }], { detailMessages })
            const [sighting] = sightingsIn(yield* pulled(provider))
            assert.deepStrictEqual(
              sighting?.messages?.items.map(({ content }) => content),
              texts
            )
          }
        }
      })
  )

  it.effect("are not asked for where the detail has them all, or there are none", () =>
    Effect.gen(function* () {
      const { provider, asked } = vendor([held("a", 700), held("b", 0)])
      const [, empty] = sightingsIn(yield* pulled(provider))
      assert.strictEqual(asked("get messages").length, 0)
      assert.deepStrictEqual(empty?.messages, { extent: "whole", items: [] })
    })
  )

  it.effect("never end in a loop where the endpoint gives the same page for every offset", () =>
    Effect.gen(function* () {
      const one = held("a", 800, { message_count: 900 })
      const fake = fakeClient((request) => {
        if (request.path.endsWith("/messages")) return { json: one.messages.slice(0, 500) }
        return request.path.endsWith("/a") ? { json: detailOf(one, 10) } : listRoute([one], {}, request.query)
      })
      const provider = empfio.make(
        { name: "s", baseUrl: "", statusMap: {}, token: Redacted.make("t") },
        fake.client
      )
      const [sighting] = sightingsIn(yield* pulled(provider))
      assert.strictEqual(sighting?.messages?.items.length, 500)
      assert.strictEqual(fake.requests.length, 4)
    })
  )
})

describe("Empfio's messages without an end", () => {
  for (const declared of [900, null]) {
    it.effect(`are that conversation's fault alone, where it has ${declared ?? "an unknown number"}`, () =>
      Effect.gen(function* () {
        const all = [held("a", 3, { message_count: declared }), held("b", 3)]
        const fake = fakeClient((request) => {
          const one = all.find(({ row }) => request.path.endsWith(`/${row.id}`))
          if (one !== undefined) return { json: detailOf(one, one.row.id === "a" ? null : 3) }
          if (!request.path.endsWith("/messages")) return listRoute(all, {}, request.query)
          const offset = Number(request.query?.offset)
          return { json: Array.from({ length: 500 }, (_, index) => ({ id: String(offset + index) })) }
        })
        const provider = empfio.make(
          { name: "s", baseUrl: "", statusMap: {}, token: Redacted.make("t") },
          fake.client
        )
        const pages = yield* pulled(provider)
        // What its details show of it is stored.
        assert.deepStrictEqual(idsIn(pages), ["a", "b"])
        assert.isNull(sightingsIn(pages)[0]?.fingerprint)
        const [fault] = unreadablesIn(pages)
        assert.strictEqual(fault?.conversationId, "a")
        assert.match(fault?.reason ?? "", /does not end: it went on after \d+ messages/)
        assert.isBelow(fake.requests.length, declared === null ? 210 : 15)
      })
    )
  }
})

describe("Empfio's list", () => {
  it.effect("is read to its end, each conversation once, its details before the page that lists it", () =>
    Effect.gen(function* () {
      const { provider, asked } = vendor(many(250))
      const pages = yield* pulled(provider)
      assert.deepStrictEqual(countsOf(pages), { Sighting: 250, Unchanged: 0, Filtered: 0, Unreadable: 0 })
      assert.strictEqual(new Set(idsIn(pages)).size, 250)
      assert.deepStrictEqual(pages.at(-1)?.end, { complete: true, reason: null })
      assert.strictEqual(asked("get a conversation").length, 250)
      assert.strictEqual(pages.filter(({ end }) => end !== null).length, 1)
      let details = 0
      for (const page of pages) {
        if (page.exchange.operation === "get a conversation") details += 1
        if (page.cursor !== null)
          assert.strictEqual(details, Math.min(250, readPlace(page.cursor)?.rows ?? 0))
      }
    })
  )

  it.effect("asks for nothing but itself where nothing has changed, and for exactly what has", () =>
    Effect.gen(function* () {
      const all = many(230)
      const first = yield* pulled(vendor(all).provider)
      const second = vendor(all)
      const known = knownFrom(first)
      const pages = yield* pulled(second.provider, pullScope({ known }))
      assert.deepStrictEqual(countsOf(pages), { Sighting: 0, Unchanged: 230, Filtered: 0, Unreadable: 0 })
      assert.deepStrictEqual(
        [...new Set(second.requests.map(({ operation }) => operation))],
        ["list conversations"]
      )
      assert.isAtMost(second.requests.length, 5)
      const changed = all.map((one, index) =>
        index === 7 || index === 200 ? { ...one, row: { ...one.row, status: "escalated" } } : one
      )
      const third = vendor(changed)
      assert.deepStrictEqual(idsIn(yield* pulled(third.provider, pullScope({ known }))), ["c00007", "c00200"])
      assert.strictEqual(third.asked("get a conversation").length, 2)
      const full = vendor(all)
      yield* pulled(full.provider, pullScope({ known, refetch: true }))
      assert.strictEqual(full.asked("get a conversation").length, 230)
    })
  )

  it.effect("is compared by what its rows say, however they are written", () =>
    Effect.gen(function* () {
      const all = many(120).map((one, index) => ({
        ...one,
        row: { ...one.row, lead: { ...(one.row.lead as object), name: `Zoë "${index}" 王` } }
      }))
      const known = knownFrom(yield* pulled(vendor(all).provider))
      const changed = all.map((one, index) => {
        if (index === 7 || index === 100) return { ...one, row: { ...one.row, status: "escalated" } }
        // What it was like before stands first, whole, in what it has become.
        return index === 40 ? { ...one, row: { before: one.row, ...one.row } } : one
      })
      const writings: ReadonlyArray<(list: unknown) => string> = [
        (list) => JSON.stringify(list),
        (list) => JSON.stringify(list, null, 1),
        (list) => JSON.stringify(list).replaceAll("},{", "}, {"),
        (list) => JSON.stringify(list).replaceAll('","channel"', '", "channel"'),
        // Of a field that comes twice the last counts.
        (list) => JSON.stringify(list).replaceAll('{"id":"c0', '{"id":"c00001","id":"c0'),
        (list) =>
          JSON.stringify(list).replace(
            /[^ -~]/gu,
            (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`
          )
      ]
      for (const write of writings) {
        const same = yield* pulled(vendor(all, { write }).provider, pullScope({ known }))
        assert.deepStrictEqual(countsOf(same), { Sighting: 0, Unchanged: 120, Filtered: 0, Unreadable: 0 })
        const other = yield* pulled(vendor(changed, { write }).provider, pullScope({ known }))
        assert.deepStrictEqual(idsIn(other), ["c00007", "c00040", "c00100"])
        const again = yield* pulled(
          vendor(changed, { write }).provider,
          pullScope({ known: knownFrom(other) })
        )
        assert.strictEqual(idsIn(again).length, 117)
      }
    })
  )

  it.effect("passes by what began outside of the window, stored as it is or not", () =>
    Effect.gen(function* () {
      const all = Array.from({ length: 6 }, (_, hour) =>
        held(`h${hour}`, 1, { created_at: stamp(60 * hour) })
      )
      const known = knownFrom(yield* pulled(vendor(all.slice(0, 4)).provider))
      const since = fromIso(stamp(120))
      const pages = yield* pulled(
        vendor(all).provider,
        pullScope({ known, since, until: fromIso(stamp(300)) })
      )
      assert.deepStrictEqual(countsOf(pages), { Sighting: 1, Unchanged: 2, Filtered: 3, Unreadable: 0 })
    })
  )

  it.effect("fetches again what the mirror holds as deleted", () =>
    Effect.gen(function* () {
      const all = many(2)
      const known = knownFrom(yield* pulled(vendor(all).provider)).map((one) => ({ ...one, deleted: true }))
      assert.deepStrictEqual(idsIn(yield* pulled(vendor(all).provider, pullScope({ known }))), [
        "c00000",
        "c00001"
      ])
    })
  )

  it.effect("needs no details where no messages are wanted, and fetches them once they are", () =>
    Effect.gen(function* () {
      const all = many(3)
      const without = vendor(all)
      const pages = yield* pulled(without.provider, pullScope({ messages: false }))
      assert.strictEqual(without.asked("get a conversation").length, 0)
      assert.deepStrictEqual(
        sightingsIn(pages).map(({ messages }) => messages),
        [null, null, null]
      )
      const known = knownFrom(pages)
      const again = yield* pulled(vendor(all).provider, pullScope({ messages: false, known }))
      assert.strictEqual(countsOf(again).Unchanged, 3)
      assert.strictEqual(countsOf(yield* pulled(vendor(all).provider, pullScope({ known }))).Sighting, 3)
    })
  )

  it.effect("asks for several details at once, and no more than it may", () =>
    Effect.gen(function* () {
      const { client } = vendor(many(120))
      const full = yield* Effect.makeLatch()
      let inFlight = 0
      let most = 0
      const counting = {
        ...client,
        ...reading((request) =>
          request.operation !== "get a conversation"
            ? client.read(request)
            : Effect.gen(function* () {
                inFlight += 1
                most = Math.max(most, inFlight)
                // Nobody is answered before eight have asked.
                if (inFlight === 8) yield* full.open
                yield* full.await
                const answer = yield* client.read(request)
                inFlight -= 1
                return answer
              })
        )
      }
      const provider = empfio.make(
        { name: "s", baseUrl: "", statusMap: {}, token: Redacted.make("t") },
        counting
      )
      const pages = yield* pulled(provider, pullScope({ concurrency: 8 }))
      assert.deepStrictEqual(idsIn(pages), [...idsIn(pages)].sort())
      assert.strictEqual(most, 8)
    })
  )

  it.effect("keeps the row of a conversation whose details are gone, to be asked for again next time", () =>
    Effect.gen(function* () {
      const ghost = held("ghost")
      const rows = [held("a"), ghost, held("c")]
      const fake = fakeClient((request) => {
        const one = rows.find(({ row }) => request.path.endsWith(`/${row.id}`))
        if (one === ghost) return { status: 404, json: { detail: "Conversation not found" } }
        return one === undefined ? listRoute(rows, {}, request.query) : { json: detailOf(one, undefined) }
      })
      const provider = empfio.make(
        { name: "s", baseUrl: "", statusMap: {}, token: Redacted.make("t") },
        fake.client
      )
      const pages = yield* pulled(provider)
      const [, kept] = sightingsIn(pages)
      assert.deepStrictEqual(
        [kept?.conversation.providerId, kept?.conversation.status, kept?.messages, kept?.fingerprint],
        ["ghost", "completed", null, null]
      )
      assert.isTrue(pages.at(-1)?.end?.complete)
    })
  )

  it.effect(
    "does not take a page for people for the end of the list, or for a conversation that is gone",
    () =>
      Effect.gen(function* () {
        const html = { status: 404, text: "<html><title>404 Not Found</title></html>" }
        const rows = Array.from({ length: 120 }, (_, index) => held(`c${1000 + index}`))
        const behind = (isBroken: (request: RecordedRequest) => boolean) =>
          empfio.make(
            { name: "s", baseUrl: "", statusMap: {}, token: Redacted.make("t") },
            fakeClient((request) => {
              if (isBroken(request)) return html
              const one = rows.find(({ row }) => request.path.endsWith(`/${row.id}`))
              return one === undefined
                ? listRoute(rows, { lacks: ["total"] }, request.query)
                : { json: detailOf(one, undefined) }
            }).client
          )
        const cut = behind(({ query }) => query?.page === 2)
        assert.strictEqual((yield* Effect.flip(pulled(cut)))._tag, "Malformed")
        const dead = behind(({ path }) => path.includes("/conversations/"))
        assert.strictEqual(
          (yield* Effect.flip(dead.fetch("c1000", null, { messages: true })))._tag,
          "Malformed"
        )
        const change = { providerId: "c1000" } as StatusChange
        assert.strictEqual((yield* Effect.flip(dead.readStatus(change)))._tag, "Malformed")
      })
  )

  it.effect("leaves out what was started outside of the window, without asking for its details", () =>
    Effect.gen(function* () {
      const days = [1, 2, 3, 4].map((day) => held(`d${day}`, 1, { created_at: `2026-01-0${day}T00:00:00Z` }))
      const { provider, asked } = vendor(days)
      const since = fromIso("2026-01-02")
      const until = fromIso("2026-01-04")
      const pages = yield* pulled(provider, pullScope({ since, until }))
      assert.deepStrictEqual(idsIn(pages), ["d2", "d3"])
      assert.strictEqual(countsOf(pages).Filtered, 2)
      assert.strictEqual(asked("get a conversation").length, 2)
    })
  )

  it.effect(
    "is read whole with smaller pages than asked for, without a total or a size, and with 404 at its end",
    () =>
      Effect.gen(function* () {
        const variants: ReadonlyArray<VendorOptions> = [
          { largestPage: 50 },
          { lacks: ["size"] },
          { lacks: ["total"] },
          { lacks: ["total", "size"] },
          { largestPage: 20, lacks: ["total", "size"] },
          { largestPage: 20, lacks: ["size"] },
          { lacks: ["total"], pastTheEnd: 404 },
          { largestPage: 30, lacks: ["total", "size"], pastTheEnd: 404 }
        ]
        for (const options of variants) {
          for (const count of [0, 1, 100, 157]) {
            const pages = yield* pulled(vendor(many(count), options).provider)
            assert.strictEqual(new Set(idsIn(pages)).size, count, JSON.stringify({ options, count }))
            assert.deepStrictEqual(pages.at(-1)?.end, { complete: true, reason: null })
          }
        }
      })
  )

  it.effect("goes on after the cursor of any page, and is not read once more while it is as it was", () =>
    Effect.gen(function* () {
      const all = many(450)
      const first = vendor(all)
      const whole = yield* pulled(first.provider)
      const lists = first.asked("list conversations").length
      const cursors = whole.flatMap(({ cursor }, index) => (cursor === null ? [] : [{ cursor, index }]))
      assert.isAbove(cursors.length, 3)
      for (const [number, { cursor, index }] of cursors.entries()) {
        const known = knownFrom(whole.slice(0, index + 1))
        const { provider, asked } = vendor(all)
        const rest = yield* pulled(provider, pullScope({ cursor, known }))
        const both = new Set([...known.map(({ providerId }) => providerId), ...idsIn(rest)])
        assert.strictEqual(both.size, 450)
        assert.strictEqual(asked("get a conversation").length, 450 - known.length)
        // So many pages of the list were stored. Of the last one, a row is asked for once more.
        const stored = number + 1 === cursors.length ? number : number + 1
        assert.strictEqual(asked("list conversations").length, lists - stored)
        assert.deepStrictEqual(rest.at(-1)?.end, { complete: true, reason: null })
      }
    })
  )

  it.effect("stores what came before a failure", () =>
    Effect.gen(function* () {
      const rows = many(40)
      const fake = fakeClient((request) => {
        if (request.path.endsWith("c00025")) return { status: 500 }
        const one = rows.find(({ row }) => request.path.endsWith(`/${row.id}`))
        return one === undefined ? listRoute(rows, {}, request.query) : { json: detailOf(one, undefined) }
      })
      const provider = empfio.make(
        { name: "s", baseUrl: "", statusMap: {}, token: Redacted.make("t") },
        fake.client
      )
      const pages: Array<Page> = []
      const exit = yield* Effect.exit(
        Stream.runForEach(provider.pull(pullScope({ concurrency: 8 })), (page) =>
          Effect.sync(() => pages.push(page))
        )
      )
      assert.isTrue(Exit.isFailure(exit))
      assert.strictEqual(idsIn(pages).length, 25)
    })
  )

  it.effect("that does not end is an error: rows beyond its total, and rows that come again and again", () =>
    Effect.gen(function* () {
      const beyond = (page: number, size: number) => many(size, (page - 1) * size)
      const repeating = (_page: number, size: number) => many(size)
      for (const [rows, total] of [
        [beyond, 250],
        [repeating, 5000]
      ] as const) {
        const fake = fakeClient(({ path, query }) => {
          if (path.split("/").length > 4) return { json: detailOf(held(path.split("/")[4] ?? ""), undefined) }
          const page = Number(query?.page)
          const size = Number(query?.size)
          return { json: { conversations: rows(page, size).map(({ row }) => row), total, page, size } }
        })
        const provider = empfio.make(
          { name: "s", baseUrl: "", statusMap: {}, token: Redacted.make("t") },
          fake.client
        )
        const failure = yield* Effect.flip(Stream.runDrain(provider.pull(pullScope())))
        assert.strictEqual(failure._tag, "Malformed")
        assert.match(failure.message, /does not end/)
        const lists = fake.requests.filter(({ operation }) => operation === "list conversations")
        assert.isBelow(lists.length, 80)
      }
    })
  )

  it.effect("that never shows what it says it holds is not complete", () =>
    Effect.gen(function* () {
      const fake = fakeClient(() => ({ json: { conversations: [], total: 500, page: 1, size: 100 } }))
      const provider = empfio.make(
        { name: "s", baseUrl: "", statusMap: {}, token: Redacted.make("t") },
        fake.client
      )
      const pages = yield* pulled(provider)
      assert.isFalse(pages.at(-1)?.end?.complete)
      assert.match(pages.at(-1)?.end?.reason ?? "", /0 conversations of the 500/)
    })
  )
})

describe("Empfio's list, while it moves", () => {
  const schedule = fc.record({
    count: fc.integer({ min: 25, max: 90 }),
    largestPage: fc.constantFrom(10, 20),
    concurrency: fc.constantFrom(1, 4, 16),
    moves: fc.array(
      fc.record({
        at: fc.integer({ min: 1, max: 24 }),
        what: fc.constantFrom("insert first", "insert last", "delete", "to the front", "to the back"),
        where: fc.double({ min: 0, max: 0.999, noNaN: true })
      }),
      { maxLength: 8 }
    )
  })

  it.effect("misses nothing that was there all the time, or says that it may have", () =>
    Effect.promise(() =>
      fc.assert(
        fc.asyncProperty(schedule, async ({ count, largestPage, concurrency, moves }) => {
          const all = many(count)
          const throughout = new Set(all.map(({ row }) => row.id))
          let lists = 0
          let born = 0
          const move = (what: (typeof moves)[number]["what"], where: number) => {
            if (what === "insert first") all.unshift(...many(1, 10_000 + born++))
            if (what === "insert last") all.push(...many(1, 10_000 + born++))
            if (what.startsWith("insert")) return
            const [moved] = all.splice(Math.floor(where * all.length), 1)
            if (moved === undefined) return
            if (what === "delete") throughout.delete(moved.row.id)
            if (what === "to the front") all.unshift(moved)
            if (what === "to the back") all.push(moved)
          }
          const beforeAnswer = ({ operation }: RecordedRequest) => {
            if (operation !== "list conversations") return
            lists += 1
            for (const { at, what, where } of moves) if (at === lists) move(what, where)
          }
          const { provider } = vendor(all, { largestPage, beforeAnswer })
          const pages = await Effect.runPromise(pulled(provider, pullScope({ concurrency })))
          const seen = new Set(idsIn(pages))
          const missed = [...throughout].filter((id) => !seen.has(id))
          const end = pages.at(-1)?.end
          if (end?.complete === true) assert.deepStrictEqual(missed, [])
          else assert.match(end?.reason ?? "", /kept moving|it says it holds/)
        }),
        { numRuns: 100, seed: 20260307 }
      )
    )
  )
})

describe("Empfio's status", () => {
  it("reads and writes all four words, and keeps any other", () => {
    const { provider } = vendor([])
    for (const [word, status] of [
      ["active", "active"],
      ["escalated", "handed_off"],
      ["completed", "completed"],
      ["abandoned", "abandoned"]
    ] as const) {
      assert.strictEqual(provider.statusMap.read(word), status)
      assert.strictEqual(provider.statusMap.write[status], word)
    }
    assert.deepStrictEqual(
      [provider.statusMap.read("paused"), provider.statusMap.read(null)],
      ["unknown", "unknown"]
    )
  })

  it.effect("is written with the documented body and nothing else", () =>
    Effect.gen(function* () {
      const fake = fakeClient(() => ({ json: { ...exampleDetail, id: "a/b", status: "escalated" } }))
      const provider = empfio.make(
        { name: "s", baseUrl: "", statusMap: {}, token: Redacted.make("t") },
        fake.client
      )
      const { state } = yield* provider.setStatus(change("handed_off"))
      assert.deepStrictEqual(state, {
        status: "handed_off",
        providerStatus: "escalated",
        updatedAt: fromIso("2026-03-07T10:15:00Z"),
        title: null,
        tags: []
      })
      assert.deepStrictEqual(fake.requests, [
        {
          through: "write",
          operation: "update a conversation's status",
          method: "PATCH",
          path: "/api/v1/conversations/a%2Fb",
          body: { status: "escalated" }
        }
      ])
    })
  )

  it.effect("is not taken from an answer that does not say it", () =>
    Effect.gen(function* () {
      for (const answer of [
        { status: 204 },
        { text: "" },
        { text: "OK" },
        { json: { ok: true } },
        { json: { id: "a/b" } }
      ]) {
        const fake = fakeClient(() => answer)
        const provider = empfio.make(
          { name: "s", baseUrl: "", statusMap: {}, token: Redacted.make("t") },
          fake.client
        )
        assert.deepStrictEqual(yield* provider.setStatus(change("active")), { state: null })
        assert.strictEqual(fake.requests.length, 1)
      }
      const other = fakeClient(() => ({ json: { id: "other", status: "active" } }))
      const provider = empfio.make(
        { name: "s", baseUrl: "", statusMap: {}, token: Redacted.make("t") },
        other.client
      )
      assert.strictEqual((yield* Effect.flip(provider.setStatus(change("active"))))._tag, "Malformed")
    })
  )

  it.effect("follows the connection's own words", () =>
    Effect.gen(function* () {
      const { provider, requests } = vendor([], {}, { completed: "done" })
      yield* Effect.flip(provider.setStatus(change("completed")))
      assert.deepStrictEqual(requests[0]?.body, { status: "done" })
      assert.strictEqual(provider.statusMap.read("done"), "completed")
    })
  )

  it.effect("is read live, and null where the conversation is gone", () =>
    Effect.gen(function* () {
      const { provider } = vendor([held("a", 1, { status: "abandoned" })])
      assert.strictEqual((yield* provider.readStatus(change("active", "a")))?.status, "abandoned")
      assert.strictEqual(yield* provider.readStatus(change("active", "gone")), null)
    })
  )

  it("refuses what Empfio has no place for", () => {
    const { provider } = vendor([])
    const requested = change("completed").requested
    assert.strictEqual(provider.refuse(requested), null)
    assert.include(provider.refuse({ ...requested, title: "t" })?.message, "title")
    assert.include(provider.refuse({ ...requested, category: "c" })?.message, "category")
  })
})

describe("One Empfio conversation", () => {
  it.effect("comes as the list would give it, row included", () =>
    Effect.gen(function* () {
      const all = many(3)
      const { provider } = vendor(all)
      const [, listed] = sightingsIn(yield* pulled(provider))
      const page = yield* provider.fetch("c00001", null, { messages: true })
      assert.deepStrictEqual<unknown>(page?.items, [listed])
      assert.strictEqual(yield* provider.fetch("gone", null, { messages: true }), null)
    })
  )

  it.effect("is not taken for whole where the list's row of it cannot be read", () =>
    Effect.gen(function* () {
      for (const broken of [/\{[^{}]*(\{[^{}]*\}[^{}]*)*\}(?=\])/, /"email":"[^"]*"/]) {
        const write = (list: unknown) =>
          JSON.stringify(list).replace(broken, (found) => (found.startsWith("{") ? "oops" : '"email":7'))
        const { provider } = vendor([held("a")], { write })
        const page = yield* provider.fetch("a", null, { messages: true })
        const [item] = page?.items ?? []
        assert.strictEqual(item?._tag === "Sighting" ? item.unreadable.length : null, 1, String(broken))
        assert.isNull(item?._tag === "Sighting" ? item.fingerprint : "")
      }
    })
  )
})

describe("Empfio's account", () => {
  const decode = Schema.decodeUnknownEither(empfio.settings)

  it("is reached with email and password, or with a token, and not with both", () => {
    assert.isTrue(Either.isRight(decode({ email: "a@b.c", password: "p" })))
    assert.isTrue(Either.isRight(decode({ token: "t" })))
    const fault = (settings: object) => String(Either.getOrThrow(Either.flip(decode(settings))))
    assert.include(fault({}), "email and password, or a token")
    assert.include(fault({ email: "a@b.c" }), "email and password, or a token")
    assert.include(fault({ email: "a@b.c", password: "p", token: "t" }), "not both")
    assert.strictEqual(empfio.baseUrl({ token: Redacted.make("t") }), null)
  })

  it.effect("logs in with what it was given, and signs with what it gets", () =>
    Effect.gen(function* () {
      const settings = { email: "a@b.c", password: Redacted.make("p") }
      const authorization = empfio.authorize(settings)
      if (authorization._tag !== "Session") return assert.fail("a session was expected")
      const fake = fakeClient(() => ({ json: { access_token: "jwt", token_type: "bearer" } }))
      const headers = yield* authorization.login(fake.client.read)
      assert.strictEqual(Redacted.value(headers.authorization ?? Redacted.make("")), "Bearer jwt")
      const [request] = fake.requests
      assert.deepStrictEqual(
        [request?.method, request?.path, request?.body],
        ["POST", "/api/v1/auth/login", { email: "a@b.c", password: "p" }]
      )
      const silent = fakeClient(() => ({ json: { ok: true } }))
      const failure = yield* Effect.flip(authorization.login(silent.client.read))
      assert.strictEqual(failure._tag, "Malformed")
      assert.notInclude(JSON.stringify(failure), "a@b.c")
    })
  )

  it.effect("is checked without changing anything, and a refusal is a finding", () =>
    Effect.gen(function* () {
      const good = yield* vendor(many(3)).provider.check({ messages: true })
      assert.isTrue(good.every(({ ok }) => ok))
      assert.include(good[0]?.detail, "3")
      const fake = fakeClient(() => ({ status: 403, json: { detail: "no" } }))
      const provider = empfio.make(
        { name: "s", baseUrl: "", statusMap: {}, token: Redacted.make("t") },
        fake.client
      )
      const findings = yield* provider.check({ messages: true })
      assert.deepStrictEqual(
        findings.map(({ ok, what }) => [ok, what]),
        [[false, "list conversations"]]
      )
    })
  )

  it("can be asked with every parameter that is documented", () => {
    assert.deepStrictEqual(
      listConversations({ page: 2, size: 50, leadId: "l", status: "active", channel: "voice" }).query as Json,
      { page: 2, size: 50, lead_id: "l", status: "active", channel: "voice" }
    )
    assert.deepStrictEqual(getMessages("a", { limit: 5, offset: 10 }).query as Json, { limit: 5, offset: 10 })
  })
})
