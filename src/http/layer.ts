import { HttpClient } from "@effect/platform"
import { Agent } from "@effect/platform-node/Undici"
import { Effect, Layer } from "effect"
import { headerBytes } from "./exchange/bounds.ts"
import { headersMillis, idleMillis } from "./exchange/retryPolicy.ts"
import { undiciClient } from "./exchange/undiciClient.ts"

const connectMillis = 10_000

/**
 * Connections are kept open and each carries one request at a time. The silence between two pieces of a body is seen
 * here; how long an answer may take in all is the client's business, which ends it a little sooner.
 */
const agent = Effect.acquireRelease(
  Effect.sync(
    () =>
      new Agent({
        pipelining: 1,
        connections: 128,
        keepAliveTimeout: 10_000,
        headersTimeout: headersMillis + 5000,
        bodyTimeout: idleMillis,
        maxHeaderSize: headerBytes,
        connect: { timeout: connectMillis }
      })
  ),
  (opened) => Effect.promise(() => opened.destroy())
)

/** The HttpClient of a running program. It follows no redirects and unpacks nothing. */
export const httpLayer = Layer.scoped(HttpClient.HttpClient, Effect.map(agent, undiciClient))
