import { Chunk, Effect, Exit, Stream } from "effect"
import { describe, expect, it } from "vitest"
import type { StatusChange } from "../../src/domain/StatusChange.ts"
import { now } from "../../src/domain/Timestamp.ts"
import { registry } from "../../src/providers/index.ts"
import type { AnyProviderDefinition, Page, Provider } from "../../src/providers/Provider.ts"
import { makeSimulator, type SimulatorOptions, type VendorId } from "../../src/simulator/index.ts"
import { pullScope, sightingsIn, unreadablesIn } from "../support/pullScope.ts"
import { type Instead, simulatedProvider } from "../support/simulatedPull.ts"
import { worldBegins } from "../support/simulatedVendor.ts"

/*
 * Every endpoint of every vendor, answering 200 with a body that says it failed. What matters is what follows: no scan
 * is complete, nothing is taken for deleted, and the vendor's words are told.
 */

const conversations = 12

const definitionOf = (vendor: VendorId): AnyProviderDefinition => {
  const found = registry[vendor]
  if (found === undefined) throw new Error(`no adapter called ${vendor}`)
  return found
}

const open = (vendor: VendorId, instead: Instead, vendors: SimulatorOptions["vendors"] = {}) => {
  const simulator = makeSimulator({ seed: 5, conversations, now: worldBegins, limits: false, vendors })
  return { simulator, ...simulatedProvider(simulator, vendor, definitionOf(vendor), instead) }
}

const pulled = async (provider: Provider) => {
  const pages: Array<Page> = []
  const exit = await Effect.runPromiseExit(
    Stream.runForEach(provider.pull(pullScope()), (page) => Effect.sync(() => pages.push(page)))
  )
  return { pages, exit }
}

const words = "the archive is being rebuilt"

/** What stands around a list, said to have failed; `list` is the name that it goes by. */
const listFailures = (list: string): Readonly<Record<string, unknown>> => ({
  "success is false": { success: false, message: words, [list]: [] },
  "an error beside an empty list": { error: words, [list]: [] },
  "an error object": { error: { message: words }, [list]: [] },
  "errors and no data": { errors: [{ message: words }], [list]: null },
  "a code in words": { message: words, code: "INTERNAL_SERVER_ERROR", [list]: [] },
  "a code in digits": { code: 500, message: words, [list]: [] },
  "a status in words": { status: "error", message: words, [list]: [] },
  "a message and no list": { message: words },
  detail: { detail: words, [list]: [] },
  "an object where the list belongs": { message: words, [list]: { rows: [] } }
})

/** What comes of a list, said to have failed, without words of its own. */
const mute = (list: string): Readonly<Record<string, unknown>> => ({
  "an empty object": {},
  "no list": { [list]: null },
  "null alone": null,
  text: "ok"
})

interface Listing {
  readonly vendor: VendorId
  readonly list: string
  readonly isList: (path: string) => boolean
}

const listings: ReadonlyArray<Listing> = [
  { vendor: "naturalead", list: "conversations", isList: (path) => path === "/conversations" },
  { vendor: "convocore", list: "data", isList: (path) => path.endsWith("/convos") },
  { vendor: "convocore", list: "data", isList: (path) => path === "/agents" },
  { vendor: "empfio", list: "conversations", isList: (path) => path === "/api/v1/conversations" },
  { vendor: "aelyst", list: "items", isList: (path) => path === "/contact/list" }
]

describe("a list that says it failed", () => {
  for (const { vendor, list, isList } of listings) {
    const each = { ...listFailures(list), ...mute(list) }
    for (const [how, json] of Object.entries(each)) {
      it(`is no end of ${vendor}'s scan: ${how}`, async () => {
        const { provider } = open(vendor, ({ path }) => (isList(path) ? { json } : null))
        const { exit, pages } = await pulled(provider)
        expect(pages.filter(({ end }) => end !== null)).toEqual([])
        expect(pages.map(({ cursor }) => cursor).filter((cursor) => cursor !== null)).toEqual([])
        const failure = Exit.isFailure(exit) ? String(exit.cause) : "it ended well"
        expect(failure).toContain("Malformed")
        if (how in listFailures(list)) expect(failure).toContain(words)
        // Nor does a check say that all is well.
        const findings = await Effect.runPromise(provider.check({ messages: true }))
        expect(findings.some(({ ok }) => !ok)).toBe(true)
      })
    }
  }

  it("is none where it says so beside rows: what they show is stored, and nothing counts as complete", async () => {
    for (const { vendor, isList } of listings) {
      const { provider } = open(vendor, ({ path }, { text = "" }) => {
        if (!isList(path)) return null
        const whole = text.startsWith("[") ? `{"conversations":${text},` : `${text.slice(0, -1)},`
        return { text: `${whole}"errors":[{"message":"${words}"}]}` }
      })
      const { exit, pages } = await pulled(provider)
      expect(pages.filter(({ end }) => end !== null)).toEqual([])
      expect(Exit.isFailure(exit) ? String(exit.cause) : "").toContain(words)
    }
  })
})

const recordFailures: Readonly<Record<string, unknown>> = {
  "success is false": { success: false, message: words },
  error: { error: words },
  code: { code: "NOT_FOUND", message: words },
  detail: { detail: words }
}

const firstOf = async (vendor: VendorId) => {
  const { provider } = open(vendor, () => null)
  const pages = await Effect.runPromise(
    Effect.map(Stream.runCollect(provider.pull(pullScope())), Chunk.toReadonlyArray)
  )
  const [sighting] = sightingsIn(pages)
  if (sighting === undefined) throw new Error("nothing was sighted")
  return sighting.conversation
}

const changeOf = ({ agentId, providerId }: { agentId: string | null; providerId: string }): StatusChange => ({
  id: 1,
  connection: "c",
  conversationId: `c:${providerId}`,
  providerId,
  agentId,
  fromStatus: "active",
  requested: { status: "completed", category: null, summary: null, title: null, tags: [] },
  state: "sending",
  attempts: 1,
  notBefore: null,
  lastError: null,
  requestedAt: now(worldBegins),
  requestedBy: "test",
  sentAt: null
})

const vendors: ReadonlyArray<VendorId> = ["naturalead", "convocore", "empfio", "aelyst"]

describe("a conversation's own answer that says it failed", () => {
  for (const vendor of vendors) {
    for (const [how, json] of Object.entries(recordFailures)) {
      it(`is neither ${vendor}'s status nor an absence, and no write was accepted by it: ${how}`, async () => {
        const conversation = await firstOf(vendor)
        const { provider } = open(vendor, () => ({ json }))
        const change = changeOf(conversation)
        for (const asked of [
          provider.readStatus(change),
          provider.fetch(conversation.providerId, null, { messages: true }),
          provider.setStatus(change)
        ]) {
          const failure = await Effect.runPromise(Effect.flip(asked as Effect.Effect<unknown, Error>))
          expect(failure.message).toContain(words)
        }
      })
    }
  }

  it("takes one conversation into quarantine, with the vendor's words, and stops no other", async () => {
    const details: Readonly<Partial<Record<VendorId, RegExp>>> = {
      naturalead: /^\/conversations\/.+/,
      convocore: /\/convos\/[^/]+$/,
      empfio: /^\/api\/v1\/conversations\/[^/]+$/
    }
    for (const [vendor, detail] of Object.entries(details) as ReadonlyArray<[VendorId, RegExp]>) {
      const { providerId } = await firstOf(vendor)
      const { provider } = open(
        vendor,
        ({ path }) =>
          detail.test(path) && path.endsWith(providerId)
            ? { json: { success: false, message: words } }
            : null,
        { naturalead: { listMessages: 1 } }
      )
      const { exit, pages } = await pulled(provider)
      expect(Exit.isSuccess(exit)).toBe(true)
      const faults = unreadablesIn(pages)
      expect(faults).toHaveLength(1)
      expect(faults[0]?.reason).toContain(words)
      expect(faults[0]?.conversationId).toBe(providerId)
      expect(sightingsIn(pages).length).toBeGreaterThanOrEqual(conversations - 2)
    }
  })
})

describe("messages whose answer says that they failed", () => {
  const lists: ReadonlyArray<readonly [VendorId, (path: string) => boolean, SimulatorOptions["vendors"]]> = [
    ["aelyst", (path) => path.endsWith("/message/list"), {}],
    ["empfio", (path) => path.endsWith("/messages"), { empfio: { detailMessages: 1 } }],
    ["convocore", (path) => path.endsWith("/export"), {}]
  ]
  for (const [vendor, isMessages, options] of lists) {
    it(`leave ${vendor}'s conversations stored without them, to be asked for again`, async () => {
      const { provider, requests } = open(
        vendor,
        ({ path }) =>
          isMessages(path) ? { json: { success: false, message: words, items: [], data: [] } } : null,
        options
      )
      const { exit, pages } = await pulled(provider)
      expect(Exit.isSuccess(exit)).toBe(true)
      const sightings = sightingsIn(pages)
      expect(sightings.length).toBeGreaterThanOrEqual(conversations - 1)
      const told = [...unreadablesIn(pages).map(({ reason }) => reason), pages.at(-1)?.end?.reason ?? ""]
      expect(told.some((reason) => reason.includes(words))).toBe(true)
      expect(requests.filter(({ path }) => isMessages(path)).length).toBeLessThanOrEqual(conversations)
      // The same is pulled again with what is stored of it: the messages are asked for once more.
      const lacking = sightings.filter(({ fingerprint }) => fingerprint === null || fingerprint.endsWith("-"))
      expect(lacking.length).toBeGreaterThan(0)
    })
  }
})
