import { Chunk, Effect, Redacted, Stream } from "effect"
import { describe, expect, it } from "vitest"
import { aelyst } from "../../src/providers/aelyst/index.ts"
import { naturalead } from "../../src/providers/naturalead/index.ts"
import {
  type AnyProviderDefinition,
  anyProvider,
  type Page,
  type PullScope
} from "../../src/providers/Provider.ts"
import { makeSimulator, type Simulator, type SimulatorOptions } from "../../src/simulator/index.ts"
import { fakeClient } from "../support/fakeClient.ts"
import { countsOf, knownFrom, pullScope, sightingsIn } from "../support/pullScope.ts"
import { settingsFor, worldBegins } from "../support/simulatedVendor.ts"

/*
 * What NaturaLead's and Aelyst's documentation leaves unsaid, in every way the simulated vendors can have it: whatever
 * it is, the mirror gets the same.
 */

const simulated = (conversations: number, vendors: NonNullable<SimulatorOptions["vendors"]>): Simulator =>
  makeSimulator({ seed: 5, conversations, now: worldBegins, limits: false, vendors })

/** The adapter, talking to the simulated vendor without any HTTP between them. */
const pulled = (
  simulator: Simulator,
  definition: AnyProviderDefinition,
  scope: PullScope
): Promise<ReadonlyArray<Page>> => {
  const vendor = definition.id === "aelyst" ? "aelyst" : "naturalead"
  const settings = settingsFor(simulator, vendor)
  const { origin, pathname } = new URL(settings.baseUrl)
  const signed = definition.authorize(settings)
  const headers = Object.fromEntries(
    Object.entries(signed._tag === "Fixed" ? signed.headers : {}).map(([name, value]) => [
      name.toLowerCase(),
      Redacted.value(value)
    ])
  )
  const { client } = fakeClient(({ body, method }, url) => {
    const sent = body === undefined ? "" : JSON.stringify(body)
    const request = { method, origin, url: `${pathname}${url}`, headers, body: sent }
    const answer = simulator.handle(vendor, request, worldBegins)
    const text = typeof answer.body === "string" ? answer.body : [...answer.body].join("")
    return { status: answer.status, text, pieceBytes: 4096 }
  })
  return Effect.runPromise(
    Effect.map(Stream.runCollect(definition.make(settings, client).pull(scope)), Chunk.toReadonlyArray)
  )
}

/** Everything but what only tells how it came. */
const contentOf = (pages: ReadonlyArray<Page>) =>
  sightingsIn(pages)
    .map(({ contact, conversation, messages }) => ({
      contact,
      conversation,
      messages: messages?.items ?? null
    }))
    .sort((a, b) => (a.conversation.providerId < b.conversation.providerId ? -1 : 1))

const nothingNew = (conversations: number) => ({
  Sighting: 0,
  Unchanged: conversations,
  Filtered: 0,
  Unreadable: 0
})

describe("NaturaLead, whatever its documentation leaves unsaid,", () => {
  const conversations = 130
  const definition = anyProvider(naturalead)
  const usual = pulled(simulated(conversations, {}), definition, pullScope())
  type Options = NonNullable<NonNullable<SimulatorOptions["vendors"]>["naturalead"]>
  const cases: ReadonlyArray<Options> = [
    { paging: "ignored", envelope: "conversations" },
    { paging: "honoured" },
    { paging: "honoured", envelope: "data", messageOrder: "newest-first" },
    { paging: "capped", cap: 17, envelope: "conversations" },
    { paging: "capped", cap: 100, envelope: "data", listMessages: 3 },
    { listMessages: 1, messageOrder: "newest-first" },
    { listMessages: 0 }
  ]

  it.each(cases)("shows the same conversations, and nothing new the second time: %j", async (options) => {
    const simulator = simulated(conversations, { naturalead: options })
    const pages = await pulled(simulator, definition, pullScope())
    const content = contentOf(await usual)
    expect(content).toHaveLength(conversations)
    expect(contentOf(pages)).toEqual(content)
    expect(pages.at(-1)?.end).toEqual({ complete: true, reason: null })
    const before = simulator.log.length
    const again = await pulled(simulator, definition, pullScope({ known: knownFrom(pages) }))
    const unchanged = again.flatMap(({ items }) =>
      items.flatMap((item) => (item._tag === "Unchanged" ? [item.providerId] : []))
    )
    // Where the list comes in pages, each begins with the last row of the one before.
    expect(countsOf(again)).toEqual(nothingNew(unchanged.length))
    expect(new Set(unchanged).size).toBe(conversations)
    expect(simulator.log.slice(before).filter(({ operation }) => operation !== "list")).toEqual([])
  })

  it("says that what it got is not whole where the rest cannot be had", async () => {
    const simulator = simulated(conversations, {
      naturalead: { paging: "truncated", cap: 60, envelope: "data" }
    })
    const pages = await pulled(simulator, definition, pullScope())
    expect(sightingsIn(pages)).toHaveLength(60)
    expect(pages.at(-1)?.end?.complete).toBe(false)
  })
})

describe("Aelyst, whatever its documentation leaves unsaid,", () => {
  const conversations = 130
  const definition = anyProvider(aelyst)
  const usual = pulled(simulated(conversations, {}), definition, pullScope())
  type Options = NonNullable<NonNullable<SimulatorOptions["vendors"]>["aelyst"]>
  const cases: ReadonlyArray<Options> = [
    { cursor: "inclusive" },
    { cursor: "inclusive", contactOrder: "descending" },
    { contactOrder: "descending", linksDropVersion: false },
    { largestLimit: 100, headersAlways: false }
  ]

  it.each(cases)("shows the same contacts, and nothing new the second time: %j", async (options) => {
    const simulator = simulated(conversations, { aelyst: options })
    const pages = await pulled(simulator, definition, pullScope())
    const content = contentOf(await usual)
    expect(content).toHaveLength(conversations)
    expect(contentOf(pages)).toEqual(content)
    expect(pages.at(-1)?.end).toEqual({ complete: true, reason: null })
    const before = simulator.log.length
    const again = await pulled(simulator, definition, pullScope({ known: knownFrom(pages) }))
    expect(countsOf(again)).toEqual(nothingNew(conversations))
    const messages = simulator.log.slice(before).filter(({ operation }) => operation === "messages")
    expect(messages).toHaveLength(conversations)
  })

  it.each(["seconds", "micros", "sequence"] as const)(
    "dates messages as well as its ids in %s allow",
    async (messageIds) => {
      const simulator = simulated(conversations, { aelyst: { messageIds } })
      const { world } = simulator.vendors.aelyst
      const sightings = sightingsIn(await pulled(simulator, definition, pullScope()))
      let undated = 0
      for (const { conversation, messages } of sightings) {
        const lines = world.lines(conversation.providerId)
        expect(messages?.items).toHaveLength(lines.length)
        messages?.items.forEach(({ sentAt, sentAtSource }, index) => {
          if (sentAt === null) undated += 1
          else if (sentAtSource !== "messageId" || messageIds !== "sequence") {
            expect(Math.abs(Date.parse(sentAt) - (lines[index]?.at ?? 0))).toBeLessThan(60_000)
          } else expect.fail("a number in a row was taken for a time")
        })
      }
      expect(undated > 0).toBe(messageIds === "sequence")
    }
  )

  it("is read without messages where it has no list of them", async () => {
    const simulator = simulated(conversations, { aelyst: { messageList: "absent" } })
    const pages = await pulled(simulator, definition, pullScope())
    expect(sightingsIn(pages)).toHaveLength(conversations)
    expect(pages.at(-1)?.end).toEqual({ complete: true, reason: expect.stringContaining("synced without") })
    expect(simulator.log.filter(({ operation }) => operation === "messages")).toHaveLength(3)
  })
})
