import { describe, expect, it } from "vitest"
import { type Asked, cookieIn, guard, headers, loopbackSite, proxiedSite } from "../../src/serve/guard.ts"
import { makeSessions } from "../../src/serve/sessions.ts"

const site = loopbackSite(8717, null)

const asked = (more: Partial<Asked> = {}): Asked => ({
  method: "GET",
  target: "/api/status",
  hosts: ["127.0.0.1:8717"],
  origin: undefined,
  contentType: undefined,
  fetchSite: undefined,
  cookies: "parley-8717=in",
  ...more
})

const write = (more: Partial<Asked> = {}): Asked =>
  asked({
    method: "POST",
    target: "/api/changes",
    origin: "http://127.0.0.1:8717",
    contentType: "application/json",
    ...more
  })

const statusOf = (one: Asked, at = site) => guard(at, one, (cookie) => cookie === "in")?.status ?? 200

describe("who may ask", () => {
  it("answers under the names of loopback with the port, and under no other", () => {
    for (const host of ["127.0.0.1:8717", "localhost:8717", "LOCALHOST:8717", "[::1]:8717"]) {
      expect([host, statusOf(asked({ hosts: [host] }))]).toEqual([host, 200])
    }
    const strange = [
      "127.0.0.1",
      "127.0.0.1:80",
      "evil.example:8717",
      "127.0.0.1:8717.evil.example",
      "localhost.:8717",
      ""
    ]
    for (const host of strange) expect([host, statusOf(asked({ hosts: [host] }))]).toEqual([host, 403])
    expect(statusOf(asked({ hosts: [] }))).toBe(403)
    expect(statusOf(asked({ hosts: ["127.0.0.1:8717", "127.0.0.1:8717"] }))).toBe(403)
  })

  it("takes a write from its own page alone", () => {
    expect(statusOf(write())).toBe(200)
    for (const origin of [
      undefined,
      "null",
      "http://evil.example",
      "http://127.0.0.1:9999",
      "https://127.0.0.1:8717"
    ]) {
      expect([origin, statusOf(write({ origin }))]).toEqual([origin, 403])
    }
  })

  it("lets no other page read, also not one of another port of this machine", () => {
    for (const fetchSite of ["cross-site", "same-site"]) expect(statusOf(asked({ fetchSite }))).toBe(403)
    for (const fetchSite of ["same-origin", "none"]) expect(statusOf(asked({ fetchSite }))).toBe(200)
    expect(statusOf(asked({ origin: "http://evil.example" }))).toBe(403)
  })

  it("takes JSON alone, which no form of another page can send", () => {
    for (const contentType of [
      undefined,
      "text/plain",
      "application/x-www-form-urlencoded",
      "application/jsonp"
    ]) {
      expect([contentType, statusOf(write({ contentType }))]).toEqual([contentType, 415])
    }
    expect(statusOf(write({ contentType: "application/json; charset=utf-8" }))).toBe(200)
  })

  it("understands GET, HEAD and POST", () => {
    for (const method of ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "get"]) {
      expect([method, statusOf(write({ method }))]).toEqual([method, 405])
    }
    expect(statusOf(asked({ target: "http://evil.example/api/status" }))).toBe(400)
  })

  it("asks for the cookie wherever something is to be seen, and for none where there is nothing", () => {
    for (const cookies of [
      undefined,
      "",
      "parley-8717=out",
      "parley-9999=in",
      "parley-8717=in; parley-8717=in"
    ]) {
      expect([cookies, statusOf(asked({ cookies }))]).toEqual([cookies, 401])
      expect([cookies, statusOf(write({ cookies }))]).toEqual([cookies, 401])
    }
    expect(statusOf(asked({ cookies: undefined, target: "/report?since=2026-01-01" }))).toBe(401)
    expect(statusOf(asked({ cookies: undefined, target: "/c/leads:1" }))).toBe(200)
    expect(statusOf(write({ cookies: undefined, target: "/api/session" }))).toBe(200)
    expect(cookieIn("a=1; parley-1 = x=y ;b=2", "parley-1")).toBe("x=y")
  })

  it("changes nothing where it is read-only, and still answers questions", () => {
    const readOnly = loopbackSite(8717, "so it was started")
    expect(guard(readOnly, write(), () => true)).toMatchObject({ status: 403, hint: "so it was started" })
    expect(guard(readOnly, write({ target: "/api/query" }), () => true)).toBeNull()
    expect(guard(readOnly, write({ target: "/api/query/../changes" }), () => true)).not.toBeNull()
  })

  it("knows one name behind a proxy", () => {
    const proxied = proxiedSite(new URL("https://parley.example"), 8717, null)
    expect(proxied.isSecure).toBe(true)
    expect(statusOf(asked({ hosts: ["parley.example"] }), proxied)).toBe(200)
    expect(statusOf(asked({ hosts: ["127.0.0.1:8717"] }), proxied)).toBe(403)
    expect(statusOf(write({ hosts: ["parley.example"], origin: "https://parley.example" }), proxied)).toBe(
      200
    )
    expect(statusOf(write({ hosts: ["parley.example"], origin: "http://parley.example" }), proxied)).toBe(403)
  })

  it("names no source but itself", () => {
    const policy = headers["content-security-policy"] ?? ""
    expect(policy).toContain("default-src 'none'")
    expect(policy).not.toMatch(/unsafe|https?:|\*/)
    expect(Object.keys(headers).filter((name) => name.startsWith("access-control"))).toEqual([])
  })
})

describe("the token", () => {
  it("lets one browser in, once", () => {
    const { enter, isKnown, token } = makeSessions(null)
    expect(token.length).toBeGreaterThan(40)
    expect(enter(`${token}x`)).toBeNull()
    expect(enter("")).toBeNull()
    const cookie = enter(token) ?? ""
    expect(cookie).not.toBe(token)
    expect([isKnown(cookie), isKnown(token), isKnown("")]).toEqual([true, false, false])
    expect(enter(token)).toBeNull()
  })

  it("lets many in where it is fixed, and forgets the first of too many", () => {
    const { enter, isKnown } = makeSessions("a".repeat(32))
    const cookies = Array.from({ length: 102 }, () => enter("a".repeat(32)) ?? "")
    expect(new Set(cookies).size).toBe(102)
    expect(cookies.map(isKnown).slice(0, 3)).toEqual([false, false, true])
    expect(isKnown(cookies.at(-1) ?? "")).toBe(true)
  })
})
