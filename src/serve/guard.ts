import { timingSafeEqual } from "node:crypto"

/*
 * Who may ask. Another page in the same browser must not read or change anything here, neither under a name of its own
 * that leads to this machine (DNS rebinding) nor from another port: names, origins and a cookie are compared.
 */

/** How the page is reached. */
export interface Site {
  /** What a Host header may say, lower case, with the port. */
  readonly hosts: ReadonlySet<string>
  /** What an Origin header may say. */
  readonly origins: ReadonlySet<string>
  /** Of the cookie: cookies are shared by all ports of a host. */
  readonly cookie: string
  /** The cookie is only sent over https. */
  readonly isSecure: boolean
  /** No change may be requested; null: it may. Otherwise why not. */
  readonly readOnly: string | null
}

/** A request, as far as it decides who asks. */
export interface Asked {
  readonly method: string
  /** Path and query, as they came. */
  readonly target: string
  /** All Host headers. */
  readonly hosts: ReadonlyArray<string>
  readonly origin: string | undefined
  readonly contentType: string | undefined
  readonly fetchSite: string | undefined
  readonly cookies: string | undefined
}

export interface Turned {
  readonly status: 400 | 401 | 403 | 404 | 405 | 413 | 415 | 503
  readonly message: string
  readonly hint: string
}

/** Where a token becomes a cookie: the one write that needs none. */
const sessionPath = "/api/session"

export const isSame = (one: string, other: string): boolean => {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}

/** The value of a cookie; null: there is none, or several, which no browser sends. */
export const cookieIn = (header: string | undefined, name: string): string | null => {
  const values = (header ?? "").split(";").flatMap((part) => {
    const [key = "", ...value] = part.split("=")
    return key.trim() === name ? [value.join("=").trim()] : []
  })
  const [only = null] = values
  return values.length === 1 ? only : null
}

/** The names of loopback under which a port is reached. */
export const loopbackSite = (port: number, readOnly: string | null): Site => {
  const hosts = ["127.0.0.1", "localhost", "[::1]"].flatMap((name) =>
    port === 80 ? [`${name}:80`, name] : [`${name}:${port}`]
  )
  return {
    hosts: new Set(hosts),
    origins: new Set(hosts.map((host) => `http://${host}`)),
    cookie: `parley-${port}`,
    isSecure: false,
    readOnly
  }
}

/** Behind a proxy, at this address alone. @param origin such as `https://parley.example` */
export const proxiedSite = (origin: URL, port: number, readOnly: string | null): Site => ({
  hosts: new Set([origin.host]),
  origins: new Set([origin.origin]),
  cookie: `parley-${port}`,
  isSecure: origin.protocol === "https:",
  readOnly
})

const reading = new Set(["GET", "HEAD"])

const turn = (status: Turned["status"], message: string, hint: string): Turned => ({ status, message, hint })

const openAgain = "open the address that `parley serve` prints"

/** Why a request is not answered; null: it is. @param isKnown whether a session's cookie has this value */
export const guard = (site: Site, asked: Asked, isKnown: (cookie: string) => boolean): Turned | null => {
  const { contentType, fetchSite, hosts, method, origin, target } = asked
  const [host] = hosts
  if (hosts.length !== 1 || host === undefined || !site.hosts.has(host.toLowerCase())) {
    return turn(
      403,
      "this page is not served under that name",
      `${openAgain}: ${[...site.origins].join(", ")}`
    )
  }
  if (!target.startsWith("/")) return turn(400, "the request names no path", openAgain)
  const isWrite = !reading.has(method)
  if (isWrite && method !== "POST") return turn(405, `${method} is not understood here`, "use GET or POST")
  const path = target.split(/[?#]/, 1)[0] ?? ""
  if (origin === undefined ? isWrite : !site.origins.has(origin)) {
    return turn(403, "another page may not ask here", openAgain)
  }
  const isApi = path.startsWith("/api/") || path === "/report"
  if (!isApi) return isWrite ? turn(405, "there is nothing to write to here", "use GET") : null
  if (fetchSite !== undefined && fetchSite !== "same-origin" && fetchSite !== "none") {
    return turn(403, "another page may not ask here", openAgain)
  }
  if (isWrite && !/^application\/json(;|$)/i.test(contentType?.trim() ?? "")) {
    return turn(415, "what is written here is JSON", "send Content-Type: application/json")
  }
  if (path === sessionPath && isWrite) return null
  const cookie = cookieIn(asked.cookies, site.cookie)
  if (cookie === null || !isKnown(cookie)) {
    return turn(401, "this browser has not been let in", `${openAgain}; its token works once`)
  }
  return isWrite && site.readOnly !== null && path !== "/api/query"
    ? turn(403, "nothing can be changed here", site.readOnly)
    : null
}

/** Sent with every answer. No address but this one is ever asked, and no other page may hold this one in a frame. */
export const headers: Readonly<Record<string, string>> = {
  "content-security-policy": [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "frame-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'"
  ].join("; "),
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=()",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY"
}
