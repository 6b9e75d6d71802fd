import { describe, expect, it } from "vitest"
import { makeSimulator } from "../../src/simulator/simulator.ts"
import type { NaturaLeadOptions } from "../../src/simulator/vendors/naturalead/index.ts"
import { ask, now } from "./support.ts"

const make = (options: Partial<NaturaLeadOptions> = {}, conversations = 30) =>
  makeSimulator({
    seed: 3,
    conversations: { naturalead: conversations },
    now,
    vendors: { naturalead: options }
  })

const anId = (simulator: ReturnType<typeof make>, status?: string) => {
  const all = [...simulator.vendors.naturalead.world.conversations.values()]
  return all.find((one) => one.messageCount > 3 && (status === undefined || one.status === status))?._id ?? ""
}

describe("the simulated NaturaLead", () => {
  it("lists every conversation with its messages as a bare array, whatever is asked for by skip", () => {
    const simulator = make()
    const { status, body, headers } = ask(simulator, "naturalead", "GET /api/conversations?skip=7&limit=2")
    expect(status).toBe(200)
    expect(headers["content-type"]).toContain("application/json")
    expect(body).toHaveLength(30)
    for (const one of body) {
      expect(one.messages).toHaveLength(one.messageCount)
      expect(one._id).toMatch(/^[0-9a-f]{24}$/)
      expect(["whatsapp", "telegram", "email"]).toContain(one.channel)
      const last = one.messages.at(-1)
      if (last !== undefined) expect(last.timestamp).toBe(one.updatedAt)
      expect(Date.parse(one.updatedAt)).toBeLessThan(now)
    }
    expect(Object.keys(body[0].messages[0]).sort()).toEqual(["agentConfigId", "content", "role", "timestamp"])
  })

  it("keeps only the status asked for, and refuses a status it does not know", () => {
    const simulator = make()
    const { body } = ask(simulator, "naturalead", "GET /api/conversations?status=completed")
    expect(body.length).toBeGreaterThan(0)
    expect(body.every((one: { status: string }) => one.status === "completed")).toBe(true)
    expect(ask(simulator, "naturalead", "GET /api/conversations?status=open").status).toBe(400)
  })

  it("pages where the account honours skip and limit, and caps where it is told to", () => {
    const honoured = make({ paging: "honoured", envelope: "data" })
    const page = ask(honoured, "naturalead", "GET /api/conversations?skip=28&limit=10").body
    expect(page).toMatchObject({ total: 30, skip: 28, limit: 10 })
    expect(page.data).toHaveLength(2)
    const capped = make({ paging: "capped", cap: 10, envelope: "conversations" })
    const first = ask(capped, "naturalead", "GET /api/conversations?limit=500").body
    expect(first.conversations).toHaveLength(10)
    expect(first.total).toBe(30)
    const truncated = make({ paging: "truncated", cap: 10 })
    const ids = ["skip=0", "skip=10"].map((query) =>
      ask(truncated, "naturalead", `GET /api/conversations?${query}`).body.map(
        (one: { _id: string }) => one._id
      )
    )
    expect(ids[0]).toEqual(ids[1])
  })

  it("can leave older messages out of the list, but never out of one conversation", () => {
    const simulator = make({ listMessages: 2 })
    const id = anId(simulator)
    const row = ask(simulator, "naturalead", "GET /api/conversations").body.find(
      (one: { _id: string }) => one._id === id
    )
    expect(row.messages).toHaveLength(2)
    expect(row.messageCount).toBeGreaterThan(3)
    const whole = ask(simulator, "naturalead", `GET /api/conversations/${id}`).body
    expect(whole.messages).toHaveLength(row.messageCount)
    expect(whole.messages.slice(-2)).toEqual(row.messages)
  })

  it("changes a status, answers with the whole conversation and remembers that it did so once", () => {
    const simulator = make()
    const id = anId(simulator, "active")
    const at = now + 5000
    const reply = ask(simulator, "naturalead", `PATCH /api/conversations/${id}/status`, {
      body: { status: "dropped" },
      at
    })
    expect(reply.status).toBe(200)
    expect(reply.body).toMatchObject({ _id: id, status: "dropped", updatedAt: new Date(at).toISOString() })
    expect(reply.body.messages).toHaveLength(reply.body.messageCount)
    const { world } = simulator.vendors.naturalead
    expect(world.effectsOn(id)).toEqual([
      { conversationId: id, what: "status", detail: { status: "dropped" }, at }
    ])
    expect(world.conversations.get(id)?.status).toBe("dropped")
  })

  it.each([
    ["active cannot be set", { status: "active" }],
    ["a word nobody knows", { status: "paused" }],
    ["no status", {}],
    ["no JSON", "status=completed"]
  ])("refuses a status change with 400: %s", (_, body) => {
    const simulator = make()
    const id = anId(simulator)
    const reply = ask(simulator, "naturalead", `PATCH /api/conversations/${id}/status`, { body })
    expect(reply.status).toBe(400)
    expect(Object.keys(reply.body)).toEqual(["error"])
    expect(simulator.vendors.naturalead.world.effects).toEqual([])
  })

  it("words its refusals as documented", () => {
    const simulator = make({ scopes: ["conversations:view"] })
    const id = anId(simulator)
    const call = "GET /api/conversations"
    expect(ask(simulator, "naturalead", call, { headers: {} })).toMatchObject({
      status: 401,
      body: {
        error:
          "Authentication required. Provide an API key via X-API-Key header or Authorization: Bearer header."
      }
    })
    expect(ask(simulator, "naturalead", call, { headers: { "x-api-key": "nl_live_0" } })).toMatchObject({
      status: 401,
      body: { error: "Invalid or expired API key" }
    })
    const patch = ask(simulator, "naturalead", `PATCH /api/conversations/${id}/status`, {
      body: { status: "completed" }
    })
    expect(patch.status).toBe(403)
    expect(patch.body).toEqual({
      error: "Forbidden",
      message: "API key does not have the required scope (requires: conversations:change_status)."
    })
    expect(ask(simulator, "naturalead", "GET /api/conversations/665f1a2b3c4d5e6f7a8b9c0d").status).toBe(404)
  })

  it("takes the key as a bearer token too, and prefers the header of its own", () => {
    const simulator = make()
    const key = simulator.vendors.naturalead.options.apiKey
    const list = (headers: Record<string, string>) =>
      ask(simulator, "naturalead", "GET /api/conversations", { headers }).status
    expect(list({ authorization: `Bearer ${key}` })).toBe(200)
    expect(list({ authorization: `Bearer ${key}`, "x-api-key": "nl_live_0" })).toBe(401)
  })

  it("remembers when something was called that reaches a customer", () => {
    const simulator = make()
    const id = anId(simulator)
    ask(simulator, "naturalead", `POST /api/conversations/${id}/send`, { body: { message: "hi" } })
    ask(simulator, "naturalead", "POST /api/conversations/start", {
      body: { leadId: 1, channel: "whatsapp" }
    })
    expect(simulator.vendors.naturalead.world.effects.map((effect) => effect.what)).toEqual(["send", "start"])
  })
})
