import { Chunk, Effect, Redacted, Stream } from "effect"
import type { AnyProviderDefinition, Page, Provider, PullScope } from "../../src/providers/Provider.ts"
import type { Simulator, VendorId } from "../../src/simulator/index.ts"
import { type FakeAnswer, fakeClient, type RecordedRequest } from "./fakeClient.ts"
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

/** What a hostile vendor answers instead; null: what the simulated one does. */
export type Instead = (request: RecordedRequest, real: FakeAnswer) => FakeAnswer | null

/** The adapter, talking to the simulated vendor without any HTTP between them. */
export const simulatedProvider = (
  simulator: Simulator,
  vendor: VendorId,
  definition: AnyProviderDefinition,
  instead: Instead = () => null
) => {
  const settings = settingsFor(simulator, vendor)
  const { origin, pathname } = new URL(settings.baseUrl)
  const headers = signature(definition, simulator, vendor)
  const prefix = pathname === "/" ? "" : pathname
  const { client, requests } = fakeClient((request, url) => {
    const { body, method } = request
    const sent = body === undefined ? "" : JSON.stringify(body)
    const answer = simulator.handle(
      vendor,
      { method, origin, url: `${prefix}${url}`, headers, body: sent },
      worldBegins
    )
    const text = typeof answer.body === "string" ? answer.body : [...answer.body].join("")
    const real = { status: answer.status, text }
    return instead(request, real) ?? real
  })
  return { provider: definition.make(settings, client), requests }
}

export const pulledFrom = (provider: Provider, scope: PullScope): Promise<ReadonlyArray<Page>> =>
  Effect.runPromise(Effect.map(Stream.runCollect(provider.pull(scope)), Chunk.toReadonlyArray))

export const simulatedPull = (
  simulator: Simulator,
  vendor: VendorId,
  definition: AnyProviderDefinition,
  scope: PullScope
): Promise<ReadonlyArray<Page>> =>
  pulledFrom(simulatedProvider(simulator, vendor, definition).provider, scope)

/** What was sighted, in the ids' order, but for what only tells how it came. */
export const contentOf = (pages: ReadonlyArray<Page>) =>
  sightingsIn(pages)
    .map(({ contact, conversation, messages }) => ({
      contact,
      conversation,
      messages: messages?.items ?? null
    }))
    .sort((a, b) => (a.conversation.providerId < b.conversation.providerId ? -1 : 1))
