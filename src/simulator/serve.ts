import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http"
import { text } from "node:stream/consumers"
import { setTimeout as sleep } from "node:timers/promises"
import { Effect } from "effect"
import { addressText, CannotListen, listening } from "../files/listening.ts"
import type { Origins } from "./configuration.ts"
import { answerControl } from "./control.ts"
import { arriving, type SimulatedRequest, type SimulatedResponse } from "./http.ts"
import type { Simulator } from "./simulator.ts"
import { forEachVendor, type VendorId } from "./vendors/index.ts"

export interface ServeOptions {
  /** One port each; 0 or left out: any that is free. */
  readonly ports?: Readonly<Partial<Record<VendorId | "control", number>>>
  /** Epoch milliseconds; default: the machine's clock. */
  readonly now?: () => number
}

export interface Served {
  readonly simulator: Simulator
  readonly origins: Origins
  /** Where other processes look into the worlds and change them; see `control.ts`. */
  readonly control: string
}

const host = "127.0.0.1"

const headersOf = (message: IncomingMessage): Record<string, string> =>
  Object.fromEntries(
    Object.entries(message.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(", ") : (value ?? "")
    ])
  )

const drained = (outgoing: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    const go = () => {
      outgoing.off("drain", go)
      outgoing.off("close", go)
      resolve()
    }
    outgoing.once("drain", go)
    outgoing.once("close", go)
  })

/** Sends an answer as far as its fate lets it come, at the reader's pace. */
const send = async (response: SimulatedResponse, outgoing: ServerResponse): Promise<void> => {
  const { fate, status, headers, body } = response
  if (fate === "hung") return
  if (fate === "dropped") {
    outgoing.destroy()
    return
  }
  const length: Record<string, string> =
    typeof body === "string" && status !== 204 ? { "content-length": String(Buffer.byteLength(body)) } : {}
  outgoing.writeHead(status, { ...headers, ...length })
  if (fate === "answered" && typeof body === "string") {
    outgoing.end(body)
    return
  }
  for (const piece of arriving(response)) {
    if (outgoing.destroyed) return
    if (piece !== "" && !outgoing.write(piece)) await drained(outgoing)
  }
  if (fate === "answered") outgoing.end()
  // What was written must leave before the socket goes, or the reader would see no body at all.
  else outgoing.write("", () => outgoing.destroy())
}

const listener =
  (handle: (request: SimulatedRequest) => SimulatedResponse): RequestListener =>
  (incoming, outgoing) => {
    const answer = async () => {
      const response = handle({
        method: incoming.method ?? "GET",
        origin: `http://${incoming.headers.host ?? host}`,
        url: incoming.url ?? "/",
        headers: headersOf(incoming),
        body: await text(incoming)
      })
      if (response.delayMillis > 0) await sleep(response.delayMillis)
      await send(response, outgoing)
    }
    answer().catch(() => outgoing.destroy())
  }

const listen = (handle: (request: SimulatedRequest) => SimulatedResponse, port: number) => {
  const server = createServer({ keepAliveTimeout: 60_000 }, listener(handle))
  return listening(server, { host, port }, "Choose another port, or 0 for any that is free.").pipe(
    Effect.mapBoth({
      onFailure: ({ code, hint }) => {
        const message = `The simulated providers cannot listen on ${host}:${port}`
        return new CannotListen({ code, message, hint })
      },
      onSuccess: addressText
    })
  )
}

/** Serves the vendors on loopback, each on a port of its own, until the scope closes. */
export const serve = Effect.fn("simulator.serve")(function* (
  simulator: Simulator,
  options: ServeOptions = {}
) {
  const now = options.now ?? Date.now
  const ports = options.ports ?? {}
  const origins: Origins = yield* Effect.all(
    forEachVendor((id) => listen((request) => simulator.handle(id, request, now()), ports[id] ?? 0))
  )
  const control = yield* listen((request) => answerControl(simulator, request, now()), ports.control ?? 0)
  return { simulator, origins, control } satisfies Served
})
