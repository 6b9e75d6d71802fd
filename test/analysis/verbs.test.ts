import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { exporting } from "../../src/cli/commands/export/index.ts"
import { report } from "../../src/cli/commands/report/index.ts"
import { Providers } from "../../src/cli/Providers.ts"
import { registry } from "../../src/providers/index.ts"
import { temporaryFolder } from "../store/fixtures.ts"
import { runCommand } from "../support/cli.ts"
import { mirrorFile, talk } from "./smallMirror.ts"

const parley = (cwd: string, ...argv: ReadonlyArray<string>) =>
  Effect.provide(
    runCommand([exporting, report], argv, { cwd }),
    Layer.succeed(Providers, Effect.succeed(registry))
  )

const workplace = Effect.all({
  db: mirrorFile((session) => {
    talk(session, {
      id: "a",
      lines: [
        ["customer", 0],
        ["agent", 1]
      ]
    })
  }),
  folder: temporaryFolder
})

describe("parley export", () => {
  it.scoped("lists what it wrote, below the folder in which it was started", () =>
    Effect.gen(function* () {
      const { db, folder } = yield* workplace
      const { code, stderr, stdout } = yield* parley(
        folder,
        "export",
        "--db",
        db,
        "--to",
        "files",
        "--table",
        "messages",
        "--table",
        "runs"
      )
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
      expect(readdirSync(join(folder, "files")).toSorted()).toEqual([
        "load.sql",
        "manifest.json",
        "messages.csv",
        "metadata.json",
        "runs.csv"
      ])
      expect(stdout).toMatch(/^table +rows +bytes +file$/m)
      expect(stdout).toMatch(/^messages +2 .*messages\.csv$/m)
    })
  )

  it.scoped("tells programs the same", () =>
    Effect.gen(function* () {
      const { db, folder } = yield* workplace
      const argv = ["export", "--db", db, "--to", "files", "--format", "ndjson", "--since", "1", "--json"]
      const { stdout } = yield* parley(folder, ...argv)
      const document = JSON.parse(stdout)
      expect(document).toMatchObject({ to: join(folder, "files"), format: "ndjson", since: 1 })
      expect(document.files).toContainEqual({
        table: "conversations",
        file: join(folder, "files", "conversations.ndjson"),
        rows: 1,
        bytes: readFileSync(join(folder, "files", "conversations.ndjson")).length
      })
    })
  )

  it.scoped("refuses what it should with 2, in words, and writes nothing", () =>
    Effect.gen(function* () {
      const { db, folder } = yield* workplace
      const to = join(folder, "files")
      const says = (...argv: ReadonlyArray<string>) =>
        Effect.map(parley(folder, "export", "--db", db, "--to", "files", ...argv), ({ code, stderr }) => {
          expect([argv, code]).toEqual([argv, 2])
          return stderr
        })
      expect(yield* says("--format", "xlsx")).toContain("--format")
      expect(yield* says("--table", "message")).toContain("there is no table message to export")
      expect(yield* says("--since", "77")).toContain("there is no commit 77 in this mirror: the newest is ")
      expect(yield* says("--since", "-1")).toContain("there is no commit -1")
      expect(existsSync(to) ? readdirSync(to) : []).toEqual([])
      writeFileSync(join(folder, "file"), "")
      const { code, stderr } = yield* parley(folder, "export", "--db", db, "--to", "file")
      expect(code).toBe(2)
      expect(stderr).toContain(
        `${join(folder, "file")} cannot be written: there is a file where the folder should be`
      )
      const missing = yield* parley(folder, "export", "--db", join(folder, "none.db"), "--to", "files")
      expect(missing).toMatchObject({ code: 2, stdout: "" })
      expect(missing.stderr).toContain("there is no mirror at")
    })
  )
})

describe("parley report", () => {
  it.scoped("names the page it wrote", () =>
    Effect.gen(function* () {
      const { db, folder } = yield* workplace
      const out = join(folder, "report.html")
      expect(yield* parley(folder, "report", "--db", db, "--out", "report.html")).toEqual({
        code: 0,
        stdout: `${out}\n`,
        stderr: ""
      })
      const { stdout } = yield* parley(folder, "report", "--db", db, "--out", "report.html", "--json")
      expect(JSON.parse(stdout)).toEqual({ file: out, bytes: readFileSync(out).length })
    })
  )
})
