import type { IncomingMessage, RequestListener, ServerResponse } from "node:http"
import { Effect, FiberSet } from "effect"
import { type Address, listening, makeServer } from "../files/listening.ts"
import type { Deliver, Receiver } from "./receive.ts"

/*
 * The receiver's HTTP: on loopback alone, behind a proxy or tunnel of the user's choice, which speaks TLS.
 */

const largestBody = 1024 * 1024
const patience = 10_000
const mostConnections = 100
const maxHeaderSize = 16 * 1024

/** Answers without a body. What else the request brings is not read. */
const answer = (response: ServerResponse, status: number): void => {
  response.writeHead(status, {
    "content-length": "0",
    ...(status === 200 ? {} : { connection: "close" }),
    ...(status === 405 ? { allow: "POST" } : {})
  })
  response.end()
}

/** The whole body, or null where it is too large. Rejects where it does not come whole. */
const bodyOf = (request: IncomingMessage): Promise<Buffer | null> =>
  new Promise((resolve, reject) => {
    if (Number(request.headers["content-length"] ?? 0) > largestBody) {
      resolve(null)
      return
    }
    const parts: Array<Buffer> = []
    let size = 0
    request.on("data", (part: Buffer) => {
      size += part.length
      if (size > largestBody) resolve(null)
      else parts.push(part)
    })
    request.on("end", () => resolve(Buffer.concat(parts)))
    request.on("error", reject)
    request.on("aborted", () => reject(new Error("aborted")))
  })

const listenerOf =
  (receiver: Receiver, fork: (effect: Effect.Effect<void>) => void): RequestListener =>
  (request, response) => {
    const led = receiver.lead({ method: request.method ?? "", target: request.url ?? "" })
    if (typeof led === "number") {
      answer(response, led)
      return
    }
    const take = (deliver: Deliver, body: Buffer | null): void => {
      if (body === null) answer(response, 413)
      else {
        const delivered = deliver({ headers: request.headersDistinct, body })
        fork(Effect.tap(delivered, () => Effect.sync(() => answer(response, 200))))
      }
    }
    bodyOf(request).then(
      (body) => take(led, body),
      () => request.destroy()
    )
  }

/** Listens for as long as the scope. Gives the address that it has. */
export const listen = Effect.fn("hints.listen")(function* (address: Address, receiver: Receiver) {
  const fork = yield* FiberSet.makeRuntime<never>()
  const server = makeServer(
    { headers: patience, request: patience },
    { maxHeaderSize, keepAliveTimeout: 5_000 },
    listenerOf(receiver, fork)
  )
  server.maxConnections = mostConnections
  return yield* listening(server, address, "name another one, such as --hints 127.0.0.1:8718")
})
