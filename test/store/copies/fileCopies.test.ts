import { chmodSync } from "node:fs"
import { join } from "node:path"
import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { exportMirror } from "../../../src/analysis/export.ts"
import { writeReport } from "../../../src/analysis/report.ts"
import { fileCopies, noteCopies } from "../../../src/store/copies/fileCopies.ts"
import { Db } from "../../../src/store/Db.ts"
import { mirrorFile, talk } from "../../analysis/smallMirror.ts"
import { temporaryFolder } from "../fixtures.ts"

const options = {
  format: "csv",
  since: null,
  tables: ["contacts"],
  overwrite: true,
  byteOrderMark: false,
  plainPhones: false
} as const

const setUp = Effect.gen(function* () {
  const mirror = yield* mirrorFile((session) => talk(session, { id: "a", lines: [["customer", 1, "Hello"]] }))
  const folder = yield* temporaryFolder
  const reading = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.provide(effect, Db.layer(mirror, { readOnly: true }))
  const known = reading(Effect.flatMap(Db, (db) => db.use("test", fileCopies)))
  return { mirror, reading, known, at: (name: string) => join(folder, name) }
})

it.scoped("lists where exports and reports were written, each path once", () =>
  Effect.gen(function* () {
    const { at, known, reading } = yield* setUp
    yield* reading(exportMirror({ ...options, to: at("files") }))
    const bytes = yield* reading(writeReport(at("report.html"), false))
    yield* reading(exportMirror({ ...options, to: at("files") }))
    const sha256 = expect.stringMatching(/^[0-9a-f]{64}$/)
    const listed = (yield* known).toSorted((one, other) => (one.kind < other.kind ? -1 : 1))
    expect(listed).toEqual([
      { kind: "export", path: at("files"), at: expect.any(String), seq: 5, sha256: null, bytes: null },
      { kind: "report", path: at("report.html"), at: expect.any(String), seq: 5, sha256, bytes }
    ])
  })
)

it.scoped("follows files that are given another name, and forgets those that are deleted", () =>
  Effect.gen(function* () {
    const { known, reading } = yield* setUp
    const news = (path: string, moment: string) =>
      ({ kind: "backup", path, at: moment, seq: 2, sha256: null, bytes: 1 }) as const
    const note = (...input: Parameters<typeof noteCopies> extends [unknown, ...infer Rest] ? Rest : never) =>
      reading(Effect.flatMap(Db, (db) => noteCopies(db, ...input)))
    yield* note({ renamed: [], deleted: [], written: [news("/b.db", "1")] })
    yield* note({ renamed: [{ from: "/b.db", to: "/b-1.db" }], deleted: [], written: [news("/b.db", "2")] })
    expect((yield* known).map(({ at, path }) => [path, at])).toEqual([
      ["/b.db", "2"],
      ["/b-1.db", "1"]
    ])
    yield* note({ renamed: [], deleted: ["/b-1.db"], written: [] })
    expect((yield* known).map(({ path }) => path)).toEqual(["/b.db"])
  })
)

it.scoped("leaves a file that says what it is a copy of as it is", () =>
  Effect.gen(function* () {
    const { at, known, mirror, reading } = yield* setUp
    yield* Effect.provide(
      Effect.flatMap(Db, (db) =>
        db.transaction("test", ({ prepare }) =>
          prepare("INSERT INTO copy_manifest (only_row, kind, manifest) VALUES (1, 'backup', '{}')").run()
        )
      ),
      Db.layer(mirror)
    )
    chmodSync(mirror, 0o600)
    yield* reading(exportMirror({ ...options, to: at("files") }))
    expect(yield* known).toEqual([])
  })
)
