import { it } from "@effect/vitest"
import { Effect } from "effect"
import { describe, expect } from "vitest"
import { Db } from "../../../src/store/Db.ts"
import {
  type ConversationFilter,
  type ListPlace,
  listConversations,
  listIds
} from "../../../src/store/read/conversationList.ts"
import { seededFolder } from "../../support/seededMirror.ts"
import { syncedWorld } from "../../support/syncedWorld.ts"

const everything: ConversationFilter = {
  connection: null,
  status: null,
  channel: null,
  waiting: false,
  among: null,
  since: null,
  until: null
}

/** All ids that a filter lists, in pages of so many. */
const inPages = (filter: Partial<ConversationFilter>, limit: number) =>
  Effect.flatMap(Db, (db) =>
    db.use("test", (session) => {
      const ids: Array<string> = []
      let after: ListPlace | null = null
      do {
        const page: ReturnType<typeof listConversations> = listConversations(
          session,
          { ...everything, ...filter },
          after,
          limit
        )
        ids.push(...page.items.map(({ id }) => id))
        after = page.next
      } while (after !== null)
      return ids
    })
  )

const idsOf = (where: string) =>
  Effect.flatMap(Db, (db) =>
    db.use(
      "test",
      ({ prepare }) =>
        prepare(
          `SELECT id FROM conversations WHERE deleted_at IS NULL AND merged_into IS NULL AND ${where}
           ORDER BY last_message_at IS NULL, last_message_at DESC, id DESC`
        )
          .pluck()
          .all() as Array<string>
    )
  )

describe("the list of conversations", () => {
  it.scopedLive("has each conversation once, the newest first, whatever the size of a page", () =>
    Effect.gen(function* () {
      const { layer } = yield* syncedWorld(["naturalead", "convocore", "empfio", "aelyst"])
      yield* Effect.gen(function* () {
        const all = yield* idsOf("1")
        expect(all.length).toBeGreaterThan(20)
        for (const limit of [1, 7, 1_000]) expect(yield* inPages({}, limit)).toEqual(all)
        for (const connection of ["leads", "salon"]) {
          expect(yield* inPages({ connection }, 3)).toEqual(yield* idsOf(`connection = '${connection}'`))
        }
        for (const status of ["active", "completed", "abandoned", "unknown"]) {
          expect(yield* inPages({ status }, 3)).toEqual(yield* idsOf(`status = '${status}'`))
        }
        const [middle = ""] = (yield* idsOf("1")).slice(10)
        const [at] = yield* Effect.flatMap(Db, (db) =>
          db.use(
            "test",
            ({ prepare }) =>
              prepare("SELECT last_message_at FROM conversations WHERE id = ?").pluck().all(middle) as [never]
          )
        )
        expect(yield* inPages({ since: at }, 4)).toEqual(yield* idsOf(`last_message_at >= '${at}'`))
        expect(yield* inPages({ until: at }, 4)).toEqual(yield* idsOf(`last_message_at < '${at}'`))
        const found = all.slice(3, 9).reverse()
        expect(yield* inPages({ among: found }, 2)).toEqual(found)
        const waiting = yield* inPages({ waiting: true }, 2)
        expect(new Set(waiting)).toEqual(
          new Set(yield* idsOf("id IN (SELECT conversation_id FROM waiting_for_person)"))
        )
        const db = yield* Db
        expect(yield* db.use("test", (session) => listIds(session, everything, 5))).toEqual(all.slice(0, 5))
      }).pipe(Effect.provide(layer))
    })
  )

  it.scopedLive(
    "puts those without a message last, and shows what is wanted before what the provider holds",
    () =>
      Effect.gen(function* () {
        const folder = yield* seededFolder
        yield* Effect.gen(function* () {
          for (const limit of [1, 2]) expect(yield* inPages({}, limit)).toEqual(["leads:a1", "leads:a2"])
          expect(yield* inPages({ status: "active" }, 5)).toEqual([])
          const db = yield* Db
          const { items } = yield* db.use("test", (session) =>
            listConversations(session, everything, null, 1)
          )
          expect(items[0]).toMatchObject({
            ...{ status: "completed", remote_status: "active", change_state: "pending", last_role: "agent" },
            contact: { name: "Ana", email: "ana@example.com", phone: null }
          })
        }).pipe(Effect.provide(Db.layer(`${folder}/mirror.db`, { readOnly: true })))
      })
  )
})
