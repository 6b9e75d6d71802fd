import { spawn, spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { closeSync, mkdirSync, openSync, readFileSync, statSync, writeFileSync, writeSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { Readable } from "node:stream"
import { pipeline } from "node:stream/promises"
import Sqlite from "better-sqlite3"
import { afterEach, describe, expect, it } from "vitest"
import { collect, faultsOf, openWorkspace, root, type Workspace } from "../support/parley.ts"

/*
 * A mirror's file that cannot be used, and the built command line: what it says, how it ends, and that it makes nothing
 * worse.
 */

let workspace: Workspace | null = null
let mounted: string | null = null
afterEach(async () => {
  if (mounted !== null) spawnSync("umount", [mounted])
  mounted = null
  await workspace?.close()
  workspace = null
})

/** A small disk of its own; false where this user may not mount one. */
const mount = (disk: string, options: string): boolean => {
  mkdirSync(disk, { recursive: true })
  const done = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${options}`, "tmpfs", disk]).status === 0
  if (done) mounted = disk
  return done
}

const open = async (conversations = 30, configure = (yaml: string) => yaml) => {
  workspace = await openWorkspace({ conversations, limits: false, spoilt: true, configure })
  return workspace
}

const hashOf = (path: string): string => createHash("sha256").update(readFileSync(path)).digest("hex")

/** Runs a sync on the file as it is, and holds that the file stays so. */
const refused = async ({ database, parley }: Workspace) => {
  const before = hashOf(database)
  const ended = await parley(["sync", "--progress", "none", "--json"])
  expect(hashOf(database), "the file was changed").toBe(before)
  expect(ended.stdout + ended.stderr).not.toMatch(/at .*\.(ts|js):\d+|SQLITE_|SqliteError/)
  return ended
}

describe("a file that is no mirror", () => {
  it("is left alone and named, with 2: something else than a database", async () => {
    const opened = await open()
    writeFileSync(opened.database, "a shopping list, and long enough to be taken for a header\n".repeat(100))
    const { code, stderr } = await refused(opened)
    expect(code).toBe(2)
    expect(stderr).toMatch(/parley\.db is not a SQLite database/)
  })

  it("is left alone and named, with 2: another program's database", async () => {
    const opened = await open()
    const other = new Sqlite(opened.database)
    other.exec("CREATE TABLE accounts (id)")
    other.close()
    const { code, stderr } = await refused(opened)
    expect(code).toBe(2)
    expect(stderr).toMatch(/not a mirror of Parley's/)
  })

  it("is left alone and named, with 2: a newer program's mirror", async () => {
    const opened = await open(3)
    expect((await opened.parley(["sync", "--quiet"])).code).toBe(0)
    const newer = new Sqlite(opened.database)
    newer.pragma("user_version = 99")
    newer.pragma("journal_mode = DELETE")
    newer.close()
    const { code, stderr } = await refused(opened)
    expect(code).toBe(2)
    expect(stderr).toMatch(/newer Parley \(schema 99/)
  })
})

describe("a damaged file", () => {
  it("is told as damaged, with what to do, and no run calls itself complete on it", async () => {
    const opened = await open(60)
    expect((await opened.parley(["sync", "--quiet"])).code).toBe(0)
    const settle = new Sqlite(opened.database)
    settle.pragma("wal_checkpoint(TRUNCATE)")
    settle.close()
    const { size } = statSync(opened.database)
    const file = openSync(opened.database, "r+")
    // Everything but the schema at the beginning.
    writeSync(file, Buffer.alloc(Math.floor(size * 0.6), 0x5a), 0, undefined, Math.floor(size * 0.3))
    closeSync(file)
    const { code, stderr, stdout } = await opened.parley(["sync", "--full", "--progress", "none"])
    expect([1, 3]).toContain(code)
    expect(stdout + stderr).toMatch(/parley\.db is damaged/)
    expect(stdout + stderr).toMatch(/\.recover/)
    expect(stdout + stderr).not.toMatch(/at .*\.(ts|js):\d+|SqliteError/)
  })
})

describe("a file that cannot be written", () => {
  it("is told, with 1, and stays as it was", async ({ skip }) => {
    const opened = await open(3)
    const mirror = join(opened.folder, "disk/mirror.db")
    if (!mount(join(opened.folder, "disk"), "16m")) return skip()
    const sync = ["sync", "--progress", "none", "--db", mirror]
    expect((await opened.parley(sync)).code).toBe(0)
    const before = hashOf(mirror)
    expect(mount(join(opened.folder, "disk"), "16m,remount,ro")).toBe(true)
    const { code, stderr, stdout } = await opened.parley(sync)
    expect(code).toBe(1)
    expect(stderr).toMatch(
      /mirror\.db (cannot be written|cannot be opened|lies on a file system that cannot be written)/
    )
    expect(stderr + stdout).not.toMatch(/at .*\.(ts|js):\d+|SqliteError/)
    expect(hashOf(mirror)).toBe(before)
  })
})

describe("a full disk", () => {
  it("is told, keeps what was committed, and the sync is completed once there is room", async ({ skip }) => {
    const opened = await open(120)
    const disk = join(opened.folder, "disk")
    if (!mount(disk, "3m")) return skip()
    const path = join(disk, "mirror.db")
    const sync = ["sync", "--progress", "none", "--db", path]
    const full = await opened.parley(sync)
    expect([1, 3]).toContain(full.code)
    expect(full.stdout + full.stderr).toMatch(/the disk that holds .*mirror\.db is full/)
    expect(full.stdout + full.stderr).not.toMatch(/at .*\.(ts|js):\d+|SqliteError/)
    const checked = new Sqlite(path)
    expect(checked.pragma("integrity_check")).toEqual([{ integrity_check: "ok" }])
    checked.close()

    expect(mount(disk, "64m,remount")).toBe(true)
    expect((await opened.parley(sync)).code).toBe(0)
    const mirror = new Sqlite(path, { readonly: true })
    expect(mirror.prepare("SELECT count(*) FROM conversations").pluck().get()).toBeGreaterThan(450)
    const rows = <Row>(sql: string) => mirror.prepare<Array<unknown>, Row>(sql).all()
    expect(faultsOf({ ...opened, rows })).toEqual([])
    mirror.close()
  }, 120_000)

  it("is told where nothing but the log's index lacks room, which reading needs, too", async ({ skip }) => {
    const opened = await open(3)
    const disk = join(opened.folder, "disk")
    if (!mount(disk, "16m")) return skip()
    const path = join(disk, "mirror.db")
    expect((await opened.parley(["sync", "--progress", "none", "--db", path])).code).toBe(0)
    spawnSync("dd", ["if=/dev/zero", `of=${join(disk, "filler")}`, "bs=4096"])
    for (const verb of ["status", "sync"]) {
      const { code, stderr, stdout } = await opened.parley([verb, "--progress", "none", "--db", path])
      expect(code, verb).toBe(1)
      expect(stdout + stderr).toMatch(/the disk that holds .*mirror\.db is full/)
    }
  })
})

describe("a disk without room for another file", () => {
  it("is told, and the sync is completed once there is room", async ({ skip }) => {
    const opened = await open(3)
    const disk = join(opened.folder, "disk")
    if (!mount(disk, "16m,nr_inodes=2")) return skip()
    const sync = ["sync", "--progress", "none", "--db", join(disk, "mirror.db")]
    const { code, stderr, stdout } = await opened.parley(sync)
    expect(code).toBe(1)
    expect(stderr).toMatch(/mirror\.db.* the disk is full, or has no room for another file/)
    expect(stderr).toContain("df -i")
    expect(stdout + stderr).not.toMatch(/permission denied|should not happen|at .*\.(ts|js):\d+|SQLITE_/)
    expect(mount(disk, "16m,nr_inodes=64,remount")).toBe(true)
    expect((await opened.parley(sync)).code).toBe(0)
  })
})

describe("a limit on open files", () => {
  it("is told whatever it keeps from being opened, and never ends with a bare stack", async () => {
    const opened = await open(3)
    const words = new Set<string>()
    for (const limit of [18, 20, 21, 22, 23, 24, 25, 26, 28]) {
      const { code, stderr, stdout } = await collect(
        spawn(
          "sh",
          [
            "-c",
            `ulimit -n ${limit}; exec "$0" "$@"`,
            process.execPath,
            join(root, "dist/parley.js"),
            ...["sync", "leads", "--progress", "none", "--max-wait", "1s"]
          ],
          { cwd: opened.folder, env: opened.environment, stdio: ["ignore", "pipe", "pipe"] }
        )
      )
      const said = stdout + stderr
      expect(said, `${limit}`).not.toMatch(/permission denied|should not happen|\n +at |SQLITE_/)
      if (code !== 0) expect(said, `${limit}`).toContain("ulimit -n")
      words.add(said.replace(/\S*[/\d]\S*/g, ""))
    }
    expect(words.size).toBeGreaterThan(1)
    expect((await opened.parley(["sync", "leads", "--quiet"])).code).toBe(0)
    expect(faultsOf(opened)).toEqual([])
  }, 120_000)
})

describe("a value of 900 MB", () => {
  it("is told where a query makes one, and where a provider sends one", async () => {
    const megabyte = "x".repeat(1 << 20)
    const long = function* (head: string, tail: string) {
      yield head
      for (let sent = 0; sent < 900; sent += 1) yield megabyte
      yield tail
    }
    const vendor = createServer(({ url = "" }, response) => {
      response.writeHead(200, { "content-type": "application/json" })
      const [head, tail] = url.startsWith("/api/v1")
        ? ['{"conversations":[],"total":0,"blob":"', '"}']
        : ['[{"_id":"a","status":"active"},{"_id":"b","messages":[{"content":"', '"}]}]']
      pipeline(Readable.from(long(head, tail)), response).catch(() => undefined)
    })
    await new Promise<void>((done) => vendor.listen(0, "127.0.0.1", done))
    const origin = `http://127.0.0.1:${(vendor.address() as AddressInfo).port}`
    const opened = await open(3, (yaml) => yaml.replaceAll(/baseUrl: \S+/g, `baseUrl: ${origin}`))
    try {
      const sync = await opened.parley(["sync", "leads", "salon", "--progress", "none"])
      expect(sync.code).toBe(3)
      expect(sync.stdout.match(/(?:an element of|larger than the limit:) more than 64 MB/g)).toHaveLength(2)
      expect(sync.stdout.match(/allow more with maxAnswer/g)).toHaveLength(2)
      expect(opened.rows("SELECT provider_id FROM conversations")).toEqual([{ provider_id: "a" }])
    } finally {
      vendor.closeAllConnections()
      vendor.close()
    }
    const query = await opened.parley(["query", "SELECT zeroblob(900000000)"])
    expect(query.code).toBe(1)
    expect(query.stderr).toContain("a value is larger than this program can hold at once (512 MB)")
    expect(query.stderr).not.toMatch(/should not happen|\n +at /)
  }, 120_000)
})

describe("a limit on the size of files", () => {
  it("is told as a fault of the disk that may be one, and the sync is completed without it", async () => {
    const opened = await open(30)
    const sync = ["sync", "--progress", "none"]
    const limited = await collect(
      spawn(
        "sh",
        ["-c", 'ulimit -f 400; exec "$0" "$@"', process.execPath, join(root, "dist/parley.js"), ...sync],
        { cwd: opened.folder, env: opened.environment, stdio: ["ignore", "pipe", "pipe"] }
      )
    )
    expect([1, 3]).toContain(limited.code)
    expect(limited.stdout + limited.stderr).toMatch(/the disk that holds .*parley\.db reported a fault/)
    expect(limited.stdout + limited.stderr).toMatch(/limit on the size of files/)
    expect(limited.stdout + limited.stderr).not.toMatch(/at .*\.(ts|js):\d+|SQLITE_|SqliteError/)
    expect((await opened.parley(sync)).code).toBe(0)
    expect(faultsOf(opened)).toEqual([])
  }, 120_000)
})
