import { spawnSync } from "node:child_process"
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { root } from "../support/parley.ts"

/* The built command line where something around it is not as usual. */

const program = join(root, "dist/parley.js")
const isRoot = process.getuid?.() === 0
/** No list of users has it. */
const stranger = 54_321

let folder = ""
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "parley-around-"))
  chmodSync(folder, 0o755)
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const configuration = `database: ../parley.db
connections:
  - { name: leads, provider: naturalead, baseUrl: "http://127.0.0.1:9/api", apiKey: "\${KEY}" }
`

const parley = (
  args: ReadonlyArray<string>,
  { cwd = folder, ...more }: { cwd?: string; uid?: number; gid?: number; env?: Record<string, string> } = {}
) => {
  const env = { PATH: process.env.PATH ?? "", KEY: "a-secret-key", ...more.env }
  const { status, stderr, stdout } = spawnSync(process.execPath, [program, ...args], {
    cwd,
    encoding: "utf8",
    timeout: 30_000,
    ...more,
    env
  })
  expect(stdout + stderr).not.toMatch(/^\s+at .*\(|node:internal|FiberFailure/m)
  return { status, stderr, stdout }
}

describe("a place that is not as usual", () => {
  it("is told where it is gone: the folder that the command was started in", () => {
    const { stderr, status } = spawnSync(
      "sh",
      [
        "-c",
        `mkdir "$1" && cd "$1" && rmdir "$1" && exec "$2" "$3" status`,
        "sh",
        join(folder, "gone"),
        process.execPath,
        program
      ],
      { encoding: "utf8" }
    )
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr:
        "parley: the current folder is gone, or cannot be read\n  change to another one (cd), and run it again\n"
    })
  })

  it("is told where a link in the mirror's place leads nowhere, by readers and writers alike", () => {
    mkdirSync(join(folder, "config"))
    writeFileSync(join(folder, "config/parley.yaml"), configuration)
    symlinkSync("nowhere.db", join(folder, "parley.db"))
    for (const verb of ["status", "sync"]) {
      const { status, stderr } = parley([verb], { env: { HOME: folder } })
      expect(stderr).toContain("parley.db is a symbolic link to nowhere.db, which does not exist")
      expect(status).toBe(2)
    }
  })

  it.skipIf(!isRoot)(
    "is no hindrance: no HOME, and a user that no list has; one warning says where state is",
    () => {
      mkdirSync(join(folder, "config"))
      writeFileSync(join(folder, "config/parley.yaml"), configuration)
      mkdirSync(join(folder, "tmp"))
      for (const path of [folder, join(folder, "tmp")]) chownSync(path, stranger, stranger)
      const { status, stderr } = parley(["sync", "--progress", "none", "--max-wait", "0s"], {
        uid: stranger,
        gid: stranger,
        env: { TMPDIR: join(folder, "tmp") }
      })
      expect(status).toBe(3)
      const state = join(folder, "tmp", `parley-${stranger}`)
      expect(stderr.match(/ warn: /g)).toHaveLength(1)
      expect(stderr).toContain(`is kept in ${state}. Set XDG_STATE_HOME`)
      expect(statSync(state).mode & 0o777).toBe(0o700)
      expect(statSync(join(folder, "parley.db")).mode & 0o777).toBe(0o600)
    }
  )

  it.skipIf(!isRoot)("is told exactly where a mirror can be read and its folder not be written", () => {
    mkdirSync(join(folder, "config"))
    writeFileSync(join(folder, "config/parley.yaml"), configuration)
    parley(["sync", "--progress", "none", "--max-wait", "0s"], { env: { HOME: folder } })
    for (const suffix of ["-wal", "-shm"]) rmSync(join(folder, `parley.db${suffix}`), { force: true })
    chmodSync(join(folder, "parley.db"), 0o644)
    const { status, stderr } = parley(["status"], { uid: stranger, gid: stranger, env: { HOME: "/" } })
    expect(status).toBe(1)
    expect(stderr).toMatch(/parley\.db cannot be opened: permission denied/)
    expect(stderr).toMatch(
      /Without, a copy can be read: `parley publish --to FOLDER`, run by the mirror's owner, makes one that opens in any folder/
    )
    expect(parley(["sync"], { uid: stranger, gid: stranger, env: { HOME: "/" } }).stderr).toMatch(
      /parley\.db belongs to root, who can read whatever is stored in it/
    )
  })
})
