import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Db } from "../../../src/store/Db.ts"
import type { Outbox } from "../../../src/store/outbox/Outbox.ts"
import { editStatus, emptyMirror, rows } from "../../support/outboxMirror.ts"
import { none, type Setting, setUp } from "../../support/pushDesk.ts"
import type { RefusedAs } from "../../support/vendorTwin.ts"

const test = <A, E>(name: string, body: () => Effect.Effect<A, E, Outbox | Db>) =>
  it.scoped(name, () => Effect.provide(body(), emptyMirror))

/** Changes of so many conversations, all to `completed`. */
const asked = Effect.fn(function* (conversations: number, setting: Setting = {}) {
  const desk = yield* setUp({ conversations, ...setting })
  for (let number = 1; number <= conversations; number += 1)
    yield* editStatus(`desk:c-${number}`, "completed")
  const { provider } = desk.twin
  const { readStatus, setStatus } = provider
  return {
    ...desk,
    /** From now on; null: the provider answers as it should. */
    refuseWrites: (refusal: RefusedAs | null) => {
      Object.assign(provider, {
        setStatus: (change: Parameters<typeof setStatus>[0]) => {
          if (refusal !== null) desk.twin.writeFaults.push(refusal)
          return setStatus(change)
        }
      })
    },
    /** Conversations for which `readStatus` gives what this gives. */
    answerReads: (answer: (providerId: string) => ReturnType<typeof readStatus> | null) => {
      Object.assign(provider, {
        readStatus: (change: Parameters<typeof readStatus>[0]) =>
          answer(change.providerId) ?? readStatus(change)
      })
    }
  }
})

const states = Effect.map(
  rows("SELECT state, count(*) AS changes FROM status_changes GROUP BY state ORDER BY state"),
  (found) =>
    Object.fromEntries(
      (found as ReadonlyArray<{ state: string; changes: number }>).map(({ changes, state }) => [
        state,
        changes
      ])
    )
)

const json = (status: number): RefusedAs => ({ status, form: "json" })

describe("a refusal of every write", () => {
  const codes = [302, 400, 402, 403, 404, 405, 407, 409, 410, 413, 415, 418, 422, 423, 426, 451]
  for (const form of ["json", "empty", "html", "text"] as const) {
    test(`ends no change, whatever its code, and few are tried (${form})`, () =>
      Effect.gen(function* () {
        const { run, refuseWrites, twin } = yield* asked(12)
        for (const status of codes) {
          const before = twin.requests()
          refuseWrites({ status, form })
          const report = yield* run
          expect(report.changes, `${status}`).toEqual({ ...none, pending: 12 })
          expect(report.error, `${status}`).toMatchObject({ status })
          expect(twin.requests() - before, `${status}`).toBeLessThanOrEqual(10)
        }
        refuseWrites(null)
        expect((yield* run).changes).toEqual({ ...none, confirmed: 12 })
      }))
  }

  for (const status of [302, 402, 403, 400, 423]) {
    test(`that begins after some were accepted ends no change either (${status})`, () =>
      Effect.gen(function* () {
        const { run, twin } = yield* asked(12)
        const { setStatus } = twin.provider
        let writes = 0
        Object.assign(twin.provider, {
          setStatus: (change: Parameters<typeof setStatus>[0]) => {
            writes += 1
            if (writes > 5) twin.writeFaults.push(json(status))
            return setStatus(change)
          }
        })
        expect((yield* run).changes).toEqual({ ...none, confirmed: 5, pending: 7 })
        expect(yield* states).toEqual({ confirmed: 5, pending: 7 })
      }))
  }

  test("goes on ending no change while only two of them are due at a time", () =>
    Effect.gen(function* () {
      const { run, refuseWrites, outbox } = yield* asked(5)
      refuseWrites(json(400))
      yield* run
      for (const id of [1, 4, 5]) yield* outbox.cancel(id)
      expect((yield* run).changes).toEqual({ ...none, pending: 2 })
      refuseWrites(null)
      expect((yield* run).changes).toEqual({ ...none, confirmed: 2 })
    }))

  test("whose outcome is unknown stops after a few, though every read succeeds", () =>
    Effect.gen(function* () {
      const { run, twin } = yield* asked(12)
      twin.writeFaults.push(...Array.from({ length: 40 }, () => "5xx lost" as const))
      expect(yield* run).toMatchObject({ changes: { ...none, pending: 12 }, error: { _tag: "Unavailable" } })
      expect(twin.writeFaults.length).toBeGreaterThan(32)
    }))
})

describe("a refusal of one change", () => {
  for (const status of [400, 404, 409, 410, 422]) {
    test(`ends it where the vendor speaks of it, with nothing else to compare (${status})`, () =>
      Effect.gen(function* () {
        const { run, twin } = yield* asked(1)
        twin.writeFaults.push(json(status))
        expect(yield* run).toEqual({
          changes: { ...none, rejected: 1 },
          error: null,
          braked: null,
          cancelled: 0
        })
      }))
  }

  for (const status of [400, 403, 404, 418]) {
    test(`ends it once a later write was accepted (${status})`, () =>
      Effect.gen(function* () {
        const { run, twin } = yield* asked(8)
        twin.writeFaults.push(json(status))
        expect(yield* run).toEqual({
          changes: { ...none, confirmed: 7, rejected: 1 },
          error: null,
          braked: null,
          cancelled: 0
        })
      }))
  }

  test("keeps it where nobody can tell what was meant", () =>
    Effect.gen(function* () {
      const { run, twin } = yield* asked(1)
      for (const refusal of [
        json(403),
        json(412),
        { status: 400, form: "text" },
        { status: 404, form: "empty" }
      ]) {
        twin.writeFaults.push(refusal as RefusedAs)
        expect(yield* run).toMatchObject({
          changes: { ...none, pending: 1 },
          error: { status: refusal.status }
        })
      }
    }))

  test("ends changes that were taken for everyone's trouble once others were accepted, and holds nobody up", () =>
    Effect.gen(function* () {
      const { run, twin, leaping } = yield* asked(8)
      const { setStatus } = twin.provider
      const bad = new Set(["c-1", "c-2", "c-3", "c-4"])
      Object.assign(twin.provider, {
        setStatus: (change: Parameters<typeof setStatus>[0]) => {
          if (bad.has(change.providerId)) twin.writeFaults.unshift(json(422))
          return setStatus(change)
        }
      })
      expect((yield* run).changes).toEqual({ ...none, pending: 8 })
      leaping.advance(1000)
      // What was never refused goes first.
      expect((yield* run).changes).toEqual({ ...none, confirmed: 4, rejected: 4 })
    }))
})

describe("a provider that says of conversations that they do not exist", () => {
  test("is believed of one", () =>
    Effect.gen(function* () {
      const { run, twin } = yield* asked(1)
      twin.remove("c-1")
      expect(yield* run).toEqual({
        changes: { ...none, rejected: 1 },
        error: null,
        braked: null,
        cancelled: 0
      })
    }))

  test("is believed of one among others that it shows", () =>
    Effect.gen(function* () {
      const { run, twin } = yield* asked(8)
      twin.remove("c-3")
      expect(yield* run).toEqual({
        changes: { ...none, confirmed: 7, rejected: 1 },
        error: null,
        braked: null,
        cancelled: 0
      })
    }))

  test("is not believed of all: after a few it is stopped, and every change stays", () =>
    Effect.gen(function* () {
      const { run, twin, answerReads } = yield* asked(12)
      answerReads(() => Effect.succeed(null))
      const report = yield* run
      expect(report.changes).toEqual({ ...none, pending: 12 })
      expect(report.error?.hint).toContain("baseUrl")
      expect(twin.applied).toEqual([])
      answerReads(() => null)
      expect((yield* run).changes).toEqual({ ...none, confirmed: 12 })
    }))

  test("without a word is believed of one only where it shows others", () =>
    Effect.gen(function* () {
      const { run, twin } = yield* asked(1)
      twin.readFaults.push({ status: 404, form: "empty" })
      expect(yield* run).toMatchObject({ changes: { ...none, pending: 1 }, error: { status: 404 } })
      expect(yield* run).toEqual({
        changes: { ...none, confirmed: 1 },
        error: null,
        braked: null,
        cancelled: 0
      })
    }))
})
