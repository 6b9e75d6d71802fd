import { Effect } from "effect"
import { describe, expect, it } from "vitest"
import { instantOf, zoneSamples, zoneThatFits } from "../../../src/providers/convocore/exportTime.ts"
import { convocore } from "../../../src/providers/convocore/index.ts"
import { type AnyProviderDefinition, anyProvider } from "../../../src/providers/Provider.ts"
import { makeSimulator } from "../../../src/simulator/index.ts"
import { pullScope, sightingsIn } from "../../support/pullScope.ts"
import { pulledFrom, simulatedProvider } from "../../support/simulatedPull.ts"
import { worldBegins } from "../../support/simulatedVendor.ts"

const zoned = (set: string): AnyProviderDefinition => {
  const definition = anyProvider(convocore)
  return {
    ...definition,
    make: (settings, client, ...more) =>
      definition.make({ ...settings, ...{ exportTimeZone: set } } as typeof settings, client, ...more)
  }
}

const open = (zone: string, set: string) => {
  const simulator = makeSimulator({
    seed: 5,
    conversations: 20,
    now: worldBegins,
    limits: false,
    vendors: { convocore: { exportTimeZone: zone } }
  })
  return simulatedProvider(simulator, "convocore", zoned(set))
}

describe("the zone of Convocore's exports", () => {
  for (const zone of ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Sydney"]) {
    it(`is disproved by the vendor's own epochs and named where it is ${zone}, and nothing is shifted`, async () => {
      const { provider } = open(zone, "UTC")
      const pages = await pulledFrom(provider, pullScope())
      const told = pages.flatMap(({ notices }) => notices).filter(({ code }) => code === "export-time-zone")
      expect(told).toHaveLength(1)
      expect(told[0]?.message).toContain(zone)
      expect(told[0]?.hint).toContain(`exportTimeZone: ${zone}`)
      expect(Object.assign({}, ...pages.map(({ learned }) => learned))).toMatchObject({
        "export-time-zone": zone
      })
      const asUtc = sightingsIn(pages).flatMap(({ messages }) => messages?.items ?? [])
      const right = sightingsIn(await pulledFrom(open(zone, zone).provider, pullScope()))
      expect(asUtc.map(({ sentAt }) => sentAt)).not.toEqual(
        right.flatMap(({ messages }) => messages?.items ?? []).map(({ sentAt }) => sentAt)
      )
      const findings = await Effect.runPromise(provider.check({ messages: true }))
      const found = findings.find(({ what }) => what === "time zone of exports")
      expect(found?.ok).toBe(false)
      expect(found?.detail).toContain("exportTimeZone")
    })

    it(`is said nothing about where ${zone} is set and right`, async () => {
      const { provider } = open(zone, zone)
      const pages = await pulledFrom(provider, pullScope())
      expect(pages.flatMap(({ notices }) => notices)).toEqual([])
      expect(Object.assign({}, ...pages.map(({ learned }) => learned))).not.toHaveProperty("export-time-zone")
      const findings = await Effect.runPromise(provider.check({ messages: true }))
      expect(findings.every(({ ok }) => ok)).toBe(true)
    })
  }

  it("that was mended is learned, so that what was found before does not stay", async () => {
    const { provider } = open("Europe/Berlin", "Europe/Berlin")
    const learned = {
      "export-time-zone": { value: "Europe/Berlin", at: "2026-03-01T00:00:00.000Z" as never }
    }
    const pages = await pulledFrom(provider, pullScope({ learned }))
    expect(Object.assign({}, ...pages.map((page) => page.learned))).toMatchObject({
      "export-time-zone": "Europe/Berlin"
    })
    expect(pages.flatMap(({ notices }) => notices)).toEqual([])
  })

  it("is judged by moments that can be the same alone", () => {
    const epoch = Date.UTC(2026, 0, 5, 12)
    const hour = 3_600_000
    expect(zoneSamples({ first: epoch, last: null }, [])).toEqual([])
    expect(zoneSamples({ first: epoch, last: epoch }, [epoch + 7 * 60_000])).toEqual([])
    expect(zoneSamples({ first: epoch, last: null }, [epoch + 30 * hour])).toEqual([])
    expect(zoneSamples({ first: epoch, last: epoch + hour }, [epoch + 2 * hour, epoch + hour])).toHaveLength(
      2
    )
    expect(zoneThatFits([{ epoch, wall: epoch }], "UTC")).toBe("UTC")
    const walls = [0, 100, 200].map((days) => epoch + days * 24 * hour)
    const samples = walls.map((wall) => ({ epoch: instantOf(wall, "America/New_York"), wall }))
    expect(zoneThatFits(samples, "UTC")).toBe("America/New_York")
    // Offsets that no zone has together.
    expect(
      zoneThatFits(
        [0, 3, 7].map((hours) => ({ epoch, wall: epoch + hours * hour })),
        "UTC"
      )
    ).toBeNull()
  })
})
