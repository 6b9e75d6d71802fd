import { execFile } from "node:child_process"
import { chmodSync, chownSync, mkdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { promisify } from "node:util"
import { expect, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Db } from "../../src/store/Db.ts"
import { childScript } from "./childScript.ts"
import { temporaryFolder } from "./fixtures.ts"

/** Nobody's rights are checked for the superuser, so the program under test runs as somebody else. */
const nobody = 65534
const isRoot = process.getuid?.() === 0

const script = `
  import { Effect, Layer } from "effect"
  import { Db } from "./src/store/Db.ts"
  const [path, how] = process.argv.slice(2)
  const write = Effect.flatMap(Db, (db) => db.transaction("test", ({ prepare }) =>
    prepare("INSERT INTO connections (name, provider, first_seen_at) VALUES ('a', 'b', '')").run()))
  const read = Effect.flatMap(Db, (db) => db.use("test", ({ prepare }) => prepare("SELECT 1 FROM connections").all()))
  const program = Effect.provide(how === "write" ? write : read, Db.layer(path, { readOnly: how === "read" }))
  const exit = await Effect.runPromise(Effect.either(program))
  process.stdout.write(JSON.stringify(exit))`

const places: ReadonlyArray<{
  readonly what: string
  readonly folder: number
  readonly file: number
  readonly owned: boolean
}> = [
  { what: "the file belongs to somebody else", folder: 0o755, file: 0o600, owned: false },
  { what: "the file cannot be written", folder: 0o755, file: 0o400, owned: true },
  { what: "the folder cannot be written", folder: 0o555, file: 0o600, owned: true }
]

it.scopedLive.skipIf(!isRoot)("says so where rights are missing, and changes no rights and no content", () =>
  Effect.gen(function* () {
    const folder = yield* temporaryFolder
    chmodSync(folder, 0o755)
    const program = yield* childScript(folder, script)
    for (const [index, { what, ...place }] of places.entries()) {
      const home = join(folder, `${index}`)
      const path = join(home, "mirror.db")
      mkdirSync(home)
      yield* Effect.scoped(Layer.build(Db.layer(path)))
      if (place.owned) for (const name of [home, path]) chownSync(name, nobody, nobody)
      chmodSync(path, place.file)
      chmodSync(home, place.folder)
      const before = readFileSync(path)
      for (const how of ["write", "read"]) {
        const { stdout } = yield* Effect.promise(() =>
          promisify(execFile)(process.execPath, [program, path, how], { uid: nobody, gid: nobody })
        )
        const { left, _tag } = JSON.parse(stdout)
        if (how === "read" && what === "the file cannot be written") expect(_tag).toBe("Right")
        else
          expect([what, how, left?.kind, left?.hint]).toEqual([
            what,
            how,
            "read-only",
            expect.stringMatching(/permissions|must be able/)
          ])
      }
      expect(readFileSync(path).equals(before)).toBe(true)
    }
  })
)
