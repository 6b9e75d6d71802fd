import { Chunk, Effect, Exit, Stream } from "effect"
import { describe, expect, it } from "vitest"
import { registry } from "../../src/providers/index.ts"
import type { AnyProviderDefinition, Page, Provider } from "../../src/providers/Provider.ts"
import { makeSimulator, type SimulatorOptions, type VendorId } from "../../src/simulator/index.ts"
import type { FakeAnswer, RecordedRequest } from "../support/fakeClient.ts"
import { pullScope, sightingsIn } from "../support/pullScope.ts"
import { type Instead, simulatedProvider } from "../support/simulatedPull.ts"
import { worldBegins } from "../support/simulatedVendor.ts"

/*
 * A list is complete only on evidence. Each vendor's list ends too early here in some way: what it holds is found all
 * the same, or the scan says that it may not be all.
 */

const definitionOf = (vendor: VendorId): AnyProviderDefinition => {
  const found = registry[vendor]
  if (found === undefined) throw new Error(`no adapter called ${vendor}`)
  return found
}

const open = (
  vendor: VendorId,
  conversations: number,
  instead: Instead,
  vendors: SimulatorOptions["vendors"] = {}
) => {
  const simulator = makeSimulator({ seed: 5, conversations, now: worldBegins, limits: false, vendors })
  return { simulator, ...simulatedProvider(simulator, vendor, definitionOf(vendor), instead) }
}

const pulled = async (provider: Provider) => {
  const pages: Array<Page> = []
  const exit = await Effect.runPromiseExit(
    Stream.runForEach(provider.pull(pullScope({ messages: false })), (page) =>
      Effect.sync(() => pages.push(page))
    )
  )
  const end = pages.at(-1)?.end ?? null
  return { end, found: new Set(sightingsIn(pages).map(({ conversation }) => conversation.providerId)), exit }
}

interface Row {
  readonly ID: string
  readonly ts: number
}

const rows = (from: number, count: number): ReadonlyArray<Row> =>
  Array.from({ length: count }, (_, index) => ({ ID: `c${from + index}`, ts: 1_770_000_000 - from - index }))

const isConvos = ({ path }: RecordedRequest): boolean => path.endsWith("/convos")

/** One agent whose pages these are; by number, or with cursors that name the next page. */
const convocoreOf = (
  pages: ReadonlyArray<{ readonly rows: ReadonlyArray<Row>; readonly more?: boolean }>,
  paging: "number" | "cursor"
) => {
  const all = pages.flatMap((page) => page.rows)
  return open("convocore", 1, (request): FakeAnswer | null => {
    if (request.path === "/agents") return { json: { success: true, data: [{ ID: "agent-1" }] } }
    if (isConvos(request)) {
      const at =
        paging === "number" ? Number(request.query?.page ?? 1) - 1 : Number(request.query?.cursor ?? 0)
      const page = pages[at] ?? { rows: [], more: false }
      const nextCursor = paging === "cursor" && page.more === true ? { nextCursor: String(at + 1) } : {}
      const hasMore = page.more === undefined ? {} : { hasMore: page.more }
      return { json: { success: true, data: page.rows, ...hasMore, ...nextCursor } }
    }
    const one = all.find(({ ID }) => request.path.endsWith(`/${ID}`))
    return one === undefined ? null : { json: { success: true, data: { ...one, state: "ai-chatting" } } }
  })
}

describe("Convocore's list", () => {
  for (const paging of ["number", "cursor"] as const) {
    for (const [where, pages] of [
      ["in the middle", [rows(0, 2), [], rows(2, 2), rows(4, 2)]],
      ["at the front", [[], rows(0, 2), rows(2, 4)]],
      ["twice at the front and before the end", [[], [], rows(0, 4), [], rows(4, 2)]]
    ] as const) {
      it(`goes on behind an empty page ${where} that says that more follows, by ${paging}`, async () => {
        const said = pages.map((page, index) => ({ rows: page, more: index < pages.length - 1 }))
        const { end, found } = await pulled(convocoreOf(said, paging).provider)
        expect(found.size).toBe(6)
        expect(end).toEqual({ complete: true, reason: null })
      })
    }

    it(`ends incomplete where more is said to follow and never comes, by ${paging}`, async () => {
      const said = Array.from({ length: 300 }, (_, index) => ({
        rows: index === 0 ? rows(0, 3) : [],
        more: true
      }))
      const { end, found } = await pulled(convocoreOf(said, paging).provider)
      expect(found.size).toBe(3)
      expect(end?.complete).toBe(false)
      expect(end?.reason).toContain("says that more follows")
    })
  }

  it("ends incomplete where it says that more follows and gives no cursor after cursors", async () => {
    const { provider } = open("convocore", 1, (request) => {
      if (request.path === "/agents") return { json: { data: [{ ID: "agent-1" }] } }
      if (!isConvos(request)) return { json: { data: { ID: request.path.split("/").at(-1) } } }
      return request.query?.cursor === undefined
        ? { json: { data: rows(0, 2), hasMore: true, nextCursor: "b" } }
        : { json: { data: rows(2, 2), hasMore: true } }
    })
    const { end, found } = await pulled(provider)
    expect(found.size).toBe(4)
    expect(end).toMatchObject({ complete: false, reason: expect.stringContaining("no cursor") })
  })

  it("reads the agents behind an empty page of agents that says that more follow", async () => {
    const pages = [["agent-1"], [], ["agent-2"]]
    const { provider, requests } = open("convocore", 10, ({ path, query }) => {
      if (path !== "/agents") return null
      const at = Number(query?.page ?? 1) - 1
      return { json: { data: (pages[at] ?? []).map((ID) => ({ ID })), hasMore: at < 2 } }
    })
    const { end } = await pulled(provider)
    expect(end).toEqual({ complete: true, reason: null })
    expect(new Set(requests.filter(isConvos).map(({ path }) => path)).size).toBe(2)
  })

  it("is not complete where its list of agents says that more follow, and does not bring them", async () => {
    const { provider } = open("convocore", 10, ({ path }) =>
      path === "/agents" ? { json: { data: [{ ID: "agent-1" }], hasMore: true } } : null
    )
    const { end } = await pulled(provider)
    expect(end).toMatchObject({ complete: false, reason: expect.stringContaining("agents") })
  })
})

const isList = ({ path }: RecordedRequest): boolean => path === "/api/v1/conversations"

describe("Empfio's list", () => {
  const total = (text: string, change: (total: number) => number | null): string =>
    text.replace(/"total":(\d+)/, (_, number: string) => `"total":${change(Number(number))}`)

  it("is not complete where it says that it holds more than came, and answers 404 beyond", async () => {
    const { provider } = open(
      "empfio",
      130,
      (request, { status = 200, text = "" }) =>
        isList(request) && status === 200 ? { text: total(text, (held) => held + 70) } : null,
      { empfio: { pastTheEnd: "missing" } }
    )
    const { end, found } = await pulled(provider)
    expect(found.size).toBe(130)
    expect(end?.complete).toBe(false)
    expect(end?.reason).toMatch(/130.*200/)
  })

  for (const [how, change] of [
    ["shrinks", (asked: number) => (held: number) => held - asked],
    ["grows", (asked: number) => (held: number) => held + asked],
    ["is too small", () => () => 5],
    ["is zero", () => () => 0],
    ["is missing", () => () => null]
  ] as const) {
    it(`is read to its end where its total ${how}`, async () => {
      let asked = 0
      const { provider } = open("empfio", 230, (request, { text = "" }) => {
        if (!isList(request)) return null
        asked += 1
        return { text: total(text, change(asked)) }
      })
      const { end, found } = await pulled(provider)
      expect([found.size, end !== null]).toEqual([230, true])
    })
  }
})

const isContacts = ({ path }: RecordedRequest): boolean => path === "/contact/list"

describe("Aelyst's list", () => {
  const withNext = (text: string, next: string | null): FakeAnswer => ({
    text: text.replace(/"next":"[^"]*"/, `"next":${JSON.stringify(next)}`)
  })

  for (const cursor of ["inclusive", "exclusive"] as const) {
    for (const contactOrder of ["ascending", "descending"] as const) {
      it(`goes on where it names no next page too early, ${contactOrder}, its cursors ${cursor}`, async () => {
        const { provider } = open(
          "aelyst",
          250,
          (request, { text = "" }) => (isContacts(request) ? withNext(text, "") : null),
          { aelyst: { cursor, contactOrder } }
        )
        const { end, found } = await pulled(provider)
        expect(found.size).toBe(250)
        expect(end).toEqual({ complete: true, reason: null })
      })
    }
  }

  it("is taken at its word where it refuses to be asked on", async () => {
    const { provider } = open("aelyst", 40, (request) =>
      isContacts(request) && request.query?.cursorId !== undefined
        ? { status: 400, json: { code: 400, message: "Validation error." } }
        : null
    )
    const { end, found } = await pulled(provider)
    expect([found.size, end]).toEqual([40, { complete: true, reason: null }])
  })

  it("stores what came before its cursors lead back, and does not end complete", async () => {
    const { provider } = open("aelyst", 250, (request, { text = "" }) =>
      isContacts(request) ? withNext(text, "https://api.aelyst.ai/contact/list?limit=99&cursorId=99") : null
    )
    const { end, exit, found } = await pulled(provider)
    expect(found.size).toBeGreaterThanOrEqual(99)
    expect([end, Exit.isFailure(exit)]).toEqual([null, true])
  })
})

describe("NaturaLead's bare list", () => {
  for (const cap of [20, 50, 100, 1_000]) {
    it(`is not complete where it is cut at ${cap} whatever is asked, though its statuses show more`, async () => {
      const { provider } = open("naturalead", cap + 37, () => null, {
        naturalead: { paging: "truncated", cap }
      })
      const { end, found } = await pulled(provider)
      expect(found.size).toBeGreaterThan(cap)
      expect(end).toMatchObject({ complete: false, reason: expect.stringContaining("requested by status") })
    })
  }

  it("is complete where it holds a round number and its statuses show no other", async () => {
    const { provider, requests } = open("naturalead", 100, () => null)
    const pages = await Effect.runPromise(
      Effect.map(Stream.runCollect(provider.pull(pullScope())), Chunk.toReadonlyArray)
    )
    expect(pages.at(-1)?.end).toEqual({ complete: true, reason: null })
    expect(pages.at(-1)?.learned).toEqual({ "list-skip": "ignored" })
    expect(requests.map(({ query }) => query?.status)).toEqual([
      undefined,
      undefined,
      "active",
      "completed",
      "handed_off",
      "dropped"
    ])
  })
})
