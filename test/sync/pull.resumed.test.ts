import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { Effect, TestClock } from "effect"
import type { Simulator } from "../../src/simulator/index.ts"
import { inProcess, makeWorld, pullRun, rowsOf, temporaryFolder } from "../support/inProcess.ts"

/* A sync that goes on with one that was interrupted: what the first one had read may have changed since. */

type Handle = Simulator["handle"]

/** Small pages, so that a few conversations make several. */
const inPagesOf = (rows: number, handle: Handle, change: (url: string) => string | null): Handle => {
  return (vendor, request, now) => {
    const url = request.url.replace(/([?&](?:size|limit)=)\d+/, `$1${rows}`)
    const answer = handle(vendor, { ...request, url }, now)
    const body = change(url)
    return body === null ? answer : { ...answer, body }
  }
}

describe("a sync that goes on with an interrupted one", () => {
  for (const [vendor, list, further, thinRows] of [
    ["convocore", /\/convos\?/, /page=[2-9]|cursor=/, false],
    ["convocore", /\/convos\?/, /page=[2-9]|cursor=/, true],
    ["empfio", /\/conversations\?/, /page=[2-9]/, false],
    ["aelyst", /\/contact\/list/, /cursorId=/, false]
  ] as const) {
    const inWords = `${vendor}${thinRows ? ", whose rows do not show it" : ""}`
    it.scoped(`shows what changed since in the pages that the first one had read (${inWords})`, () =>
      Effect.gen(function* () {
        const world = yield* makeWorld({
          conversations: { [vendor]: 9 },
          vendors: { [vendor]: { thinRows } }
        })
        const { simulator } = world
        const connection = world.connection(vendor)
        const database = join(yield* temporaryFolder, "mirror.db")
        const { handle } = simulator
        let isBroken = false
        Object.assign(simulator, {
          handle: inPagesOf(3, handle, (url) =>
            isBroken && list.test(url) && further.test(url) ? "<html>busy</html>" : null
          )
        })
        const mirror = inProcess(database, simulator)
        const ids = Effect.map(
          rowsOf<{ id: string }>("SELECT provider_id AS id FROM conversations ORDER BY 1"),
          (rows) => rows.map(({ id }) => id)
        )
        const words = Effect.map(
          rowsOf<{ id: string; word: string }>(
            "SELECT provider_id AS id, provider_status AS word FROM conversations"
          ),
          (rows) => Object.fromEntries(rows.map(({ id, word }) => [id, word]))
        )
        yield* Effect.gen(function* () {
          isBroken = true
          expect((yield* pullRun([connection])).exitCode).toBe(3)
          const read = yield* ids
          expect(read.length).toBeGreaterThan(0)
          expect(read.length).toBeLessThan(9)
          isBroken = false
          yield* TestClock.adjust("3 minutes")
          const { world: account } = simulator.vendors[vendor]
          const before = yield* words
          for (const id of read) {
            const word = account.statuses.find((one) => one !== before[id]) ?? ""
            account.setStatus(id, word, Date.UTC(2026, 2, 9, 8, 3))
            before[id] = word
          }
          expect((yield* pullRun([connection])).exitCode).toBe(0)
          expect(yield* words).toMatchObject(before)
          expect(yield* ids).toHaveLength(9)
        }).pipe(Effect.provide(mirror))
      })
    )
  }
})
