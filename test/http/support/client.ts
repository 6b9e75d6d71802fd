import { Effect, Redacted } from "effect"
import type { Authorization, ClientEvent, ProviderRequest } from "../../../src/http/contract.ts"
import { makeProviderClient, type ProviderClientOptions } from "../../../src/http/makeClient.ts"

export const token: Authorization = {
  _tag: "Fixed",
  headers: { authorization: Redacted.make("Bearer very-secret-token") },
  credential: Redacted.make("very-secret-token"),
  setting: "token"
}

export const list: ProviderRequest = {
  operation: "list conversations",
  method: "GET",
  path: "/conversations"
}

export const hour = 3_600_000

/** A client as a run would have it, with what the test says differently. Its events are kept. */
export const testClient = (options: Partial<ProviderClientOptions> & { readonly baseUrl: string }) =>
  Effect.gen(function* () {
    const events: Array<ClientEvent> = []
    const client = yield* makeProviderClient({
      connection: "leads",
      title: "Vendor",
      authorization: token,
      lane: "sync",
      limits: [],
      quota: 1,
      concurrency: 4,
      maxWaitMillis: hour,
      observe: (event) => void events.push(event),
      ...options
    })
    return { client, events }
  })
