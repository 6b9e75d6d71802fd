import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { fileCopies, noteCopies, writtenOne } from "../../../src/store/copies/fileCopies.ts"
import { Db } from "../../../src/store/Db.ts"
import { bytesOf, setUp } from "./support.ts"

const knownIn = (mirror: string) =>
  Effect.provide(
    Effect.flatMap(Db, (db) => db.use("test", fileCopies)),
    Db.layer(mirror, { readOnly: true })
  )

it.scopedLive("lists where copies were written, each path once", () =>
  Effect.gen(function* () {
    const { at, mirror, parley } = yield* setUp
    yield* parley("export", "--to", "files")
    yield* parley("report", "--out", "report.html")
    yield* parley("export", "--to", "files", "--overwrite")
    yield* parley("backup", "--to", "backup.db")
    yield* parley("publish", "--to", "published")
    const bytes = expect.any(Number)
    const sha256 = expect.stringMatching(/^[0-9a-f]{64}$/)
    const common = { at: expect.stringMatching(/^\d{4}-.*Z$/), seq: 11 }
    expect((yield* knownIn(mirror)).toSorted((one, other) => (one.kind < other.kind ? -1 : 1))).toEqual([
      { kind: "backup", path: at("backup.db"), ...common, sha256, bytes },
      { kind: "export", path: at("files"), ...common, sha256: null, bytes: null },
      { kind: "publication", path: at("published/parley.db"), ...common, sha256, bytes },
      { kind: "report", path: at("report.html"), ...common, sha256, bytes }
    ])
  })
)

it.scopedLive("follows files that are given another name, and forgets those that are deleted", () =>
  Effect.gen(function* () {
    const { mirror } = yield* setUp
    const news = (path: string, at: string) =>
      ({ kind: "backup", path, at, seq: 2, sha256: null, bytes: 1 }) as const
    yield* noteCopies(mirror, writtenOne(news("/b.db", "1")))
    yield* noteCopies(mirror, {
      renamed: [{ from: "/b.db", to: "/b-1.db" }],
      deleted: [],
      written: [news("/b.db", "2")]
    })
    expect((yield* knownIn(mirror)).map(({ at, path }) => [path, at])).toEqual([
      ["/b.db", "2"],
      ["/b-1.db", "1"]
    ])
    yield* noteCopies(mirror, { renamed: [], deleted: ["/b-1.db"], written: [] })
    expect((yield* knownIn(mirror)).map(({ path }) => path)).toEqual(["/b.db"])
  })
)

it.scopedLive("leaves a backup as it is, to the last bit, where something is exported from it", () =>
  Effect.gen(function* () {
    const { at, parley } = yield* setUp
    yield* parley("backup", "--to", "backup.db")
    const before = bytesOf(at("backup.db"))
    expect((yield* parley("export", "--to", "files", "--db", at("backup.db"))).code).toBe(0)
    expect(bytesOf(at("backup.db"))).toBe(before)
  })
)
