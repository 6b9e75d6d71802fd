import { Chunk, Effect, Layer, Stream } from "effect"
import { describe, expect, it } from "vitest"
import { isWantedStatus, type WantedStatus } from "../../src/domain/Status.ts"
import type { StatusChange } from "../../src/domain/StatusChange.ts"
import { now } from "../../src/domain/Timestamp.ts"
import type { Transport } from "../../src/http/exchange/transport.ts"
import { makeProviderClient } from "../../src/http/makeClient.ts"
import { withDoor } from "../../src/privacy/door.ts"
import { type Treatment, treatmentOf } from "../../src/privacy/treat.ts"
import {
  type AnyProviderDefinition,
  type CommonSettings,
  type Page,
  type Provider,
  type PullScope,
  pageSize
} from "../../src/providers/Provider.ts"
import { countsOf, itemsIn, knownFrom, pullScope, sightingsIn, unreadablesIn } from "../support/pullScope.ts"
import { requested, statusChange } from "../support/statusChange.ts"
import { unlimited } from "../support/unlimited.ts"

/** A vendor that the suite can talk to, look into and break. Made anew for every test. */
export interface ContractVendor {
  readonly definition: AnyProviderDefinition
  /** Settings as the configuration would have decoded them. */
  readonly settings: CommonSettings
  /** The same with credentials that the vendor does not know. */
  readonly strangersSettings: CommonSettings
  readonly transport: Layer.Layer<Transport>
  /** Ids of all conversations the vendor holds, in any order. */
  readonly ids: () => ReadonlyArray<string>
  /**
   * Requests so far, and whether each changed a conversation. The suite knows these operations by name: `login`, and
   * those of `detailOperations`. Any other word will do for all else.
   */
  readonly requests: () => ReadonlyArray<{ readonly operation: string; readonly write: boolean }>
  /** An id in the vendor's form that nothing has. */
  readonly unknownId: string
  /** From now on about this share of records has a documented field of the wrong type. */
  readonly breakRecords: (share: number) => void
  /** Lets the vendor's world go on: some conversations get messages. Returns whose. */
  readonly advance: () => ReadonlyArray<string>
}

/** What brings messages: of one conversation, or of several. */
const messageOperations = ["messages", "export", "bulk export"]

/** What brings more of a conversation than its list shows. */
const detailOperations = ["detail", ...messageOperations]

const changeTo = (providerId: string, agentId: string | null, status: WantedStatus): StatusChange =>
  statusChange("contract", providerId, {
    requested: requested(status),
    agentId,
    fromStatus: "unknown",
    attempts: 1
  })

/** Keeps nothing of people, and no text. */
const strictest = treatmentOf({ names: "drop", emails: "drop", phones: "drop", texts: "drop" }, () => "")

interface Opened {
  readonly settings?: CommonSettings
  /** Left out: what the vendor answers is left as it is. */
  readonly treatment?: Treatment
}

const withProvider = <A, E>(
  vendor: ContractVendor,
  use: (provider: Provider) => Effect.Effect<A, E>,
  { settings = vendor.settings, treatment }: Opened = {}
): Promise<A> =>
  Effect.gen(function* () {
    const { definition } = vendor
    const client = yield* makeProviderClient({
      connection: "contract",
      title: definition.title,
      baseUrl: settings.baseUrl,
      authorization: definition.authorize(settings),
      lane: "sync",
      limits: definition.limits,
      quota: 1,
      concurrency: null,
      maxWaitMillis: 1_000,
      observe: () => {}
    })
    const door = treatment === undefined ? null : { fields: definition.personal, treatment }
    return yield* use(definition.make(settings, withDoor(client, door)))
  }).pipe(Effect.scoped, Effect.provide(Layer.merge(unlimited, vendor.transport)), Effect.runPromise)

const pagesOf = (provider: Provider, scope: PullScope) =>
  Effect.map(Stream.runCollect(provider.pull(scope)), Chunk.toReadonlyArray)

const idsIn = (pages: ReadonlyArray<Page>): ReadonlySet<string> =>
  new Set(
    itemsIn(pages).map((item) => {
      if (item._tag === "Sighting") return item.conversation.providerId
      return item._tag === "Unreadable"
        ? (item.unreadable.conversationId ?? item.unreadable.providerId ?? "?")
        : item.providerId
    })
  )

/** What every provider owes to the rest of the program, whatever its vendor is like. */
export const providerContract = (name: string, open: () => ContractVendor): void => {
  describe(`the provider contract: ${name}`, () => {
    it("enumerates every conversation and says that it has", async () => {
      const vendor = open()
      const pages = await withProvider(vendor, (provider) => pagesOf(provider, pullScope()))
      expect(idsIn(pages)).toEqual(new Set(vendor.ids()))
      expect(pages.map((page) => page.end).filter((end) => end !== null)).toEqual([
        { complete: true, reason: null }
      ])
      expect(pages.at(-1)?.end).not.toBeNull()
    })

    it("enumerates the same, to the last message, where nothing of people is kept", async () => {
      const vendor = open()
      const pull = (provider: Provider) => pagesOf(provider, pullScope())
      const countIn = (pages: ReadonlyArray<Page>) =>
        sightingsIn(pages).map(({ conversation, messages }) => [
          conversation.providerId,
          conversation.status,
          messages?.items.length
        ])
      const kept = await withProvider(vendor, pull, { treatment: strictest })
      expect(countIn(kept)).toEqual(countIn(await withProvider(vendor, pull)))
      expect(kept.at(-1)?.end).toEqual({ complete: true, reason: null })
      const contents = sightingsIn(kept).flatMap(({ messages }) => messages?.items ?? [])
      expect(contents.filter(({ content }) => content !== null)).toEqual([])
    })

    it("sends nothing that changes anything while it pulls", async () => {
      const vendor = open()
      await withProvider(vendor, (provider) => pagesOf(provider, pullScope()))
      expect(vendor.requests().filter(({ operation, write }) => write && operation !== "login")).toEqual([])
    })

    it("keeps pages to their size", async () => {
      const vendor = open()
      const pages = await withProvider(vendor, (provider) => pagesOf(provider, pullScope()))
      for (const page of pages) {
        const records = page.items.reduce(
          (count, item) => count + 1 + (item._tag === "Sighting" ? (item.messages?.items.length ?? 0) : 0),
          0
        )
        // A conversation is never torn: one that is larger than a page is a page.
        if (page.items.length > 1) expect(records).toBeLessThanOrEqual(2 * pageSize)
      }
    })

    it("fetches no details of what is stored as it is listed", async () => {
      const vendor = open()
      const first = await withProvider(vendor, (provider) => pagesOf(provider, pullScope()))
      const before = vendor.requests().length
      const again = await withProvider(vendor, (provider) =>
        pagesOf(provider, pullScope({ known: knownFrom(first) }))
      )
      // Where a list cannot show that there are new messages, these are requested each time.
      const details = vendor
        .requests()
        .slice(before)
        .filter(({ operation }) => operation !== "messages" && detailOperations.includes(operation))
      expect(details).toEqual([])
      expect(idsIn(again)).toEqual(new Set(vendor.ids()))
      expect(again.at(-1)?.end).toEqual({ complete: true, reason: null })
    })

    it("shows what has changed since it was stored", async () => {
      const vendor = open()
      const first = await withProvider(vendor, (provider) => pagesOf(provider, pullScope()))
      const touched = vendor.advance()
      const again = await withProvider(vendor, (provider) =>
        pagesOf(provider, pullScope({ known: knownFrom(first) }))
      )
      const stored = new Map(
        sightingsIn(first).map((one) => [one.conversation.providerId, one.messages?.items ?? []])
      )
      const shown = new Map(
        sightingsIn(again).map((one) => [one.conversation.providerId, one.messages?.items ?? []])
      )
      expect(touched.length).toBeGreaterThan(0)
      for (const id of touched) {
        const newest = shown.get(id)?.at(-1)
        expect(newest).toBeDefined()
        expect(stored.get(id)?.some((message) => message.messageId === newest?.messageId)).toBe(false)
      }
    })

    it("goes on from a cursor without leaving anything out", async () => {
      const vendor = open()
      const pages = await withProvider(vendor, (provider) => pagesOf(provider, pullScope()))
      const at = pages.findIndex((page) => page.cursor !== null && page.end === null)
      // A vendor that answers everything at once has nothing to go on from.
      const cursor = pages[at]?.cursor ?? null
      const before = cursor === null ? [] : pages.slice(0, at + 1)
      const rest = await withProvider(vendor, (provider) => pagesOf(provider, pullScope({ cursor })))
      expect(new Set([...idsIn(before), ...idsIn(rest)])).toEqual(new Set(vendor.ids()))
    })

    it("asks for nothing again that the same scan has stored before it was interrupted", async () => {
      const vendor = open()
      const first = await withProvider(vendor, (provider) => pagesOf(provider, pullScope()))
      const before = vendor.requests().length
      const startedAt = now(Date.UTC(2026, 0, 1))
      const known = knownFrom(first).map((one) => ({ ...one, observedAt: startedAt }))
      const scope = pullScope({ known, startedAt, reconcile: true, refetch: true })
      const again = await withProvider(vendor, (provider) => pagesOf(provider, scope))
      const asked = vendor
        .requests()
        .slice(before)
        .filter(({ operation }) => detailOperations.includes(operation))
      // Nothing tells one without messages from one whose messages could not be had.
      expect(asked.length).toBeLessThanOrEqual(known.filter((one) => one.storedMessages === 0).length)
      expect(idsIn(again)).toEqual(new Set(vendor.ids()))
    })

    it("makes the same sighting again from raw payloads alone", async () => {
      const vendor = open()
      await withProvider(vendor, (provider) =>
        Effect.map(pagesOf(provider, pullScope()), (pages) => {
          const sightings = sightingsIn(pages)
          expect(idsIn(pages)).toEqual(new Set(vendor.ids()))
          for (const sighting of sightings) {
            const again = provider.interpret(sighting.raw)
            if (!("_tag" in again)) throw new Error("raw payloads were unreadable")
            expect(again.conversation).toEqual(sighting.conversation)
            expect(again.contact).toEqual(sighting.contact)
            expect(again.messages?.items ?? []).toEqual(sighting.messages?.items ?? [])
          }
        })
      )
    })

    it("fetches one conversation as the list would have shown it, and nothing of an unknown one", async () => {
      const vendor = open()
      const { fetched, gone, pages } = await withProvider(vendor, (provider) =>
        Effect.gen(function* () {
          const pages = yield* pagesOf(provider, pullScope())
          const known = knownFrom(pages)
          const [first] = known
          if (first === undefined) throw new Error("the vendor holds nothing")
          const fetched = yield* provider.fetch(first.providerId, first, { messages: true })
          const unknown = { ...first, providerId: vendor.unknownId, fingerprint: null }
          const gone = yield* provider.fetch(vendor.unknownId, unknown, { messages: true })
          return { pages, fetched, gone }
        })
      )
      const [first] = sightingsIn(pages)
      const [again] = sightingsIn(fetched === null ? [] : [fetched])
      expect(again?.conversation.status).toBe(first?.conversation.status)
      expect(again?.conversation.providerId).toBe(first?.conversation.providerId)
      expect(again?.messages?.items.length).toBe(first?.messages?.items.length)
      expect(gone).toBeNull()
    })

    it("neither asks for messages nor gives any where the user wants none", async () => {
      const vendor = open()
      await withProvider(vendor, (provider) =>
        Effect.gen(function* () {
          const pages = yield* pagesOf(provider, pullScope({ messages: false }))
          expect(new Set(sightingsIn(pages).map((one) => one.conversation.providerId))).toEqual(
            new Set(vendor.ids())
          )
          const [known] = knownFrom(pages)
          if (known === undefined) throw new Error("the vendor holds nothing")
          const fetched = yield* provider.fetch(known.providerId, known, { messages: false })
          const alone = sightingsIn(fetched === null ? [] : [fetched])
          expect(alone.map((one) => one.conversation.providerId)).toEqual([known.providerId])
          for (const sighting of [...sightingsIn(pages), ...alone]) {
            expect(sighting.messages).toBeNull()
            expect(provider.interpret(sighting.raw)).toMatchObject({ _tag: "Sighting", messages: null })
          }
        })
      )
      const operations = vendor.requests().map(({ operation }) => operation)
      expect(operations.filter((one) => messageOperations.includes(one))).toEqual([])
    })

    it("writes each status it says it can, and reads it back", async () => {
      const vendor = open()
      await withProvider(vendor, (provider) =>
        Effect.gen(function* () {
          const [first] = sightingsIn(yield* pagesOf(provider, pullScope()))
          if (first === undefined) throw new Error("the vendor holds nothing")
          const { agentId, providerId } = first.conversation
          const writable = Object.keys(provider.statusMap.write).filter(isWantedStatus)
          expect(writable.length).toBeGreaterThan(0)
          for (const status of writable) {
            expect(provider.refuse(requested(status))).toBeNull()
            const outcome = yield* provider.setStatus(changeTo(providerId, agentId, status))
            const read = yield* provider.readStatus(changeTo(providerId, agentId, status))
            expect(read?.status).toBe(status)
            if (outcome.state !== null) expect(outcome.state.status).toBe(status)
          }
          expect(yield* provider.readStatus(changeTo(vendor.unknownId, agentId, "completed"))).toBeNull()
        })
      )
    })

    it("refuses what its vendor cannot take, before any request", async () => {
      const vendor = open()
      await withProvider(vendor, (provider) =>
        Effect.sync(() => {
          for (const status of ["active", "handed_off", "completed", "abandoned"] as const) {
            const refusal = provider.refuse(requested(status))
            if (provider.statusMap.write[status] === undefined) expect(refusal?.message).toBeTruthy()
            else expect(refusal).toBeNull()
          }
        })
      )
      expect(vendor.requests()).toEqual([])
    })

    it("puts records that do not decode aside, whole, with reason and path, and delivers the others", async () => {
      const vendor = open()
      vendor.breakRecords(0.15)
      const pages = await withProvider(vendor, (provider) => pagesOf(provider, pullScope()))
      const unreadable = unreadablesIn(pages)
      expect(unreadable.length).toBeGreaterThan(0)
      expect(countsOf(pages).Sighting).toBeGreaterThan(vendor.ids().length / 3)
      for (const { path, payload, reason } of unreadable) {
        expect(reason).not.toBe("")
        expect(path).toMatch(/^\$/)
        expect(() => JSON.parse(payload)).not.toThrow()
      }
    })

    it("says what its credentials can do, and that strangers can do nothing", async () => {
      const vendor = open()
      const findings = await withProvider(vendor, (provider) => provider.check({ messages: true }))
      expect(findings.length).toBeGreaterThan(0)
      expect(findings.every(({ ok }) => ok)).toBe(true)
      const refused = await withProvider(
        vendor,
        (provider) => Effect.either(provider.check({ messages: true })),
        { settings: vendor.strangersSettings }
      )
      if (refused._tag === "Left") expect(refused.left._tag).toBe("Unauthorized")
      else expect(refused.right.some(({ ok }) => !ok)).toBe(true)
    })
  })
}
