import { Chunk, Effect, Redacted, Stream } from "effect"
import type { AnyProviderDefinition, Page, PullScope } from "../../src/providers/Provider.ts"
import type { Simulator, VendorId } from "../../src/simulator/index.ts"
import { fakeClient } from "./fakeClient.ts"
import { sightingsIn } from "./pullScope.ts"
import { settingsFor, worldBegins } from "./simulatedVendor.ts"

const signature = (definition: AnyProviderDefinition, simulator: Simulator, vendor: VendorId) => {
  const signed = definition.authorize(settingsFor(simulator, vendor))
  // A session's login is the real client's business; the simulated Empfio takes a token as well.
  const headers =
    signed._tag === "Fixed"
      ? signed.headers
      : { authorization: Redacted.make(`Bearer ${simulator.vendors.empfio.options.token}`) }
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), Redacted.value(value)])
  )
}

/** The adapter, talking to the simulated vendor without any HTTP between them. */
export const simulatedPull = (
  simulator: Simulator,
  vendor: VendorId,
  definition: AnyProviderDefinition,
  scope: PullScope
): Promise<ReadonlyArray<Page>> => {
  const settings = settingsFor(simulator, vendor)
  const { origin, pathname } = new URL(settings.baseUrl)
  const headers = signature(definition, simulator, vendor)
  const prefix = pathname === "/" ? "" : pathname
  const { client } = fakeClient(({ body, method }, url) => {
    const sent = body === undefined ? "" : JSON.stringify(body)
    const request = { method, origin, url: `${prefix}${url}`, headers, body: sent }
    const answer = simulator.handle(vendor, request, worldBegins)
    const text = typeof answer.body === "string" ? answer.body : [...answer.body].join("")
    return { status: answer.status, text }
  })
  return Effect.runPromise(
    Effect.map(Stream.runCollect(definition.make(settings, client).pull(scope)), Chunk.toReadonlyArray)
  )
}

/** What was sighted, in the ids' order, but for what only tells how it came. */
export const contentOf = (pages: ReadonlyArray<Page>) =>
  sightingsIn(pages)
    .map(({ contact, conversation, messages }) => ({
      contact,
      conversation,
      messages: messages?.items ?? null
    }))
    .sort((a, b) => (a.conversation.providerId < b.conversation.providerId ? -1 : 1))
