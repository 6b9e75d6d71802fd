import { spawnSync } from "node:child_process"
import {
  chownSync,
  existsSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { whyNotOpened } from "../../src/files/diagnose.ts"
import { fileFaultOf } from "../../src/files/faults.ts"
import { createPrivate, replaceWith, unfinishedName } from "../../src/files/newFile.ts"
import { doubtsAbout } from "../../src/files/ownership.ts"
import { NotRegular, readRegular } from "../../src/files/readRegular.ts"

const isRoot = process.getuid?.() === 0
const me = 4242
const other = 4343

let folder = ""
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "parley-files-"))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe.skipIf(!isRoot)("what another user has laid in a database's place", () => {
  const file = (name: string, uid: number): string => {
    const path = join(folder, name)
    writeFileSync(path, "")
    chownSync(path, uid, uid)
    return path
  }
  const fatal = (path: string, uid = me) =>
    doubtsAbout(path, uid)
      .filter(({ isFatal }) => isFatal)
      .map(({ message }) => message.replace(`${folder}/`, ""))

  it("is refused: the file itself, with whose it is", () => {
    expect(fatal(file("m.db", other))).toEqual([
      "m.db belongs to the user with the number 4343, who can read whatever is stored in it"
    ])
    expect(fatal(file("mine.db", me))).toEqual([])
    expect(fatal(join(folder, "new.db"))).toEqual([])
  })

  it("is refused: a link, unless it is one's own or root's", () => {
    file("target.db", me)
    for (const [name, uid] of [
      ["other.db", other],
      ["own.db", me],
      ["root.db", 0]
    ] as const) {
      symlinkSync(join(folder, "target.db"), join(folder, name))
      lchownSync(join(folder, name), uid, uid)
    }
    expect(fatal(join(folder, "other.db"))).toEqual([
      `other.db is a symbolic link to ${join(folder, "target.db")}, made by the user with the number 4343`
    ])
    expect(fatal(join(folder, "own.db"))).toEqual([])
    expect(fatal(join(folder, "root.db"))).toEqual([])
  })

  it("is refused: a log, an index or a journal beside a database, made beforehand or a link", () => {
    const path = join(folder, "m.db")
    for (const suffix of ["-wal", "-shm", "-journal"]) {
      file(`m.db${suffix}`, other)
      expect(fatal(path)).toEqual([
        `m.db${suffix} belongs to the user with the number 4343, and would be read as a part of the database`
      ])
      rmSync(path + suffix)
      symlinkSync("/etc/hostname", path + suffix)
      expect(fatal(path)).toEqual([
        `m.db${suffix} is a symbolic link to /etc/hostname, and would be read as a part of the database`
      ])
      rmSync(path + suffix)
    }
    file("m.db-wal", me)
    expect(fatal(path)).toEqual([])
  })

  it("is worth a warning where root fills another user's file, as in a container", () => {
    const doubts = doubtsAbout(file("m.db", other), 0)
    expect(doubts.map(({ isFatal }) => isFatal)).toEqual([false])
  })
})

describe("a file that is made anew", () => {
  it("is private, and a link that was laid under its name is not followed", () => {
    const victim = join(folder, "victim")
    writeFileSync(victim, "precious")
    symlinkSync(victim, join(folder, "laid"))
    expect(() => createPrivate(join(folder, "laid"))).toThrow(/EEXIST/)
    replaceWith(join(folder, "laid"), "page")
    expect(readFileSync(victim, "utf8")).toBe("precious")
    expect(readFileSync(join(folder, "laid"), "utf8")).toBe("page")
    expect(statSync(join(folder, "laid")).mode & 0o777).toBe(0o600)
  })

  it("has a name meanwhile that nobody can guess, and is gone after a failure", () => {
    expect(unfinishedName("a")).not.toBe(unfinishedName("a"))
    mkdirSync(join(folder, "taken"))
    writeFileSync(join(folder, "taken/file"), "")
    expect(() => replaceWith(join(folder, "taken"), "page")).toThrow(/EISDIR|ENOTEMPTY|EEXIST/)
    expect(readdirSync(folder)).toEqual(["taken"])
  })
})

describe("a file that is read", () => {
  it("is never waited for: a named pipe, a device and a folder are refused", () => {
    const pipe = join(folder, "pipe")
    expect(spawnSync("mkfifo", [pipe]).status).toBe(0)
    expect(() => readRegular(pipe)).toThrow(NotRegular)
    expect(() => readRegular("/dev/zero")).toThrow(NotRegular)
    expect(() => readRegular(folder)).toThrow(expect.objectContaining({ code: "EISDIR" }))
    writeFileSync(join(folder, "text"), "words")
    expect(readRegular(join(folder, "text")).toString()).toBe("words")
  })
})

describe("what the file system says", () => {
  it("is found out where SQLite does not say it", () => {
    expect(whyNotOpened(join(folder, "n".repeat(300)))).toBe("ENAMETOOLONG")
    expect(whyNotOpened(join(folder, "n".repeat(250)))).toBe("ENOENT")
    symlinkSync("loop", join(folder, "loop"))
    expect(whyNotOpened(join(folder, "loop"))).toBe("ELOOP")
    writeFileSync(join(folder, "fine"), "")
    expect(whyNotOpened(join(folder, "fine"))).toBeNull()
    writeFileSync(join(folder, "n".repeat(250)), "")
    expect(whyNotOpened(join(folder, "n".repeat(250)))).toBe("ENAMETOOLONG")
    expect(readdirSync(folder).length).toBe(3)
    expect(existsSync(join(folder, "fine"))).toBe(true)
  })

  it("has words for each code, and for one that nobody thought of", () => {
    const said = (code: string) => fileFaultOf(Object.assign(new Error(code), { code }))?.what
    expect(said("EDQUOT")).toMatch(/share of the disk/)
    expect(said("EMFILE")).toMatch(/open another file/)
    expect(said("EREMCHG")).toMatch(/EREMCHG/)
    expect(said("ERR_INVALID_ARG_TYPE")).toBeUndefined()
    expect(fileFaultOf(new Error("no code"))).toBeNull()
  })
})
