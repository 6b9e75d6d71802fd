import { Effect, Either, Redacted, Stream } from "effect"
import { describe, expect, it } from "vitest"
import { aelyst } from "../../src/providers/aelyst/index.ts"
import { convocore } from "../../src/providers/convocore/index.ts"
import { empfio } from "../../src/providers/empfio/index.ts"
import { naturalead } from "../../src/providers/naturalead/index.ts"
import type { Page, Provider } from "../../src/providers/Provider.ts"
import { type FakeAnswer, fakeClient, type RecordedRequest } from "../support/fakeClient.ts"
import { pullScope, sightingsIn, unreadablesIn } from "../support/pullScope.ts"
import { requested, statusChange } from "../support/statusChange.ts"

/*
 * A field that cannot be read, is of another type or is missing in one of several answers: less is known then, and
 * whoever reads says so, instead of taking what is left for all there is.
 */

const common = { name: "one", baseUrl: "https://vendor.example", statusMap: {}, token: Redacted.make("t") }

type Route = (request: RecordedRequest, url: string) => FakeAnswer

const pulled = async (provider: Provider) => {
  const pages: Array<Page> = []
  const exit = await Effect.runPromise(
    Effect.either(
      Stream.runForEach(provider.pull(pullScope()), (page) => Effect.sync(() => pages.push(page)))
    )
  )
  return {
    pages,
    failure: Either.isLeft(exit) ? exit.left.message : null,
    end: pages.at(-1)?.end ?? null,
    ids: sightingsIn(pages).map(({ conversation }) => conversation.providerId)
  }
}

const fetched = (provider: Provider, id: string) =>
  Effect.runPromise(provider.fetch(id, null, { messages: true }))

const reasonsIn = (pages: Iterable<Page>) =>
  unreadablesIn(pages).map(({ path, reason }) => `${path}: ${reason}`)

describe("NaturaLead's list in an envelope", () => {
  const rows = Array.from({ length: 7 }, (_, index) => ({ _id: `c${index}`, status: "active" }))
  const open = (around: object, isPaged = true, headers: Record<string, string> = {}) => {
    const { client, requests } = fakeClient(({ path, query }): FakeAnswer => {
      if (path !== "/conversations") return { status: 404, json: { error: "not found" } }
      const from = Number(query?.skip ?? 0)
      return { json: { data: isPaged ? rows.slice(from, from + 3) : rows.slice(0, 3), ...around }, headers }
    })
    return { provider: naturalead.make({ ...common, apiKey: common.token }, client), requests }
  }

  it("is read on where its total is written as text", async () => {
    const { end, ids } = await pulled(open({ total: "7" }).provider)
    expect([new Set(ids).size, end]).toEqual([7, { complete: true, reason: null }])
  })

  it("is not complete where its total cannot be read", async () => {
    for (const total of ["many", -1, {}, [7], true, 2.5]) {
      const { failure, ids } = await pulled(open({ total }).provider)
      expect(failure, JSON.stringify(total)).toContain("$.total")
      expect(ids).toHaveLength(3)
    }
  })

  it("is read on where it says that more follows, and is not complete where nothing comes", async () => {
    const signs: ReadonlyArray<object> = [
      { hasMore: true },
      { has_more: "true" },
      { pagination: { hasNext: true } },
      { meta: { next_cursor: "abc" } },
      { next: "https://vendor.example/conversations?skip=3" }
    ]
    for (const sign of signs) {
      const whole = await pulled(open(sign, false).provider)
      expect([whole.ids.length, whole.end?.complete], JSON.stringify(sign)).toEqual([3, false])
      const paged = await pulled(open(sign).provider)
      expect(new Set(paged.ids).size, JSON.stringify(sign)).toBe(7)
    }
    for (const none of [{ hasMore: false }, { next: null }, { pagination: { next: "" } }]) {
      const { end, ids } = await pulled(open(none, false).provider)
      expect([ids.length, end?.complete], JSON.stringify(none)).toEqual([3, true])
    }
  })
})

describe("headers that speak of a list", () => {
  const signs: ReadonlyArray<Record<string, string>> = [
    { "x-total-count": "7" },
    { link: '<https://vendor.example/?page=1>; rel="prev", <https://vendor.example/?page=3>; rel="next"' },
    { "x-has-more": "true" },
    { "x-next-page": "2" }
  ]
  const none = {
    link: '<https://vendor.example/?page=1>; rel="prev"',
    "x-has-more": "false",
    "x-next-page": ""
  }

  it("are believed of NaturaLead's where its body says nothing", async () => {
    const open = (headers: Record<string, string>) =>
      naturalead.make(
        { ...common, apiKey: common.token },
        fakeClient(({ path }) =>
          path === "/conversations"
            ? { json: [{ _id: "a" }, { _id: "b" }, { _id: "c" }], headers }
            : { status: 404, json: {} }
        ).client
      )
    for (const headers of signs)
      expect((await pulled(open(headers))).end?.complete, JSON.stringify(headers)).toBe(false)
    expect((await pulled(open({ ...none, "x-total-count": "3" }))).end?.complete).toBe(true)
  })

  it("are believed of Convocore's agents", async () => {
    const open = (headers: Record<string, string>) =>
      convocore.make(
        { ...common, exportTimeZone: "UTC" },
        fakeClient(({ path }) =>
          path === "/agents" ? { json: [{ ID: "a" }], headers } : { json: { data: [] } }
        ).client
      )
    for (const headers of signs.slice(1))
      expect((await pulled(open(headers))).end?.complete, JSON.stringify(headers)).toBe(false)
    expect((await pulled(open(none))).end?.complete).toBe(true)
  })
})

describe("Aelyst's messages", () => {
  const message = (messageId: unknown) => ({
    messageId,
    contactId: 1,
    traffic: "incoming",
    message: { type: "text", text: `message ${messageId}` }
  })
  const open = (
    messages: Route,
    contacts: ReadonlyArray<{ readonly id: number; readonly status: string }> = [{ id: 1, status: "open" }]
  ) => {
    const route: Route = (request, url) => {
      if (request.path === "/contact/list") {
        return {
          json: { items: request.query?.cursorId === undefined ? contacts : [], pagination: { next: "" } }
        }
      }
      if (request.path.endsWith("/message/list")) return messages(request, url)
      return { json: contacts.find(({ id }) => request.path.endsWith(`:${id}`)) }
    }
    return aelyst.make({ ...common, messageList: "auto" }, fakeClient(route).client)
  }
  const newest = Array.from({ length: 50 }, (_, index) => message(200 - index))

  it("are not all there are where the page that the list names as its next does not exist", async () => {
    const provider = open(({ query }) =>
      query?.cursorId === undefined
        ? { json: { items: newest, pagination: { next: "https://x.example/?cursorId=151" } } }
        : { status: 404, json: { code: 404, message: "Not Found" } }
    )
    const { pages } = await pulled(provider)
    expect(reasonsIn(pages)).toHaveLength(1)
    expect(sightingsIn(pages)[0]?.fingerprint).toBeNull()
    expect(reasonsIn([(await fetched(provider, "1")) as Page])).toHaveLength(1)
  })

  it("are all there are where no next page is named and none is behind the last message", async () => {
    const provider = open(({ query }) =>
      query?.cursorId === undefined
        ? { json: { items: newest, pagination: { next: "" } } }
        : { status: 404, json: { code: 404, message: "Not Found" } }
    )
    const { pages } = await pulled(provider)
    expect([reasonsIn(pages), sightingsIn(pages)[0]?.messages?.items.length]).toEqual([[], 50])
  })

  it("are put aside where one contact's are forbidden and another's are not", async () => {
    const contacts = [
      { id: 1, status: "open" },
      { id: 2, status: "open" }
    ]
    const provider = open(
      ({ path }) =>
        path.includes(":1/")
          ? { json: { items: [message(5)], pagination: { next: "" } } }
          : { status: 403, json: { code: 403, message: "Forbidden" } },
      contacts
    )
    const { pages } = await pulled(provider)
    expect(reasonsIn(pages)).toHaveLength(1)
  })
})

describe("Aelyst's contact", () => {
  const open = (contact: object) =>
    aelyst.make(
      { ...common, messageList: "auto" },
      fakeClient(() => ({ json: { id: 1, status: "open", ...contact } })).client
    )
  const change = statusChange("one", "1", { requested: requested("completed") })
  const read = (contact: object) => Effect.runPromise(Effect.either(open(contact).readStatus(change)))

  it("shows whose it is by each field that can be read, though others cannot", async () => {
    const state = await read({ phone: 7, email: "a@example.com", created_at: 1_663_274_081 })
    expect(Either.getOrNull(state)?.likeness).toEqual({
      startedAt: "2022-09-15T20:34:41.000Z",
      phone: null,
      email: "a@example.com"
    })
  })

  it("is not known to be anyone's where nothing that would tell can be read", async () => {
    expect(Either.isLeft(await read({ phone: 7, email: ["x"] }))).toBe(true)
    expect(Either.isRight(await read({}))).toBe(true)
  })
})

describe("Convocore's agents", () => {
  const open = (agents: object) =>
    convocore.make(
      { ...common, exportTimeZone: "UTC" },
      fakeClient(({ path }): FakeAnswer => {
        if (path === "/agents") return { json: agents }
        return path.endsWith("/convos") ? { json: { data: [] } } : { status: 404, json: { message: "none" } }
      }).client
    )

  it("do not show that a conversation is gone where one of them cannot be read", async () => {
    for (const unread of [{ data: [{ ID: "a" }, { ID: {} }] }, { data: [{ ID: "a" }], hasMore: true }]) {
      const page = await Effect.runPromise(Effect.either(open(unread).fetch("one", null, { messages: true })))
      expect(Either.isLeft(page), JSON.stringify(unread)).toBe(true)
    }
    expect(await fetched(open({ data: [{ ID: "a" }] }), "one")).toBeNull()
  })

  it("are not all there are where their list says in any words that more follow", async () => {
    const { end } = await pulled(open({ data: [{ ID: "a" }], pagination: { hasMore: true } }))
    expect(end?.complete).toBe(false)
  })
})

describe("Convocore's export", () => {
  const open = (turns: unknown, messagesNum: number | null = 2) => {
    const row = { ID: "one", state: "ai-chatting", messagesNum, ts: 1_700_000_000 }
    const route: Route = ({ path, query }) => {
      if (path.endsWith("/convos/export")) return { status: 400, json: { message: "no selection" } }
      if (path.endsWith("/export")) return { json: { data: { metadata: { convo: { id: "one" } }, turns } } }
      if (path.endsWith("/one")) return { json: { data: row } }
      return { json: { data: query?.page === 1 ? [row] : [] } }
    }
    return convocore.make({ ...common, exportTimeZone: "UTC", agents: ["a"] }, fakeClient(route).client)
  }
  const turn = { from: "user", messages: [{ type: "text", payload: { message: "hello" } }] }

  it("is not read where it has no turns, though there are messages", async () => {
    for (const turns of [undefined, null]) {
      for (const page of [(await pulled(open(turns))).pages, [(await fetched(open(turns), "one")) as Page]]) {
        expect(reasonsIn(page)).toHaveLength(1)
      }
    }
    expect(reasonsIn((await pulled(open(undefined, null))).pages)).toEqual([])
  })

  it("is not whole where a turn has no messages", async () => {
    const { pages } = await pulled(open([turn, { from: "bot", text: "hi" }], null))
    expect(reasonsIn(pages)).toHaveLength(1)
    expect(reasonsIn((await pulled(open([turn, { from: "bot", messages: [] }], null))).pages)).toEqual([])
  })
})

describe("a list that comes twice in one answer", () => {
  const rows: Readonly<Record<string, object>> = {
    convocore: { ID: "c", state: "ai-chatting" },
    empfio: { id: "c", status: "active" },
    aelyst: { id: 1, status: "open" }
  }
  const names: Readonly<Record<string, string>> = {
    convocore: "data",
    empfio: "conversations",
    aelyst: "items"
  }
  const open: Readonly<Record<string, (text: string) => Provider>> = {
    convocore: (text) =>
      convocore.make(
        { ...common, exportTimeZone: "UTC", agents: ["a"] },
        fakeClient(() => ({ text })).client
      ),
    empfio: (text) => empfio.make(common, fakeClient(() => ({ text })).client),
    aelyst: (text) => aelyst.make({ ...common, messageList: "off" }, fakeClient(() => ({ text })).client)
  }
  for (const [vendor, make] of Object.entries(open)) {
    it(`is no list of ${vendor}'s, whichever is meant`, async () => {
      const field = `"${names[vendor]}"`
      const row = JSON.stringify(rows[vendor])
      for (const text of [`{${field}:[${row}],${field}:[]}`, `{${field}:[${row}],${field}:[${row}]}`]) {
        const { end, failure } = await pulled(make(text))
        expect([end, failure?.includes("comes more than once")], text).toEqual([null, true])
      }
    })
  }
})

describe("Empfio's row of one conversation", () => {
  const detail = { id: "c-1", status: "active", created_at: "2026-03-07T10:00:00Z", messages: [] }
  const open = (rows: ReadonlyArray<object>, lead: object) => {
    const route: Route = ({ path, query }) => {
      if (path.endsWith("/messages")) return { json: [] }
      if (path.endsWith("/c-1")) return { json: { ...detail, ...lead } }
      const [page, size] = [Number(query?.page ?? 1), Number(query?.size ?? 20)]
      const conversations = rows.slice((page - 1) * size, page * size)
      return { json: { conversations, total: rows.length, page, size } }
    }
    return empfio.make(common, fakeClient(route).client)
  }
  const row = (id: string) => ({
    id,
    lead_id: "l-1",
    status: "active",
    message_count: 4,
    created_at: detail.created_at
  })
  const declaredOf = async (provider: Provider) =>
    sightingsIn([(await fetched(provider, "c-1")) as Page])[0]?.conversation.declaredMessages

  it("is looked for by the lead wherever the detail names it", async () => {
    expect(await declaredOf(open([row("c-1")], { lead_id: "l-1" }))).toBe(4)
    expect(await declaredOf(open([row("c-1")], { lead: { id: "l-1", name: "L" } }))).toBe(4)
  })

  it("is found behind a hundred others of the same lead", async () => {
    const rows = [...Array.from({ length: 150 }, (_, index) => row(`o-${index}`)), row("c-1")]
    expect(await declaredOf(open(rows, { lead_id: "l-1" }))).toBe(4)
  })
})

describe("a check", () => {
  const vendors: Readonly<Record<string, (row: object) => Provider>> = {
    naturalead: (row) =>
      naturalead.make({ ...common, apiKey: common.token }, fakeClient(() => ({ json: [row] })).client),
    convocore: (row) =>
      convocore.make(
        { ...common, exportTimeZone: "UTC", agents: ["a"] },
        fakeClient(({ path }) =>
          path.endsWith("/convos") ? { json: { data: [row] } } : { status: 404, json: {} }
        ).client
      ),
    empfio: (row) =>
      empfio.make(common, fakeClient(() => ({ json: { conversations: [row], total: 1 } })).client),
    aelyst: (row) =>
      aelyst.make(
        { ...common, messageList: "auto" },
        fakeClient(() => ({ json: { items: [row], pagination: { next: "" } } })).client
      )
  }
  for (const [vendor, open] of Object.entries(vendors)) {
    it(`says that ${vendor}'s list is of no use where the id of none of it can be read`, async () => {
      const findings = await Effect.runPromise(open({ name: "x" }).check({ messages: true }))
      expect(findings.map(({ ok }) => ok)).toContain(false)
    })
  }

  it("requests a conversation whose id Convocore writes in small letters", async () => {
    const { client, requests } = fakeClient(({ path }) =>
      path.endsWith("/convos") ? { json: { data: [{ id: "one" }] } } : { status: 404, json: {} }
    )
    const provider = convocore.make({ ...common, exportTimeZone: "UTC", agents: ["a"] }, client)
    await Effect.runPromise(provider.check({ messages: false }))
    expect(requests.map(({ path }) => path)).toContain("/agents/a/convos/one")
  })
})
