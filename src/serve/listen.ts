import type { IncomingMessage, ServerResponse } from "node:http"
import { Effect } from "effect"
import { listening, makeServer } from "../files/listening.ts"
import { type Asked, guard, headers, type Site, type Turned } from "./guard.ts"

type Answer = (request: IncomingMessage, response: ServerResponse) => void

/** What a server answers with, once its port is known. */
export interface Answers {
  readonly site: Site
  readonly isKnown: (cookie: string) => boolean
  /** What is below `/api/`, and the report. */
  readonly api: Answer
  /** Everything else. */
  readonly page: Answer
}

const mostConnections = 200
/** Bytes of a request's address and headers. */
export const maxHeaderSize = 16 * 1024

const askedBy = ({ headers: sent, headersDistinct, method, url }: IncomingMessage): Asked => ({
  method: method ?? "",
  target: url ?? "",
  hosts: headersDistinct.host ?? [],
  origin: sent.origin,
  contentType: sent["content-type"],
  fetchSite: [sent["sec-fetch-site"]].flat()[0],
  cookies: sent.cookie
})

const turnAway = (response: ServerResponse, { hint, message, status }: Turned): void => {
  const body = JSON.stringify({ _tag: "Turned", message, hint })
  // What was sent along is not read.
  response.writeHead(status, { "content-type": "application/json", connection: "close" })
  response.end(body)
}

const answerWith =
  ({ api, isKnown, page, site }: Answers): Answer =>
  (request, response) => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    const turned = guard(site, askedBy(request), isKnown)
    if (turned !== null) return turnAway(response, turned)
    const target = request.url ?? ""
    const isApi = target.startsWith("/api/") || /^\/report(\?|$)/.test(target)
    if (isApi) {
      response.setHeader("cache-control", "no-store")
      return api(request, response)
    }
    page(request, response)
  }

const open = Effect.fnUntraced(function* (host: string, port: number) {
  const server = makeServer({ headers: 10_000, request: 30_000 }, { maxHeaderSize })
  server.maxConnections = mostConnections
  const bound = yield* listening(
    server,
    { host, port },
    "name another one with --port, or take any with --port 0"
  )
  return { server, port: bound.port }
})

/** A machine without IPv6. */
const absent = new Set(["EADDRNOTAVAIL", "EAFNOSUPPORT", "EINVAL"])

/**
 * Listens for as long as the scope. Loopback is both of its addresses, so that no other program gets what is meant for
 * `localhost`. Returns the port.
 * @param host an address; null: loopback
 * @param port 0: any that is free
 * @param answers made once the port is known
 */
export const listen = Effect.fn("serve.listen")(function* (
  host: string | null,
  port: number,
  answers: (port: number) => Answers
) {
  const first = yield* open(host ?? "127.0.0.1", port)
  const servers = [first.server]
  if (host === null) {
    const second = yield* Effect.either(open("::1", first.port))
    if (second._tag === "Right") servers.push(second.right.server)
    else if (!absent.has(second.left.code)) return yield* second.left
  }
  const answer = answerWith(answers(first.port))
  for (const server of servers) server.on("request", answer)
  return first.port
})
