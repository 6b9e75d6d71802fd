import { spawnSync } from "node:child_process"
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, it } from "vitest"
import { root } from "../support/parley.ts"

const folder = mkdtempSync(join(tmpdir(), "parley-start-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const run = (program: string, node: ReadonlyArray<string> = []) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [...node, program, "--version"], {
    env: { PATH: process.env.PATH, HOME: folder, XDG_CACHE_HOME: join(folder, "cache") },
    encoding: "utf8"
  })
  return { status, stdout, stderr }
}

describe("the program's start", () => {
  it("says which Node it needs before it loads anything, where Node cannot load SQLite's driver", () => {
    // Only the first file: whatever else were loaded would be missed.
    mkdirSync(join(folder, "installed/dist"), { recursive: true })
    cpSync(join(root, "dist/parley.js"), join(folder, "installed/dist/parley.js"))
    const older = join(folder, "older.cjs")
    writeFileSync(
      older,
      'Object.defineProperty(process, "versions", { value: { ...process.versions, napi: "9" } })'
    )
    const { status, stdout, stderr } = run(join(folder, "installed/dist/parley.js"), ["--require", older])
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" })
    expect(stderr).toMatch(/^parley: Node v\S+ cannot load the SQLite driver: use Node 22\.19 or newer.*\n$/)
  })

  it.skipIf(Number(process.versions.node.split(".")[0]) < 22)(
    "keeps what Node has compiled in the user's cache, and starts where that cannot be written",
    () => {
      const program = join(root, "dist/parley.js")
      expect(run(program).status).toBe(0)
      const kept = readdirSync(join(folder, "cache/parley"), { recursive: true })
      expect(kept.length).toBeGreaterThan(2)
      rmSync(join(folder, "cache"), { recursive: true })
      writeFileSync(join(folder, "cache"), "a file, where a folder should be")
      expect(run(program)).toMatchObject({ status: 0, stderr: "" })
    }
  )
})
