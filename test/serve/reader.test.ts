import { copyFileSync, renameSync, rmSync } from "node:fs"
import { it } from "@effect/vitest"
import { Context, Effect, Layer, Stream } from "effect"
import { expect } from "vitest"
import { makeEvents } from "../../src/serve/events.ts"
import { makeReader } from "../../src/serve/reader.ts"
import { Db } from "../../src/store/Db.ts"
import { seededFolder } from "../support/seededMirror.ts"

/** A mirror, and another one of one conversation less. */
const two = Effect.gen(function* () {
  const path = `${yield* seededFolder}/mirror.db`
  const other = `${path}.other`
  const db = Context.get(yield* Layer.build(Db.layer(path)), Db)
  yield* db.use("test", ({ database }) => {
    database.pragma("wal_checkpoint(TRUNCATE)")
    copyFileSync(path, other)
  })
  yield* Effect.scoped(
    Effect.flatMap(Layer.build(Db.layer(other)), (context) =>
      Context.get(context, Db).use("test", ({ database }) =>
        database.exec(
          "UPDATE remote_conversations SET deleted_at = '2026-03-07T12:00:00.000Z' WHERE id = 'leads:a1'"
        )
      )
    )
  )
  return { path, other }
})

const held = (db: Db) =>
  db.use("test", ({ prepare }) =>
    prepare("SELECT count(*) FROM conversations WHERE deleted_at IS NULL").pluck().get()
  )

/** The place of a file is looked at about once a second. */
const aSecond = Effect.sleep("1100 millis")

it.scopedLive("shows the mirror that is there, and says so while there is none", () =>
  Effect.gen(function* () {
    const { other, path } = yield* two
    const reader = yield* makeReader(path)
    const before = Number(yield* held(reader))
    const events = yield* makeEvents(reader)
    const stream = yield* events.listen
    if (stream === null) throw new Error("no one listens yet")
    const first = yield* Effect.fork(
      Stream.runHead(Stream.filter(stream, ({ event }) => event === "conversations"))
    )
    yield* aSecond
    renameSync(path, `${path}.away`)
    for (const end of ["-wal", "-shm"]) rmSync(`${path}${end}`, { force: true })
    yield* aSecond
    expect(yield* Effect.flip(held(reader))).toMatchObject({ kind: "no-such-file" })
    renameSync(other, path)
    yield* aSecond
    expect(yield* held(reader)).toBe(before - 1)
    expect(yield* first).toMatchObject({ value: { event: "conversations", ids: null } })
  })
)
