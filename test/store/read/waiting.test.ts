import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { Db } from "../../../src/store/Db.ts"
import { whoWaits } from "../../../src/store/read/waiting.ts"
import { rowsOf } from "../../support/inProcess.ts"
import { syncedWorld } from "../../support/syncedWorld.ts"

describe("who waits for a person", () => {
  it.scoped("is listed longest first, with the last words, and the rest is counted", () =>
    Effect.gen(function* () {
      const { layer } = yield* syncedWorld(["convocore", "naturalead"], { conversations: 40 })
      yield* Effect.gen(function* () {
        const db = yield* Db
        const waits = (connection: string | null, limit: number) =>
          db.use("test", (session) => whoWaits(session, { connection, limit }))
        const all = yield* waits(null, 1000)
        expect(all.waiting.length).toBeGreaterThan(3)
        expect(all.total).toBe(all.waiting.length)
        const since = all.waiting.map(({ waiting_since }) => waiting_since ?? "~")
        expect(since).toEqual([...since].sort())
        for (const { conversation_id, last_role, last_words } of all.waiting) {
          const [last] = yield* rowsOf<{ role: string; content: string }>(
            "SELECT role, content FROM messages WHERE conversation_id = ? AND content <> '' ORDER BY position DESC LIMIT 1",
            conversation_id
          )
          expect(last_role).toBe(last?.role ?? null)
          expect(last_words).toBe(last?.content ?? null)
          expect(last_role).not.toBe("human")
        }
        expect(yield* waits(null, 2)).toEqual({ total: all.total, waiting: all.waiting.slice(0, 2) })
        const [one] = all.waiting
        const ofOne = yield* waits(one?.connection ?? "", 1000)
        expect(ofOne.total).toBeLessThan(all.total)
        expect(ofOne.waiting.every(({ connection }) => connection === one?.connection)).toBe(true)
      }).pipe(Effect.provide(layer))
    })
  )
})
