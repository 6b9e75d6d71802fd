import { describe, expect, it } from "vitest"
import { convocore } from "../../src/providers/convocore/index.ts"
import { empfio } from "../../src/providers/empfio/index.ts"
import { anyProvider } from "../../src/providers/Provider.ts"
import { makeSimulator, type Simulator, type SimulatorOptions } from "../../src/simulator/index.ts"
import { countsOf, knownFrom, pullScope, sightingsIn } from "../support/pullScope.ts"
import { contentOf, simulatedPull } from "../support/simulatedPull.ts"
import { worldBegins } from "../support/simulatedVendor.ts"

/*
 * What Convocore's and Empfio's documentation leaves unsaid, in every way the simulated vendors can have it: whatever
 * it is, the mirror gets the same.
 */

type Vendors = NonNullable<SimulatorOptions["vendors"]>

const conversations = 120

const simulated = (vendors: Vendors): Simulator =>
  makeSimulator({ seed: 5, conversations, now: worldBegins, limits: false, vendors })

const nothingNew = { Sighting: 0, Unchanged: conversations, Filtered: 0, Unreadable: 0 }

describe("Empfio, whatever its documentation leaves unsaid,", () => {
  const definition = anyProvider(empfio)
  const usual = simulatedPull(simulated({}), "empfio", definition, pullScope())
  const cases: ReadonlyArray<NonNullable<Vendors["empfio"]>> = [
    { tooLarge: "refused", pastTheEnd: "missing" },
    { order: "created_at" },
    { order: "none" },
    { detailMessages: 3 },
    { detailMessages: 0, messageOrder: "newest-first" },
    { times: "fraction" },
    { times: "offset" }
  ]

  it.each(cases)("shows the same conversations, and nothing new the second time: %j", async (options) => {
    const simulator = simulated({ empfio: options })
    const pages = await simulatedPull(simulator, "empfio", definition, pullScope())
    const content = contentOf(await usual)
    expect(content).toHaveLength(conversations)
    // With a fraction, times are others; everything else is the same.
    if (options.times !== "fraction") expect(contentOf(pages)).toEqual(content)
    expect(sightingsIn(pages)).toHaveLength(conversations)
    expect(pages.at(-1)?.end).toEqual({ complete: true, reason: null })
    const before = simulator.log.length
    const again = await simulatedPull(simulator, "empfio", definition, pullScope({ known: knownFrom(pages) }))
    expect(countsOf(again)).toEqual(nothingNew)
    expect(simulator.log.slice(before).filter(({ operation }) => operation !== "list")).toEqual([])
  })

  it("gives every message that the vendor holds, in its order", async () => {
    const simulator = simulated({ empfio: { detailMessages: 2, messageOrder: "newest-first" } })
    const { world } = simulator.vendors.empfio
    for (const { conversation, messages } of sightingsIn(
      await simulatedPull(simulator, "empfio", definition, pullScope())
    )) {
      const lines = world.lines(conversation.providerId)
      expect(messages?.items.map(({ content }) => content)).toEqual(lines.map(({ text }) => text))
    }
  })
})

describe("Convocore, whatever its documentation leaves unsaid,", () => {
  const definition = anyProvider(convocore)
  const usual = simulatedPull(simulated({}), "convocore", definition, pullScope())
  const cases: ReadonlyArray<NonNullable<Vendors["convocore"]>> = [
    { paging: "page" },
    { paging: "page", thinRows: false },
    { paging: "cursor", thinRows: false },
    { bulkExport: "all" }
  ]

  it.each(cases)("shows the same conversations, and nothing new the second time: %j", async (options) => {
    const simulator = simulated({ convocore: options })
    const pages = await simulatedPull(simulator, "convocore", definition, pullScope())
    const content = contentOf(await usual)
    expect(content.length).toBeGreaterThan(conversations / 2)
    expect(contentOf(pages)).toEqual(content)
    expect(pages.at(-1)?.end).toEqual({ complete: true, reason: null })
    const before = simulator.log.length
    const again = await simulatedPull(
      simulator,
      "convocore",
      definition,
      pullScope({ known: knownFrom(pages) })
    )
    expect(countsOf(again)).toEqual({ ...nothingNew, Unchanged: content.length })
    const asked = simulator.log.slice(before).map(({ operation }) => operation)
    expect(new Set(asked)).toEqual(new Set(["agents", "list"]))
  })

  it.each([
    { ghosts: 0.3 },
    { units: "seconds", ts: "last" },
    { access: "addon" },
    { access: "unpaid", paging: "page" },
    { agents: 5 },
    { ghosts: 0.3, paging: "page", access: "addon" }
  ] as const)("is enumerated whole, and quiet the second time: %j", async (options) => {
    const simulator = simulated({ convocore: options })
    const pages = await simulatedPull(simulator, "convocore", definition, pullScope())
    const { world } = simulator.vendors.convocore
    const listed = [...world.conversations.values()].filter(({ messagesNum }) => messagesNum > 0)
    expect(contentOf(pages).map(({ conversation }) => conversation.providerId)).toEqual(
      listed.map(({ ID }) => ID).sort()
    )
    expect(pages.at(-1)?.end).toEqual({ complete: true, reason: null })
    const isAllowed = !("access" in options)
    for (const { conversation, messages } of sightingsIn(pages)) {
      expect(messages?.items.length).toBe(isAllowed ? conversation.declaredMessages : undefined)
    }
    const before = simulator.log.length
    const again = await simulatedPull(
      simulator,
      "convocore",
      definition,
      pullScope({ known: knownFrom(pages) })
    )
    expect(countsOf(again)).toEqual({ ...nothingNew, Unchanged: listed.length })
    const asked = simulator.log
      .slice(before)
      .filter(({ operation }) => !["agents", "list"].includes(operation))
    expect(asked.length).toBeLessThanOrEqual(isAllowed ? 0 : 1)
  })

  it("gives every message at the time it was sent", async () => {
    const simulator = simulated({})
    const { world } = simulator.vendors.convocore
    for (const { conversation, messages } of sightingsIn(
      await simulatedPull(simulator, "convocore", definition, pullScope())
    )) {
      const seconds = world.lines(conversation.providerId).map(({ at }) => Math.floor(at / 1000))
      expect(messages?.items.map(({ sentAt }) => Date.parse(sentAt ?? "") / 1000)).toEqual(seconds)
    }
  })
})
