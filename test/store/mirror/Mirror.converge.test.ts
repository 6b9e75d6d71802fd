import { expect, it } from "@effect/vitest"
import { Effect, FastCheck as fc, Runtime } from "effect"
import type { Message } from "../../../src/domain/Conversation.ts"
import type { Lane } from "../../../src/http/contract.ts"
import type { Page } from "../../../src/providers/Provider.ts"
import type { Db } from "../../../src/store/Db.ts"
import { Ledger } from "../../../src/store/ledger/Ledger.ts"
import { Mirror } from "../../../src/store/mirror/Mirror.ts"
import {
  at,
  contact,
  faults,
  freshStore,
  leads,
  message,
  page,
  present,
  raw,
  rows,
  sighting
} from "../fixtures.ts"

/** What a vendor held at some time: versions of a few conversations, the later the newer. */
interface Version {
  readonly conversation: number
  /** When it was asked for, in seconds: no two alike. */
  readonly requested: number
  readonly status: "active" | "handed_off" | "completed"
  readonly title: string
  readonly texts: ReadonlyArray<string>
  readonly name: string
}

const conversations = 3

const version = (requested: number): fc.Arbitrary<Version> =>
  fc.record({
    conversation: fc.integer({ min: 0, max: conversations - 1 }),
    requested: fc.constant(requested),
    status: fc.constantFrom("active", "handed_off", "completed"),
    title: fc.constantFrom("a", "b", "c"),
    texts: fc.array(fc.constantFrom("hello", "酒店", "สวัสดี", "Straße", ""), { maxLength: 5 }),
    name: fc.constantFrom("Ann", "Bea")
  })

const versions = fc
  .integer({ min: 1, max: 12 })
  .chain((count) => fc.tuple(...Array.from({ length: count }, (_, index) => version(index + 1))))

const messages = (texts: ReadonlyArray<string>): ReadonlyArray<Message> =>
  texts.map((content, index) => message({ messageId: `m${index}`, content, sentAt: at(index) }))

/** What was asked for later is newer, with or without the vendor's own time of change. */
const sightingOf = (held: Version, hasTime: boolean) =>
  sighting(
    {
      providerId: `c${held.conversation}`,
      contactId: `p${held.conversation}`,
      status: held.status,
      providerStatus: held.status,
      title: held.title,
      updatedAt: hasTime ? at(held.requested) : null
    },
    {
      contact: contact({ providerId: `p${held.conversation}`, name: held.name }),
      messages: { extent: "whole", items: messages(held.texts) },
      raw: [
        raw(JSON.stringify(held), {
          providerId: `c${held.conversation}`,
          conversationId: `c${held.conversation}`
        })
      ],
      fingerprint: `${held.requested}`
    }
  )

const pagesOf = (group: ReadonlyArray<Version>, hasTime: boolean): ReadonlyArray<Page> =>
  group.map((held) => page(held.requested, [sightingOf(held, hasTime)]))

/** All that does not tell how it came about. */
const contentOf = (name: string) =>
  Effect.all([
    rows(
      "SELECT provider_id, status, title, stored_messages FROM conversations WHERE connection = ? ORDER BY 1",
      name
    ),
    rows(
      `SELECT r.provider_id, m.position, m.content, w.words FROM messages m
       JOIN remote_conversations r ON r.id = m.conversation_id LEFT JOIN message_words w ON w.key = m.key
       WHERE r.connection = ? ORDER BY 1, 2`,
      name
    ),
    rows("SELECT provider_id, name FROM contacts WHERE connection = ? ORDER BY 1", name),
    rows(
      "SELECT conversation_provider_id, payload, observed_at FROM raw_records WHERE connection = ? ORDER BY 1",
      name
    )
  ])

let connections = 0

/** Commits to a connection of its own in a file that all share. */
const mirrored = Effect.fn(function* (batches: ReadonlyArray<ReadonlyArray<Page>>) {
  const mirror = yield* Mirror
  const ledger = yield* Ledger
  connections += 1
  const name = `leads-${connections}`
  yield* mirror.register({ ...leads, name })
  const runId = yield* ledger.startRun("sync")
  const lanes: ReadonlyArray<Lane> = ["sync", "backfill"]
  for (const [index, pages] of batches.entries()) {
    const lane = lanes[index % 2] ?? "sync"
    yield* mirror.commit({
      runId,
      connection: name,
      lane,
      pages,
      scan: null,
      keepRaw: "newest",
      seen: null
    })
  }
  return yield* contentOf(name)
})

const arrivals = versions.chain((held) =>
  fc.record({
    held: fc.constant(held),
    // Any order, with repeats, cut into commits anywhere.
    arrival: fc.shuffledSubarray([...held, ...held, ...held], { minLength: held.length * 2 }),
    cut: fc.integer({ min: 1, max: 6 })
  })
)

for (const hasTime of [true, false]) {
  const by = hasTime ? "with the vendor's times" : "without times of the vendor's"
  it.scoped(
    `comes to hold the newest of everything, in whatever order and pieces it arrives, ${by}`,
    () =>
      Effect.gen(function* () {
        yield* present
        const runtime = yield* Effect.runtime<Db | Mirror | Ledger>()
        const property = fc.asyncProperty(arrivals, async ({ held, arrival, cut }) => {
          const arrived = [...arrival, ...held.filter((one) => !arrival.includes(one))]
          const batches = Array.from({ length: Math.ceil(arrived.length / cut) }, (_, index) =>
            pagesOf(arrived.slice(index * cut, (index + 1) * cut), hasTime)
          )
          const newest = Array.from({ length: conversations }, (_, index) =>
            held.findLast((one) => one.conversation === index)
          ).filter((one) => one !== undefined)
          const [mixed, plain] = await Runtime.runPromise(runtime)(
            Effect.all([mirrored(batches), mirrored([pagesOf(newest, hasTime)])])
          )
          expect(mixed).toEqual(plain)
          expect(await Runtime.runPromise(runtime)(faults)).toEqual([])
        })
        yield* Effect.promise(() => fc.assert(property, { numRuns: 40 }))
      }).pipe(Effect.provide(freshStore)),
    120_000
  )
}

/** How conversations of one contact describe it. */
interface Told {
  readonly id: string
  readonly updated: number | null
  readonly email: string | null
  readonly phone: string
}

const told = fc.uniqueArray(
  fc.record({
    id: fc.constantFrom("c1", "c2", "c3", "c4"),
    updated: fc.constantFrom(1, 2, 3, null),
    email: fc.constantFrom("ann@example.com", "bea@example.com", null),
    phone: fc.constantFrom("+15555550101", "+15555550102")
  }),
  { selector: ({ id }) => id, minLength: 2, maxLength: 4 }
)

const toldTwice = told.chain((all) => {
  const shuffled = fc.shuffledSubarray(all, { minLength: all.length })
  return fc.tuple(shuffled, shuffled)
})

let requested = 0

const pagesTelling = (all: ReadonlyArray<Told>): ReadonlyArray<Page> =>
  all.map(({ email, id, phone, updated }) => {
    requested += 1
    const fields = { providerId: id, contactId: "p1", updatedAt: updated === null ? null : at(updated) }
    return page(requested, [sighting(fields, { contact: contact({ email, phone }), fingerprint: id })])
  })

it.scoped(
  "describes a contact as the latest of its conversations does, and a repeat in another order writes nothing",
  () =>
    Effect.gen(function* () {
      yield* present
      const runtime = yield* Effect.runtime<Db | Mirror | Ledger>()
      const mirror = yield* Mirror
      const runId = yield* (yield* Ledger).startRun("sync")
      const asked = { runId, lane: "sync", scan: null, keepRaw: "newest", seen: null } as const
      const property = fc.asyncProperty(toldTwice, ([first, second]) =>
        Runtime.runPromise(runtime)(
          Effect.gen(function* () {
            connections += 1
            const connection = `leads-${connections}`
            yield* mirror.register({ ...leads, name: connection })
            const scan = (all: ReadonlyArray<Told>) =>
              mirror.commit({ ...asked, connection, pages: pagesTelling(all) })
            const held = rows(
              "SELECT email, phone, observed_at FROM remote_contacts WHERE connection = ?",
              connection
            )
            yield* scan(first)
            const before = yield* held
            expect(yield* scan(second)).toMatchObject({ inserted: 0, updated: 0 })
            expect(yield* held).toEqual(before)
            const latest = first.reduce((a, b) => ([a.updated ?? 0, a.id] > [b.updated ?? 0, b.id] ? a : b))
            expect(before).toMatchObject([
              latest.email === null ? { phone: latest.phone } : { phone: latest.phone, email: latest.email }
            ])
          })
        )
      )
      yield* Effect.promise(() => fc.assert(property, { numRuns: 60 }))
    }).pipe(Effect.provide(freshStore)),
  120_000
)
