import { FastCheck } from "effect"
import { describe, expect, it } from "vitest"
import { makeLimiter, type Window } from "../../src/simulator/limits.ts"
import { makeSimulator } from "../../src/simulator/simulator.ts"
import { ask, now } from "./support.ts"

const minute = 60_000

describe("the vendors' limits", () => {
  it("slide: room comes back exactly when the request that took it is a window old", () => {
    const limiter = makeLimiter()
    const window: Window = { name: "w", key: "w", requests: 3, perMillis: 1000 }
    expect([0, 400, 900].map((at) => limiter.take([window], at))).toEqual([null, null, null])
    expect(limiter.take([window], 950)).toEqual({ window, waitMillis: 50 })
    expect(limiter.take([window], 999)).toEqual({ window, waitMillis: 1 })
    expect(limiter.take([window], 1000)).toBeNull()
    expect(limiter.take([window], 1399)).toMatchObject({ waitMillis: 1 })
    expect(limiter.take([window], 1400)).toBeNull()
  })

  it("let no window hold more than allowed, refuse only when it is full, and say exactly when there is room", () => {
    const gaps = FastCheck.array(FastCheck.integer({ min: 0, max: 700 }), { maxLength: 80 })
    const property = FastCheck.property(gaps, FastCheck.integer({ min: 1, max: 6 }), (waits, requests) => {
      const limiter = makeLimiter()
      const window: Window = { name: "w", key: "w", requests, perMillis: 1000 }
      const taken: Array<number> = []
      const within = (at: number) => taken.filter((one) => one > at - 1000 && one <= at).length
      let at = 0
      for (const wait of waits) {
        at += wait
        const refusal = limiter.take([window], at)
        if (refusal === null) taken.push(at)
        else {
          expect(within(at)).toBe(requests)
          expect(within(at + refusal.waitMillis - 1)).toBe(requests)
          expect(within(at + refusal.waitMillis)).toBeLessThan(requests)
        }
        expect(within(at)).toBeLessThanOrEqual(requests)
        expect(limiter.room(window, at).remaining).toBe(requests - within(at))
      }
    })
    FastCheck.assert(property)
  })

  it("do not count a request in one window when another refuses it, and name the longest wait", () => {
    const limiter = makeLimiter()
    const short: Window = { name: "short", key: "short", requests: 1, perMillis: 1000 }
    const long: Window = { name: "long", key: "long", requests: 2, perMillis: 60_000 }
    limiter.take([short, long], 0)
    expect(limiter.take([short, long], 10)?.window).toBe(short)
    expect(limiter.room(long, 10).remaining).toBe(1)
    limiter.take([long], 20)
    expect(limiter.take([short, long], 30)).toEqual({ window: long, waitMillis: 60_000 - 30 })
  })

  it("let 500 requests a minute through with one NaturaLead key, say so on every answer, and refuse the next", () => {
    const simulator = makeSimulator({ seed: 1, conversations: { naturalead: 1 }, now })
    const [id] = simulator.vendors.naturalead.world.conversations.keys()
    const call = `GET /api/conversations/${id}`
    for (let i = 0; i < 500; i++) {
      const { status, headers } = ask(simulator, "naturalead", call, { at: now + i })
      expect(status).toBe(200)
      expect(headers).toMatchObject({ "ratelimit-limit": "500", "ratelimit-remaining": String(499 - i) })
      expect(headers).not.toHaveProperty("retry-after")
    }
    const refused = ask(simulator, "naturalead", call, { at: now + 10_000 })
    expect(refused).toMatchObject({
      status: 429,
      body: { error: "API key rate limit exceeded, please try again later" },
      headers: { "retry-after": "50", "ratelimit-remaining": "0", "ratelimit-reset": "50" }
    })
    expect(ask(simulator, "naturalead", call, { at: now + minute }).status).toBe(200)
    expect(simulator.log.filter((entry) => entry.limited)).toHaveLength(1)
  })

  it("name the tier that refused: NaturaLead's limit for everybody comes after 1,000", () => {
    const simulator = makeSimulator({ seed: 1, conversations: { naturalead: 1 }, now })
    Object.assign(simulator.vendors.naturalead.options.limits, { key: 5000, account: 5000 })
    for (let i = 0; i < 1000; i++) ask(simulator, "naturalead", "GET /api/conversations")
    expect(ask(simulator, "naturalead", "GET /api/conversations").body).toEqual({
      error: "Too many requests, please try again later"
    })
  })

  it("can tell of NaturaLead's limits in one combined header, or not at all", () => {
    const headers = (rateLimitHeaders: "combined" | "none") =>
      ask(
        makeSimulator({ seed: 1, conversations: 0, now, vendors: { naturalead: { rateLimitHeaders } } }),
        "naturalead",
        "GET /api/conversations"
      ).headers
    expect(headers("combined").ratelimit).toBe("limit=500, remaining=499, reset=60")
    expect(Object.keys(headers("none"))).toEqual(["content-type"])
  })

  it("count only Convocore's exports, 1,500 in an hour", () => {
    const simulator = makeSimulator({ seed: 1, conversations: { convocore: 3 }, now })
    const call = "GET /v3/agents/agent-1/convos/export?limit=1"
    for (let i = 0; i < 1500; i++)
      expect(ask(simulator, "convocore", call, { at: now + i * 1000 }).status).toBe(200)
    const at = now + 1_500_000
    const refused = ask(simulator, "convocore", call, { at })
    expect(refused).toMatchObject({ status: 429, headers: { "retry-after": "2100" } })
    expect(refused.body.message).toContain("2100 seconds")
    expect(ask(simulator, "convocore", "GET /v3/agents/agent-1/convos", { at }).status).toBe(200)
    expect(ask(simulator, "convocore", call, { at: now + 3_600_000 }).status).toBe(200)
  })

  it("count Aelyst's requests per method and full path, five in a second", () => {
    const simulator = makeSimulator({ seed: 1, conversations: { aelyst: 3 }, now })
    const [one = "", two = ""] = simulator.vendors.aelyst.world.conversations.keys()
    const call = `GET /v1/contact/id:${one}`
    const remaining = [1, 2, 3, 4, 5].map(
      () => ask(simulator, "aelyst", call).headers["x-ratelimit-remaining"]
    )
    expect(remaining).toEqual(["4", "3", "2", "1", "0"])
    expect(ask(simulator, "aelyst", `${call}?x=1`)).toMatchObject({
      status: 429,
      body: { code: 429, message: "Too Many Requests" },
      headers: { "retry-after": "1", "x-ratelimit-limit": "5", "x-ratelimit-remaining": "0" }
    })
    expect(ask(simulator, "aelyst", `GET /v1/contact/id:${two}`).status).toBe(200)
    const status = ask(simulator, "aelyst", `POST /v1/contact/id:${one}/conversation/status`, {
      body: { status: "open" }
    })
    expect(status.status).toBe(200)
    expect(ask(simulator, "aelyst", call, { at: now + 1000 }).status).toBe(200)
  })

  it("are none at Empfio unless it is given one", () => {
    const many = (limit: { requests: number; perMillis: number } | null) => {
      const simulator = makeSimulator({ seed: 1, conversations: 0, now, vendors: { empfio: { limit } } })
      return Array.from({ length: 200 }, () => ask(simulator, "empfio", "GET /api/v1/conversations").status)
    }
    expect(new Set(many(null))).toEqual(new Set([200]))
    expect(many({ requests: 150, perMillis: minute }).filter((status) => status === 429)).toHaveLength(50)
  })

  it("can be switched off", () => {
    const simulator = makeSimulator({ seed: 1, conversations: { aelyst: 1 }, now, limits: false })
    const statuses = Array.from({ length: 50 }, () => ask(simulator, "aelyst", "GET /v1/space/user").status)
    expect(new Set(statuses)).toEqual(new Set([200]))
  })
})
