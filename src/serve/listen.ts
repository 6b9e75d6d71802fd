import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import { Data, Effect, type Scope } from "effect"
import { codeOf } from "../files/faults.ts"
import { type Asked, guard, headers, type Site, type Turned } from "./guard.ts"

/** The port cannot be had. */
export class CannotListen extends Data.TaggedError("CannotListen")<{
  readonly message: string
  readonly hint: string
}> {}

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
const maxHeaderSize = 16 * 1024

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

const open = (host: string, port: number): Effect.Effect<Server, NodeJS.ErrnoException, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.async<Server, NodeJS.ErrnoException>((resume) => {
      const server = createServer({ maxHeaderSize, headersTimeout: 10_000, requestTimeout: 30_000 })
      server.maxConnections = mostConnections
      server.once("error", (error) => resume(Effect.fail(error)))
      server.listen({ host, port, exclusive: true }, () => resume(Effect.succeed(server)))
    }),
    (server) =>
      Effect.async<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
  )

const portOf = (server: Server): number => {
  const address = server.address()
  return typeof address === "object" && address !== null ? address.port : 0
}

const cannot = (host: string, port: number, error: NodeJS.ErrnoException): CannotListen =>
  new CannotListen({
    message:
      codeOf(error) === "EADDRINUSE"
        ? `port ${port} of ${host} is in use`
        : `port ${port} of ${host} cannot be listened on (${codeOf(error) ?? error.message})`,
    hint: "name another one with --port, or take any with --port 0"
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
  const main = host ?? "127.0.0.1"
  const first = yield* Effect.mapError(open(main, port), (error) => cannot(main, port, error))
  const bound = portOf(first)
  const servers = [first]
  if (host === null) {
    const second = yield* Effect.either(open("::1", bound))
    if (second._tag === "Right") servers.push(second.right)
    else if (!absent.has(codeOf(second.left) ?? "")) return yield* cannot("::1", bound, second.left)
  }
  const answer = answerWith(answers(bound))
  for (const server of servers) server.on("request", answer)
  return bound
})
