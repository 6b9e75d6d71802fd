import { spawnSync } from "node:child_process"
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync
} from "node:fs"
import { describe, expect, it } from "@effect/vitest"
import Sqlite from "better-sqlite3"
import { Effect, Layer } from "effect"
import { backUp } from "../../../src/store/copies/backup.ts"
import { verifyBackup } from "../../../src/store/copies/verify.ts"
import { Db } from "../../../src/store/Db.ts"
import { thisProcessName } from "../../../src/store/ledger/processIdentity.ts"
import { bytesOf, setUp, withSqlite } from "./support.ts"

const faultsOf = (path: string) => Effect.map(verifyBackup(path), ({ faults }) => faults)

/** Where in a file a text stands. */
const placeOf = (path: string, text: string): number => readFileSync(path).indexOf(text)

const flip = (path: string, bit: number): void => {
  const bytes = readFileSync(path)
  bytes.writeUInt8(bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
  writeFileSync(path, bytes)
}

describe("a backup", () => {
  it.scopedLive("holds what the mirror held, is its owner's alone, has no log, and is good", () =>
    Effect.gen(function* () {
      const { at, mirror, parley } = yield* setUp
      const made = yield* parley("backup", "--to", "backup.db", "--json")
      const { file, manifest } = JSON.parse(made.stdout) as {
        file: string
        manifest: { mirror: string; seq: number }
      }
      expect([made.code, file]).toEqual([0, at("backup.db")])
      expect(statSync(at("backup.db")).mode & 0o777).toBe(0o600)
      const messages = (path: string) =>
        withSqlite(path, (database) => database.prepare("SELECT * FROM messages ORDER BY key").all())
      expect(messages(at("backup.db"))).toEqual(messages(mirror))
      expect(manifest.mirror).toBe(
        withSqlite(mirror, (database) => database.prepare("SELECT id FROM mirror_identity").pluck().get())
      )
      expect(readdirSync(at("."))).toEqual(["backup.db"])
      const verified = yield* parley("backup", "--verify", "backup.db", "--json")
      expect([verified.code, JSON.parse(verified.stdout)]).toMatchObject([
        0,
        { ok: true, faults: [], manifest }
      ])
      expect((yield* parley("backup", "--verify", "backup.db")).stdout).toMatch(
        /^good {2}.*backup\.db: 6 messages in 3 conversations, as of \d{4}-.*Z \(commit 11\), [\d.]+ kB\n$/
      )
    })
  )

  it.scopedLive("is of one moment, and is made to the end, while another program commits all the time", () =>
    Effect.gen(function* () {
      const { at, edit, mirror } = yield* setUp
      // Several steps of copying.
      yield* edit(
        "CREATE TABLE filler AS WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500) SELECT i, randomblob(6000) AS b FROM n"
      )
      const writer = new Sqlite(mirror)
      writer.exec("CREATE TABLE one (n); CREATE TABLE two (n)")
      const insert = ["one", "two"].map((table) => writer.prepare(`INSERT INTO ${table} VALUES (1)`))
      let commits = 0
      const commit = (): void => {
        writer.transaction(() => {
          for (const statement of insert) statement.run()
        })()
        commits += 1
      }
      let next = setImmediate(function again() {
        commit()
        next = setImmediate(again)
      })
      yield* backUp({ to: at("backup.db"), keep: null }).pipe(
        Effect.provide(Db.layer(mirror, { readOnly: true })),
        Effect.ensuring(Effect.sync(() => clearImmediate(next)))
      )
      writer.close()
      expect(commits).toBeGreaterThan(20)
      expect(yield* faultsOf(at("backup.db"))).toEqual([])
      const [one, two] = withSqlite(at("backup.db"), (database) =>
        ["one", "two"].map((table) => Number(database.prepare(`SELECT count(*) FROM ${table}`).pluck().get()))
      )
      expect(one).toBe(two)
      expect(one).toBeLessThan(commits)
    })
  )

  it.scopedLive("is never called good where a bit of it is another one, wherever that is", () =>
    Effect.gen(function* () {
      const { at, parley } = yield* setUp
      yield* parley("backup", "--to", "backup.db")
      const whole = at("backup.db")
      const bits = statSync(whole).size * 8
      const digest = withSqlite(whole, (database) =>
        String(database.prepare("SELECT digest FROM copy_manifest").pluck().get())
      )
      // The header's first and last bytes, the digest, its manifest, and any others.
      const some = [
        0,
        18 * 8,
        27 * 8,
        95 * 8,
        placeOf(whole, digest) * 8 + 1,
        placeOf(whole, '"seq"') * 8 + 1
      ]
      const others = Array.from({ length: 20 }, (_, index) => Math.floor((bits / 20) * (index + 0.37)))
      for (const bit of [...some, ...others]) {
        copyFileSync(whole, at("flipped.db"))
        flip(at("flipped.db"), bit)
        expect({ bit, faults: (yield* faultsOf(at("flipped.db"))).length > 0 }).toEqual({ bit, faults: true })
      }
    })
  )

  it.scopedLive(
    "is said what is wrong with it: rows, length, unused space, use as a mirror, a log beside it",
    () =>
      Effect.gen(function* () {
        const { at, mirror, parley } = yield* setUp
        yield* parley("backup", "--to", "whole.db")
        const spoilt = (spoil: (path: string) => void) =>
          Effect.gen(function* () {
            copyFileSync(at("whole.db"), at("spoilt.db"))
            spoil(at("spoilt.db"))
            const { code, stdout } = yield* parley("backup", "--verify", "spoilt.db")
            expect([code, stdout.startsWith("bad ")]).toEqual([3, true])
            return stdout
          })
        const sql = (text: string) => (path: string) => withSqlite(path, (database) => database.exec(text))
        const bytes = "its bytes are not those that were written"
        expect(
          yield* spoilt(sql("DELETE FROM message_rows WHERE key = (SELECT max(key) FROM message_rows)"))
        ).toMatch(
          new RegExp(
            `${bytes}\\n  message_changes|${bytes}\\n[^]*message_rows has 5 rows, and 6 were backed up`
          )
        )
        expect(yield* spoilt(sql("UPDATE remote_contacts SET name = 'Mallory'"))).toContain(
          "rows of remote_contacts are not what was backed up"
        )
        expect(yield* spoilt(sql("DROP TABLE leases"))).toContain("the table leases is not there")
        expect(yield* spoilt(sql("CREATE TABLE more (n)"))).toContain("the table more was added")
        expect(yield* spoilt((path) => appendFileSync(path, "more"))).toContain(
          `${bytes}, in places where no row is`
        )
        expect(yield* spoilt((path) => truncateSync(path, statSync(path).size - 4096))).toContain("malformed")
        expect(yield* spoilt((path) => writeFileSync(path, "a letter"))).toContain("it is no SQLite database")
        expect(yield* spoilt(sql("PRAGMA journal_mode = WAL"))).toContain("put to use as a mirror")
        expect(yield* spoilt(sql("DELETE FROM copy_manifest"))).toContain(
          "it does not say what it is a backup of"
        )
        expect(yield* spoilt(sql("UPDATE copy_manifest SET manifest = '{}'"))).toContain("it does not say")
        writeFileSync(at("whole.db-journal"), "a journal")
        expect((yield* faultsOf(at("whole.db")))[0]).toContain("whole.db-journal lies beside it")
        expect((yield* parley("backup", "--verify", mirror)).stdout).toContain("put to use as a mirror")
        expect((yield* parley("backup", "--verify", "none.db")).stderr).toContain(
          `there is no file ${at("none.db")}`
        )
        expect((yield* parley("backup", "--verify", ".")).stderr).toContain("is a folder")
      })
  )

  it.scopedLive("does not take its name where the mirror is damaged: the older one stays", () =>
    Effect.gen(function* () {
      const { at, mirror, parley } = yield* setUp
      yield* parley("backup", "--to", "backup.db")
      const before = bytesOf(at("backup.db"))
      withSqlite(mirror, (database) => {
        database.pragma("wal_checkpoint(TRUNCATE)")
      })
      // A row that its index does not know.
      const page = withSqlite(mirror, (database) =>
        Number(
          database
            .prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'message_kinds_by_words'")
            .pluck()
            .get()
        )
      )
      const bytes = readFileSync(mirror)
      bytes.fill(0, page * 4096 - 8, page * 4096)
      writeFileSync(mirror, bytes)
      const { code, stderr } = yield* parley("backup", "--to", "backup.db", "--keep", "3")
      expect(code).toBe(1)
      expect(stderr).toMatch(
        /no backup was made, because the copy of .* is not whole: .*\n.*`parley doctor --full`/
      )
      expect(bytesOf(at("backup.db"))).toBe(before)
      expect(readdirSync(at("."))).toEqual(["backup.db"])
    })
  )
})

describe("what is in a backup's place", () => {
  it.scopedLive("stays as it is, and is named, where it is no backup of this mirror", () =>
    Effect.gen(function* () {
      const { at, mirror, parley } = yield* setUp
      const other = yield* setUp
      yield* other.parley("backup", "--to", at("other.db"))
      yield* other.parley("publish", "--to", at("other"))
      yield* parley("publish", "--to", "own")
      writeFileSync(at("letter.txt"), "Dear Ana")
      withSqlite(at("shop.db"), (database) => database.exec("CREATE TABLE orders (id)"))
      copyFileSync(mirror, at("mirror.db"))
      symlinkSync("backup.db", at("link.db"))
      linkSync(mirror, at("same.db"))
      mkdirSync(at("folder"))
      yield* parley("backup", "--to", "spoilt.db")
      const spoilt = readFileSync(at("spoilt.db"))
      writeFileSync(at("spoilt.db"), spoilt.fill(0xff, 100, 8192))
      const refusals: ReadonlyArray<readonly [target: string, message: string]> = [
        ["letter.txt", "is another file, and no copy of this mirror"],
        ["shop.db", "is another file, and no copy of this mirror"],
        ["mirror.db", "is a mirror that is in use, or was"],
        [mirror, "is the mirror itself"],
        ["same.db", "is the mirror itself"],
        [`${mirror}-wal`, "is the mirror itself"],
        ["link.db", "is a symbolic link to backup.db"],
        ["folder", "is a folder"],
        ["own/parley.db", "is a publication, and not a backup"],
        ["other.db", "is a backup of another mirror"],
        ["spoilt.db", "is damaged, so that it cannot be said what it is"],
        ["nowhere/backup.db", "the folder .*nowhere does not exist"]
      ]
      const files = refusals.map(([target]) => (target.startsWith("/") ? target : at(target)))
      const stateOf = () =>
        files.map((file) =>
          existsSync(file) && statSync(file).size > 0 && statSync(file).isFile() ? bytesOf(file) : null
        )
      const before = stateOf()
      for (const [target, message] of refusals) {
        const { code, stderr } = yield* parley("backup", "--to", target)
        expect([target, code]).toEqual([target, 2])
        expect(stderr).toMatch(new RegExp(message))
      }
      expect(Object.fromEntries(stateOf().map((state, index) => [refusals[index]?.[0], state]))).toEqual(
        Object.fromEntries(before.map((state, index) => [refusals[index]?.[0], state]))
      )
      expect(readdirSync(at(".")).filter((name) => name.includes(".part-"))).toEqual([])
    })
  )

  it.scopedLive("is replaced where it is an older backup, or an empty file", () =>
    Effect.gen(function* () {
      const { at, parley } = yield* setUp
      writeFileSync(at("backup.db"), "", { mode: 0o644 })
      for (let times = 0; times < 2; times += 1) {
        expect((yield* parley("backup", "--to", "backup.db")).code).toBe(0)
        expect(yield* faultsOf(at("backup.db"))).toEqual([])
        expect(statSync(at("backup.db")).mode & 0o777).toBe(0o600)
      }
      expect(readdirSync(at("."))).toEqual(["backup.db"])
    })
  )
})

describe("backups that are kept", () => {
  it.scopedLive(
    "are the newest N, by the moment that they show; the newest has the name that was asked for",
    () =>
      Effect.gen(function* () {
        const { at, edit, parley } = yield* setUp
        const seqs: Array<number> = []
        for (let times = 0; times < 5; times += 1) {
          yield* edit("INSERT INTO commits (at) VALUES ('2026-03-07T10:00:00.000Z')")
          const { stdout } = yield* parley("backup", "--to", "backup.db", "--keep", "3", "--json")
          seqs.push((JSON.parse(stdout) as { manifest: { seq: number } }).manifest.seq)
        }
        const names = readdirSync(at(".")).toSorted()
        expect(names).toEqual([
          expect.stringMatching(/^backup-\d{8}T\d{9}Z\.db$/),
          expect.stringMatching(/^backup-\d{8}T\d{9}Z\.db$/),
          "backup.db"
        ])
        const held = names.map((name) =>
          withSqlite(at(name), (database) => database.prepare("SELECT max(seq) FROM commits").pluck().get())
        )
        expect(held).toEqual(seqs.slice(-3))
      })
  )

  it.scopedLive(
    "do not count where they are damaged: as many good ones stay, and the damaged one is named",
    () =>
      Effect.gen(function* () {
        const { at, parley } = yield* setUp
        const older = () =>
          readdirSync(at("."))
            .filter((name) => name !== "backup.db")
            .toSorted()
        for (let times = 0; times < 3; times += 1) yield* parley("backup", "--to", "backup.db", "--keep", "3")
        const [oldest = ""] = older()
        flip(at("backup.db"), statSync(at("backup.db")).size * 4)
        const { stdout, stderr } = yield* parley("backup", "--to", "backup.db", "--keep", "3", "--json")
        const { damaged } = JSON.parse(stdout) as { damaged: ReadonlyArray<string> }
        expect(damaged).toHaveLength(1)
        expect(stderr).toContain("is damaged and does not count among the backups that are kept")
        expect(older()).toContain(oldest)
        const good = yield* Effect.filter(readdirSync(at(".")), (name) =>
          Effect.map(faultsOf(at(name)), (faults) => faults.length === 0)
        )
        expect(good).toHaveLength(3)
      })
  )

  it.scopedLive("leave files alone that only look like them", () =>
    Effect.gen(function* () {
      const { at, parley } = yield* setUp
      const other = yield* setUp
      yield* other.parley("backup", "--to", at("backup-20200101T000000000Z.db"))
      writeFileSync(at("backup-20200102T000000000Z.db"), "a letter")
      writeFileSync(at("backup-old.db"), "a letter")
      const before = readdirSync(at("."))
      for (let times = 0; times < 3; times += 1) yield* parley("backup", "--to", "backup.db", "--keep", "1")
      expect(readdirSync(at(".")).toSorted()).toEqual([...before, "backup.db"].toSorted())
    })
  )

  it.scopedLive("are named wrong: less than one, none to keep, nothing to do, both at once", () =>
    Effect.gen(function* () {
      const { parley } = yield* setUp
      const wrong: ReadonlyArray<readonly [ReadonlyArray<string>, string]> = [
        [["--to", "backup.db", "--keep", "0"], "--keep: less than one"],
        [[], "it is not said where the backup should be"],
        [["--verify", "backup.db", "--keep", "2"], "--keep does not go with it"],
        [["--verify", "backup.db", "--to", "other.db"], "--to does not go with it"]
      ]
      for (const [argv, message] of wrong) {
        const { code, stderr } = yield* parley("backup", ...argv)
        expect([code, stderr.split("\n")[0]]).toEqual([2, expect.stringContaining(message)])
      }
    })
  )
})

describe("what a death left of a backup", () => {
  it.scopedLive("is gone after the next one; what another run is writing is not", () =>
    Effect.gen(function* () {
      const { at, parley } = yield* setUp
      const [where = "", , start = ""] = thisProcessName().split("-")
      const { pid: dead } = spawnSync("true")
      const names = {
        ofDead: `backup.db.part-${where}-${dead}-${start}-1`,
        ofReused: `backup.db.part-${where}-${process.pid}-00000000-1`,
        ofAnother: `backup.db.part-${thisProcessName()}-99`,
        elsewhere: `backup.db.part-00000000-${dead}-${start}-1`,
        longAgo: "backup.db.part-00000000-1-00000000-1",
        unlike: "backup.db.part-of-the-year"
      }
      for (const name of Object.values(names)) writeFileSync(at(name), "")
      writeFileSync(at(`${names.ofDead}-journal`), "")
      utimesSync(at(names.longAgo), 0, 0)
      yield* parley("backup", "--to", "backup.db")
      expect(readdirSync(at(".")).toSorted()).toEqual(
        ["backup.db", names.ofAnother, names.elsewhere, names.unlike].toSorted()
      )
    })
  )
})

describe("a backup that is put in the mirror's place", () => {
  it.scopedLive("beside the log of the mirror that was there is refused, and stays good", () =>
    Effect.gen(function* () {
      const { at, edit, mirror, parley } = yield* setUp
      yield* parley("backup", "--to", "backup.db")
      const reader = new Sqlite(mirror, { readonly: true })
      reader.prepare("SELECT count(*) FROM commits").get()
      yield* edit("UPDATE remote_contacts SET name = 'Later'")
      copyFileSync(`${mirror}-wal`, at("log"))
      reader.close()
      copyFileSync(at("backup.db"), mirror)
      copyFileSync(at("log"), `${mirror}-wal`)
      for (const readOnly of [true, false]) {
        const refused = yield* Effect.flip(Effect.scoped(Layer.build(Db.layer(mirror, { readOnly }))))
        expect(refused.message).toContain(`${mirror}-wal is the log of another file`)
      }
      expect(bytesOf(mirror)).toBe(bytesOf(at("backup.db")))
      renameSync(`${mirror}-wal`, at("away"))
      chmodSync(mirror, 0o600)
      expect((yield* parley("status")).code).toBe(0)
    })
  )
})
