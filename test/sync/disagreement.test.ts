import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { vendorIds } from "../../src/simulator/index.ts"
import { rowsOf } from "../support/inProcess.ts"
import { opened, replacing } from "../support/openedVendor.ts"

/*
 * Answers of one vendor that do not fit together: a list and a detail that say different things, a contact that has lost
 * what it had, a list that verify cannot read.
 */

describe("a list and a detail that say different things", () => {
  for (const [vendor, word, detail] of [
    ["naturalead", "status", /\/conversations\/[^/?]+$/],
    ["empfio", "status", /\/conversations\/[^/?]+$/],
    ["convocore", "state", /\/convos\/[^/?]+$/]
  ] as const) {
    it.live(`of ${vendor} about a status are both read again, until they agree`, () =>
      Effect.gen(function* () {
        const { handle, instead, provided, sync } = yield* opened(vendor, {
          thinRows: false,
          listMessages: 0
        })
        instead.answer = replacing(handle, detail, (body) =>
          body.replace(new RegExp(`"${word}":"[^"]*"`), `"${word}":"misheard"`)
        )
        const words = Effect.map(
          rowsOf<{ word: string }>("SELECT DISTINCT provider_status AS word FROM conversations"),
          (rows) => rows.map((row) => row.word)
        )
        yield* Effect.gen(function* () {
          yield* sync()
          expect(yield* words).toContain("misheard")
          instead.answer = handle
          yield* sync()
          expect(yield* words).not.toContain("misheard")
          const settled = yield* sync()
          expect(settled).toMatchObject({ outcome: "complete", updated: 0 })
        }).pipe(provided)
      }).pipe(Effect.scoped)
    )
  }

  for (const [vendor, detail] of [
    ["naturalead", /\/conversations\/[^/?]+$/],
    ["empfio", /\/conversations\/[^/?]+$/],
    ["convocore", /\/convos\/[^/?]+$/]
  ] as const) {
    it.live(`of ${vendor}, the detail being the older, are both read again with the next list`, () =>
      Effect.gen(function* () {
        const { handle, instead, provided, sync, world } = yield* opened(vendor, { listMessages: 0 })
        const before = new Map<string, ReturnType<typeof handle>>()
        const times = rowsOf("SELECT provider_id, updated_at, last_message_at FROM conversations ORDER BY 1")
        yield* Effect.gen(function* () {
          instead.answer = (vendor, request, now) => {
            const answer = handle(vendor, request, now)
            if (detail.test(request.url)) before.set(request.url, answer)
            return answer
          }
          yield* sync()
          const first = yield* times
          for (const id of world.conversations.keys()) world.addMessage(id, Date.now())
          instead.answer = (vendor, request, now) =>
            (detail.test(request.url) ? before.get(request.url) : undefined) ?? handle(vendor, request, now)
          yield* sync()
          instead.answer = handle
          yield* sync()
          const later = yield* times
          for (const [index, row] of later.entries()) expect(row).not.toEqual(first[index])
          yield* sync(true)
          expect(yield* times).toEqual(later)
          const settled = yield* sync()
          expect(settled).toMatchObject({ outcome: "complete", updated: 0 })
        }).pipe(provided)
      }).pipe(Effect.scoped)
    )
  }

  it.live("of empfio about whose conversation it is give no one the email of another lead", () =>
    Effect.gen(function* () {
      const { handle, instead, provided, sync } = yield* opened("empfio")
      instead.answer = replacing(handle, /\/conversations\?/, (body) => {
        const list = JSON.parse(body) as { conversations: Array<Record<string, unknown>> }
        for (const row of list.conversations) {
          row.lead_id = "00000000-0000-4000-8000-000000000001"
          row.lead = { id: row.lead_id, name: "Somebody Else", email: "somebody@else.example" }
        }
        return JSON.stringify(list)
      })
      yield* Effect.gen(function* () {
        yield* sync()
        expect(yield* rowsOf("SELECT id FROM contacts WHERE email = 'somebody@else.example'")).toEqual([])
      }).pipe(provided)
    }).pipe(Effect.scoped)
  )
})

describe("a contact that is the vendor's own record", () => {
  it.live("loses in the mirror what it has lost there", () =>
    Effect.gen(function* () {
      const { provided, sync, world } = yield* opened("aelyst")
      yield* Effect.gen(function* () {
        yield* sync()
        for (const contact of world.conversations.values()) {
          Object.assign(contact, { phone: null, email: null, lastName: null, custom_fields: null })
        }
        yield* sync()
        const held = yield* rowsOf<{ attributes: string }>(
          "SELECT email, phone, attributes FROM contacts WHERE email IS NOT NULL OR phone IS NOT NULL OR attributes LIKE '%lastName%' OR attributes LIKE '%custom_fields%'"
        )
        expect(held).toEqual([])
      }).pipe(provided)
    }).pipe(Effect.scoped)
  )
})

describe("a contact of several conversations", () => {
  it.live("is described by the latest of those that are still there", () =>
    Effect.gen(function* () {
      const { provided, sync, world } = yield* opened("naturalead")
      const [first = "", second = ""] = [...world.conversations.keys()]
      const told = (id: string, leadEmail: string, updatedAt: string) =>
        Object.assign(world.conversations.get(id) ?? {}, { leadId: "77", leadEmail, updatedAt })
      told(first, "now@example.com", "2026-03-08T10:00:00.000Z")
      told(second, "gone@example.com", "2026-03-08T12:00:00.000Z")
      const email = Effect.map(
        rowsOf<{ email: string }>("SELECT email FROM contacts WHERE provider_id = '77'"),
        (rows) => rows.map((row) => row.email)
      )
      yield* Effect.gen(function* () {
        yield* sync()
        expect(yield* email).toEqual(["gone@example.com"])
        world.remove(second)
        yield* sync(true)
        expect(yield* sync()).toMatchObject({ outcome: "complete" })
        expect(yield* email).toEqual(["now@example.com"])
      }).pipe(provided)
    }).pipe(Effect.scoped)
  )
})

describe("a listed conversation of convocore that is missing by its id for once", () => {
  for (const access of ["allowed", "addon"]) {
    it.live(`keeps the status that was read of it, which its row does not say (exports: ${access})`, () =>
      Effect.gen(function* () {
        const { handle, instead, provided, sync, world } = yield* opened("convocore", {
          thinRows: true,
          access
        })
        const words = rowsOf("SELECT provider_id, provider_status, title FROM conversations ORDER BY 1")
        yield* Effect.gen(function* () {
          yield* sync()
          const before = yield* words
          for (const id of world.conversations.keys()) world.addMessage(id, Date.now())
          instead.answer = (vendor, request, now) =>
            /\/convos\/[^/?]+$/.test(request.url)
              ? { ...handle(vendor, request, now), status: 404 }
              : handle(vendor, request, now)
          yield* sync(true)
          expect(yield* words).toEqual(before)
          instead.answer = handle
          const [id = ""] = world.conversations.keys()
          world.setStatus(id, "ended_chat", Date.now())
          yield* sync()
          expect(yield* words).toContainEqual(
            expect.objectContaining({ provider_id: id, provider_status: "ended_chat" })
          )
        }).pipe(provided)
      }).pipe(Effect.scoped)
    )
  }
})

describe("a record that cannot be read for once", () => {
  for (const vendor of vendorIds) {
    it.live(`of ${vendor} is out of quarantine once it is shown as it was before`, () =>
      Effect.gen(function* () {
        const { handle, instead, provided, sync } = yield* opened(vendor, { thinRows: false })
        const open = rowsOf("SELECT id FROM quarantine WHERE resolved_at IS NULL")
        yield* Effect.gen(function* () {
          yield* sync()
          instead.answer = replacing(handle, /./, (body) =>
            body.replace(/"(createdAt|created_at|ts)": ?("[^"]*"|\d+)/g, '"$1":{"is":"odd"}')
          )
          yield* sync()
          yield* sync()
          expect((yield* open).length).toBeGreaterThan(0)
          instead.answer = handle
          expect(yield* sync()).toMatchObject({ outcome: "complete", updated: 0 })
          expect(yield* open).toEqual([])
        }).pipe(provided)
      }).pipe(Effect.scoped)
    )
  }
})

describe("what verify could not read", () => {
  it.live("of empfio's list makes it say so, although the details could be read", () =>
    Effect.gen(function* () {
      const { handle, instead, provided, sync, verify } = yield* opened("empfio")
      yield* Effect.gen(function* () {
        expect(yield* sync()).toMatchObject({ outcome: "complete" })
        instead.answer = replacing(handle, /lead_id=/, () => "<!doctype html><p>Please sign in")
        expect(yield* verify).toMatchObject({ outcome: "partial", error: { kind: "quarantined" } })
        instead.answer = handle
        expect(yield* verify).toMatchObject({ outcome: "complete" })
        expect(yield* rowsOf("SELECT id FROM quarantine WHERE resolved_at IS NULL")).toEqual([])
      }).pipe(provided)
    }).pipe(Effect.scoped)
  )

  for (const vendor of vendorIds) {
    it.live(`of ${vendor}, though the mirror holds nothing else of it, is requested and said`, () =>
      Effect.gen(function* () {
        const { handle, instead, provided, sync, verify } = yield* opened(vendor, { thinRows: false })
        const broken = replacing(handle, /./, (body) =>
          body.replace(
            /"(createdAt|created_at|ts|firstMessageTS|lastModified)": ?("[^"]*"|\d+)/g,
            '"$1":{"is":"odd"}'
          )
        )
        yield* Effect.gen(function* () {
          instead.answer = broken
          yield* sync()
          expect(yield* rowsOf("SELECT id FROM conversations")).toEqual([])
          const stored = yield* rowsOf("SELECT id FROM quarantine WHERE resolved_at IS NULL")
          expect(stored.length).toBeGreaterThan(0)
          for (const _time of [1, 2]) {
            const { verdict } = yield* verify
            expect(verdict).toMatchObject({ held: 0, repaired: [] })
            expect(verdict?.quarantined).toBeGreaterThanOrEqual(stored.length)
          }
          instead.answer = handle
          expect((yield* verify).verdict).toMatchObject({ held: 0, repaired: { length: 4 }, quarantined: 0 })
          expect((yield* verify).verdict).toMatchObject({ held: 4, repaired: [], quarantined: 0 })
          expect(yield* rowsOf("SELECT id FROM conversations")).toHaveLength(4)
        }).pipe(provided)
      }).pipe(Effect.scoped)
    )
  }
})

describe("details that come without a row of the list", () => {
  for (const [vendor, word, changed] of [
    ["empfio", "status", "completed"],
    ["convocore", "state", "resolved"]
  ] as const) {
    it.live(`of ${vendor} count, and not the row that is stored`, () =>
      Effect.gen(function* () {
        const { handle, instead, provided, sync, verify, world } = yield* opened(vendor, { listMessages: 0 })
        const [id = ""] = world.conversations.keys()
        yield* Effect.gen(function* () {
          yield* sync()
          Object.assign(world.conversations.get(id) ?? {}, { [word]: changed })
          world.changed()
          instead.answer = replacing(handle, /[?&]lead_id=/, () => '{"conversations":[],"total":0}')
          yield* verify
          const [row] = yield* rowsOf(
            `SELECT provider_status AS word FROM conversations WHERE provider_id = '${id}'`
          )
          expect(row).toEqual({ word: changed })
        }).pipe(provided)
      }).pipe(Effect.scoped)
    )
  }
})

describe("a conversation that the vendor has changed, to verify", () => {
  for (const [what, updatedAt, is] of [
    ["has changed since", new Date(Date.now() - 60_000).toISOString(), "outdated"],
    ["was wrong here, where its time is ahead of the clock", "2100-01-01T00:00:00.000Z", "repaired"]
  ] as const) {
    it.live(what, () =>
      Effect.gen(function* () {
        const { provided, sync, verify, world } = yield* opened("naturalead")
        const [id = ""] = world.conversations.keys()
        yield* Effect.gen(function* () {
          yield* sync()
          Object.assign(world.conversations.get(id) ?? {}, {
            status: "dropped",
            updatedAt,
            summary: "other words"
          })
          world.changed()
          const { verdict } = yield* verify
          expect([verdict?.repaired, verdict?.outdated]).toEqual(is === "outdated" ? [[], 1] : [[id], 0])
        }).pipe(provided)
      }).pipe(Effect.scoped)
    )
  }
})
