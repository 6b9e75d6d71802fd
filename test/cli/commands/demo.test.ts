import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { it } from "@effect/vitest"
import Sqlite from "better-sqlite3"
import { Effect } from "effect"
import { describe, expect } from "vitest"
import { demo } from "../../../src/cli/commands/demo/index.ts"
import { Providers } from "../../../src/cli/Providers.ts"
import { registry } from "../../../src/providers/index.ts"
import { storeLayer } from "../../../src/sync/layers.ts"
import { runCommand } from "../../support/cli.ts"
import { configuredFolder, seededFolder } from "../../support/seededMirror.ts"

const run = (cwd: string, ...argv: ReadonlyArray<string>) =>
  runCommand([demo], ["demo", "--quiet", ...argv], { cwd }).pipe(
    Effect.provideService(Providers, Effect.succeed(registry))
  )

const edit = (path: string, sql: string) => {
  const database = new Sqlite(path)
  database.exec(sql)
  database.close()
}

const names = (path: string, sql: string): ReadonlyArray<unknown> => {
  const database = new Sqlite(path, { readonly: true })
  try {
    return database.prepare(sql).pluck().all()
  } finally {
    database.close()
  }
}

/** Files that have the name which the demo is given; each makes one in the folder. */
const others: ReadonlyArray<readonly [what: string, make: (path: string) => void]> = [
  ["a mirror of real accounts", () => {}],
  [
    "a mirror of real accounts that a demo once wrote into",
    (path) => edit(path, "UPDATE runs SET command = 'demo' WHERE id = 2")
  ],
  [
    "a mirror that no run has filled",
    (path) => edit(path, "PRAGMA foreign_keys = OFF; DELETE FROM run_connections; DELETE FROM runs")
  ]
]

const strangers: ReadonlyArray<readonly [what: string, make: (path: string) => void]> = [
  ["a text", (path) => writeFileSync(path, "not a database at all, but somebody's notes")],
  [
    "another program's database",
    (path) => edit(path, "CREATE TABLE runs (command TEXT); INSERT INTO runs VALUES ('demo')")
  ]
]

/** What a demo that died before its first run leaves. */
const early: ReadonlyArray<readonly [what: string, make: (path: string) => Effect.Effect<void, unknown>]> = [
  ["an empty file", (path) => Effect.sync(() => writeFileSync(path, ""))],
  [
    "a database without tables",
    (path) => Effect.sync(() => edit(path, "PRAGMA journal_mode = WAL; PRAGMA page_size = 4096; VACUUM"))
  ],
  ["a mirror without runs", (path) => Effect.provide(Effect.void, storeLayer(path))]
]

describe("parley demo", () => {
  for (const [what, make] of others) {
    it.scopedLive(`refuses ${what}, with 2, and leaves it as it was`, () =>
      Effect.gen(function* () {
        const folder = yield* seededFolder
        const path = join(folder, "mirror.db")
        make(path)
        const before = readFileSync(path)
        const { code, stderr, stdout } = yield* run(folder, "--db", "mirror.db")
        expect({ code, stdout }).toEqual({ code: 2, stdout: "" })
        expect(stderr).toBe(
          `parley: ${path} exists already, and was not made by the demo\n  name a file that is not there yet with --db, or move this one away; nothing was written\n`
        )
        expect(readFileSync(path).equals(before)).toBe(true)
      })
    )
  }

  for (const [what, make] of strangers) {
    it.scopedLive(`leaves ${what} of the name that it would use by itself, with 2`, () =>
      Effect.gen(function* () {
        const folder = yield* configuredFolder
        const path = join(folder, "parley-demo.db")
        make(path)
        const before = readFileSync(path)
        const { code, stderr } = yield* run(folder)
        expect(code).toBe(2)
        expect(stderr).toContain("parley-demo.db exists already, and was not made by the demo")
        expect(readFileSync(path).equals(before)).toBe(true)
      })
    )
  }

  it.scopedLive("refuses a folder, and a link to nothing, with 2", () =>
    Effect.gen(function* () {
      const folder = yield* configuredFolder
      mkdirSync(join(folder, "box"))
      symlinkSync(join(folder, "nowhere.db"), join(folder, "link.db"))
      for (const name of ["box", "link.db"]) {
        const { code, stderr } = yield* run(folder, "--db", name)
        expect(code).toBe(2)
        expect(stderr).toContain(`${name} exists already, and was not made by the demo`)
      }
      expect(readdirSync(folder).sort()).toEqual(["box", "config", "link.db"])
      expect(existsSync(join(folder, "nowhere.db"))).toBe(false)
    })
  )

  for (const [what, make] of early) {
    it.scopedLive(`begins anew where one that died early left ${what}`, () =>
      Effect.gen(function* () {
        const folder = yield* configuredFolder
        const path = join(folder, "parley-demo.db")
        yield* make(path)
        const { code, stderr } = yield* run(folder, "--conversations", "1", "--json")
        expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
        expect(names(path, "SELECT command FROM runs")).toEqual(["demo", "demo"])
      })
    )
  }

  it.scopedLive("makes its own mirror anew, which knows no other runs than its own", () =>
    Effect.gen(function* () {
      const folder = yield* seededFolder
      const path = join(folder, "mirror.db")
      edit(path, "UPDATE runs SET command = 'demo'")
      const { code } = yield* run(folder, "--db", "mirror.db", "--conversations", "1", "--json")
      expect(code).toBe(0)
      expect(names(path, "SELECT command FROM runs")).toEqual(["demo", "demo"])
      expect(names(path, "SELECT name FROM connections ORDER BY name")).toEqual([
        "inbox",
        "leads",
        "salon",
        "support"
      ])
      expect(names(path, "SELECT provider FROM connections WHERE name = 'leads'")).toEqual(["naturalead"])
      // What it shows happened just now, whatever day it is.
      const newest = String(names(path, "SELECT max(sent_at) FROM messages"))
      expect(Date.now() - Date.parse(newest)).toBeLessThan(86_400_000)
    })
  )
})
