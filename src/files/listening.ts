import { createServer, type RequestListener, type Server, type ServerOptions } from "node:http"
import { Data, Effect, type Scope } from "effect"
import { codeOf } from "./faults.ts"

/** Where a server listens. */
export interface Address {
  readonly host: string
  /** 0: any that is free. */
  readonly port: number
}

/** An address as the first part of a URL. */
export const addressText = ({ host, port }: Address): string =>
  `http://${host.includes(":") ? `[${host}]` : host}:${port}`

/** The address cannot be had. */
export class CannotListen extends Data.TaggedError("CannotListen")<{
  /** The system's code, such as `EADDRINUSE`. */
  readonly code: string
  readonly message: string
  readonly hint: string
}> {}

/** How long a client may take for the headers, and for the whole of a request, milliseconds. */
export interface Patience {
  readonly headers: number
  readonly request: number
}

/** A server on which slow clients do not stay: by itself, Node looks after them every 30 seconds only. */
export const makeServer = (
  { headers, request }: Patience,
  options: ServerOptions,
  listener?: RequestListener
): Server =>
  createServer(
    {
      ...options,
      headersTimeout: headers,
      requestTimeout: request,
      connectionsCheckingInterval: Math.min(headers, request) / 10
    },
    listener
  )

/**
 * Listens for as long as the scope, and then ends every connection. Gives the address that it has.
 * @param hint what to do where the address cannot be had
 */
export const listening = (
  server: Server,
  { host, port }: Address,
  hint: string
): Effect.Effect<Address, CannotListen, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.async<Address, CannotListen>((resume) => {
      server.once("error", (error) => {
        const code = codeOf(error) ?? error.message
        const why =
          code === "EADDRINUSE"
            ? `port ${port} of ${host} is in use`
            : `port ${port} of ${host} cannot be listened on (${code})`
        resume(new CannotListen({ code, message: why, hint }))
      })
      server.listen({ host, port, exclusive: true }, () => {
        const bound = server.address()
        const taken = typeof bound === "object" && bound !== null ? bound.port : port
        resume(Effect.succeed({ host, port: taken }))
      })
    }),
    () =>
      Effect.async<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
  )
