import type { Dispatcher } from "@effect/platform-node/Undici"
import { Effect, Layer } from "effect"
import { makeAgents, type Sender } from "./agents.ts"
import { type Dispatch, type Dispatched, type ResponseHandler, Transport } from "./transport.ts"

type UndiciHeaders = Readonly<Record<string, string | ReadonlyArray<string> | undefined>>

const plainHeaders = (headers: UndiciHeaders): Readonly<Record<string, string>> => {
  const plain: Record<string, string> = {}
  for (const name in headers) {
    const value = headers[name]
    if (value !== undefined) plain[name] = typeof value === "string" ? value : value.join(", ")
  }
  return plain
}

/** One answer, handed on as undici reports it. */
class Exchange implements Dispatcher.DispatchHandler, Dispatched {
  private readonly handler: ResponseHandler
  private controller: Dispatcher.DispatchController | null = null
  private isAborted = false

  constructor(handler: ResponseHandler) {
    this.handler = handler
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller
    if (this.isAborted) this.abort()
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: UndiciHeaders): void {
    if (status >= 200 && !this.isAborted) this.handler.started(status, plainHeaders(headers))
  }

  onResponseData(_: Dispatcher.DispatchController, piece: Buffer): void {
    if (!this.isAborted) this.handler.data(piece)
  }

  onResponseEnd(): void {
    if (!this.isAborted) this.handler.ended()
  }

  onResponseError(_: unknown, cause: unknown): void {
    if (!this.isAborted) this.handler.failed(cause)
  }

  abort(): void {
    this.isAborted = true
    this.controller?.abort(new Error("nothing waits for it any more"))
  }

  pause(): void {
    this.controller?.pause()
  }

  resume(): void {
    this.controller?.resume()
  }
}

/** What undici throws at once, for an invalid request, is reported like any other failure. */
export const undiciDispatch =
  (sender: Sender): Dispatch =>
  (request, handler) => {
    const exchange = new Exchange(handler)
    try {
      sender.dispatch(request, exchange)
    } catch (cause) {
      exchange.onResponseError(null, cause)
    }
    return exchange
  }

/** The connections of a running program. */
export const undiciTransport = Layer.scoped(
  Transport,
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => makeAgents(process.env)),
      (opened) => Effect.promise(() => opened.destroy())
    ),
    (agents) => ({ dispatch: undiciDispatch(agents) })
  )
)
