import { execFileSync } from "node:child_process"
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync
} from "node:fs"
import { join } from "node:path"
import { expect, it } from "@effect/vitest"
import Sqlite from "better-sqlite3"
import { Cause, Effect, Exit, Layer } from "effect"
import { Db, type DbOptions, type StoreError } from "../../src/store/Db.ts"
import { headerOf } from "../../src/store/header.ts"
import { migrations } from "../../src/store/migrations/index.ts"
import { temporaryFile, temporaryFolder } from "./fixtures.ts"

const opened = (path: string, options: DbOptions = {}) =>
  Layer.build(Db.layer(path, options)).pipe(Effect.scoped)

const refusal = (path: string, options: DbOptions = {}): Effect.Effect<StoreError, unknown> =>
  Effect.flip(opened(path, options)) as Effect.Effect<StoreError, unknown>

const using = <A, E>(path: string, f: (db: Db) => Effect.Effect<A, E>, options: DbOptions = {}) =>
  Effect.flatMap(Db, f).pipe(Effect.provide(Db.layer(path, options)))

const mode = (path: string): number => statSync(path).mode & 0o777

it.scoped("creates a mirror that nobody else can read, with its -wal and -shm", () =>
  Effect.gen(function* () {
    const path = yield* temporaryFile
    yield* using(path, (db) =>
      db.use("test", () => {
        expect(["", "-wal", "-shm"].map((end) => mode(`${path}${end}`))).toEqual([0o600, 0o600, 0o600])
      })
    )
  })
)

it.scoped("takes other people's rights to an existing mirror away", () =>
  Effect.gen(function* () {
    const path = yield* temporaryFile
    yield* opened(path)
    chmodSync(path, 0o644)
    yield* opened(path)
    expect(mode(path)).toBe(0o600)
  })
)

it.scoped("opens with the settings that the rest relies on", () =>
  Effect.gen(function* () {
    const path = yield* temporaryFile
    const settings = yield* using(path, (db) =>
      db.use("test", ({ database }) =>
        ["journal_mode", "synchronous", "foreign_keys", "busy_timeout", "application_id", "user_version"].map(
          (name) => database.pragma(name, { simple: true })
        )
      )
    )
    expect(settings).toEqual(["wal", 1, 1, 5000, 0x5041524c, migrations.length])
  })
)

it.scoped("keeps all of a transaction or nothing", () =>
  Effect.gen(function* () {
    const path = yield* temporaryFile
    yield* using(path, (db) =>
      Effect.gen(function* () {
        const insert = "INSERT INTO connections (name, provider, first_seen_at) VALUES (?, 'x', '')"
        const error = yield* Effect.flip(
          db.transaction("test", ({ prepare }) => {
            prepare(insert).run("one")
            prepare(insert).run("one")
          })
        )
        expect([error.kind, error.op, error.message]).toEqual([
          "refused",
          "test",
          "UNIQUE constraint failed: connections.name"
        ])
        expect(yield* db.use("test", ({ prepare }) => prepare("SELECT * FROM connections").all())).toEqual([])
      })
    )
  })
)

it.scoped("cannot hold a transaction open while something is awaited", () =>
  Effect.gen(function* () {
    const path = yield* temporaryFile
    const exit = yield* Effect.exit(using(path, (db) => db.transaction("test", async () => 1)))
    expect(Exit.isFailure(exit) && Cause.pretty(exit.cause)).toMatch(/cannot return a promise/)
  })
)

it.scoped("lets a fault of the program be a defect, and not an error of the store", () =>
  Effect.gen(function* () {
    const path = yield* temporaryFile
    const exit = yield* Effect.exit(
      using(path, (db) =>
        db.use("test", () => {
          throw new TypeError("our mistake")
        })
      )
    )
    expect(exit._tag === "Failure" && exit.cause._tag).toBe("Die")
  })
)

it.scoped("says that the folder is missing, and how to make it", () =>
  Effect.gen(function* () {
    const folder = yield* temporaryFolder
    const error = yield* refusal(join(folder, "none", "mirror.db"))
    expect(error.kind).toBe("no-such-file")
    expect(error.message).toBe(`the folder ${join(folder, "none")} does not exist`)
    expect(error.hint).toContain("mkdir -p")
  })
)

it.scoped("does not create a mirror that is only to be read", () =>
  Effect.gen(function* () {
    const path = yield* temporaryFile
    const error = yield* refusal(path, { readOnly: true })
    expect([error.kind, error.hint]).toEqual(["no-such-file", expect.stringContaining("parley sync")])
    expect(existsSync(path)).toBe(false)
  })
)

it.scoped("says that a folder is not a file", () =>
  Effect.gen(function* () {
    const folder = yield* temporaryFolder
    mkdirSync(join(folder, "mirror.db"))
    expect((yield* refusal(join(folder, "mirror.db"))).message).toMatch(/mirror\.db is a folder$/)
  })
)

for (const readOnly of [false, true]) {
  const how = readOnly ? "reading" : "writing"

  it.scoped(`leaves a file that is no database as it is (${how})`, () =>
    Effect.gen(function* () {
      const path = yield* temporaryFile
      const content = "name,email\n".repeat(1000)
      writeFileSync(path, content)
      const error = yield* refusal(path, { readOnly })
      expect([error.kind, error.message]).toEqual(["not-a-database", `${path} is not a SQLite database`])
      expect(readFileSync(path, "utf8")).toBe(content)
    })
  )

  it.scoped(`leaves another program's database as it is (${how})`, () =>
    Effect.gen(function* () {
      const path = yield* temporaryFile
      const other = new Sqlite(path)
      other.exec("CREATE TABLE songs (title TEXT)")
      other.close()
      const before = readFileSync(path)
      const error = yield* refusal(path, { readOnly })
      expect([error.kind, error.message]).toEqual([
        "not-a-mirror",
        `${path} is a SQLite database, but not a mirror of Parley's`
      ])
      expect(readFileSync(path).equals(before)).toBe(true)
    })
  )

  it.scoped(`leaves the mirror of a newer program untouched, log included (${how})`, () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const path = join(folder, "mirror.db")
      yield* opened(path)
      const newer = new Sqlite(path)
      newer.pragma("wal_autocheckpoint = 0")
      newer.pragma(`user_version = ${migrations.length + 1}`)
      // As after a crash: the new version is in the log alone.
      const copy = join(folder, "copy.db")
      copyFileSync(path, copy)
      copyFileSync(`${path}-wal`, `${copy}-wal`)
      newer.close()
      const before = [copy, `${copy}-wal`].map((file) => readFileSync(file))
      const error = yield* refusal(copy, { readOnly })
      expect([error.kind, error.hint]).toEqual(["newer-schema", expect.stringContaining("Update Parley")])
      expect(
        [copy, `${copy}-wal`].every((file, index) => readFileSync(file).equals(before[index] as Buffer))
      ).toBe(true)
    })
  )
}

it.scoped("says that the content of a file is damaged, and keeps it", () =>
  Effect.gen(function* () {
    const path = yield* temporaryFile
    yield* using(path, (db) =>
      db.transaction("test", ({ prepare }) => {
        const insert = prepare("INSERT INTO connections (name, provider, first_seen_at) VALUES (?, ?, '')")
        for (let index = 0; index < 2000; index += 1) insert.run(`connection-${index}`, "x".repeat(100))
      })
    )
    const file = openSync(path, "r+")
    for (let offset = 4096 * 8; offset < statSync(path).size; offset += 4096)
      writeSync(file, Buffer.alloc(512, 0xa5), 0, 512, offset)
    const error = yield* Effect.flip(
      using(path, (db) =>
        db.use("test", ({ prepare }) => prepare("SELECT sum(length(provider)) FROM connections").all())
      )
    )
    expect([error.kind, error.hint]).toEqual(["damaged", expect.stringContaining(".recover")])
  })
)

it.scoped("says that a file was cut off", () =>
  Effect.gen(function* () {
    const path = yield* temporaryFile
    yield* opened(path)
    truncateSync(path, 4096 * 3)
    const error = yield* Effect.flip(
      using(path, (db) => db.use("test", ({ prepare }) => prepare("SELECT * FROM status_history").all()))
    )
    expect(error.kind).toBe("damaged")
  })
)

it.scoped("says that the disk is full, and keeps what was committed", () =>
  Effect.gen(function* () {
    const path = yield* temporaryFile
    yield* using(path, (db) =>
      Effect.gen(function* () {
        const insert = (name: string, size: number) =>
          db.transaction("test", ({ prepare }) =>
            prepare("INSERT INTO connections (name, provider, first_seen_at) VALUES (?, ?, '')").run(
              name,
              "x".repeat(size)
            )
          )
        yield* insert("small", 10)
        yield* db.use("test", ({ database }) =>
          database.pragma(`max_page_count = ${Number(database.pragma("page_count", { simple: true }))}`)
        )
        const error = yield* Effect.flip(insert("large", 1_000_000))
        expect([error.kind, error.hint]).toEqual([
          "disk-full",
          expect.stringContaining("everything committed so far is kept")
        ])
        expect(
          yield* db.use("test", ({ prepare }) => prepare("SELECT name FROM connections").pluck().all())
        ).toEqual(["small"])
      })
    )
  })
)

it.scoped("gives up on a file that another program keeps locked, in words", () =>
  Effect.gen(function* () {
    const path = yield* temporaryFile
    yield* using(
      path,
      (db) =>
        Effect.gen(function* () {
          const other = new Sqlite(path)
          other.exec("BEGIN IMMEDIATE")
          const error = yield* Effect.flip(db.transaction("test", () => 1))
          other.close()
          expect([error.kind, error.message]).toEqual(["locked", expect.stringContaining("is locked")])
          expect(yield* db.transaction("test", () => 1)).toBe(1)
        }),
      { busyTimeoutMillis: 20 }
    )
  })
)

it.scoped("reads while another program writes, and sees none of what it has not committed", () =>
  Effect.gen(function* () {
    const path = yield* temporaryFile
    yield* using(path, (db) =>
      Effect.gen(function* () {
        const count = Effect.provide(
          Effect.flatMap(Db, (reader) =>
            reader.use("test", ({ prepare }) => prepare("SELECT count(*) FROM connections").pluck().get())
          ),
          Db.layer(path, { readOnly: true })
        )
        const write = db.transaction("test", ({ prepare }) =>
          prepare("INSERT INTO connections (name, provider, first_seen_at) VALUES ('one', 'x', '')").run()
        )
        expect(yield* count).toBe(0)
        yield* write
        expect(yield* count).toBe(1)
      })
    )
  })
)

it.scoped("refuses to write through a connection for reading", () =>
  Effect.gen(function* () {
    const path = yield* temporaryFile
    yield* opened(path)
    const error = yield* Effect.flip(
      using(path, (db) => db.use("test", ({ prepare }) => prepare("DELETE FROM runs").run()), {
        readOnly: true
      })
    )
    expect(error.kind).toBe("read-only")
  })
)

it.scoped(
  "goes on writing while a reader holds a long transaction, which keeps seeing what it began with",
  () =>
    Effect.gen(function* () {
      const path = yield* temporaryFile
      yield* using(path, (db) =>
        Effect.gen(function* () {
          const reader = new Sqlite(path, { readonly: true })
          const count = () => reader.prepare("SELECT count(*) FROM connections").pluck().get()
          reader.exec("BEGIN")
          expect(count()).toBe(0)
          for (let index = 0; index < 20; index += 1) {
            yield* db.transaction("test", ({ prepare }) =>
              prepare("INSERT INTO connections (name, provider, first_seen_at) VALUES (?, 'x', '')").run(
                `c${index}`
              )
            )
          }
          expect(count()).toBe(0)
          reader.exec("COMMIT")
          expect(count()).toBe(20)
          reader.close()
        })
      )
    })
)

it.scoped("writes nothing more once a newer Parley has changed the schema", () =>
  Effect.gen(function* () {
    const path = yield* temporaryFile
    yield* using(path, (db) =>
      Effect.gen(function* () {
        const newer = new Sqlite(path)
        newer.pragma(`user_version = ${migrations.length + 1}`)
        newer.close()
        const error = yield* Effect.flip(
          db.transaction("test", ({ prepare }) => {
            prepare("DELETE FROM dictionary").run()
          })
        )
        expect(error).toMatchObject({ kind: "newer-schema" })
        expect(error.message).toContain("was brought to a newer schema by another Parley")
        const left = yield* db.use("test", ({ prepare }) =>
          prepare("SELECT count(*) FROM dictionary").pluck().get()
        )
        expect(left).toBeGreaterThan(0)
      })
    )
  })
)

it.scoped("keeps its log, whatever opens the mirror beside it, here or in another program", () =>
  Effect.gen(function* () {
    const path = yield* temporaryFile
    yield* opened(path)
    const write = (db: Db) =>
      db.transaction("test", ({ prepare }) => prepare("INSERT INTO commits (at) VALUES ('now')").run())
    yield* using(path, (db) =>
      Effect.gen(function* () {
        yield* write(db)
        for (const options of [{}, { readOnly: true }]) yield* opened(path, options)
        headerOf(path)
        execFileSync("sqlite3", [path, "SELECT count(*) FROM commits"])
        expect(existsSync(`${path}-wal`)).toBe(true)
        yield* write(db)
      })
    )
    expect(String(execFileSync("sqlite3", [path, "SELECT count(*) FROM commits"])).trim()).toBe("2")
  })
)
