import { assert, describe, it } from "@effect/vitest"
import {
  Arbitrary,
  Chunk,
  Deferred,
  Effect,
  Either,
  Exit,
  Fiber,
  FastCheck as fc,
  Redacted,
  Schema,
  Stream,
  TestClock
} from "effect"
import type { Json } from "../../../src/domain/Conversation.ts"
import type { RequestedChange, StatusChange } from "../../../src/domain/StatusChange.ts"
import { fromIso, now, type Timestamp } from "../../../src/domain/Timestamp.ts"
import { naturalead } from "../../../src/providers/naturalead/index.ts"
import { listConversations } from "../../../src/providers/naturalead/requests.ts"
import { Conversation, Message } from "../../../src/providers/naturalead/wire.ts"
import type { Page, PullScope, Sighting } from "../../../src/providers/Provider.ts"
import { type FakeAnswer, fakeClient } from "../../support/fakeClient.ts"
import {
  countsOf,
  itemsIn,
  knownFrom,
  pullScope,
  sightingsIn,
  unreadablesIn
} from "../../support/pullScope.ts"
import { requested, statusChange } from "../../support/statusChange.ts"

/** The response of https://docs.naturalead.ai/api-reference/conversations/list-conversations, as its page shows it. */
const example = {
  _id: "665f1a2b3c4d5e6f7a8b9c0d",
  leadId: "<string>",
  accountId: "<string>",
  agentConfigId: "<string>",
  channel: "whatsapp",
  leadPhone: "<string>",
  status: "active",
  currentStageIndex: 123,
  messages: [
    { role: "agent", content: "<string>", timestamp: "2023-11-07T05:31:56Z", agentConfigId: "<string>" }
  ],
  messageCount: 123,
  createdAt: "2023-11-07T05:31:56Z",
  updatedAt: "2023-11-07T05:31:56Z",
  campaignId: "<string>",
  leadEmail: "<string>",
  currentStageName: "<string>",
  summary: "<string>",
  qualificationResult: { qualified: true, reason: "<string>" }
}

const said = (minute: number, content: string, role = "agent") => ({
  role,
  content,
  timestamp: `2026-03-07T10:${String(minute).padStart(2, "0")}:00Z`
})

const conversation = (id: string, messages: ReadonlyArray<object> = [said(1, "hi")], rest: object = {}) => ({
  ...example,
  _id: id,
  leadId: `lead-${id}`,
  messages,
  messageCount: messages.length,
  ...rest
})

const settings = {
  apiKey: Redacted.make("nl_test_0"),
  name: "leads",
  baseUrl: "https://nl.example/api",
  statusMap: {}
}

const account = (route: Parameters<typeof fakeClient>[0], statusMap: Record<string, string> = {}) => {
  const fake = fakeClient(route)
  return { ...fake, provider: naturalead.make({ ...settings, statusMap }, fake.client) }
}

/** An account that answers the list with this, and nothing else. */
const listing = (answer: FakeAnswer, statusMap: Record<string, string> = {}) =>
  account((request) => (request.path === "/conversations" ? answer : null), statusMap)

const pulled = (provider: ReturnType<typeof account>["provider"], scope: PullScope = pullScope()) =>
  Effect.map(Stream.runCollect(provider.pull(scope)), Chunk.toReadonlyArray)

/** The pages that came, and how it ended. */
const pulledUntilFailure = (provider: ReturnType<typeof account>["provider"]) =>
  Effect.gen(function* () {
    const pages: Array<Page> = []
    const exit = yield* Effect.exit(
      Stream.runForEach(provider.pull(pullScope()), (page) => Effect.sync(() => pages.push(page)))
    )
    return { pages, exit }
  })

const interpreted = (payload: unknown, statusMap: Record<string, string> = {}) => {
  const { provider } = listing({}, statusMap)
  const text = JSON.stringify(payload)
  return provider.interpret([{ kind: "conversation", providerId: "a", conversationId: "a", payload: text }])
}

const sighted = (payload: unknown, statusMap: Record<string, string> = {}): Sighting => {
  const result = interpreted(payload, statusMap)
  return "_tag" in result ? result : assert.fail(`${result.path}: ${result.reason}`)
}

const messageIds = (payload: unknown) =>
  sighted(payload).messages?.items.map(({ messageId }) => messageId) ?? []

const change = (status: RequestedChange["status"]): StatusChange =>
  statusChange("leads", "a/b", { requested: requested(status) })

describe("NaturaLead's conversations", () => {
  it("find a home for every field of the vendor's page", () => {
    const { conversation, contact, messages } = sighted(example)
    assert.deepStrictEqual(conversation, {
      providerId: "665f1a2b3c4d5e6f7a8b9c0d",
      contactId: "<string>",
      channel: "whatsapp",
      providerChannel: "whatsapp",
      status: "active",
      providerStatus: "active",
      agentId: "<string>",
      campaignId: "<string>",
      title: null,
      summary: "<string>",
      qualified: true,
      qualificationReason: "<string>",
      tags: [],
      attributes: { accountId: "<string>", currentStageIndex: 123, currentStageName: "<string>" },
      declaredMessages: 123,
      startedAt: "2023-11-07T05:31:56.000Z" as Timestamp,
      lastMessageAt: "2023-11-07T05:31:56.000Z" as Timestamp,
      updatedAt: "2023-11-07T05:31:56.000Z" as Timestamp
    })
    assert.deepStrictEqual(contact, {
      providerId: "<string>",
      name: null,
      email: "<string>",
      phone: "<string>",
      attributes: {}
    })
    assert.strictEqual(messages?.extent, "whole")
    const [{ messageId, ...message } = assert.fail("no message")] = messages?.items ?? []
    assert.isNotEmpty(messageId)
    assert.deepStrictEqual(message, {
      providerId: null,
      role: "agent",
      providerRole: "agent",
      type: "text",
      content: "<string>",
      sentAt: "2023-11-07T05:31:56.000Z" as Timestamp,
      sentAtSource: "timestamp",
      attributes: { agentConfigId: "<string>" }
    })
  })

  it("decode whatever their page allows", () => {
    const messages = fc.array(Arbitrary.make(Schema.encodedSchema(Message)), { maxLength: 5 })
    const payloads = fc
      .tuple(
        Arbitrary.make(Schema.encodedSchema(Conversation)),
        fc.option(messages),
        fc.dictionary(fc.string(), fc.jsonValue())
      )
      .map(([payload, list, unknown]) => ({ ...unknown, ...payload, messages: list }))
    fc.assert(
      fc.property(payloads, (payload) => {
        const wire = JSON.parse(JSON.stringify(payload))
        const sighting = sighted(wire)
        assert.deepStrictEqual(sighting.unreadable, [])
        assert.strictEqual(sighting.messages?.items.length ?? null, payload.messages?.length ?? null)
        assert.strictEqual(sighting.conversation.providerStatus, payload.status ?? null)
        assert.deepStrictEqual(JSON.parse(sighting.raw[0]?.payload ?? ""), wire)
      })
    )
  })

  const text = fc.constantFrom<Json>(7, true, [], {}, ["x"])
  const whole = fc.constantFrom<Json>("7", "twelve", 1.5, false, [1], {})
  const time = fc.constantFrom<Json>("yesterday", "", "2026-02-30T10:00:00Z", 1_700_000_000, {}, true)
  const bad: Readonly<Record<string, fc.Arbitrary<Json>>> = {
    _id: fc.constantFrom<Json>(null, "", true, [], {}),
    leadId: fc.constantFrom<Json>(true, [], {}),
    accountId: text,
    agentConfigId: text,
    channel: text,
    leadPhone: text,
    status: text,
    currentStageIndex: whole,
    messages: fc.constantFrom<Json>("none", 7, {}, false),
    messageCount: fc.oneof(whole, fc.constant<Json>(-1)),
    createdAt: time,
    updatedAt: time,
    campaignId: text,
    leadEmail: text,
    currentStageName: text,
    summary: text,
    qualificationResult: fc.constantFrom<Json>("yes", 1, []),
    "qualificationResult.qualified": fc.constantFrom<Json>("yes", 1, []),
    "qualificationResult.reason": text
  }

  it.effect.each(Object.keys(bad))(
    "end in quarantine where %s is mutilated, and their neighbours are stored",
    (path) =>
      Effect.gen(function* () {
        for (const value of fc.sample(bad[path] ?? assert.fail(path), 8)) {
          const [outer = "", inner] = path.split(".")
          const damaged = {
            ...conversation("b"),
            [outer]: inner === undefined ? value : { ...example.qualificationResult, [inner]: value }
          }
          const { provider } = listing({ json: [conversation("a"), damaged, conversation("c")] })
          const pages = yield* pulled(provider)
          assert.deepStrictEqual(
            sightingsIn(pages).map((one) => one.conversation.providerId),
            ["a", "c"]
          )
          const [unreadable = assert.fail("nothing in quarantine")] = unreadablesIn(pages)
          assert.strictEqual(unreadable.path, `$.${path}`)
          assert.match(unreadable.reason, /^expected /)
          assert.strictEqual(unreadable.kind, "conversation")
          assert.strictEqual(unreadable.providerId, path === "_id" ? null : "b")
          assert.deepStrictEqual(JSON.parse(unreadable.payload), damaged)
        }
      })
  )

  it("lose no more than the message that does not decode", () => {
    for (const damaged of [{ content: 7 }, { timestamp: "soon" }, { role: [] }, { agentConfigId: 1 }]) {
      const sighting = sighted(
        conversation("a", [said(1, "one"), { ...said(2, "two"), ...damaged }, said(3, "three")])
      )
      assert.deepStrictEqual(
        sighting.messages?.items.map(({ content }) => content),
        ["one", "three"]
      )
      const [unreadable = assert.fail("nothing in quarantine"), ...others] = sighting.unreadable
      assert.deepStrictEqual(others, [])
      assert.strictEqual(unreadable.kind, "message")
      assert.strictEqual(unreadable.conversationId, "a")
      assert.strictEqual(unreadable.path, `$.${Object.keys(damaged)[0]}`)
      assert.deepStrictEqual(JSON.parse(unreadable.payload), { ...said(2, "two"), ...damaged })
    }
  })

  it("keep words nobody has documented, and null is as good as absent", () => {
    const { conversation: odd, messages } = sighted(
      conversation("a", [{ role: "supervisor", content: null }], {
        channel: "carrier_pigeon",
        status: "snoozed"
      })
    )
    assert.deepStrictEqual(
      [odd.channel, odd.status, odd.providerStatus],
      ["carrier_pigeon", "unknown", "snoozed"]
    )
    assert.deepStrictEqual(
      messages?.items.map(({ role, providerRole, content, sentAt }) => [role, providerRole, content, sentAt]),
      [["unknown", "supervisor", null, null]]
    )
    const bare = sighted({ _id: "a", leadId: null, leadEmail: null, qualificationResult: null })
    assert.strictEqual(bare.contact, null)
    assert.strictEqual(bare.messages, null)
    assert.strictEqual(bare.conversation.declaredMessages, null)
  })
})

describe("NaturaLead's messages, which have no id", () => {
  const lines = fc.array(
    fc.record({
      minute: fc.nat(59),
      content: fc.constantFrom("yes", "no", "ok"),
      role: fc.constantFrom("agent", "lead")
    }),
    { minLength: 1, maxLength: 12 }
  )
  const inOrder = lines.map((all) =>
    [...all]
      .sort((a, b) => a.minute - b.minute)
      .map(({ minute, content, role }) => said(minute, content, role))
  )

  it("get ids that are their own within the conversation, and another's are never the same", () => {
    fc.assert(
      fc.property(inOrder, (messages) => {
        const ids = messageIds(conversation("a", messages))
        assert.strictEqual(new Set(ids).size, messages.length)
        const others = new Set(messageIds(conversation("b", messages)))
        assert.isFalse(ids.some((id) => others.has(id)))
      })
    )
  })

  it("keep them when messages are appended", () => {
    fc.assert(
      fc.property(inOrder, fc.nat(), (messages, at) => {
        const before = messages.slice(0, 1 + (at % messages.length))
        assert.deepStrictEqual(
          messageIds(conversation("a", before)),
          messageIds(conversation("a", messages)).slice(0, before.length)
        )
      })
    )
  })

  it("come out oldest first and with the same ids, whichever way the vendor lists them", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(59), { minLength: 2 }), (minutes) => {
        const messages = minutes.sort((a, b) => a - b).map((minute) => said(minute, "ok"))
        assert.deepStrictEqual(
          sighted(conversation("a", [...messages].reverse())).messages,
          sighted(conversation("a", messages)).messages
        )
      })
    )
  })

  it("keep them when only the spelling of a time changes", () => {
    const spelt = (timestamp: string) => messageIds(conversation("a", [{ ...said(0, "hi"), timestamp }]))
    assert.deepStrictEqual(spelt("2026-03-07T10:00:00Z"), spelt("2026-03-07T12:00:00.000+02:00"))
  })
})

describe("NaturaLead's list", () => {
  it.effect("is stored while it arrives, in pages of at most 500 records, and complete only at its end", () =>
    Effect.gen(function* () {
      const rows = Array.from({ length: 301 }, (_, index) =>
        conversation(`c${index}`, [said(1, "hi"), said(2, "ho")])
      )
      const { provider, requests } = listing({ json: rows, pieceBytes: 997 })
      const pages = yield* pulled(provider)
      assert.strictEqual(sightingsIn(pages).length, 301)
      for (const page of pages) {
        const records = page.items.reduce(
          (sum, item) => sum + (item._tag === "Sighting" ? 2 + (item.messages?.items.length ?? 0) : 1),
          0
        )
        assert.isAtMost(records, 500)
      }
      assert.deepStrictEqual(
        pages.map(({ end }) => end),
        [...pages.slice(1).map(() => null), { complete: true, reason: null }]
      )
      const bytes = pages.reduce((sum, { exchange }) => sum + exchange.bytes, 0)
      assert.strictEqual(bytes, new TextEncoder().encode(JSON.stringify(rows)).length)
      assert.deepStrictEqual(
        requests.map(({ through }) => through),
        ["stream"]
      )
    })
  )

  it.effect("is not asked twice where that is known not to help", () =>
    Effect.gen(function* () {
      const rows = Array.from({ length: 50 }, (_, index) => conversation(`c${index}`))
      const first = yield* pulled(listing({ json: rows }).provider)
      const learned = first.at(-1)?.learned ?? {}
      assert.deepStrictEqual(learned, { "list-skip": "ignored" })
      const again = listing({ json: rows })
      const lesson = { "list-skip": { value: "ignored", at: now(0) } }
      yield* pulled(again.provider, pullScope({ learned: lesson }))
      assert.strictEqual(again.requests.length, 1)
    })
  )

  it.effect("is read through an envelope and past a cap", () =>
    Effect.gen(function* () {
      const rows = Array.from({ length: 130 }, (_, index) => conversation(`c${index}`))
      for (const name of ["conversations", "data"]) {
        const { provider, requests } = account(({ query }) => {
          const skip = Number(query?.skip ?? 0)
          const limit = Math.min(Number(query?.limit ?? 50), 40)
          return { json: { total: rows.length, [name]: rows.slice(skip, skip + limit), skip, limit } }
        })
        const pages = yield* pulled(provider)
        assert.deepStrictEqual(countsOf(pages), { Sighting: 130, Unchanged: 3, Filtered: 0, Unreadable: 0 })
        assert.deepStrictEqual(pages.at(-1)?.end, { complete: true, reason: null })
        assert.deepStrictEqual(
          requests.map(({ query }) => query?.skip),
          [undefined, 39, 78, 117]
        )
      }
    })
  )

  it.effect(
    "goes on without a limit where the vendor refuses one, and without paging where it refuses that",
    () =>
      Effect.gen(function* () {
        const rows = Array.from({ length: 60 }, (_, index) => conversation(`c${index}`))
        const noLimit = account(({ query }) => {
          if (query?.limit !== undefined) return { status: 400, json: { error: "limit is not allowed" } }
          const skip = Number(query?.skip ?? 0)
          return { json: { data: rows.slice(skip, skip + 50), total: rows.length } }
        })
        const pages = yield* pulled(noLimit.provider)
        assert.deepStrictEqual([sightingsIn(pages).length, pages.at(-1)?.end?.complete], [60, true])
        const noPaging = account(({ query }) =>
          query?.skip === undefined
            ? { json: rows.slice(0, 50) }
            : { status: 400, json: { error: "skip is not allowed" } }
        )
        const all = yield* pulled(noPaging.provider)
        assert.deepStrictEqual([sightingsIn(all).length, all.at(-1)?.end?.complete], [50, true])
        const cut = account(({ query }) =>
          query?.skip === undefined
            ? { json: { data: rows.slice(0, 50), total: 60 } }
            : { status: 400, json: {} }
        )
        assert.isFalse((yield* pulled(cut.provider)).at(-1)?.end?.complete)
      })
  )

  it.effect("shows nothing new the second time, whatever its order, and looks only at what changed", () =>
    Effect.gen(function* () {
      const rows = ["a", "b", "c", "d"].map((id) => conversation(id))
      const known = knownFrom(yield* pulled(listing({ json: rows }).provider))
      const again = yield* pulled(listing({ json: [...rows].reverse() }).provider, pullScope({ known }))
      assert.deepStrictEqual(countsOf(again), { Sighting: 0, Unchanged: 4, Filtered: 0, Unreadable: 0 })
      const moved = rows.map((row) => (row._id === "c" ? { ...row, status: "completed" } : row))
      const third = yield* pulled(listing({ json: moved }).provider, pullScope({ known }))
      assert.deepStrictEqual(
        sightingsIn(third).map(({ conversation }) => conversation.providerId),
        ["c"]
      )
      const all = yield* pulled(listing({ json: rows }).provider, pullScope({ known, refetch: true }))
      assert.strictEqual(sightingsIn(all).length, 4)
      const gone = known.map((one) => ({ ...one, deleted: one.providerId === "a" }))
      const detail = rows[0]
      const vendor = account(({ path }) => ({ json: path === "/conversations" ? rows : detail }))
      const back = yield* pulled(vendor.provider, pullScope({ known: gone }))
      assert.deepStrictEqual(
        sightingsIn(back).map(({ conversation }) => conversation.providerId),
        ["a"]
      )
      // The list alone does not bring back what was said to be gone.
      assert.deepStrictEqual(vendor.requests.at(-1)?.path, "/conversations/a")
    })
  )

  it.effect(
    "looks up each row once, however often the list shows it, and one that moved meanwhile again",
    () =>
      Effect.gen(function* () {
        const rows = Array.from({ length: 50 }, (_, index) => conversation(`c${index}`))
        const moved = rows.map((row) => (row._id === "c7" ? { ...row, status: "completed" } : row))
        for (const pieceBytes of [997, 1_000_000]) {
          const vendor = account(({ query }) => ({
            json: query?.status === undefined ? rows : moved.filter(({ status }) => status === query.status),
            pieceBytes
          }))
          const asked: Array<string> = []
          const known: PullScope["known"] = (ids) =>
            Effect.sync(() => {
              asked.push(...ids)
              return new Map()
            })
          const pages = yield* pulled(vendor.provider, { ...pullScope(), known })
          assert.deepStrictEqual(asked, [...rows.map(({ _id }) => _id), "c7"])
          assert.deepStrictEqual(countsOf(pages), { Sighting: 51, Unchanged: 99, Filtered: 0, Unreadable: 0 })
          assert.strictEqual(sightingsIn(pages).at(-1)?.conversation.status, "completed")
        }
      })
  )

  it.effect("keeps what has arrived once it is time to stop, and waits for nothing more", () =>
    Effect.gen(function* () {
      const rows = Array.from({ length: 500 }, (_, index) => conversation(`c${index}`))
      const bytes = new TextEncoder().encode(JSON.stringify(rows))
      const { client } = listing({ json: rows })
      const gone = yield* Deferred.make<void>()
      const stalled: typeof client = {
        ...client,
        stream: (request) =>
          Effect.map(client.stream(request), (answer) => ({
            ...answer,
            body: Stream.concat(
              Stream.make(bytes.subarray(0, bytes.length - 10)),
              Stream.ensuring(Stream.never, Deferred.succeed(gone, undefined))
            )
          }))
      }
      const stop = yield* Deferred.make<void>()
      const stopping = { now: () => false, requested: Deferred.await(stop) }
      const provider = naturalead.make(settings, stalled)
      const pages: Array<Page> = []
      const running = yield* Effect.fork(
        Stream.runForEach(provider.pull(pullScope({ stopping })), (page) => {
          pages.push(page)
          return Effect.void
        })
      )
      yield* TestClock.adjust("1 second")
      assert.isNull(running.unsafePoll())
      yield* Deferred.succeed(stop, undefined)
      const exit = yield* Fiber.await(running)
      yield* Deferred.await(gone)
      assert.strictEqual(sightingsIn(pages).length, 499)
      assert.include(String(exit), "the body ended before the list did")
    })
  )

  it.effect("asks by id for what it cut short, once, and keeps what is still short", () =>
    Effect.gen(function* () {
      const full = [said(1, "one"), said(2, "two"), said(3, "three")]
      const short = (id: string) => conversation(id, full.slice(1), { messageCount: 3 })
      const { provider, requests } = account(({ path }) => {
        if (path === "/conversations")
          return { json: [short("a"), conversation("b"), short("c"), short("gone")] }
        if (path === "/conversations/a") return { json: conversation("a", full) }
        return path === "/conversations/c"
          ? { json: short("c") }
          : { status: 404, json: { error: "Conversation not found" } }
      })
      const pages = yield* pulled(provider)
      const stored = sightingsIn(pages).map(({ conversation, messages }) => [
        conversation.providerId,
        messages?.items.length
      ])
      assert.deepStrictEqual(stored.sort(), [
        ["a", 3],
        ["b", 1],
        ["c", 2],
        ["gone", 2]
      ])
      assert.deepStrictEqual(
        pages.flatMap(({ soughtById }) => soughtById?.missing ?? []),
        ["gone"]
      )
      assert.deepStrictEqual(pages.at(-1)?.end, { complete: true, reason: null })
      const detail = pages.find(({ items }) =>
        items.some((item) => item._tag === "Sighting" && item.conversation.providerId === "a")
      )
      assert.strictEqual(detail?.exchange.path, "/conversations/a")
      assert.strictEqual(requests.length, 4)

      const again = account(({ path }) =>
        path === "/conversations" ? { json: [short("a"), conversation("b"), short("c")] } : null
      )
      const second = yield* pulled(again.provider, pullScope({ known: knownFrom(pages) }))
      assert.deepStrictEqual(countsOf(second), { Sighting: 0, Unchanged: 3, Filtered: 0, Unreadable: 0 })
    })
  )

  it.effect("puts aside what it cut short and what by id is no conversation, and goes on", () =>
    Effect.gen(function* () {
      const short = (id: string) => conversation(id, [], { messageCount: 3 })
      const { provider } = account(({ path }) => {
        if (path === "/conversations") return { json: [short("a"), short("b"), short("c")] }
        if (path === "/conversations/a") return { text: "<html>" }
        return { json: conversation(path === "/conversations/b" ? "other" : "c", [said(1, "hi")]) }
      })
      const pages = yield* pulled(provider)
      assert.deepStrictEqual(
        sightingsIn(pages).map(({ conversation }) => conversation.providerId),
        ["c"]
      )
      assert.deepStrictEqual(
        unreadablesIn(pages)
          .map(({ providerId, path }) => [providerId, path])
          .sort(),
        [
          ["a", "$"],
          ["b", "$._id"]
        ]
      )
    })
  )

  it.effect("leaves out what was started outside of the window, before it asks for details", () =>
    Effect.gen(function* () {
      const started = (id: string, createdAt: string) => conversation(id, [], { createdAt, messageCount: 2 })
      const rows = [
        started("old", "2026-01-31T23:59:59Z"),
        started("in", "2026-02-01T00:00:00Z"),
        started("new", "2026-03-01T00:00:00Z")
      ]
      const { provider, requests } = account(({ path }) =>
        path === "/conversations"
          ? { json: rows }
          : { json: conversation("in", [said(1, "a"), said(2, "b")]) }
      )
      const window = { since: fromIso("2026-02-01"), until: fromIso("2026-03-01") }
      const pages = yield* pulled(provider, pullScope(window))
      assert.deepStrictEqual(countsOf(pages), { Sighting: 1, Unchanged: 0, Filtered: 2, Unreadable: 0 })
      assert.strictEqual(requests.length, 2)
    })
  )

  it.effect("leaves no message behind where the user wants none, and fetches them once they are wanted", () =>
    Effect.gen(function* () {
      const rows = [conversation("a", [said(1, "secret words")], { messageCount: 7 })]
      const { provider, requests } = listing({ json: rows })
      const pages = yield* pulled(provider, pullScope({ messages: false }))
      assert.strictEqual(requests.length, 1)
      assert.notInclude(JSON.stringify(pages), "secret words")
      assert.strictEqual(sightingsIn(pages)[0]?.messages, null)
      assert.strictEqual(sightingsIn(pages)[0]?.conversation.declaredMessages, 7)
      const wanted = listing({ json: [conversation("a", [said(1, "secret words")])] })
      const known = knownFrom(yield* pulled(wanted.provider, pullScope({ messages: false })))
      assert.strictEqual(
        sightingsIn(yield* pulled(wanted.provider, pullScope({ known })))[0]?.messages?.items.length,
        1
      )
    })
  )

  it.effect.each([
    [
      "is cut in mid-body",
      { json: [conversation("a"), conversation("b")], cutAfterBytes: 900 },
      "Unavailable"
    ],
    [
      "ends early",
      { text: JSON.stringify([conversation("a"), conversation("b")]).slice(0, 900) },
      "Malformed"
    ],
    ["is no JSON behind the first row", { text: `[${JSON.stringify(conversation("a"))} oops` }, "Malformed"]
  ] as const)(
    "fails where it %s, and what came before is kept without being called complete",
    ([, answer, tag]) =>
      Effect.gen(function* () {
        const { pages, exit } = yield* pulledUntilFailure(listing({ ...answer, pieceBytes: 100 }).provider)
        assert.deepStrictEqual(
          sightingsIn(pages).map(({ conversation }) => conversation.providerId),
          ["a"]
        )
        assert.isTrue(pages.every(({ end }) => end === null))
        assert.isTrue(Exit.isFailure(exit))
        assert.include(JSON.stringify(exit), `"_tag":"${tag}"`)
      })
  )

  it.effect.each(["<html><body>Sign in</body></html>", "", '{"error":"nothing here"}', '"text"'])(
    "fails where it is %j",
    (text) =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(pulled(listing({ text }).provider))
        assert.strictEqual(error._tag, "Malformed")
        assert.notInclude(error.message, "Sign in")
      })
  )

  it.effect("takes an empty account for complete", () =>
    Effect.gen(function* () {
      const pages = yield* pulled(listing({ json: [] }).provider)
      assert.deepStrictEqual([pages.length, itemsIn(pages).length, pages[0]?.end?.complete], [1, 0, true])
    })
  )

  it.effect("gives the same sighting again from the payload that was kept of it", () =>
    Effect.gen(function* () {
      const { provider } = listing({ json: [conversation("a", [said(1, "é 😀"), said(2, "b")])] })
      for (const sighting of sightingsIn(yield* pulled(provider))) {
        assert.deepStrictEqual(provider.interpret(sighting.raw), sighting)
      }
    })
  )

  it("can be asked for with every parameter the vendor documents", () => {
    assert.deepStrictEqual(listConversations().query, {
      status: undefined,
      skip: undefined,
      limit: undefined
    })
    const search = { parameter: "q", text: "x".repeat(120) }
    const { query } = listConversations({ status: "dropped", search, skip: 0, limit: 50 })
    assert.deepStrictEqual(query, { status: "dropped", q: "x".repeat(100), skip: 0, limit: 50 })
  })
})

describe("NaturaLead's status", () => {
  it("is read as the canonical word, with the vendor's own beside it", () => {
    const words = ["active", "handed_off", "completed", "dropped", "Active", "", null]
    assert.deepStrictEqual(
      words.map((word) => sighted(conversation("a", [], { status: word })).conversation.status),
      ["active", "handed_off", "completed", "abandoned", "unknown", "unknown", "unknown"]
    )
  })

  it("is refused before any request where the vendor cannot be asked for it", () => {
    const { provider } = listing({})
    for (const status of ["handed_off", "completed", "abandoned"] as const)
      assert.isNull(provider.refuse(requested(status)))
    assert.include(provider.refuse(requested("active"))?.hint, "handed_off, completed, abandoned")
    assert.include(provider.refuse(requested(null))?.message, "nothing was requested")
    for (const extra of [{ category: "Spam" }, { summary: "s" }, { title: "t" }, { tags: ["t"] }]) {
      assert.include(provider.refuse(requested("completed", extra))?.message, Object.keys(extra)[0])
    }
  })

  it.effect.each([
    ["handed_off", "handed_off"],
    ["completed", "completed"],
    ["abandoned", "dropped"]
  ] as const)("%s is sent as the vendor documents it, and confirmed by the answer", ([status, word]) =>
    Effect.gen(function* () {
      const { provider, requests } = account(() => ({ json: conversation("a/b", [], { status: word }) }))
      const { state } = yield* provider.setStatus(change(status))
      assert.deepStrictEqual(
        requests.map(({ through, method, path, body }) => [through, method, path, body]),
        [["write", "PATCH", "/conversations/a%2Fb/status", { status: word }]]
      )
      assert.deepStrictEqual(
        [state?.status, state?.providerStatus, state?.updatedAt],
        [status, word, example.updatedAt.replace("Z", ".000Z")]
      )
    })
  )

  it.effect("follows the connection's own words, out and back", () =>
    Effect.gen(function* () {
      const { provider, requests } = account(() => ({ json: conversation("a/b", [], { status: "won" }) }), {
        completed: "won"
      })
      const { state } = yield* provider.setStatus(change("completed"))
      assert.deepStrictEqual([requests[0]?.body, state?.status], [{ status: "won" }, "completed"])
      assert.strictEqual(
        sighted(conversation("a", [], { status: "won" }), { completed: "won" }).conversation.status,
        "completed"
      )
    })
  )

  it.effect("is known though another field of the conversation is unreadable", () =>
    Effect.gen(function* () {
      const { provider } = account(() => ({
        json: conversation("a/b", [], { status: "completed", summary: 7 })
      }))
      assert.strictEqual((yield* provider.readStatus(change("completed")))?.status, "completed")
      assert.strictEqual((yield* provider.setStatus(change("completed"))).state?.status, "completed")
    })
  )

  it.effect("is not believed where the answer is another conversation, or none", () =>
    Effect.gen(function* () {
      for (const answer of [
        { json: conversation("other") },
        { json: {} },
        { text: "<html>" },
        { text: "" }
      ]) {
        const { provider } = account(() => answer)
        assert.strictEqual((yield* Effect.flip(provider.setStatus(change("completed"))))._tag, "Malformed")
      }
    })
  )

  it.effect("reads live, and tells a conversation that does not exist", () =>
    Effect.gen(function* () {
      const there = account(() => ({ json: conversation("a/b", [], { status: "dropped" }) }))
      assert.deepStrictEqual(yield* there.provider.readStatus(change("completed")), {
        status: "abandoned",
        providerStatus: "dropped",
        updatedAt: "2023-11-07T05:31:56.000Z" as Timestamp,
        title: null,
        tags: []
      })
      assert.deepStrictEqual(
        there.requests.map(({ method, path }) => [method, path]),
        [["GET", "/conversations/a%2Fb"]]
      )
      const gone = account(() => ({ status: 404, json: { error: "Conversation not found" } }))
      assert.isNull(yield* gone.provider.readStatus(change("completed")))
      assert.isNull(yield* gone.provider.fetch("a", null, { messages: true }))
      const silent = account(() => ({ status: 404 }))
      const answer = yield* Effect.either(silent.provider.readStatus(change("completed")))
      assert.isTrue(Either.isLeft(answer) && answer.left._tag === "Rejected" && answer.left.form === "empty")
    })
  )
})

describe("checking a NaturaLead account", () => {
  it.effect("tries what a sync needs and changes nothing", () =>
    Effect.gen(function* () {
      const { provider, requests } = account(({ path }) =>
        path === "/conversations"
          ? { json: [conversation("a"), conversation("b")], pieceBytes: 50 }
          : { json: conversation("a") }
      )
      const findings = yield* provider.check({ messages: true })
      assert.deepStrictEqual(
        findings.map(({ ok }) => ok),
        [true, true, true]
      )
      assert.isTrue(requests.every(({ through }) => through !== "write"))
    })
  )

  it.effect("says what is not allowed, and fails only where nobody answers", () =>
    Effect.gen(function* () {
      const [forbidden] = yield* account(() => ({
        status: 403,
        json: { error: "Forbidden" }
      })).provider.check({ messages: true })
      assert.deepStrictEqual([forbidden?.ok, forbidden?.what], [false, "list conversations"])
      const [html] = yield* listing({ text: "<html>" }).provider.check({ messages: true })
      assert.isFalse(html?.ok)
      assert.strictEqual(
        (yield* Effect.flip(account(() => ({ status: 503 })).provider.check({ messages: true })))._tag,
        "Unavailable"
      )
    })
  )
})
