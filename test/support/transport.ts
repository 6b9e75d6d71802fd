import { Cause, Effect, Exit, Layer, Runtime } from "effect"
import { type DispatchRequest, Transport } from "../../src/http/exchange/transport.ts"

/** An answer. A body in pieces may throw: the connection is cut there. */
export interface Reply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array | Iterable<string | Uint8Array>
}

/** A vendor as a function of a request; what it fails with ends the connection. */
export type Answering = (request: DispatchRequest) => Effect.Effect<Reply, unknown>

const piecesOf = (body: Reply["body"]): Iterable<string | Uint8Array> => {
  if (body === undefined || body === "") return []
  return typeof body === "string" || body instanceof Uint8Array ? [body] : body
}

/**
 * A transport without a network, in the time of the fiber that uses the layer.
 *
 * @param between is called between the pieces of a body, to go on; left out: at once
 */
export const transportOf = (
  answer: Answering,
  between: (next: () => void) => void = (next) => next()
): Layer.Layer<Transport> =>
  Layer.effect(
    Transport,
    Effect.map(Effect.runtime<never>(), (runtime) => ({
      dispatch: (request, handler) => {
        let isOver = false
        let isPaused = false
        let pieces: Iterator<string | Uint8Array> | null = null
        const step = (): void => {
          if (isOver || isPaused || pieces === null) return
          try {
            const next = pieces.next()
            if (next.done === true) {
              isOver = true
              handler.ended()
              return
            }
            handler.data(typeof next.value === "string" ? Buffer.from(next.value) : next.value)
          } catch (cause) {
            isOver = true
            handler.failed(cause)
            return
          }
          between(step)
        }
        const fiber = Runtime.runFork(runtime)(Effect.suspend(() => answer(request)))
        fiber.addObserver((exit) => {
          if (isOver) return
          if (Exit.isFailure(exit)) {
            isOver = true
            return handler.failed(Cause.squash(exit.cause))
          }
          const { body, headers = {}, status } = exit.value
          handler.started(
            status,
            Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
          )
          pieces = piecesOf(body)[Symbol.iterator]()
          step()
        })
        return {
          abort: () => {
            isOver = true
            fiber.unsafeInterruptAsFork(fiber.id())
          },
          pause: () => {
            isPaused = true
          },
          resume: () => {
            if (!isPaused) return
            isPaused = false
            step()
          }
        }
      }
    }))
  )
