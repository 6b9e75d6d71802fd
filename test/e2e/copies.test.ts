import { spawn, spawnSync } from "node:child_process"
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { Worker } from "node:worker_threads"
import Sqlite from "better-sqlite3"
import { Effect } from "effect"
import { afterEach, describe, expect, it } from "vitest"
import { fillMirror, madeUpDialogues } from "../../bench/support/largeMirror.ts"
import { sqlitePath } from "../../scripts/sqlite.mjs"
import { type VendorId, vendorIds } from "../../src/simulator/index.ts"
import { makeRandom } from "../../src/simulator/random.ts"
import { verifyBackup } from "../../src/store/copies/verify.ts"
import { Db } from "../../src/store/Db.ts"
import { contentQueries } from "../support/content.ts"
import { collect, openWorkspace, root, type Workspace } from "../support/parley.ts"

/*
 * Backups and publications as the built command line makes them: killed, spoilt, read by others, put back. Set
 * PARLEY_BACKUPS and PARLEY_PUBLICATIONS to try more of them (`npm run soak:backup`).
 */

const backups = Number(process.env.PARLEY_BACKUPS ?? 8)
const publications = Number(process.env.PARLEY_PUBLICATIONS ?? 5)
const program = join(root, "dist/parley.js")
const isRoot = process.getuid?.() === 0
/** No list of users has it. */
const stranger = 54_321

let folder = ""
let mounted: string | null = null
let workspace: Workspace | null = null
afterEach(async () => {
  if (mounted !== null) spawnSync("umount", [mounted])
  mounted = null
  if (folder !== "") rmSync(folder, { recursive: true, force: true })
  folder = ""
  await workspace?.close()
  workspace = null
})

const at = (name: string): string => join(folder, name)

/** Says how much was tried, where it is more than usual. */
const say = (text: string): void => {
  if (process.env.PARLEY_BACKUPS !== undefined) process.stdout.write(`${text}\n`)
}

/** A folder with a mirror of its own. */
const open = (messages: number): Promise<void> => {
  folder = mkdtempSync(join(tmpdir(), "parley-copies-"))
  const now = Date.UTC(2026, 2, 7, 8)
  const fill = Effect.flatMap(Db, (db) =>
    db.transaction("test", (session) => {
      fillMirror(session, { messages, dialogues: madeUpDialogues, now, days: 9 })
      session.database.exec("UPDATE remote_contacts SET name = 'Round 0'")
    })
  )
  return Effect.runPromise(Effect.asVoid(Effect.provide(fill, Db.layer(at("mirror.db")))))
}

const start = (args: ReadonlyArray<string>, more: { readonly uid?: number; readonly gid?: number } = {}) =>
  spawn(process.execPath, [program, ...args], {
    cwd: folder,
    env: { PATH: process.env.PATH ?? "", HOME: folder, XDG_STATE_HOME: at("state") },
    stdio: ["ignore", "pipe", "pipe"],
    ...more
  })

const parley = async (args: ReadonlyArray<string>, more: Parameters<typeof start>[1] = {}) => {
  const ended = await collect(start(args, more))
  expect(ended.stdout + ended.stderr).not.toMatch(/^\s+at .*\(|node:internal|SQLITE_|SqliteError/m)
  return ended
}

/** Works in a thread of its own until it is ended, and then says what it has seen. */
const startThread = <Said>(source: string, path: string) => {
  const worker = new Worker(source, { eval: true, workerData: { sqlitePath, path } })
  return (): Promise<Said> =>
    new Promise((done, fail) => {
      worker.once("message", (said) => {
        void worker.terminate()
        done(said)
      })
      worker.once("error", fail)
      worker.postMessage("stop")
    })
}

/** Commits to the mirror all the time. What it could not do at once is counted. */
const startWriter = () =>
  startThread<{ readonly commits: number; readonly busy: number }>(
    `
    const { parentPort, workerData } = require("node:worker_threads")
    const Sqlite = require(workerData.sqlitePath)
    const database = new Sqlite(workerData.path, { timeout: 0 })
    database.pragma("synchronous = NORMAL")
    const said = { commits: 0, busy: 0 }
    let stopped = false
    parentPort.on("message", () => { stopped = true })
    const write = database.transaction((n) => {
      database.prepare("INSERT INTO commits (at) VALUES ('2026-03-07T10:00:00.000Z')").run()
      database.prepare("UPDATE remote_contacts SET name = 'Round ' || ?, seq = (SELECT max(seq) FROM commits)").run(n)
    })
    const turn = () => {
      try { write(said.commits); said.commits += 1 } catch (error) { said.busy += 1 }
      if (!stopped) return setTimeout(turn, 50)
      database.close()
      parentPort.postMessage(said)
    }
    turn()`,
    at("mirror.db")
  )

/**
 * Reads what is published, over and over, and waits for nobody. It opens the file first, and then looks for the manifest that
 * belongs to it: where they do not belong together, a new one is just taking its place.
 */
const startReader = () =>
  startThread<{
    readonly looks: number
    readonly pairs: number
    readonly publications: ReadonlyArray<string>
    readonly faults: ReadonlyArray<string>
  }>(
    `
    const { parentPort, workerData } = require("node:worker_threads")
    const { readFileSync } = require("node:fs")
    const Sqlite = require(workerData.sqlitePath)
    const said = { looks: 0, pairs: 0, publications: [], faults: [] }
    let stopped = false
    parentPort.on("message", () => { stopped = true })
    const look = () => {
      const database = new Sqlite(workerData.path + "/parley.db", { readonly: true, timeout: 0 })
      try {
        const get = (sql) => database.prepare(sql).pluck().get()
        if (get("SELECT count(DISTINCT name) FROM contacts") !== 1) said.faults.push("two rounds at once")
        if (get("SELECT count(*) FROM messages") !== get("SELECT sum(stored_messages) FROM conversations")) said.faults.push("messages are missing")
        const publication = get("SELECT manifest ->> '$.publication' FROM copy_manifest")
        if (!said.publications.includes(publication)) said.publications.push(publication)
        const manifest = JSON.parse(readFileSync(workerData.path + "/manifest.json", "utf8"))
        if (manifest.publication === publication) {
          said.pairs += 1
          if (manifest.bytes !== get("PRAGMA page_count") * get("PRAGMA page_size")) said.faults.push("another size")
        }
      } finally {
        database.close()
      }
    }
    const turn = () => {
      try { look() } catch (error) { said.faults.push(String(error.code || error)) }
      said.looks += 1
      if (!stopped) return setTimeout(turn, 60)
      parentPort.postMessage(said)
    }
    turn()`,
    at("out")
  )

const faultsOf = (path: string) => Effect.runPromise(Effect.map(verifyBackup(path), ({ faults }) => faults))

const finished = (): ReadonlyArray<string> =>
  readdirSync(folder).filter((name) => /^backup.*\.db$/.test(name))

describe("backups", () => {
  it(`of a mirror that is written to, ${backups} of them, killed at any moment, spoilt at any bit: none is bad and called good`, async () => {
    await open(1_500)
    const random = makeRandom(20)
    const stop = startWriter()
    let usual = 2_000
    let whole = 0
    let called = 0
    for (let number = 0; number < backups; number += 1) {
      const began = performance.now()
      const child = start(["backup", "--db", "mirror.db", "--to", "backup.db", "--keep", "3", "--quiet"])
      const ended = collect(child)
      const isKilled = number > 0 && number % 4 !== 3
      if (isKilled) await Promise.race([ended, delay(random.below(usual))])
      child.kill(isKilled ? "SIGKILL" : 0)
      const { code, signal, stderr } = await ended
      expect([0, null], stderr).toContain(code)
      if (signal === null) {
        whole += 1
        usual = performance.now() - began
      }
      // Whatever has a name is good, whenever the run that wrote it died.
      for (const name of finished())
        expect({ name, faults: await faultsOf(at(name)) }).toEqual({ name, faults: [] })
      const names = finished()
      const name = names[random.below(names.length)]
      if (name === undefined) continue
      const good = readFileSync(at(name))
      const bit = random.below(good.length * 8)
      const spoilt = Buffer.from(good)
      spoilt.writeUInt8(spoilt.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
      writeFileSync(at("spoilt.db"), spoilt)
      called += 1
      if (number % 100 === 99) say(`${number + 1} backups, ${whole} of them ended`)
      expect({ bit, isBad: (await faultsOf(at("spoilt.db"))).length > 0 }).toEqual({ bit, isBad: true })
    }
    expect((await parley(["backup", "--db", "mirror.db", "--to", "backup.db", "--keep", "3"])).code).toBe(0)
    expect(readdirSync(folder).filter((name) => name.includes(".part-"))).toEqual([])
    const { busy, commits } = await stop()
    say(
      `${backups} backups: ${whole} ended, ${backups - whole} killed, ${called} spoilt; ${commits} commits beside them`
    )
    expect(busy).toBeLessThan(commits / 10 + 5)
  }, 7_200_000)

  it("say that the disk is full, and leave the older one as it was", async () => {
    await open(3_000)
    mkdirSync(at("disk"))
    const size = Math.ceil(statSync(at("mirror.db")).size * 1.5)
    if (spawnSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", at("disk")]).status !== 0) return
    mounted = at("disk")
    expect((await parley(["backup", "--db", "mirror.db", "--to", "disk/backup.db"])).code).toBe(0)
    const before = readFileSync(at("disk/backup.db"))
    for (const verb of [
      ["backup", "--to", "disk/backup.db"],
      ["publish", "--to", "disk"]
    ]) {
      const { code, stderr } = await parley([...verb, "--db", "mirror.db"])
      expect([code, stderr]).toEqual([1, expect.stringMatching(/cannot be written: the disk is full/)])
      expect(readdirSync(at("disk"))).toEqual(["backup.db"])
    }
    expect(readFileSync(at("disk/backup.db")).equals(before)).toBe(true)
    spawnSync("mount", ["-o", "remount,ro", at("disk")])
    const { code, stderr } = await parley(["backup", "--db", "mirror.db", "--to", "disk/backup.db"])
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/cannot be written: the file system cannot be written/)
    ])
  }, 120_000)
})

describe("publications", () => {
  it(`are read by eight at once while ${publications} are made: each reads one whole, and its manifest; none waits or locks`, async () => {
    await open(1_500)
    expect((await parley(["publish", "--db", "mirror.db", "--to", "out"])).code).toBe(0)
    const stop = startWriter()
    const readers = Array.from({ length: 8 }, startReader)
    try {
      for (let number = 0; number < publications; number += 1) {
        const { code, stderr } = await parley(["publish", "--db", "mirror.db", "--to", "out", "--quiet"])
        expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
      }
    } finally {
      const seen = await Promise.all(readers.map((end) => end()))
      const { commits } = await stop()
      const sum = (name: "looks" | "pairs") => seen.reduce((total, one) => total + one[name], 0)
      const different = new Set(seen.flatMap((one) => one.publications))
      say(
        `${publications} publications, ${sum("looks")} looks at ${different.size} of them, ${sum("pairs")} in pairs, ${commits} commits beside them`
      )
      expect(seen.flatMap(({ faults }) => faults)).toEqual([])
      expect(different.size).toBeGreaterThan(publications / 2)
      expect(sum("pairs")).toBeGreaterThan(sum("looks") / 2)
    }
    expect(readdirSync(at("out")).toSorted()).toEqual(["manifest.json", "parley.db"])
  }, 7_200_000)

  it.skipIf(!isRoot)(
    "and backups can be read where nothing can be written, by another user",
    async () => {
      await open(1_500)
      chmodSync(folder, 0o755)
      await parley(["publish", "--db", "mirror.db", "--to", "out"])
      await parley(["backup", "--db", "mirror.db", "--to", "out/backup.db"])
      chmodSync(at("out/backup.db"), 0o444)
      chmodSync(at("out"), 0o555)
      mkdirSync(at("own"), { mode: 0o777 })
      chmodSync(at("own"), 0o777)
      for (const file of ["out/parley.db", "out/backup.db"]) {
        const before = readFileSync(at(file))
        for (const verb of [
          ["query", "SELECT count(*) FROM messages"],
          ["status"],
          ["search", "table"],
          ["show", "salon:c00000001", "--last", "1"],
          ["waiting"],
          ["runs"],
          ["export", "--to", `own/${file.slice(4)}`],
          ["report", "--out", `own/${file.slice(4)}.html`]
        ]) {
          const { code, stderr } = await parley([...verb, "--db", file, "--quiet"], {
            uid: stranger,
            gid: stranger
          })
          expect({ verb, code, stderr }).toEqual({ verb, code: 0, stderr: "" })
        }
        expect(readFileSync(at(file)).equals(before)).toBe(true)
      }
      expect(readdirSync(at("out")).toSorted()).toEqual(["backup.db", "manifest.json", "parley.db"])
      expect(
        (await parley(["backup", "--verify", "out/backup.db"], { uid: stranger, gid: stranger })).code
      ).toBe(0)
      chmodSync(at("out"), 0o755)
    },
    120_000
  )
})

describe("a backup that is put in the mirror's place", () => {
  const activeWords = {
    naturalead: "active",
    convocore: "ai-chatting",
    empfio: "active",
    aelyst: "open"
  } as const

  it("is said to be one, once; sends nothing twice, overwrites nothing newer, and catches up", async () => {
    workspace = await openWorkspace({ conversations: 20 })
    const { database, parley: run, rows, simulator } = workspace
    expect((await run(["sync", "--quiet"])).code).toBe(0)
    const wanted = vendorIds.flatMap((vendor) =>
      rows<{ id: string; provider: VendorId; provider_id: string }>(
        "SELECT id, provider, provider_id FROM conversations WHERE provider = ? AND status = 'active' ORDER BY id LIMIT 2",
        vendor
      )
    )
    writeFileSync(join(workspace.folder, "ids"), wanted.map(({ id }) => id).join("\n"))
    expect((await run(["set-status", "completed", "--from", "ids"])).code).toBe(0)
    expect((await run(["backup", "--to", "backup.db"])).code).toBe(0)
    expect((await run(["sync", "--quiet"])).code).toBe(0)
    const moved = wanted.filter((_, index) => index % 2 === 0)
    for (const { provider, provider_id } of moved) {
      simulator.vendors[provider].world.setStatus(provider_id, activeWords[provider], Date.now() + 2_000)
    }
    const sent = () =>
      wanted.map(
        ({ provider, provider_id }) => simulator.vendors[provider].world.effectsOn(provider_id).length
      )
    expect(sent()).toEqual(wanted.map(() => 1))
    const newest = rows<{ seq: number }>("SELECT max(seq) AS seq FROM commits")[0]?.seq

    const restore = (): void => {
      for (const suffix of ["-wal", "-shm"]) rmSync(database + suffix, { force: true })
      copyFileSync(join(workspace?.folder ?? "", "backup.db"), database)
    }
    /** The first runs after it was put back, on a machine that knows of the newer state or does not. */
    const runs = async (environment: Readonly<Record<string, string>>, knows: boolean) => {
      restore()
      const { restored } = JSON.parse((await run(["status", "--json"], environment)).stdout) as {
        restored: { state_seq: number; newest_seq: number | null }
      }
      expect(restored.newest_seq).toBe(knows ? newest : null)
      const doctor = await run(["doctor", "--offline"], environment)
      expect(doctor.stdout).toMatch(/^warn {2}restored +it is as it was at /m)
      const first = await run(["sync", "--progress", "none"], environment)
      expect([first.code, first.stderr]).toEqual([
        4,
        expect.stringContaining("this mirror was put back, or is a copy")
      ])
      const second = await run(["sync", "--progress", "none"], environment)
      expect([second.code, second.stderr]).toEqual([0, expect.not.stringContaining("was put back")])
      expect(sent()).toEqual(wanted.map(() => 1))
      const states = rows<{ id: string; state: string }>(
        "SELECT s.conversation_id AS id, s.state FROM status_changes s ORDER BY s.id"
      )
      expect(states).toEqual(
        wanted.map(({ id }) => ({
          id,
          state: moved.some((one) => one.id === id) ? "conflict" : "confirmed"
        }))
      )
    }
    await runs({}, true)
    await runs({ XDG_STATE_HOME: join(workspace.folder, "another-machine") }, false)
    expect((await run(["sync", "--quiet", "--db", "alone.db"])).code).toBe(0)
    const held = (path: string) => {
      const mirror = new Sqlite(path, { readonly: true })
      try {
        return ["conversations", "messages", "contacts"].map((table) =>
          mirror.prepare(contentQueries[table as keyof typeof contentQueries]).all()
        )
      } finally {
        mirror.close()
      }
    }
    const plain = (path: string) =>
      JSON.parse(
        JSON.stringify(held(path)).replaceAll(/"(first_seen_at|change_state)":[^,}]*/g, '"$1":null')
      ) as unknown
    expect(plain(database)).toEqual(plain(join(workspace.folder, "alone.db")))
  }, 240_000)
})
