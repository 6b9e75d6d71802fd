import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { Effect, TestClock } from "effect"
import type { VendorId } from "../../src/simulator/index.ts"
import { Db } from "../../src/store/Db.ts"
import { pushLane } from "../../src/sync/lanes.ts"
import { run } from "../../src/sync/run.ts"
import { verify } from "../../src/sync/verify.ts"
import { inProcess, makeWorld, pullRun, rowsOf, temporaryFolder } from "../support/inProcess.ts"

/* What was requested by id counts for the scans that follow, and no further than it was read. */

/** Changes an answer; null: it stays as it is. */
type Spoil = (url: string, body: string) => string | null

const makeDesk = (vendor: VendorId) =>
  Effect.gen(function* () {
    const world = yield* makeWorld({
      conversations: { [vendor]: 4 },
      vendors: { [vendor]: { agents: 1 } }
    })
    const { simulator } = world
    const connection = world.connection(vendor)
    const { handle } = simulator
    const desk = { spoil: null as Spoil | null }
    Object.assign(simulator, {
      handle: ((of, request, now) => {
        // Small pages, so that a few conversations make several.
        const url = request.url.replace(/(\/convos\?.*limit=)\d+/, "$12")
        const answer = handle(of, { ...request, url }, now)
        const body = desk.spoil?.(url, String(answer.body)) ?? null
        return body === null ? answer : { ...answer, body }
      }) satisfies typeof handle
    })
    const verified = run({
      command: "verify",
      connections: [connection],
      maxWaitMillis: 1000,
      lanes: [
        {
          lane: "verify",
          work: (opened, runId) =>
            Effect.map(verify(opened, runId, null), ({ stopped }) => ({ fault: stopped }))
        }
      ]
    })
    const pushed = run({
      command: "push",
      connections: [connection],
      maxWaitMillis: 1000,
      lanes: [pushLane]
    })
    const database = join(yield* temporaryFolder, "mirror.db")
    return Object.assign(desk, { connection, verified, pushed, mirror: inProcess(database, simulator) })
  })

const open = rowsOf("SELECT conversation_provider_id, reason FROM quarantine WHERE resolved_at IS NULL")

const messages = rowsOf("SELECT id, position, content FROM messages ORDER BY id")

describe("messages that came as something else", () => {
  for (const [vendor, list] of [
    ["convocore", /\/export\b/],
    ["aelyst", /\/message\/list/]
  ] as const) {
    const html: Spoil = (url) => (list.test(url) ? "<html>busy</html>" : null)

    it.scoped(`to verify are requested again by the next sync (${vendor})`, () =>
      Effect.gen(function* () {
        const desk = yield* makeDesk(vendor)
        const { connection, mirror, verified } = desk
        yield* Effect.gen(function* () {
          yield* pullRun([connection])
          const right = yield* messages
          desk.spoil = html
          yield* verified
          expect((yield* open).length).toBeGreaterThan(0)
          desk.spoil = null
          yield* TestClock.adjust("3 minutes")
          expect((yield* pullRun([connection])).exitCode).toBe(0)
          expect(yield* open).toEqual([])
          expect(yield* messages).toEqual(right)
        }).pipe(Effect.provide(mirror))
      })
    )

    it.scoped(`are requested again after a change of ours (${vendor})`, () =>
      Effect.gen(function* () {
        const desk = yield* makeDesk(vendor)
        const { connection, mirror, pushed } = desk
        yield* Effect.gen(function* () {
          yield* pullRun([connection])
          desk.spoil = html
          yield* pullRun([connection], { full: true })
          expect((yield* open).length).toBeGreaterThan(0)
          desk.spoil = null
          yield* TestClock.adjust("3 minutes")
          const db = yield* Db
          yield* db.use("test.wish", ({ database }) =>
            database.exec(
              "UPDATE conversations SET status = iif(status = 'completed', 'active', 'completed')"
            )
          )
          expect((yield* pushed).exitCode).toBe(0)
          expect((yield* pullRun([connection])).exitCode).toBe(0)
          expect(yield* open).toEqual([])
        }).pipe(Effect.provide(mirror))
      })
    )
  }
})

it.scoped("a full sync that goes on with an old one exports what verify has read meanwhile", () =>
  Effect.gen(function* () {
    const desk = yield* makeDesk("convocore")
    const { connection, mirror, verified } = desk
    yield* Effect.gen(function* () {
      yield* pullRun([connection])
      const right = yield* messages
      desk.spoil = (url) => (/\/convos\?/.test(url) && /page=[2-9]|cursor=/.test(url) ? "" : null)
      expect((yield* pullRun([connection], { full: true })).exitCode).not.toBe(0)
      yield* TestClock.adjust("1 second")
      desk.spoil = (url, body) => (/\/export\b/.test(url) ? turned(body) : null)
      yield* verified
      expect(yield* messages).not.toEqual(right)
      desk.spoil = null
      yield* TestClock.adjust("3 minutes")
      expect((yield* pullRun([connection], { full: true })).exitCode).toBe(0)
      expect(yield* messages).toEqual(right)
    }).pipe(Effect.provide(mirror))
  })
)

/** An export with its turns the other way round. */
const turned = (body: string): string => {
  const answer = JSON.parse(body) as { data: { turns?: Array<unknown> } }
  answer.data.turns?.reverse()
  return JSON.stringify(answer)
}
