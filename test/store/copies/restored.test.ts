import { copyFileSync, existsSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import {
  noticeRestoration,
  rememberState,
  restoredUntil,
  unnoticedRestoration
} from "../../../src/store/copies/restored.ts"
import { Db } from "../../../src/store/Db.ts"
import { setUp, withSqlite } from "./support.ts"

const commit = "INSERT INTO commits (at) VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))"

/** A mirror, a copy of it in each of its two states, and a file in which this user's mirrors meet. */
const twoStates = Effect.gen(function* () {
  const { at, edit, mirror, parley } = yield* setUp
  const meeting = at("state/quota.db")
  const on = <A, E>(path: string, effect: Effect.Effect<A, E, Db>) => Effect.provide(effect, Db.layer(path))
  /** What the run says that finds the file so, and how far it leaves it. */
  const run = (path: string, meets = meeting) =>
    on(
      path,
      Effect.gen(function* () {
        const found = yield* noticeRestoration(meets)
        yield* (yield* Db).transaction("test", ({ database }) => database.exec(commit))
        yield* rememberState(meets)
        return found
      })
    )
  const alone = (path: string): void =>
    withSqlite(path, (database) => {
      database.pragma("wal_checkpoint(TRUNCATE)")
    })
  yield* run(mirror)
  alone(mirror)
  copyFileSync(mirror, at("older.db"))
  yield* parley("backup", "--to", "backup.db")
  yield* edit(commit)
  yield* run(mirror)
  alone(mirror)
  const newest = withSqlite(mirror, (database) =>
    Number(database.prepare("SELECT max(seq) FROM commits").pluck().get())
  )
  return { at, edit, meeting, mirror, newest, on, run }
})

describe("a mirror that is an older state of itself", () => {
  it.scopedLive("is noticed once where a file was copied over it, and then goes on", () =>
    Effect.gen(function* () {
      const { at, mirror, newest, run } = yield* twoStates
      expect(yield* run(mirror)).toBe(null)
      copyFileSync(at("older.db"), mirror)
      expect(yield* run(mirror)).toMatchObject({ state_seq: newest - 2, newest_seq: newest + 1 })
      expect(yield* run(mirror)).toBe(null)
    })
  )

  it.scopedLive("is noticed where another file took its place, as newer states are known that it lacks", () =>
    Effect.gen(function* () {
      const { at, mirror, newest, run } = yield* twoStates
      rmSync(mirror)
      renameSync(at("older.db"), mirror)
      expect(yield* run(mirror)).toMatchObject({ newest_seq: newest })
      expect(yield* run(mirror)).toBe(null)
    })
  )

  it.scopedLive(
    "is known by the backup itself on a machine that remembers nothing, and is no backup from then on",
    () =>
      Effect.gen(function* () {
        const { at, mirror, newest, on, run } = yield* twoStates
        copyFileSync(at("backup.db"), mirror)
        const elsewhere = at("elsewhere/quota.db")
        expect(yield* run(mirror, elsewhere)).toMatchObject({ state_seq: newest - 2, newest_seq: null })
        expect(yield* run(mirror, elsewhere)).toBe(null)
        expect(
          withSqlite(mirror, (database) => database.prepare("SELECT * FROM copy_manifest").all())
        ).toEqual([])
        expect(yield* on(mirror, restoredUntil(elsewhere))).toMatch(/^\d{4}-/)
      })
  )

  it.scopedLive("is not one where it was moved, copied as it is, or its older commits were let go", () =>
    Effect.gen(function* () {
      const { at, edit, meeting, mirror, on, run } = yield* twoStates
      yield* edit("DELETE FROM commits WHERE seq = (SELECT max(seq) - 1 FROM commits)")
      withSqlite(mirror, (database) => {
        database.pragma("wal_checkpoint(TRUNCATE)")
      })
      copyFileSync(mirror, at("copy.db"))
      renameSync(mirror, at("moved.db"))
      expect(yield* run(at("moved.db"))).toBe(null)
      // The copy is the state that was remembered before, and not the newer one that the moved file has by now.
      expect(yield* on(at("copy.db"), unnoticedRestoration(at("nowhere/quota.db")))).toBe(null)
      expect(yield* on(at("moved.db"), restoredUntil(meeting))).toBe(null)
    })
  )

  it.scopedLive("is looked for without writing; where nothing can be remembered, the work goes on", () =>
    Effect.gen(function* () {
      const { at, mirror, on, run } = yield* twoStates
      const nowhere = at("nowhere/quota.db")
      expect(yield* on(mirror, unnoticedRestoration(nowhere))).toBe(null)
      expect(existsSync(nowhere)).toBe(false)
      writeFileSync(at("broken.db"), "no database")
      copyFileSync(at("older.db"), mirror)
      expect(yield* run(mirror, at("broken.db"))).toBe(null)
    })
  )
})
