import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync
} from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import Sqlite from "better-sqlite3"
import { Effect } from "effect"
import { Db } from "../../../src/store/Db.ts"
import { dictionary } from "../../../src/store/dictionary.ts"
import { bytesOf, setUp, withSqlite } from "./support.ts"

interface Document {
  readonly file: string
  readonly unchanged: boolean
  readonly manifest: {
    readonly publication: string
    readonly seq: number
    readonly bytes: number
    readonly sha256: string
  }
}

const publication = Effect.gen(function* () {
  const { parley, ...rest } = yield* setUp
  const publish = (...argv: ReadonlyArray<string>) =>
    Effect.map(parley("publish", "--to", "out", "--json", ...argv), ({ code, stderr, stdout }) => {
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
      return JSON.parse(stdout) as Document
    })
  const read = (name: string) =>
    JSON.parse(readFileSync(rest.at(join("out", name)), "utf8")) as Document["manifest"]
  return { ...rest, parley, publish, read, file: rest.at("out/parley.db") }
})

const modeOf = (path: string): number => statSync(path).mode & 0o777

const countsIn = (path: string): Readonly<Record<string, number>> =>
  withSqlite(path, (database) => {
    const tables = database
      .prepare<[], string>(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 AND name NOT GLOB 'message_search_*' AND name NOT GLOB 'sqlite_*' ORDER BY name"
      )
      .pluck()
      .all()
    return Object.fromEntries(
      tables.map((table) => [
        table,
        Number(database.prepare(`SELECT count(*) FROM "${table}"`).pluck().get())
      ])
    )
  })

describe("a publication", () => {
  it.scopedLive(
    "is one file without a log that says the same as the mirror, and has a manifest of the same pair",
    () =>
      Effect.gen(function* () {
        const { at, file, mirror, publish, read } = yield* publication
        const { manifest } = yield* publish()
        expect(readdirSync(at("out")).toSorted()).toEqual(["manifest.json", "parley.db"])
        expect(["out", "out/parley.db", "out/manifest.json"].map((name) => modeOf(at(name)))).toEqual([
          0o755, 0o644, 0o644
        ])
        expect(read("manifest.json")).toEqual(manifest)
        expect([manifest.bytes, manifest.sha256]).toEqual([statSync(file).size, bytesOf(file)])
        withSqlite(file, (database) => {
          expect(database.pragma("journal_mode", { simple: true })).toBe("delete")
          expect(database.pragma("integrity_check", { simple: true })).toBe("ok")
          expect(database.pragma("freelist_count", { simple: true })).toBe(0)
          expect(
            database.prepare("SELECT manifest ->> '$.publication' FROM copy_manifest").pluck().get()
          ).toBe(manifest.publication)
        })
        const answers = (path: string) =>
          withSqlite(path, (database) =>
            dictionary.map(({ table }) => [table, database.prepare(`SELECT * FROM ${table}`).all()] as const)
          )
        expect(answers(file)).toEqual(answers(mirror))
      })
  )

  it.scopedLive("is written anew only where readers would see something new, and then at once", () =>
    Effect.gen(function* () {
      const { at, edit, file, parley, publish } = yield* publication
      const first = yield* publish()
      const state = () => ["parley.db", "manifest.json"].map((name) => bytesOf(at(`out/${name}`)))
      const before = state()
      yield* edit("INSERT INTO leases VALUES ('leads', 'sync', 'me', 'here', 1, '2026', '2027')")
      yield* parley("export", "--to", "files")
      expect((yield* publish()).unchanged).toBe(true)
      expect(state()).toEqual(before)
      // Who reads the older file goes on with it.
      const reader = new Sqlite(file, { readonly: true })
      yield* edit("UPDATE remote_contacts SET name = 'Later'")
      const second = yield* publish()
      expect([second.unchanged, second.manifest.seq > first.manifest.seq]).toEqual([false, true])
      const names = (database: Sqlite.Database) =>
        database.prepare("SELECT DISTINCT name FROM contacts").pluck().all()
      expect(names(reader)).toEqual(['=Alex, "the" Kim'])
      reader.close()
      expect(withSqlite(file, names)).toEqual(["Later"])
    })
  )

  it.scopedLive(
    "is made again where the file and its manifest do not belong together, or the file is another one",
    () =>
      Effect.gen(function* () {
        const { at, file, edit, publish } = yield* publication
        yield* publish()
        copyFileSync(at("out/manifest.json"), at("older.json"))
        yield* edit("UPDATE remote_contacts SET name = 'Later'")
        yield* publish()
        // A death between the two names.
        copyFileSync(at("older.json"), at("out/manifest.json"))
        expect((yield* publish()).unchanged).toBe(false)
        expect((yield* publish()).unchanged).toBe(true)
        rmSync(at("out/manifest.json"))
        expect((yield* publish()).unchanged).toBe(false)
        const bytes = readFileSync(file)
        bytes.writeUInt8(bytes.readUInt8(bytes.length - 9) ^ 1, bytes.length - 9)
        writeFileSync(file, bytes)
        expect((yield* publish()).unchanged).toBe(false)
        expect((yield* publish("--without", "raw")).unchanged).toBe(false)
      })
  )

  it.scopedLive(
    "holds what the dictionary explains and its views need, and nothing that is Parley's own",
    () =>
      Effect.gen(function* () {
        const { edit, file, mirror, publish } = yield* publication
        yield* edit(`
        INSERT INTO learned VALUES ('leads', 'a', 'b', '2026');
        INSERT INTO scans VALUES ('leads', 'sync', 'all', '{}', '2026', '2026');
        INSERT INTO leases VALUES ('leads', 'sync', 'me', 'here', 1, '2026', '2027');
        INSERT INTO hints (connection, subject, kind, first_at, last_at, deliveries) VALUES ('leads', '{}', 'conversation', '2026', '2026', 1);
        INSERT INTO alerts (connection, state, began_at) VALUES ('leads', 'failed', '2026');
        INSERT INTO file_copies (kind, path, at, seq) VALUES ('backup', '/secret/place.db', '2026', 1);
        INSERT INTO restorations (noticed_at, state_at, state_seq) VALUES ('2026', '2026', 1);`)
        yield* publish()
        const inMirror = countsIn(mirror)
        const published = countsIn(file)
        const emptied = Object.keys(inMirror).filter(
          (table) => published[table] === 0 && inMirror[table] !== 0
        )
        const changed = Object.keys(inMirror).filter((table) => published[table] !== inMirror[table])
        expect(changed.filter((table) => table !== "copy_manifest")).toEqual(emptied)
        expect(emptied).toEqual([
          "alerts",
          "file_copies",
          "hash_key",
          "hints",
          "learned",
          "leases",
          "restorations",
          "retention",
          "scans"
        ])
        expect(readFileSync(file).includes("/secret/place.db")).toBe(false)
      })
  )

  it.scopedLive("holds nothing that was deleted, in no free page and in no word of the index", () =>
    Effect.gen(function* () {
      const { edit, file, mirror, publish } = yield* publication
      const planted = "xylographic"
      yield* edit(`
        UPDATE message_rows SET content = content || ' ${planted}' WHERE key = (SELECT min(key) FROM message_rows);
        INSERT INTO message_search (message_search, rowid, content)
          SELECT 'delete', key, replace(content, ' ${planted}', '') FROM message_rows ORDER BY key LIMIT 1;
        INSERT INTO message_search (rowid, content) SELECT key, content FROM message_rows ORDER BY key LIMIT 1;`)
      yield* publish()
      expect(readFileSync(file).includes(planted)).toBe(true)
      yield* edit(`
        INSERT INTO message_search (message_search, rowid, content)
          SELECT 'delete', key, content FROM message_rows ORDER BY key LIMIT 1;
        UPDATE message_rows SET content = replace(content, ' ${planted}', '') WHERE key = (SELECT min(key) FROM message_rows);
        INSERT INTO message_search (rowid, content) SELECT key, content FROM message_rows ORDER BY key LIMIT 1;`)
      withSqlite(mirror, (database) => database.pragma("wal_checkpoint(TRUNCATE)"))
      expect(readFileSync(mirror).includes(planted)).toBe(true)
      yield* publish()
      expect(readFileSync(file).includes(planted)).toBe(false)
    })
  )

  it.scopedLive(
    "leaves payloads out where that is said, those in quarantine too, and is smaller by them",
    () =>
      Effect.gen(function* () {
        const { edit, file, publish } = yield* publication
        const secret = "payload-that-nobody-needs"
        const payload = JSON.stringify({ secret, filling: "x".repeat(50_000) })
        yield* edit(`
        INSERT INTO raw_kinds (key, kind) VALUES (1, 'conversation');
        INSERT INTO raw_blocks VALUES (1, 'json', 1, ${payload.length}, 0, CAST('${payload}' AS BLOB));
        INSERT INTO raw_rows (key, conversation, kind, hash, observed_at, page_id, block, start, length)
          VALUES (1, 1, 1, x'00', 0, 1, 1, 0, ${payload.length});
        INSERT INTO quarantine (connection, kind, reason, path, payload, payload_hash, first_seen_at, last_seen_at, page_id)
          VALUES ('leads', 'message', 'no time', '$.at', '{"a":"${secret}"}', 'h1', '2026', '2026', 1),
            ('leads', 'message', 'no time', '$.at', '{"b":"${secret}"}', 'h2', '2026', '2026', 1);`)
        yield* publish()
        const whole = statSync(file).size
        expect(readFileSync(file).includes(secret)).toBe(true)
        yield* publish("--without", "raw")
        expect(readFileSync(file).includes(secret)).toBe(false)
        expect(statSync(file).size).toBeLessThan(whole - payload.length)
        withSqlite(file, (database) => {
          expect(database.prepare("SELECT count(*) FROM raw_records").pluck().get()).toBe(0)
          expect(database.prepare("SELECT reason, path, payload FROM quarantine").all()).toEqual(
            Array.from({ length: 2 }, () => ({ reason: "no time", path: "$.at", payload: "" }))
          )
        })
        expect((yield* publish("--without", "raw")).unchanged).toBe(true)
        expect((yield* publish()).unchanged).toBe(false)
      })
  )

  it.scopedLive("can only be read: by Parley, which leaves it as it is, and a request in it is refused", () =>
    Effect.gen(function* () {
      const { file, publish } = yield* publication
      yield* publish()
      const before = bytesOf(file)
      const refused = yield* Effect.flip(Effect.provide(Db, Db.layer(file)))
      expect([refused.kind, refused.message]).toEqual([
        "refused",
        `${file} is a publication: it can only be read`
      ])
      expect([bytesOf(file), modeOf(file)]).toEqual([before, 0o644])
      expect(() =>
        withSqlite(file, (database) => database.exec("UPDATE conversations SET status = 'completed'"))
      ).toThrow("this is a published copy")
      expect(bytesOf(file)).toBe(before)
    })
  )

  it.scopedLive("is kept as often as it is said, each with its manifest", () =>
    Effect.gen(function* () {
      const { at, edit, publish } = yield* publication
      for (let times = 0; times < 4; times += 1) {
        yield* edit(`UPDATE remote_contacts SET name = 'Name ${times}'`)
        yield* publish("--keep", "3")
      }
      const names = readdirSync(at("out")).toSorted()
      const stamps = names.flatMap((name) => /^parley-(.*)\.db$/.exec(name)?.[1] ?? [])
      expect(stamps).toHaveLength(2)
      expect(names).toEqual(
        [
          "manifest.json",
          "parley.db",
          ...stamps.flatMap((stamp) => [`parley-${stamp}.db`, `manifest-${stamp}.json`])
        ].toSorted()
      )
      for (const stamp of stamps) {
        const { sha256 } = JSON.parse(readFileSync(at(`out/manifest-${stamp}.json`), "utf8")) as {
          sha256: string
        }
        expect(sha256).toBe(bytesOf(at(`out/parley-${stamp}.db`)))
      }
    })
  )

  it.scopedLive(
    "has the mode that is said, also where nothing else is new; one that lets others write is refused",
    () =>
      Effect.gen(function* () {
        const { at, file, parley, publish } = yield* publication
        yield* publish("--mode", "0600")
        expect([modeOf(at("out")), modeOf(file)]).toEqual([0o700, 0o600])
        chmodSync(at("out"), 0o755)
        expect((yield* publish("--mode", "640")).unchanged).toBe(true)
        expect([modeOf(file), modeOf(at("out/manifest.json"))]).toEqual([0o640, 0o640])
        for (const mode of ["0666", "777", "0200", "rw"]) {
          const { code, stderr } = yield* parley("publish", "--to", "out", "--mode", mode)
          expect([code, stderr]).toEqual([2, expect.stringContaining(`"${mode}" is not who may read a file`)])
        }
      })
  )

  it.scopedLive("takes no place that is another's", () =>
    Effect.gen(function* () {
      const { at, mirror, parley } = yield* publication
      yield* parley("export", "--to", "exported")
      mkdirSync(at("live"))
      copyFileSync(mirror, at("live/parley.db"))
      writeFileSync(at("file"), "")
      yield* parley("backup", "--to", "parley.db")
      const wrong: ReadonlyArray<readonly [folder: string, message: string]> = [
        ["exported", "manifest.json is there already, and is not the manifest of a publication"],
        ["live", "is a mirror that is in use, or was"],
        ["file", "is not a folder"],
        [".", "is a backup, and not a publication"],
        ["no/where", "its folder does not exist"]
      ]
      for (const [folder, message] of wrong) {
        const { code, stderr } = yield* parley("publish", "--to", folder)
        expect([folder, code]).toEqual([folder, 2])
        expect(stderr).toContain(message)
      }
      expect(readdirSync(at("live"))).toEqual(["parley.db"])
      expect(readdirSync(at(".")).filter((name) => name.includes(".part-"))).toEqual([])
    })
  )
})
