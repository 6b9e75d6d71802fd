import { HttpClient } from "@effect/platform"
import { Effect, Layer } from "effect"
import { makeAgents } from "./exchange/agents.ts"
import { undiciClient } from "./exchange/undiciClient.ts"

const agents = Effect.acquireRelease(
  Effect.sync(() => makeAgents(process.env)),
  (opened) => Effect.promise(() => opened.destroy())
)

/** The HttpClient of a running program. It follows no redirects and unpacks nothing. */
export const httpLayer = Layer.scoped(HttpClient.HttpClient, Effect.map(agents, undiciClient))
