import { join } from "node:path"
import { Effect } from "effect"
import { describe, expect, it } from "vitest"
import { type VendorId, vendorIds } from "../../src/simulator/index.ts"
import type { AnyWorld } from "../../src/simulator/vendor.ts"
import { storeLayer } from "../../src/sync/layers.ts"
import { silent } from "../../src/sync/progress.ts"
import { makeWorld, pullRun, rowsOf, temporaryFolder } from "../support/inProcess.ts"
import { answeringAs } from "../support/simulatedTransport.ts"
import { type Answering, transportOf } from "../support/transport.ts"
import { unlimited } from "../support/unlimited.ts"

/*
 * A tenth of all records has a documented field of the wrong type, or a time that nobody can read. Set PARLEY_FUZZ to
 * the number of records to receive; a million takes a while.
 */

const records = Number(process.env.PARLEY_FUZZ ?? 30_000)
/** The simulated conversations have about seventeen messages each. */
const perVendor = Math.ceil(records / 18 / vendorIds.length)

const megabytes = (bytes: number): number => Math.round(bytes / 1024 / 1024)

/** What the simulator puts in the place of a good value. */
const wrong = [{ $oid: true }, { unexpected: true }, "the day before yesterday", "twelve", "none", 7].map(
  (value) => JSON.stringify(value)
)

/** Convocore documents the payload of texts alone; any other is taken as it comes. */
const isUndocumented = ({ messages }: Pick<AnyWorld, "messages">, id: string, field: string): boolean => {
  const [conversation = "", position] = id.split("/")
  const message = messages(conversation)[Number(position)]
  return field === "payload" && !JSON.stringify(message ?? null).includes('"type":"text"')
}

interface Quarantined {
  readonly kind: string
  readonly provider_id: string | null
  readonly conversation_provider_id: string | null
  readonly reason: string
  readonly path: string
  readonly payload: string
  readonly seen: number
}

/**
 * Lets the event loop turn at each answer, and at each piece of a long one: nothing here waits for a network, so that
 * nobody else in this process, as what speaks to the test runner, has a turn.
 */
const turning = (answer: Answering) =>
  transportOf(
    (request) =>
      Effect.zipLeft(
        answer(request),
        Effect.async<void>((resume) => void setImmediate(() => resume(Effect.void)))
      ),
    setImmediate
  )

const fuzz = (vendor: VendorId) =>
  Effect.gen(function* () {
    const { connection, simulator } = yield* makeWorld({
      conversations: { [vendor]: perVendor },
      faults: [{ vendor, effect: { kind: "mutilate", share: 0.1 } }],
      // Ids of messages that are seconds are the same in two conversations now and then.
      vendors: { convocore: { ghosts: 0 }, aelyst: { messageIds: "sequence" } }
    })
    const path = join(yield* temporaryFolder, "mirror.db")
    let most = 0
    const sampler = setInterval(() => {
      most = Math.max(most, process.memoryUsage().rss)
    }, 100)
    const { report } = yield* pullRun([connection(vendor)]).pipe(
      Effect.ensuring(Effect.sync(() => clearInterval(sampler))),
      Effect.provide([silent, unlimited, turning(answeringAs(simulator))]),
      Effect.provide(storeLayer(path))
    )
    return yield* Effect.gen(function* () {
      const { world } = simulator.vendors[vendor]
      const quarantined = yield* rowsOf<Quarantined>(
        "SELECT kind, provider_id, conversation_provider_id, reason, path, payload, seen FROM quarantine WHERE resolved_at IS NULL"
      )
      const stored = yield* rowsOf<{ provider_id: string; stored_messages: number }>(
        "SELECT provider_id, stored_messages FROM conversations"
      )
      const unbalanced = yield* rowsOf(
        "SELECT * FROM pages WHERE received <> inserted + updated + unchanged + filtered + quarantined"
      )
      const pages = yield* rowsOf<{ received: number; quarantined: number }>(
        "SELECT sum(received) AS received, sum(quarantined) AS quarantined FROM pages"
      )
      return { report, world, simulator, quarantined, stored, unbalanced, pages: pages[0], most }
    }).pipe(Effect.provide(storeLayer(path)))
  }).pipe(Effect.scoped)

describe("a tenth of all records is malformed", () => {
  for (const vendor of vendorIds) {
    it(`and every one of them is kept whole, every good one stored, every page balanced: ${vendor}`, async () => {
      const { most, pages, quarantined, report, simulator, stored, unbalanced, world } =
        await Effect.runPromise(fuzz(vendor))
      expect(unbalanced).toEqual([])
      const own = report.connections[0]
      expect({ received: own?.received, quarantined: own?.quarantined }).toEqual(pages)
      expect(own?.error?.kind).toBe("quarantined")

      // Every malformed record is there, with what is wrong in it and with all else that it holds.
      const kept: Record<string, number> = {}
      for (const { path, payload, seen } of quarantined) {
        const field = path.slice(2)
        const record = JSON.parse(payload) as Record<string, unknown>
        expect(wrong, `${path} of ${payload}`).toContain(JSON.stringify(record[field]))
        expect(Object.keys(record).length).toBeGreaterThan(2)
        kept[field] = (kept[field] ?? 0) + seen
      }
      const broken = [...new Map(simulator.broken.map((one) => [`${one.id} ${one.field}`, one])).values()]
      const brokenIds = new Set(broken.map(({ id }) => id))
      const sent: Record<string, number> = {}
      for (const { field, id } of broken) {
        // A message of a conversation that is malformed itself is in there.
        const isInside = vendor === "naturalead" && id.includes("/") && brokenIds.has(id.split("/")[0] ?? "")
        if (isInside || isUndocumented(world, id, field)) continue
        sent[field] = (sent[field] ?? 0) + 1
      }
      expect({ vendor, kept }).toEqual({ vendor, kept: sent })

      // Every conversation is in the mirror or in quarantine, and so is every message of those that are in the mirror.
      const ids = new Set(stored.map(({ provider_id }) => provider_id))
      const apart = new Set(quarantined.map(({ provider_id }) => provider_id))
      const lost = [...world.conversations.keys()].filter((id) => !ids.has(id) && !apart.has(id))
      expect(lost.length).toBeLessThanOrEqual(
        quarantined.filter(({ provider_id }) => provider_id === null).length
      )
      const ofStored = (id: string | null) => id !== null && ids.has(id)
      const apartMessages = quarantined.filter(
        (one) => one.kind === "message" && ofStored(one.conversation_provider_id)
      )
      const there = stored.reduce((sum, one) => sum + one.stored_messages, 0)
      const sum = (numbers: ReadonlyArray<number>) => numbers.reduce((total, one) => total + one, 0)
      expect(there + sum(apartMessages.map(({ seen }) => seen))).toBe(
        sum(stored.map(({ provider_id }) => world.messages(provider_id).length))
      )
      expect(megabytes(most)).toBeLessThan(1500)
      expect(stored.length).toBeGreaterThan(perVendor * 0.6)
    }, 3_600_000)
  }
})
