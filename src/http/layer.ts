import { NodeHttpClient } from "@effect/platform-node"
import { Agent, type Dispatcher } from "@effect/platform-node/Undici"
import { Effect, Layer } from "effect"
import { headersMillis, idleMillis } from "./retryPolicy.ts"

const connectMillis = 10_000

/**
 * Connections are kept open and each carries one request at a time. The platform switches undici's time-outs off for
 * every request; they are switched on again here, because only undici sees the silence between two pieces of a body.
 */
const dispatcher = Effect.acquireRelease(
  Effect.sync(
    (): Dispatcher =>
      new Agent({
        pipelining: 1,
        connections: 128,
        keepAliveTimeout: 10_000,
        connect: { timeout: connectMillis }
      }).compose(
        (dispatch) => (options, handler) =>
          dispatch({ ...options, headersTimeout: headersMillis + 5000, bodyTimeout: idleMillis }, handler)
      )
  ),
  (agent) => Effect.promise(() => agent.destroy())
)

/** The HttpClient of a running program. It follows no redirects and unpacks nothing. */
export const httpLayer = NodeHttpClient.layerUndiciWithoutDispatcher.pipe(
  Layer.provide(Layer.scoped(NodeHttpClient.Dispatcher, dispatcher))
)
