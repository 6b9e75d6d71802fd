import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { Db } from "../../../src/store/Db.ts"
import { findConversation } from "../../../src/store/read/findConversation.ts"
import { addConnection, addConversation, emptyMirror, rows } from "../../support/outboxMirror.ts"

const seed = Effect.gen(function* () {
  yield* addConnection("desk")
  yield* addConnection("inbox")
  const ana = { id: "k1", email: "Ana@example.com", phone: "+49 (30) 1234-5" }
  yield* addConversation("desk", "66f2c0de", "active", "open", ana)
  yield* addConversation("desk", "66f2ffff", "active", "open", ana)
  yield* addConversation("inbox", "12", "active", "open", { id: "k2", phone: "+49 30 999" })
  yield* addConversation("inbox", "123", "active", "open", {
    id: "k3",
    email: "bo@example.com",
    phone: "+4930777"
  })
  yield* addConversation("inbox", "66f2c0de", "active", "open")
})

const find = (id: string, byPrefix = true) =>
  Effect.flatMap(Db, (db) => db.use("test", (session) => findConversation(session, id, { byPrefix })))

describe("a conversation is found", () => {
  it.scoped.each([
    ["desk:66f2c0de", "desk:66f2c0de"],
    ["desk:66f2c", "desk:66f2c0de"],
    ["66f2f", "desk:66f2ffff"],
    ["123", "inbox:123"],
    // The whole of an id, where a longer one begins so, too.
    ["inbox:12", "inbox:12"],
    ["12", "inbox:12"],
    ["inbox:phone:+4930999", "inbox:12"],
    ["phone:+49-30-999", "inbox:12"],
    // Stored as plainly as it is looked up.
    ["phone:+49 (30) 777", "inbox:123"],
    ["email:Bo@Example.com", "inbox:123"]
  ] as const)("%s is %s", ([written, id]) =>
    Effect.gen(function* () {
      yield* seed
      expect(yield* find(written)).toMatchObject({ id })
    }).pipe(Effect.provide(emptyMirror))
  )

  it.scoped.each([
    ["66f2", "3 ids begin with `66f2`", "`desk:66f2c0de` (active)"],
    ["desk:66f2", "2 ids begin with `desk:66f2`", "`desk:66f2ffff` (active)"],
    [
      "66f2c0de",
      "`66f2c0de` is the id of 2 conversations, at different connections",
      "`inbox:66f2c0de` (active)"
    ],
    ["email:ana@example.com", "that address belongs to 2 conversations of the mirror", "desk:66f2ffff"],
    ["other:email:ana@example.com", "there is no connection `other` in the mirror", "`desk`, `inbox`"],
    [
      "phone:+1",
      "no conversation of the mirror belongs to that number",
      "SELECT id, email, phone FROM contacts."
    ],
    [
      "desk:66f2c0ed",
      "there is no conversation `desk:66f2c0ed` in the mirror",
      "Did you mean `desk:66f2c0de`"
    ],
    ["", "there is no conversation `` in the mirror", "Ids are written"],
    ["desk:", "there is no conversation `desk:` in the mirror", ""]
  ] as const)("%s is not, and what may be meant is said", ([written, message, hint]) =>
    Effect.gen(function* () {
      yield* seed
      const found = yield* find(written)
      expect(found).toMatchObject({ message, hint: expect.stringContaining(hint) })
    }).pipe(Effect.provide(emptyMirror))
  )

  it.scoped("by its whole id alone where it is to be changed", () =>
    Effect.gen(function* () {
      yield* seed
      expect(yield* find("desk:66f2c0d", false)).toMatchObject({
        message: "there is no conversation `desk:66f2c0d` in the mirror"
      })
      expect(yield* find("12", false)).toMatchObject({ hint: "Did you mean `inbox:12`?" })
      expect(yield* rows("SELECT count(*) AS n FROM status_changes")).toEqual([{ n: 0 }])
    }).pipe(Effect.provide(emptyMirror))
  )
})
