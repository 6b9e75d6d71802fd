import { copyFileSync, renameSync, rmSync, statSync, symlinkSync } from "node:fs"
import { join } from "node:path"
import { expect, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Db } from "../../src/store/Db.ts"
import { Ledger } from "../../src/store/ledger/Ledger.ts"
import { storeLayer, temporaryFolder } from "./fixtures.ts"

const misfortunes: ReadonlyArray<readonly [what: string, said: string, happen: (path: string) => void]> = [
  ["renamed", "renamed or deleted", (path) => renameSync(path, `${path}.old`)],
  ["deleted", "renamed or deleted", (path) => rmSync(path)],
  [
    "replaced",
    "replaced by another file",
    (path) => {
      copyFileSync(path, `${path}.copy`)
      renameSync(`${path}.copy`, path)
    }
  ]
]

for (const [what, said, happen] of misfortunes) {
  it.scoped(`a run whose mirror is ${what} meanwhile does not end well`, () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryFolder, "mirror.db")
      yield* Effect.gen(function* () {
        const ledger = yield* Ledger
        const runId = yield* ledger.startRun("sync")
        happen(path)
        const fault = yield* Effect.flip(ledger.finishRun({ runId, outcome: "complete", exitCode: 0 }))
        expect(fault).toMatchObject({
          kind: "moved",
          message: expect.stringContaining(`${path} was ${said}`)
        })
      }).pipe(Effect.provide(storeLayer(path)))
    })
  )
}

it.scopedLive("looks where the file is while it writes, about once a second", () =>
  Effect.gen(function* () {
    const path = join(yield* temporaryFolder, "mirror.db")
    const { stillThere, transaction } = yield* Effect.provide(Db, yield* Layer.build(Db.layer(path)))
    renameSync(path, `${path}.old`)
    const write = transaction("test", ({ prepare }) => prepare("SELECT 1").get())
    yield* Effect.sleep("1100 millis")
    expect(yield* Effect.flip(write)).toMatchObject({ kind: "moved" })
    renameSync(`${path}.old`, path)
    yield* stillThere("test", { atOnce: true })
    yield* write
  })
)

it.scoped("knows a mirror behind a link for the same as long as the link leads to it", () =>
  Effect.gen(function* () {
    const folder = yield* temporaryFolder
    const [path, link] = [join(folder, "mirror.db"), join(folder, "link.db")]
    yield* Effect.scoped(Layer.build(Db.layer(path)))
    symlinkSync(path, link)
    const { stillThere } = yield* Effect.provide(Db, yield* Layer.build(Db.layer(link)))
    yield* stillThere("test", { atOnce: true })
    rmSync(link)
    expect(statSync(path).isFile()).toBe(true)
    expect(yield* Effect.flip(stillThere("test", { atOnce: true }))).toMatchObject({ kind: "moved" })
  })
)
