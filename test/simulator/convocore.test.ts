import { describe, expect, it } from "vitest"
import { makeSimulator } from "../../src/simulator/simulator.ts"
import { exportTime } from "../../src/simulator/vendors/convocore/transcript.ts"
import {
  type ConvocoreBirth,
  type ConvocoreOptions,
  toMillis
} from "../../src/simulator/vendors/convocore/world.ts"
import { ask, now, type Reply } from "./support.ts"

type Chosen = Partial<ConvocoreOptions> & Partial<ConvocoreBirth>
const make = (options: Chosen = {}, conversations = 120) =>
  makeSimulator({
    seed: 4,
    conversations: { convocore: conversations },
    now,
    vendors: { convocore: options }
  })
type Made = ReturnType<typeof make>

const get = (simulator: Made, path: string, at = now) => ask(simulator, "convocore", `GET /v3${path}`, { at })
const patch = (simulator: Made, agent: string, id: string, body: unknown, at = now) =>
  ask(simulator, "convocore", `PATCH /v3/agents/${agent}/convos/${id}`, { body, at })

/** Every listed id of an agent, by cursor. */
const listed = (simulator: Made, agent: string, limit = 20) => {
  const ids: Array<string> = []
  let cursor: string | null = null
  do {
    const page: Reply["body"] = get(
      simulator,
      `/agents/${agent}/convos?limit=${limit}${cursor === null ? "" : `&cursor=${cursor}`}`
    ).body
    ids.push(...page.data.map((row: { ID: string }) => row.ID))
    expect(page.hasMore).toBe(page.nextCursor !== null)
    cursor = page.nextCursor
  } while (cursor !== null)
  return ids
}

const held = (simulator: Made, agent: string) => {
  const { world } = simulator.vendors.convocore
  return [...world.conversations.values()].filter(
    (one) => world.agentOf(one.ID) === agent && one.messagesNum > 0
  )
}

describe("the simulated Convocore", () => {
  it("names its agents, with the secrets that must not be stored", () => {
    const { body } = get(make(), "/agents")
    expect(body.success).toBe(true)
    expect(body.data.map((agent: { ID: string }) => agent.ID)).toEqual(["agent-1", "agent-2"])
    expect(body.data[0].SECRET_API_KEY).toContain("vg-agent-")
  })

  it("lists by cursor, newest first, every conversation in which something was said, once", () => {
    const simulator = make()
    for (const agent of ["agent-1", "agent-2"]) {
      const ids = listed(simulator, agent, 7)
      const expected = held(simulator, agent).sort((a, b) => toMillis(b.ts) - toMillis(a.ts))
      expect(new Set(ids).size).toBe(ids.length)
      expect([...ids].sort()).toEqual(expected.map((one) => one.ID).sort())
      const times = ids.map((id) =>
        toMillis(simulator.vendors.convocore.world.conversations.get(id)?.ts ?? 0)
      )
      expect(times).toEqual([...times].sort((a, b) => b - a))
    }
    const { world } = simulator.vendors.convocore
    expect([...world.conversations.values()].some((one) => one.messagesNum === 0)).toBe(true)
  })

  it("refuses a second page by number and more than 20 rows where it pages by cursor", () => {
    const simulator = make()
    const page = get(simulator, "/agents/agent-1/convos?page=2")
    expect(page.status).toBe(400)
    expect(page.body).toMatchObject({ code: "BAD_REQUEST", issues: [{ path: ["page"] }] })
    expect(page.body).not.toHaveProperty("success")
    expect(get(simulator, "/agents/agent-1/convos?limit=21").status).toBe(400)
    expect(get(simulator, "/agents/agent-1/convos?cursor=nonsense").status).toBe(400)
    expect(get(simulator, "/agents/agent-1/convos?page=1").status).toBe(200)
  })

  it("goes on after a cursor's row though rows came before it meanwhile", () => {
    const simulator = make()
    const first = get(simulator, "/agents/agent-1/convos?limit=5").body
    const { world } = simulator.vendors.convocore
    for (let i = 0; i < 6; i++) world.addConversation(now + i)
    const second = get(simulator, `/agents/agent-1/convos?limit=5&cursor=${first.nextCursor}`).body
    const ids = (page: { data: ReadonlyArray<{ ID: string }> }) => page.data.map((row) => row.ID)
    expect(ids(second).some((id) => ids(first).includes(id))).toBe(false)
  })

  it("pages by number without a total, up to an empty page", () => {
    const simulator = make({ paging: "page" })
    const all = held(simulator, "agent-1")
    const page = (number: number) => get(simulator, `/agents/agent-1/convos?page=${number}&limit=50`).body
    expect(Object.keys(page(1)).sort()).toEqual(["data", "message", "success"])
    const rows = [page(1), page(2), page(3)].flatMap((one) => one.data)
    expect(rows).toHaveLength(all.length)
    expect(page(4).data).toEqual([])
  })

  it("lists thin rows, and tells the state of one conversation", () => {
    const simulator = make()
    const [id = ""] = listed(simulator, "agent-1")
    const row = get(simulator, "/agents/agent-1/convos?limit=1").body.data[0]
    expect(row).not.toHaveProperty("state")
    expect(row).not.toHaveProperty("lastModified")
    const { body } = get(simulator, `/agents/agent-1/convos/${id}`)
    expect(body).toMatchObject({ success: true, message: "Conversation retrieved successfully" })
    expect(body.data).toEqual(simulator.vendors.convocore.world.conversations.get(id))
    expect(body.data.lastModified).toBeGreaterThan(0)
    expect(get(simulator, `/agents/agent-2/convos/${id}`)).toMatchObject({
      status: 404,
      body: { message: "Conversation not found", code: "NOT_FOUND" }
    })
  })

  it("mixes seconds and milliseconds where it is told to, and otherwise has seconds only", () => {
    const units = (simulator: Made) =>
      new Set(
        [...simulator.vendors.convocore.world.conversations.values()].map((one) => one.lastModified > 1e11)
      )
    expect(units(make()).size).toBe(2)
    expect([...units(make({ units: "seconds" }))]).toEqual([false])
  })

  it("exports turns whose times are a wall clock's", () => {
    const simulator = make()
    const { world } = simulator.vendors.convocore
    const id = held(simulator, "agent-1").find((one) => one.messagesNum > 6)?.ID ?? ""
    const { body } = get(simulator, `/agents/agent-1/convos/${id}/export`)
    expect(body.data.metadata.convo.id).toBe(id)
    const messages = body.data.turns.flatMap((turn: { messages: Array<unknown> }) => turn.messages)
    expect(messages).toHaveLength(world.conversations.get(id)?.messagesNum ?? -1)
    expect(messages[0].ts).toBe(exportTime(world.lines(id)[0]?.at ?? 0, "UTC"))
    const speakers = body.data.turns.map((turn: { from: string }) => turn.from)
    expect(new Set(speakers)).toEqual(new Set(["user", "bot"]))
    expect(speakers.every((from: string, at: number) => at === 0 || from !== speakers[at - 1])).toBe(true)
  })

  it.each([
    [Date.UTC(2024, 11, 1, 10, 30), "UTC", "December 1st 2024, 10:30:00 am"],
    [Date.UTC(2024, 11, 2, 0, 5, 9), "UTC", "December 2nd 2024, 12:05:09 am"],
    [Date.UTC(2024, 0, 13, 12), "UTC", "January 13th 2024, 12:00:00 pm"],
    [Date.UTC(2024, 6, 22, 22, 30), "Europe/Berlin", "July 23rd 2024, 12:30:00 am"],
    [Date.UTC(2024, 0, 31, 2), "America/New_York", "January 30th 2024, 9:00:00 pm"]
  ])("writes an export's time: %d in %s", (at, zone, text) => {
    expect(exportTime(at, zone)).toBe(text)
  })

  it("exports in bulk by ids, at most 200, and by pages that skip what no human wrote in", () => {
    const simulator = make()
    const ids = listed(simulator, "agent-1")
    const selected = get(
      simulator,
      `/agents/agent-1/convos/export?convoIds=${ids.slice(0, 3).join(",")},unknown`
    )
    const idsOf = (body: { data: ReadonlyArray<{ metadata: { convo: { id: string } } }> }) =>
      body.data.map((one) => one.metadata.convo.id)
    expect(idsOf(selected.body)).toEqual(ids.slice(0, 3))
    expect(get(simulator, `/agents/agent-1/convos/export?convoIds=${"x,".repeat(201)}`).status).toBe(400)
    const { world } = simulator.vendors.convocore
    const silent = world.addConversation(now - 1000, 0)
    const agent = world.agentOf(silent)
    world.addMessage(silent, now - 500, "agent", "Hello?")
    const page = get(simulator, `/agents/${agent}/convos/export?limit=4`).body
    expect(page).toMatchObject({ mode: "paginated", scannedConvoCount: 4, hasMore: true, limit: 4 })
    expect(idsOf(page)).toHaveLength(3)
    expect(idsOf(page)).not.toContain(silent)
    expect(page.usage.billableUsedThisRequest).toBe(3)
    expect(page.rateLimit.remainingHour).toBeLessThan(1500)
  })

  it("filters an export by time in seconds and in milliseconds alike, both ways round", () => {
    const simulator = make()
    const times = held(simulator, "agent-1")
      .map((one) => one.ts)
      .sort((a, b) => a - b)
    const [from = 0, to = 0] = [times[3], times[9]]
    const count = (query: string) =>
      get(simulator, `/agents/agent-1/convos/export?limit=50&${query}`).body.scannedConvoCount
    expect(count(`fromTs=${from}&toTs=${to}`)).toBe(7)
    expect(count(`fromTs=${from}000&toTs=${to}000`)).toBe(7)
    const [asc, desc] = ["asc", "desc"].map((sort) => {
      const seen: Array<string> = []
      let cursor: string | null = null
      do {
        const more: string = cursor === null ? "" : `&cursor=${cursor}`
        const { body } = get(simulator, `/agents/agent-1/convos/export?limit=10&sort=${sort}${more}`)
        seen.push(...body.data.map((one: { metadata: { convo: { id: string } } }) => one.metadata.convo.id))
        cursor = body.nextCursor
      } while (cursor !== null)
      return seen
    })
    expect(new Set(asc)).toEqual(new Set(desc))
    expect(asc).toHaveLength(new Set(asc).size)
  })

  it.each([
    ["addon", "Chat Export API addon required. Subscribe to chat-export-api to use this endpoint."],
    ["unpaid", "Exporting conversations needs a paid workspace."]
  ] as const)("forbids exports but nothing else without the %s", (access, message) => {
    const simulator = make({ access })
    const [id = ""] = listed(simulator, "agent-1")
    for (const path of [`/agents/agent-1/convos/${id}/export`, "/agents/agent-1/convos/export"]) {
      expect(get(simulator, path)).toMatchObject({ status: 403, body: { message, code: "FORBIDDEN" } })
    }
    expect(get(simulator, `/agents/agent-1/convos/${id}`).status).toBe(200)
  })

  it("forbids everything to a plan without the API", () => {
    const reply = get(make({ access: "plan" }), "/agents/agent-1/convos")
    expect(reply.status).toBe(403)
    expect(reply.body.message).toContain("billing")
  })

  it("merges tags, echoes the whole conversation and moves lastModified, in seconds", () => {
    const simulator = make()
    const { world } = simulator.vendors.convocore
    const target = held(simulator, "agent-1").find((one) => one.tags.length === 1 && one.lastModified > 1e11)
    const id = target?.ID ?? ""
    const before = { ...target }
    const conversation = { state: "requested_chat", title: "Asked", tags: ["urgent", "urgent"] }
    const reply = patch(simulator, "agent-1", id, { conversation }, now + 60_000)
    expect(reply.status).toBe(200)
    expect(reply.body.data).toMatchObject({
      state: "requested_chat",
      title: "Asked",
      tags: ["new-lead", "urgent"]
    })
    expect(reply.body.data.lastModified).toBe((now + 60_000) / 1000)
    expect(reply.body.data.lastMessageTS).toBe(before.lastMessageTS)
    expect(world.effectsOn(id)).toHaveLength(1)
  })

  it("takes the state completed, or refuses it where it is told to", () => {
    const body = { conversation: { state: "completed" } }
    for (const completed of ["accepted", "refused"] as const) {
      const simulator = make({ completed })
      const [id = ""] = listed(simulator, "agent-1")
      expect(patch(simulator, "agent-1", id, body).status).toBe(completed === "accepted" ? 200 : 400)
      expect(patch(simulator, "agent-1", id, { conversation: { state: "ended_chat" } }).status).toBe(200)
    }
  })

  it.each([
    ["no conversation", { state: "completed" }],
    ["a key beside it", { conversation: {}, agentId: "agent-1" }],
    ["a field nobody knows", { conversation: { colour: "red" } }],
    ["a state nobody knows", { conversation: { state: "resolved" } }],
    ["tags that are no texts", { conversation: { tags: [1] } }]
  ])("refuses a PATCH with 400: %s", (_, body) => {
    const simulator = make()
    const [id = ""] = listed(simulator, "agent-1")
    expect(patch(simulator, "agent-1", id, body)).toMatchObject({
      status: 400,
      body: { code: "BAD_REQUEST" }
    })
    expect(simulator.vendors.convocore.world.effects).toEqual([])
  })

  it("lists conversations that answer 404 by id, where it is told to", () => {
    const simulator = make({ ghosts: 0.3 })
    const ghost = listed(simulator, "agent-1").find((id) => id.startsWith("agent-1_")) ?? ""
    expect(ghost).not.toBe("")
    expect(get(simulator, `/agents/agent-1/convos/${ghost}`).status).toBe(404)
    expect(patch(simulator, "agent-1", ghost, { conversation: { title: "x" } }).status).toBe(404)
  })

  it("shows a change late in the list and at once by id, where its mirror lags", () => {
    const simulator = make({ mirrorLagMillis: 5000, thinRows: false })
    const [id = ""] = listed(simulator, "agent-1")
    patch(simulator, "agent-1", id, { conversation: { title: "Changed" } })
    const title = (at: number) => get(simulator, "/agents/agent-1/convos?limit=1", at).body.data[0].title
    expect(get(simulator, `/agents/agent-1/convos/${id}`).body.data.title).toBe("Changed")
    expect(title(now + 4999)).not.toBe("Changed")
    expect(title(now + 5000)).toBe("Changed")
  })

  it("words an unknown route and a wrong token as seen in use", () => {
    const simulator = make()
    expect(ask(simulator, "convocore", "GET /agents").body).toEqual({
      error: { code: "NOT_FOUND", message: "Route GET /agents not found" }
    })
    const wrong = ask(simulator, "convocore", "GET /v3/agents", { headers: { authorization: "Bearer no" } })
    expect(wrong).toMatchObject({
      status: 401,
      body: { message: "Unauthorized workspace scope", code: "UNAUTHORIZED" }
    })
  })
})
