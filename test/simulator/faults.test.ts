import { describe, expect, it } from "vitest"
import type { Fault } from "../../src/simulator/faults.ts"
import { presetNames } from "../../src/simulator/names.ts"
import { isPreset, preset } from "../../src/simulator/presets.ts"
import { makeSimulator } from "../../src/simulator/simulator.ts"
import { ask, now } from "./support.ts"

const make = (...faults: ReadonlyArray<Fault>) =>
  makeSimulator({ seed: 8, conversations: 40, now, limits: false, faults })
type Made = ReturnType<typeof make>

const contact = (simulator: Made) => [...simulator.vendors.aelyst.world.conversations.keys()][0] ?? ""
const close = (simulator: Made, at = now) =>
  ask(simulator, "aelyst", `POST /v1/contact/id:${contact(simulator)}/conversation/status`, {
    body: { status: "close" },
    at
  })
const effects = (simulator: Made) => simulator.vendors.aelyst.world.effects
const list = (simulator: Made) => ask(simulator, "naturalead", "GET /api/conversations")

describe("faults", () => {
  it("strike only what they match, and so many times", () => {
    const simulator = make({
      vendor: "naturalead",
      match: { method: "get", path: "/conversations$" },
      times: 2,
      effect: { kind: "answer", status: 503 }
    })
    const [id] = simulator.vendors.naturalead.world.conversations.keys()
    expect(ask(simulator, "naturalead", `GET /api/conversations/${id}`).status).toBe(200)
    expect(ask(simulator, "empfio", "GET /api/v1/conversations").status).toBe(200)
    expect([1, 2, 3].map(() => list(simulator).status)).toEqual([503, 503, 200])
    expect(simulator.log.map((entry) => entry.faults.length)).toEqual([0, 0, 1, 1, 0])
  })

  it("match by a function of the request too", () => {
    const simulator = make({
      match: (request) => request.operation === "status" && request.body.includes("close"),
      effect: { kind: "answer", status: 500 }
    })
    expect(close(simulator)).toMatchObject({
      status: 500,
      body: { code: 500, message: "Unexpected error occurred" }
    })
    expect(list(simulator).status).toBe(200)
  })

  it("answer with any headers and body, and in the vendor's own words where none are given", () => {
    const simulator = make(
      {
        times: 1,
        effect: { kind: "answer", status: 429, headers: { "retry-after": "Sat, 07 Mar 2026 10:05:00 GMT" } }
      },
      { times: 1, effect: { kind: "answer", status: 429 } },
      {
        times: 1,
        effect: { kind: "answer", status: 502, headers: { "content-type": "text/html" }, body: "<html>" }
      }
    )
    const [dated, bare, html] = [list(simulator), list(simulator), list(simulator)]
    expect(dated).toMatchObject({ status: 429, headers: { "retry-after": "Sat, 07 Mar 2026 10:05:00 GMT" } })
    expect(dated.body).toHaveProperty("error")
    expect(bare.headers).not.toHaveProperty("retry-after")
    expect(html).toMatchObject({ status: 502, text: "<html>", headers: { "content-type": "text/html" } })
  })

  it("can fail instead of carrying the request out, and after it was carried out", () => {
    const simulator = make(
      { times: 1, effect: { kind: "answer", status: 500 } },
      { times: 1, effect: { kind: "answer", status: 500, applied: true } }
    )
    expect(close(simulator).status).toBe(500)
    expect(effects(simulator)).toHaveLength(0)
    expect(close(simulator).status).toBe(500)
    expect(effects(simulator)).toHaveLength(1)
  })

  it("queue a write with 449, and carry it out once after the last", () => {
    const simulator = make({ times: 1, effect: { kind: "queue", answers: 3, outcome: "applied" } })
    const counts = [1, 2, 3].map(() => {
      const { status, body, headers } = close(simulator)
      expect(status).toBe(449)
      expect(body.message).toContain("currently in queue")
      expect(headers).not.toHaveProperty("retry-after")
      return effects(simulator).length
    })
    expect(counts).toEqual([0, 0, 1])
    expect(close(simulator).status).toBe(200)
    expect(effects(simulator)).toHaveLength(2)
  })

  it("carry a queued write out later, when its time has come", () => {
    const simulator = make({ times: 1, effect: { kind: "queue", outcome: "applied", afterMillis: 90_000 } })
    expect(close(simulator).status).toBe(449)
    const read = (at: number) => {
      ask(simulator, "aelyst", `GET /v1/contact/id:${contact(simulator)}`, { at })
      return effects(simulator).length
    }
    expect([read(now + 89_999), read(now + 90_000), read(now + 95_000)]).toEqual([0, 1, 1])
    expect(effects(simulator)[0]?.at).toBe(now + 90_000)
  })

  it("lose a queued write, and take the next one", () => {
    const simulator = make({ effect: { kind: "queue", answers: 2, outcome: "lost" }, match: { write: true } })
    expect([1, 2, 3].map(() => close(simulator).status)).toEqual([449, 449, 200])
    expect(effects(simulator)).toHaveLength(1)
  })

  it("cut before or after the request is carried out", () => {
    const simulator = make(
      { times: 1, effect: { kind: "cut", when: "before" } },
      { times: 1, effect: { kind: "cut", when: "after" } }
    )
    close(simulator)
    expect(effects(simulator)).toHaveLength(0)
    close(simulator)
    expect(effects(simulator)).toHaveLength(1)
    expect(simulator.log.map((entry) => entry.fate)).toEqual(["dropped", "dropped"])
  })

  it("cut a body in the middle, or at the latest before its end", () => {
    const whole = list(make()).text
    const cut = (afterCharacters?: number) =>
      list(
        make({
          effect: { kind: "cut", when: "body", ...(afterCharacters === undefined ? {} : { afterCharacters }) }
        })
      ).text
    expect(cut(1000)).toBe(whole.slice(0, 1000))
    expect(cut(10_000_000)).toBe(whole.slice(0, -1))
    expect(whole.startsWith(cut())).toBe(true)
    expect(cut().length).toBeLessThan(whole.length)
  })

  it("break a share of the records, always the same ones, and tell which", () => {
    const simulator = make({ effect: { kind: "mutilate", share: 0.2 } })
    const good = new Map(list(make()).body.map((one: { _id: string }) => [one._id, one]))
    const first = list(simulator).text
    expect(list(simulator).text).toBe(first)
    const bad = JSON.parse(first).filter(
      (one: { _id: string }) => JSON.stringify(good.get(one._id)) !== JSON.stringify(one)
    )
    expect(bad.length).toBeGreaterThan(4)
    expect(bad.length).toBeLessThan(40)
    expect(simulator.broken.every((one) => one.vendor === "naturalead" && one.field !== "")).toBe(true)
    const types = new Set(simulator.broken.map((one) => one.field))
    expect(types.size).toBeGreaterThan(3)
  })

  it.each([
    ["naturalead", "GET /api/conversations", 40],
    ["empfio", "GET /api/v1/conversations?size=100", 40],
    ["aelyst", "POST /v1/contact/list?limit=99", 40],
    ["convocore", "GET /v3/agents/agent-1/convos", 10]
  ] as const)(
    "break one documented field of each record of %s at most, and leave JSON behind",
    (vendor, call, least) => {
      const simulator = make({ effect: { kind: "mutilate", share: 1 } })
      const { status, body } = ask(simulator, vendor, call, { body: {} })
      expect(status).toBe(200)
      expect(body).toBeDefined()
      const { world } = simulator.vendors[vendor]
      const broken = simulator.broken.filter((one) => world.conversations.has(one.id)).map((one) => one.id)
      expect(new Set(broken).size).toBe(broken.length)
      expect(broken.length).toBeGreaterThanOrEqual(least)
    }
  )

  it("speak words and fields that are in no documentation, without breaking a type", () => {
    const simulator = make({ effect: { kind: "unknown", share: 1 } })
    const rows = ask(simulator, "empfio", "GET /api/v1/conversations").body.conversations
    for (const row of rows) {
      expect(row.futureField).toBeDefined()
      expect([row.status, row.channel]).toContain("a_word_from_the_future")
      expect(typeof row.message_count).toBe("number")
    }
  })

  it.each([
    ["naturalead", "GET /api/conversations", []],
    ["convocore", "GET /v3/agents/agent-1/convos", { success: true, data: [], hasMore: false }],
    ["empfio", "GET /api/v1/conversations", { conversations: [], total: 0 }],
    ["aelyst", "POST /v1/contact/list", { items: [], pagination: { next: "", previous: "" } }]
  ] as const)("show an empty list of %s in its own envelope", (vendor, call, empty) => {
    const simulator = make({ effect: { kind: "empty" } })
    const { status, body } = ask(simulator, vendor, call, { body: {} })
    expect(status).toBe(200)
    expect(body).toMatchObject(empty)
  })

  it("delay an answer and still let another fault strike", () => {
    const simulator = make(
      { effect: { kind: "delay", millis: 700 } },
      { effect: { kind: "delay", millis: 50 } },
      { effect: { kind: "answer", status: 503 } }
    )
    const { naturalead } = simulator.vendors
    const headers = { "x-api-key": naturalead.options.apiKey }
    const request = { method: "GET", url: "/api/conversations", origin: "", headers, body: "" }
    expect(simulator.handle("naturalead", request, now)).toMatchObject({ status: 503, delayMillis: 750 })
  })

  it("strike the same requests for the same seed, and others for another", () => {
    const trace = (seed: number) => {
      const simulator = makeSimulator({ seed, conversations: 5, now, limits: false, faults: preset("harsh") })
      for (let i = 0; i < 400; i++) list(simulator)
      return simulator.log.map((entry) => `${entry.status} ${entry.fate} ${entry.faults.join()}`)
    }
    expect(trace(1)).toEqual(trace(1))
    expect(trace(1)).not.toEqual(trace(2))
    expect(new Set(trace(1)).size).toBeGreaterThan(4)
  })

  it("have presets by name", () => {
    expect(presetNames).toEqual(
      expect.arrayContaining(["none", "mild", "harsh", "queue", "cuts", "bad-records"])
    )
    expect(preset("none")).toEqual([])
    expect(isPreset("constructor")).toBe(false)
    expect(preset("harsh").length).toBeGreaterThan(preset("mild").length)
  })
})
