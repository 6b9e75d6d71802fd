import { describe, expect, it } from "vitest"
import { makeSimulator } from "../../src/simulator/simulator.ts"
import type { EmpfioOptions } from "../../src/simulator/vendors/empfio/index.ts"
import { ask, now } from "./support.ts"

const make = (options: Partial<EmpfioOptions> = {}, conversations = 130) =>
  makeSimulator({ seed: 5, conversations: { empfio: conversations }, now, vendors: { empfio: options } })
type Made = ReturnType<typeof make>

const get = (simulator: Made, path: string) => ask(simulator, "empfio", `GET /api/v1${path}`)
const login = (simulator: Made, password: string) =>
  ask(simulator, "empfio", "POST /api/v1/auth/login", {
    headers: {},
    body: { email: simulator.vendors.empfio.options.email, password }
  })
const anId = (simulator: Made, messages = 4) =>
  [...simulator.vendors.empfio.world.conversations.values()].find((one) => one.message_count >= messages)
    ?.id ?? ""

describe("the simulated Empfio", () => {
  it("logs in, and its token opens the rest", () => {
    const simulator = make()
    expect(login(simulator, "wrong")).toMatchObject({
      status: 401,
      body: { detail: "Incorrect email or password" }
    })
    const { body } = login(simulator, simulator.vendors.empfio.options.password)
    expect(body).toMatchObject({ token_type: "bearer", email: "sync@salon.example" })
    const headers = { authorization: `Bearer ${body.access_token}` }
    expect(ask(simulator, "empfio", "GET /api/v1/auth/me", { headers }).status).toBe(200)
    expect(ask(simulator, "empfio", "GET /api/v1/auth/me", { headers: {} }).status).toBe(401)
  })

  it("lets a token end after so many requests, or after its time, until the next login", () => {
    const counted = make({ tokenRequests: 2 })
    const { body } = login(counted, counted.vendors.empfio.options.password)
    const me = (simulator: Made, token: string, at = now) =>
      ask(simulator, "empfio", "GET /api/v1/auth/me", { headers: { authorization: `Bearer ${token}` }, at })
        .status
    expect([1, 2, 3].map(() => me(counted, body.access_token))).toEqual([200, 200, 401])
    const again = login(counted, counted.vendors.empfio.options.password).body.access_token
    expect(again).not.toBe(body.access_token)
    expect(me(counted, again)).toBe(200)
    const timed = make({ tokenSeconds: 60 })
    const token: string = login(timed, timed.vendors.empfio.options.password).body.access_token
    const claims = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString())
    expect(claims.exp).toBe(now / 1000 + 60)
    expect([me(timed, token, now + 59_999), me(timed, token, now + 60_000)]).toEqual([200, 401])
  })

  it("lists pages without messages, newest first, with a total", () => {
    const simulator = make()
    const pages = [1, 2, 3].map((page) => get(simulator, `/conversations?page=${page}&size=50`).body)
    expect(pages.map((page) => page.conversations.length)).toEqual([50, 50, 30])
    expect(pages[0]).toMatchObject({ total: 130, page: 1, size: 50 })
    const rows = pages.flatMap((page) => page.conversations)
    expect(new Set(rows.map((row) => row.id)).size).toBe(130)
    const times = rows.map((row) => row.updated_at)
    expect(times).toEqual([...times].sort().reverse())
    expect(rows[0]).not.toHaveProperty("messages")
    expect(rows.every((row) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(row.updated_at))).toBe(true)
    expect(rows.some((row) => row.lead === null)).toBe(true)
    expect(get(simulator, "/conversations").body.size).toBe(20)
  })

  it("can be sorted by when conversations began, and filters by status, channel and lead", () => {
    const simulator = make({ order: "created_at" })
    const all = get(simulator, "/conversations?size=100").body.conversations
    const begun = all.map((row: { created_at: string }) => row.created_at)
    expect(begun).toEqual([...begun].sort().reverse())
    const voice = get(simulator, "/conversations?channel=voice&status=completed&size=100").body
    expect(voice.conversations).toHaveLength(voice.total)
    expect(voice.total).toBeGreaterThan(0)
    const lead = all.find((row: { lead_id: string | null }) => row.lead_id !== null).lead_id
    expect(get(simulator, `/conversations?lead_id=${lead}`).body.total).toBe(1)
  })

  it("clamps a size above 100 or refuses it, and ends with an empty page or 404", () => {
    const lenient = make()
    expect(get(lenient, "/conversations?size=500").body).toMatchObject({ size: 100 })
    expect(get(lenient, "/conversations?page=9&size=100")).toMatchObject({
      status: 200,
      body: { conversations: [] }
    })
    const strict = make({ tooLarge: "refused", pastTheEnd: "missing" })
    const reply = get(strict, "/conversations?size=101")
    expect(reply.status).toBe(422)
    expect(reply.body.detail[0]).toMatchObject({ type: "less_than_equal", loc: ["query", "size"] })
    expect(get(strict, "/conversations?page=3&size=100").status).toBe(404)
    expect(get(strict, "/conversations?page=0").status).toBe(422)
  })

  it("shows one conversation with all its messages, but without its counts and the lead's email", () => {
    const simulator = make()
    const id = anId(simulator)
    const row = simulator.vendors.empfio.world.conversations.get(id)
    const { body } = get(simulator, `/conversations/${id}`)
    for (const gone of ["message_count", "last_message_at", "last_message_preview"])
      expect(body).not.toHaveProperty(gone)
    expect(body.messages).toHaveLength(row?.message_count ?? -1)
    expect(body.messages.at(-1).created_at).toBe(row?.updated_at)
    expect(new Set(body.messages.map((one: { id: string }) => one.id)).size).toBe(body.messages.length)
    if (body.lead !== null) expect(Object.keys(body.lead)).toEqual(["id", "name"])
    expect(get(simulator, "/conversations/550e8400-e29b-41d4-a716-446655440000").status).toBe(404)
  })

  it("pages messages as a bare array, in either order, and can keep later ones out of the detail", () => {
    const simulator = make({ detailMessages: 2, messageOrder: "newest-first" })
    const id = anId(simulator, 5)
    const all = simulator.vendors.empfio.world.messages(id)
    expect(get(simulator, `/conversations/${id}`).body.messages).toEqual(all.slice(0, 2))
    const page = get(simulator, `/conversations/${id}/messages?limit=2&offset=1`).body
    expect(page).toEqual([all.at(-2), all.at(-3)])
    expect(get(make({ tooLarge: "refused" }), `/conversations/${id}/messages?limit=501`).status).toBe(422)
  })

  it("sets every documented status, answering with a body or with nothing", () => {
    const simulator = make()
    const { world, options } = simulator.vendors.empfio
    const id = anId(simulator)
    for (const status of ["active", "completed", "escalated", "abandoned"]) {
      const reply = ask(simulator, "empfio", `PATCH /api/v1/conversations/${id}`, {
        body: { status },
        at: now + 1000
      })
      expect(reply).toMatchObject({ status: 200, body: { id, status, updated_at: "2026-03-07T10:00:01Z" } })
    }
    options.patchAnswers = "nothing"
    const silent = ask(simulator, "empfio", `PATCH /api/v1/conversations/${id}`, {
      body: { status: "active" }
    })
    expect(silent).toMatchObject({ status: 204, text: "" })
    expect(world.effectsOn(id)).toHaveLength(5)
    const refused = ask(simulator, "empfio", `PATCH /api/v1/conversations/${id}`, {
      body: { status: "closed" }
    })
    expect(refused.status).toBe(422)
    expect(world.conversations.get(id)?.status).toBe("active")
  })

  it("writes times with fractions or offsets where it is told to", () => {
    const time = (times: EmpfioOptions["times"]) =>
      get(make({ times }), "/conversations?size=1").body.conversations[0].updated_at
    expect(time("fraction")).toMatch(/:\d\d\.\d{6}Z$/)
    expect(time("offset")).toMatch(/:\d\d\+00:00$/)
  })
})
