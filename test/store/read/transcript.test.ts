import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { Db } from "../../../src/store/Db.ts"
import {
  type TranscriptMessage,
  transcriptHead,
  transcriptPage,
  transcriptPayloads
} from "../../../src/store/read/transcript.ts"
import { rowsOf } from "../../support/inProcess.ts"
import { syncedWorld } from "../../support/syncedWorld.ts"

const longest = rowsOf<{ id: string; stored_messages: number }>(
  "SELECT id, stored_messages FROM conversations ORDER BY stored_messages DESC, id LIMIT 1"
)

describe("a transcript", () => {
  it.scoped("is read in pages of any size, from either end, and no message is skipped or repeated", () =>
    Effect.gen(function* () {
      const { layer } = yield* syncedWorld(["convocore"])
      yield* Effect.gen(function* () {
        const db = yield* Db
        const [conversation] = yield* longest
        const id = conversation?.id ?? ""
        const whole = yield* rowsOf<{ id: string }>(
          "SELECT id FROM messages WHERE conversation_id = ? ORDER BY position",
          id
        )
        expect(whole.length).toBeGreaterThan(4)
        for (const limit of [1, 2, 3, whole.length, whole.length + 1]) {
          const backwards: Array<TranscriptMessage> = []
          let before: number | null | undefined
          while (before !== null) {
            const page = yield* db.use("test", (session) =>
              transcriptPage(session, id, { limit, ...(before === undefined ? {} : { before: before ?? 0 }) })
            )
            expect(page.messages.length).toBeLessThanOrEqual(limit)
            expect(page.later === null).toBe(before === undefined)
            backwards.unshift(...page.messages)
            before = page.earlier
          }
          const forwards: Array<TranscriptMessage> = []
          let after: number | null = -1
          while (after !== null) {
            const from: number = after
            const page = yield* db.use("test", (session) =>
              transcriptPage(session, id, { limit, after: from })
            )
            expect(page.earlier === null).toBe(from < 0)
            forwards.push(...page.messages)
            after = page.later
          }
          expect(backwards.map((message) => message.id)).toEqual(whole.map((row) => row.id))
          expect(forwards).toEqual(backwards)
        }
      }).pipe(Effect.provide(layer))
    })
  )

  it.scoped(
    "has at its head what the conversation is, with its contact and the payloads it was made from",
    () =>
      Effect.gen(function* () {
        const { layer } = yield* syncedWorld(["empfio"])
        yield* Effect.gen(function* () {
          const db = yield* Db
          const [expected] = yield* rowsOf<{ id: string; name: string; provider_id: string }>(
            `SELECT c.id, c.provider_id, k.name FROM conversations c JOIN contacts k ON k.id = c.contact_id
           WHERE k.name IS NOT NULL ORDER BY c.id LIMIT 1`
          )
          const { head, none, payloads } = yield* db.use("test", (session) => {
            const head = transcriptHead(session, expected?.id ?? "")
            return {
              head,
              none: transcriptHead(session, "leads:no such"),
              payloads: head === null ? [] : transcriptPayloads(session, head)
            }
          })
          expect(head).toMatchObject({
            id: expected?.id,
            provider: "empfio",
            contact: { name: expected?.name },
            tags: expect.any(Array)
          })
          expect(none).toBe(null)
          expect(payloads.length).toBeGreaterThan(0)
          expect(payloads.every(({ payload }) => JSON.parse(payload) !== null)).toBe(true)
          expect(payloads.some(({ payload }) => payload.includes(expected?.provider_id ?? "?"))).toBe(true)
        }).pipe(Effect.provide(layer))
      })
  )
})
