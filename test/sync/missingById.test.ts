import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { now } from "../../src/domain/Timestamp.ts"
import { page } from "../../src/providers/kit/page.ts"
import { type VendorId, vendorIds } from "../../src/simulator/index.ts"
import { Mirror } from "../../src/store/mirror/Mirror.ts"
import { openConnection } from "../../src/sync/connection.ts"
import { MissingById } from "../../src/sync/missingById.ts"
import type { Progress } from "../../src/sync/progress.ts"
import { rebuild, retryQuarantine } from "../../src/sync/rebuild.ts"
import { type LaneWork, run } from "../../src/sync/run.ts"
import { rowsOf } from "../support/inProcess.ts"
import { type Handle, opened, replacing } from "../support/openedVendor.ts"

/*
 * Conversations that a vendor lists, and that do not exist when they are requested by their id: one that was deleted in
 * between, one that is listed again and again, and a list whose ids lead nowhere.
 */

const options: Readonly<Record<VendorId, object>> = {
  naturalead: { listMessages: 0 },
  convocore: { agents: 1 },
  empfio: {},
  aelyst: {}
}

const lists: Readonly<Record<VendorId, RegExp>> = {
  naturalead: /\/conversations(\?|$)/,
  convocore: /\/convos(\?|$)/,
  empfio: /\/conversations(\?|$)/,
  aelyst: /\/contact\/list/
}

const idField: Readonly<Record<VendorId, string>> = {
  naturalead: "_id",
  convocore: "ID",
  empfio: "id",
  aelyst: "id"
}

/** The list with other ids of conversations than the vendor knows; all, or this one alone. */
const misnaming = (vendor: VendorId, handle: Handle, only?: string): Handle =>
  replacing(handle, lists[vendor], (body) => {
    const known = only ?? '[^"]+'
    return vendor === "aelyst"
      ? body.replace(new RegExp(`(\\{"id":)(${only ?? "\\d+"})(?=,)`, "g"), "$19$2")
      : body.replace(new RegExp(`(\\{"${idField[vendor]}":")(${known})"`, "g"), '$1$2 "')
  })

/** The id by which such a list shows a conversation. */
const misnamed = (vendor: VendorId, id: string): string => (vendor === "aelyst" ? `9${id}` : `${id} `)

const quarantine = rowsOf<{ kind: string; id: string; open: number; dismissed: number }>(
  `SELECT kind, provider_id AS id, resolved_at IS NULL AS open, dismissed_at IS NOT NULL AS dismissed
   FROM quarantine ORDER BY id`
)

/** One lane of the connection without a provider. */
const offline = (
  one: { readonly connection: Parameters<typeof openConnection>[0] },
  work: LaneWork<Mirror | Progress>["work"]
) =>
  Effect.map(
    run({
      command: "rebuild",
      connections: [one.connection],
      maxWaitMillis: 0,
      lanes: [{ lane: "verify", work }]
    }),
    ({ report }) => report.connections[0]
  )

describe("a list whose ids lead nowhere", () => {
  for (const vendor of vendorIds) {
    for (const verb of [{}, { full: true }, { lane: "backfill" }] as const) {
      it.live(`of ${vendor} leaves a run partial, and stores what it shows: ${JSON.stringify(verb)}`, () =>
        Effect.gen(function* () {
          const { handle, instead, provided, pulled } = yield* opened(vendor, options[vendor])
          instead.answer = misnaming(vendor, handle)
          yield* Effect.gen(function* () {
            const report = yield* pulled(verb)
            expect(report).toMatchObject({
              outcome: "partial",
              error: {
                kind: "incomplete",
                message: expect.stringContaining("do not exist by their id (404)")
              }
            })
            expect(yield* rowsOf("SELECT 1 FROM conversations")).toHaveLength(4)
            expect(yield* rowsOf("SELECT 1 FROM conversations WHERE complete = 1")).toEqual([])
            expect(yield* rowsOf("SELECT 1 FROM covered_ranges")).toEqual([])
          }).pipe(provided)
        }).pipe(Effect.scoped)
      )
    }

    it.live(
      `of ${vendor} is told of for each of them the second time, and settled once the ids are right`,
      () =>
        Effect.gen(function* () {
          const { handle, instead, provided, sync } = yield* opened(vendor, options[vendor])
          yield* Effect.gen(function* () {
            yield* sync()
            instead.answer = misnaming(vendor, handle)
            expect(yield* sync()).toMatchObject({ outcome: "partial" })
            expect(yield* quarantine).toEqual([])
            expect(yield* sync()).toMatchObject({ outcome: "partial", quarantined: 4 })
            expect((yield* quarantine).map(({ kind }) => kind)).toEqual(Array(4).fill("missing-detail"))
            instead.answer = handle
            yield* sync()
            expect((yield* quarantine).filter(({ open }) => open === 1)).toEqual([])
          }).pipe(provided)
        }).pipe(Effect.scoped)
    )
  }
})

describe("a listed conversation that does not exist by its id", () => {
  for (const vendor of vendorIds) {
    it.live(`of ${vendor} was deleted in between: the run is complete, and the next one knows it`, () =>
      Effect.gen(function* () {
        const { handle, instead, provided, sync, world } = yield* opened(vendor, options[vendor])
        const [id = ""] = [...world.conversations.keys()].filter((one) => world.messages(one).length > 0)
        let isListed = false
        instead.answer = (whose, request, at) => {
          const answer = handle(whose, request, at)
          if (lists[vendor].test(request.url)) isListed = true
          else if (isListed && world.conversations.has(id)) world.remove(id)
          return answer
        }
        yield* Effect.gen(function* () {
          expect(yield* sync()).toMatchObject({ outcome: "complete", error: null })
          expect(yield* rowsOf("SELECT deleted_at FROM conversations WHERE provider_id = ?", id)).toEqual([
            { deleted_at: null }
          ])
          expect(yield* sync()).toMatchObject({ outcome: "complete", error: null })
          expect(yield* rowsOf("SELECT 1 FROM conversations WHERE deleted_at IS NOT NULL")).toHaveLength(1)
          expect(yield* quarantine).toEqual([])
        }).pipe(provided)
      }).pipe(Effect.scoped)
    )

    it.live(`of ${vendor} and is listed again goes to quarantine, until it can be dismissed or is gone`, () =>
      Effect.gen(function* () {
        const one = yield* opened(vendor, options[vendor])
        const { handle, instead, provided, sync, world } = one
        const [real = ""] = world.conversations.keys()
        const id = misnamed(vendor, real)
        instead.answer = misnaming(vendor, handle, real)
        const inQuarantine = (open: number, dismissed: number) => [
          { kind: "missing-detail", id, open, dismissed }
        ]
        yield* Effect.gen(function* () {
          expect(yield* sync()).toMatchObject({ outcome: "complete", error: null })
          expect(yield* quarantine).toEqual([])
          expect(yield* sync()).toMatchObject({ outcome: "partial", quarantined: 1 })
          expect(yield* quarantine).toEqual(inQuarantine(1, 0))
          expect(yield* sync()).toMatchObject({ outcome: "partial", quarantined: 1 })
          // What is wrong is not in its payload.
          yield* offline(one, (opened, runId) => Effect.as(rebuild(opened, runId), { fault: null }))
          yield* offline(one, (opened, runId) => Effect.as(retryQuarantine(opened, runId), { fault: null }))
          expect(yield* quarantine).toEqual(inQuarantine(1, 0))
          const [row] = yield* rowsOf<{ id: number }>("SELECT id FROM quarantine")
          yield* Effect.flatMap(Mirror, (mirror) => mirror.dismissQuarantined([row?.id ?? 0]))
          expect(yield* sync()).toMatchObject({ outcome: "complete", quarantined: 0 })
          expect(yield* quarantine).toEqual(inQuarantine(1, 1))
          instead.answer = handle
          expect(yield* sync()).toMatchObject({ outcome: "complete", error: null })
          expect(yield* quarantine).toEqual(inQuarantine(0, 1))
          expect(
            yield* rowsOf(
              "SELECT provider_id FROM conversations WHERE coalesce(deleted_at, merged_into) IS NOT NULL"
            )
          ).toEqual([{ provider_id: id }])
        }).pipe(provided)
      }).pipe(Effect.scoped)
    )

    it.live(`of ${vendor} is not shown and hidden in turns by sync and verify without a word`, () =>
      Effect.gen(function* () {
        const { handle, instead, provided, sync, verify, world } = yield* opened(vendor, options[vendor])
        const [real = ""] = world.conversations.keys()
        instead.answer = misnaming(vendor, handle, real)
        yield* Effect.gen(function* () {
          yield* sync()
          expect((yield* verify).verdict?.gone).toEqual([misnamed(vendor, real)])
          expect(yield* sync()).toMatchObject({ outcome: "partial", quarantined: 1 })
        }).pipe(provided)
      }).pipe(Effect.scoped)
    )

    it.live(`of ${vendor} makes check say so, where none that it asks for does`, () =>
      Effect.gen(function* () {
        const { connection, handle, instead, provided } = yield* opened(vendor, options[vendor])
        const faults = Effect.gen(function* () {
          const { provider } = yield* openConnection(connection, "sync", {
            maxWaitMillis: 0,
            observe: () => {}
          })
          const findings = yield* provider.check({ messages: true })
          return findings.flatMap(({ detail, ok }) => (ok ? [] : [detail]))
        }).pipe(Effect.scoped)
        yield* Effect.gen(function* () {
          expect(yield* faults).toEqual([])
          instead.answer = misnaming(vendor, handle)
          expect(yield* faults).toEqual([expect.stringContaining("do not exist by their id (404)")])
        }).pipe(provided)
      }).pipe(Effect.scoped)
    )
  }
})

it.live(
  "what naturalead lists whole is requested by its id once it was said to be gone, and then told of",
  () =>
    Effect.gen(function* () {
      const { handle, instead, provided, sync, verify, world } = yield* opened("naturalead")
      const [real = ""] = world.conversations.keys()
      instead.answer = misnaming("naturalead", handle, real)
      yield* Effect.gen(function* () {
        expect(yield* sync()).toMatchObject({ outcome: "complete" })
        expect((yield* verify).verdict?.gone).toEqual([misnamed("naturalead", real)])
        expect(yield* sync()).toMatchObject({ outcome: "partial", quarantined: 1 })
        expect(yield* quarantine).toMatchObject([{ kind: "missing-detail", open: 1 }])
      }).pipe(provided)
    }).pipe(Effect.scoped)
)

it.live("what can be exported of convocore, and is missing by its id, is exported once", () =>
  Effect.gen(function* () {
    const { handle, instead, provided, sync, world } = yield* opened("convocore", {
      agents: 1,
      thinRows: false
    })
    const [id = ""] = [...world.conversations.keys()].filter((one) => world.messages(one).length > 0)
    let exports = 0
    instead.answer = (whose, request, at) => {
      if (request.url.includes("/export")) exports += 1
      const answer = handle(whose, request, at)
      return request.url.endsWith(`/convos/${id}`)
        ? { ...answer, status: 404, body: '{"code":"NOT_FOUND"}' }
        : answer
    }
    yield* Effect.gen(function* () {
      expect(yield* sync()).toMatchObject({ outcome: "complete", messages: expect.any(Number) })
      expect(yield* rowsOf("SELECT complete FROM conversations WHERE provider_id = ?", id)).toEqual([
        { complete: 1 }
      ])
      expect(yield* sync()).toMatchObject({ outcome: "partial", quarantined: 1 })
      exports = 0
      expect(yield* sync()).toMatchObject({ outcome: "partial", quarantined: 1 })
      expect(exports).toBe(0)
    }).pipe(provided)
  }).pipe(Effect.scoped)
)

describe("a list that leaves out conversations which exist by their id", () => {
  for (const vendor of vendorIds) {
    it.live(`of ${vendor} leaves the run partial where they are many, and is believed of two`, () =>
      Effect.gen(function* () {
        const { handle, instead, provided, sync, world } = yield* opened(vendor, options[vendor], 8)
        const held = world.conversations as Map<string, object>
        const leavingOut = (ids: ReadonlyArray<string>): Handle => {
          const shown = new Map(held)
          for (const id of ids) shown.delete(id)
          return (whose, request, at) => {
            const all = new Map(held)
            if (lists[vendor].test(request.url)) {
              for (const id of held.keys()) if (!shown.has(id)) held.delete(id)
              world.changed()
            }
            const answer = handle(whose, request, at)
            const body = typeof answer.body === "string" ? answer.body : [...answer.body].join("")
            held.clear()
            for (const [id, one] of all) held.set(id, one)
            world.changed()
            return { ...answer, body }
          }
        }
        const spoken = [...held.keys()].filter((id) => world.messages(id).length > 0)
        yield* Effect.gen(function* () {
          yield* sync()
          instead.answer = leavingOut(spoken.slice(0, 2))
          expect(yield* sync()).toMatchObject({ outcome: "complete", error: null })
          instead.answer = leavingOut(spoken.slice(0, 3))
          expect(yield* sync()).toMatchObject({
            outcome: "partial",
            error: {
              message: expect.stringContaining("leaves out 3 conversations that exist by their id, of 8")
            }
          })
          expect(yield* rowsOf("SELECT 1 FROM covered_ranges")).toEqual([])
          expect(yield* rowsOf("SELECT 1 FROM conversations WHERE deleted_at IS NOT NULL")).toEqual([])
        }).pipe(provided)
      }).pipe(Effect.scoped)
    )
  }

  it.live("of convocore are not counted that are of agents which are no longer read", () =>
    Effect.gen(function* () {
      const { connection, provided, pulledBy, simulator } = yield* opened("convocore", { agents: 2 }, 12)
      const { world } = simulator.vendors.convocore
      const [id = ""] = world.conversations.keys()
      const settings = { ...connection.settings, agents: [world.agentOf(id)] }
      yield* Effect.gen(function* () {
        expect(yield* pulledBy(connection)).toMatchObject({ outcome: "complete" })
        expect(yield* pulledBy({ ...connection, settings })).toMatchObject({
          outcome: "complete",
          error: null
        })
      }).pipe(provided)
    }).pipe(Effect.scoped)
  )
})

describe("how many may have been deleted between the list and the details", () => {
  const exchange = {
    operation: "get a conversation",
    method: "GET",
    path: "/1",
    status: 404,
    requestedAt: 0,
    receivedAt: 0,
    bytes: 0
  }
  const ids = (count: number) => Array.from({ length: count }, (_, index) => `c${index}`)
  const taken = (found: number, missing: number) => {
    const scan = new MissingById(new Map(), true)
    scan.take(page({ exchange, items: [], soughtById: { found, missing: ids(missing) } }), () => false)
    return scan.shortfall
  }

  it("is one of one, two of more, and two in a hundred", () => {
    for (const [found, missing] of [
      [0, 0],
      [0, 1],
      [1, 2],
      [200, 4],
      [1_000, 20]
    ] as const) {
      expect({ found, missing, shortfall: taken(found, missing) }).toEqual({
        found,
        missing,
        shortfall: null
      })
    }
    for (const [found, missing] of [
      [0, 2],
      [3, 3],
      [97, 3],
      [1_000, 21]
    ] as const) {
      expect(taken(found, missing)?.message).toContain(`lists ${missing} conversations`)
      expect(taken(found, missing)?.message).toContain(`of ${found + missing} that were requested`)
    }
  })

  it("is remembered as digests, of a part of the list beside those that were missing before", () => {
    const end = { complete: true, reason: null }
    const scanned = (
      isWhole: boolean,
      learned: Readonly<Record<string, string>>,
      missing: ReadonlyArray<string>
    ) => {
      const known = Object.entries(learned).map(([name, value]) => [name, { value, at: now(0) }] as const)
      const scan = new MissingById(new Map(known), isWhole)
      return scan.take(page({ exchange, items: [], end, soughtById: { found: 9, missing } }), () => false)
    }
    const first = scanned(true, {}, ["a"])
    expect(JSON.stringify(first.learned)).not.toContain('"a"')
    expect(first.items).toEqual([])
    const faults = (learned: Readonly<Record<string, string>>, id: string) =>
      scanned(true, learned, [id]).items.length
    const part = scanned(false, first.learned, ["b"])
    expect([faults(part.learned, "a"), faults(part.learned, "b")]).toEqual([1, 1])
    const whole = scanned(true, first.learned, ["b"])
    expect([faults(whole.learned, "a"), faults(whole.learned, "b")]).toEqual([0, 1])
    expect(faults({ "missing-by-id": "{no list" }, "a")).toBe(0)
  })
})

describe("what the list alone said of a conversation, since its details were missing by then", () => {
  const cases = [
    { vendor: "empfio", thin: {}, list: "conversations", id: "id", status: "status", word: "escalated" },
    {
      vendor: "convocore",
      thin: { agents: 1, thinRows: false },
      list: "data",
      id: "ID",
      status: "state",
      word: "requested_chat"
    }
  ] as const
  for (const { id, list, status, thin, vendor, word } of cases) {
    it.live(`is the later word in a rebuild, too: ${vendor}`, () =>
      Effect.gen(function* () {
        const one = yield* opened(vendor, thin)
        const { handle, instead, provided, sync, world } = one
        const [chosen = ""] = world.conversations.keys()
        const shown = rowsOf(
          "SELECT provider_status, status, title, attributes, declared_messages FROM conversations WHERE provider_id = ?",
          chosen
        )
        const texts = rowsOf("SELECT content FROM messages WHERE conversation_id LIKE ?", `%:${chosen}`)
        const changed = replacing(handle, lists[vendor], (body) => {
          const answer = JSON.parse(body)
          for (const row of answer[list]) if (row[id] === chosen) row[status] = word
          return JSON.stringify(answer)
        })
        yield* Effect.gen(function* () {
          expect(yield* sync()).toMatchObject({ outcome: "complete" })
          const before = yield* texts
          instead.answer = (whose, request, at) => {
            const answer = changed(whose, request, at)
            return request.url.includes(`/${chosen}`) ? { ...answer, status: 404, body: "{}" } : answer
          }
          yield* sync()
          const listed = yield* shown
          expect(listed).toMatchObject([{ provider_status: word }])
          yield* offline(one, rebuild)
          expect(yield* shown).toEqual(listed)
          expect(yield* texts).toEqual(before)
          // Its details again, with the same text as before: then they have the last word again.
          instead.answer = changed
          expect(yield* sync()).toMatchObject({ outcome: "complete" })
          const whole = yield* shown
          expect(whole).not.toMatchObject([{ provider_status: word }])
          yield* offline(one, rebuild)
          expect(yield* shown).toEqual(whole)
        }).pipe(provided)
      }).pipe(Effect.scoped)
    )
  }
})
