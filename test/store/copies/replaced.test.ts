import { renameSync } from "node:fs"
import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { leavePath, noticeReplaced } from "../../../src/store/copies/replaced.ts"
import { rememberState } from "../../../src/store/copies/restored.ts"
import { Db } from "../../../src/store/Db.ts"
import { temporaryFolder } from "../../support/inProcess.ts"

/** A run at a path, which makes a mirror there if there is none: what it notices. */
const setUp = Effect.map(temporaryFolder, (folder) => {
  const meeting = `${folder}/quota.db`
  const mirror = `${folder}/mirror.db`
  const run = Effect.gen(function* () {
    const found = yield* noticeReplaced(meeting)
    yield* (yield* Db).transaction("test", ({ database }) =>
      database.exec("INSERT INTO commits (at) VALUES ('2026-03-07T10:00:00.000Z')")
    )
    yield* rememberState(meeting)
    return found
  }).pipe(Effect.provide(Db.layer(mirror)))
  return { meeting, mirror, run }
})

it.scopedLive("notices once that a new mirror was made where another one had been", () =>
  Effect.gen(function* () {
    const { mirror, run } = yield* setUp
    expect([yield* run, yield* run]).toEqual([null, null])
    renameSync(mirror, `${mirror}.moved`)
    expect([yield* run, yield* run]).toEqual(["2026-03-07T10:00:00.000Z", null])
    renameSync(`${mirror}.moved`, mirror)
    expect([yield* run, yield* run]).toEqual(["2026-03-07T10:00:00.000Z", null])
  })
)

it.scopedLive("says nothing of one that went on purpose", () =>
  Effect.gen(function* () {
    const { meeting, mirror, run } = yield* setUp
    yield* run
    yield* leavePath(meeting, mirror)
    renameSync(mirror, `${mirror}.moved`)
    expect(yield* run).toBe(null)
  })
)
