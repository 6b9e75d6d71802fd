import { execFileSync } from "node:child_process"
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from "hyparquet"
import { type ExportOptions, exportMirror } from "../../src/analysis/export.ts"
import { openRowFile } from "../../src/analysis/rowFile.ts"
import { type ExportTable, exportable } from "../../src/analysis/tables.ts"
import { Db, type Session } from "../../src/store/Db.ts"
import { temporaryFolder } from "../store/fixtures.ts"
import { editableViews } from "../support/editableViews.ts"
import { at, mirrorFile, talk } from "./smallMirror.ts"

const nasty = [
  '=HYPERLINK("http://x.example")',
  "+15555550100",
  "-1",
  "@here",
  "\tx",
  "a\r\nb",
  ' "quoted", ',
  "",
  "Grüße 🙂 你好"
]

const fill = (session: Session): void => {
  talk(session, {
    id: "a",
    status: "completed",
    qualified: 1,
    title: "=1+1",
    lines: nasty.map((text, index) => [index % 2 === 0 ? "customer" : "agent", index, text] as const)
  })
  talk(session, { connection: "salon", id: "b", channel: null, lines: [["customer", null, "Hi"]] })
  session.database.exec(`
    UPDATE conversations SET status = 'completed' WHERE id = 'salon:b';
    INSERT INTO quarantine (connection, kind, provider_id, conversation_provider_id, reason, path, payload, payload_hash, first_seen_at, last_seen_at, page_id)
      VALUES ('leads', 'message', 'x', 'a', 'r', '$', '{"a":"\u2028"}', 'h', '${at(0)}', '${at(0)}', 1)`)
}

const defaults: Omit<ExportOptions, "to"> = {
  format: "csv",
  since: null,
  tables: [],
  overwrite: false,
  byteOrderMark: false,
  plainPhones: false
}

const exported = (path: string, options: Partial<ExportOptions> & { readonly to: string }) =>
  Effect.provide(exportMirror({ ...defaults, ...options }), Db.layer(path, { readOnly: true }))

const read = <A>(path: string, f: (session: Session) => A) =>
  Effect.provide(
    Effect.flatMap(Db, (db) => db.use("test", f)),
    Db.layer(path)
  )

const rowsOf = (path: string, sql: string) =>
  read(path, ({ prepare }) => prepare(sql).all() as ReadonlyArray<Record<string, unknown>>)

describe("CSV", () => {
  it.scoped("is read back by Python field by field, formulas and phone numbers behind an apostrophe", () =>
    Effect.gen(function* () {
      const path = yield* mirrorFile(fill)
      const to = yield* temporaryFolder
      yield* exported(path, { to, tables: ["messages", "conversations"] })
      const python = execFileSync("python3", [
        "-c",
        "import csv, json, sys; print(json.dumps([r['content'] for r in csv.DictReader(open(sys.argv[1], newline=''))]))",
        join(to, "messages.csv")
      ])
      expect(JSON.parse(String(python))).toEqual([
        '\'=HYPERLINK("http://x.example")',
        "'+15555550100",
        "'-1",
        "'@here",
        "'\tx",
        "a\r\nb",
        ' "quoted", ',
        "",
        "Grüße 🙂 你好",
        "Hi"
      ])
      const text = readFileSync(join(to, "conversations.csv"), "utf8")
      const [head, first, second, end] = text.split("\r\n")
      expect(head).toMatch(/^id,connection,provider,/)
      expect(first).toContain(",'=1+1,")
      // Nobody said a channel, and the summary is null: nothing stands between the commas.
      expect(second).toMatch(/^salon:b,salon,empfio,b,salon:p-b,,,completed,active,active,pending,,,,,,/)
      expect(end).toBe("")
    })
  )

  it.scoped(
    "leaves telephone numbers as they are on request, and nothing else that a spreadsheet would run",
    () =>
      Effect.gen(function* () {
        const texts = ["+49 (30) 123-45/6", "+1+cmd|' /C calc'!A0", "+A1", "-1", "=1", "+"]
        const path = yield* mirrorFile((session) => {
          talk(session, { id: "a", lines: texts.map((text) => ["customer", 0, text] as const) })
        })
        const to = yield* temporaryFolder
        yield* exported(path, { to, tables: ["messages"], plainPhones: true })
        const contents = readFileSync(join(to, "messages.csv"), "utf8").split("\r\n").slice(1, -1)
        expect(contents.map((line) => line.split(",")[8])).toEqual([
          "+49 (30) 123-45/6",
          "'+1+cmd|' /C calc'!A0",
          "'+A1",
          "'-1",
          "'=1",
          "'+"
        ])
      })
  )

  it.scoped("tells an empty text from null, and begins with a byte order mark on request", () =>
    Effect.gen(function* () {
      const path = yield* mirrorFile((session) => {
        talk(session, { id: "a", lines: [["customer", null, ""]] })
        session.database.exec("UPDATE messages SET type = '', provider_role = NULL")
      })
      const to = yield* temporaryFolder
      yield* exported(path, { to, tables: ["messages"], byteOrderMark: true })
      expect(readFileSync(join(to, "messages.csv"), "utf8").split("\r\n")).toEqual([
        "\ufeffkey,id,conversation_id,provider_id,position,role,provider_role,type,content,sent_at,sent_at_source,attributes,page_id,seq",
        '1048576,leads:a:m0,leads:a,m0,0,customer,,"","",,,{},1,6',
        ""
      ])
    })
  )
})

describe("NDJSON", () => {
  it.scoped("has every row of every table as SQL gives it", () =>
    Effect.gen(function* () {
      const path = yield* mirrorFile(fill)
      const to = yield* temporaryFolder
      const { tables: files } = yield* exported(path, {
        to,
        format: "ndjson",
        tables: exportable.map(({ name }) => name)
      })
      expect(files.map(({ table }) => table)).toEqual(exportable.map(({ name }) => name))
      for (const { file, rows, table } of files) {
        const lines = readFileSync(join(to, file), "utf8").split("\n")
        expect(lines.pop()).toBe("")
        expect(lines).toHaveLength(rows)
        if (table === "open_changes" || table === "waiting_for_person") continue
        const order = exportable.find(({ name }) => name === table)?.sql ?? ""
        expect(lines.map((line) => JSON.parse(line))).toEqual(yield* rowsOf(path, order))
      }
    })
  )
})

describe("Parquet", () => {
  it.scoped("holds every row with times as times and whole numbers as whole numbers", () =>
    Effect.gen(function* () {
      const path = yield* mirrorFile(fill)
      const to = yield* temporaryFolder
      const { tables: files } = yield* exported(path, { to, format: "parquet" })
      for (const { file, table } of files) {
        const parquet = yield* Effect.promise(async () =>
          parquetReadObjects({ file: await asyncBufferFromFile(join(to, file)) })
        )
        const stored = yield* rowsOf(path, exportable.find(({ name }) => name === table)?.sql ?? "")
        const plain = parquet.map((row) =>
          Object.fromEntries(
            Object.entries(row).map(([name, value]) => [
              name,
              value instanceof Date
                ? value.toISOString().slice(0, name === "day" || name === "local_date" ? 10 : undefined)
                : typeof value === "bigint" || typeof value === "boolean"
                  ? Number(value)
                  : typeof value === "object" && value !== null
                    ? JSON.stringify(value)
                    : value
            ])
          )
        )
        if (table === "open_changes" || table === "waiting_for_person")
          expect(plain).toHaveLength(stored.length)
        else expect(plain).toEqual(stored)
      }
      const [message] = yield* Effect.promise(async () =>
        parquetReadObjects({ file: await asyncBufferFromFile(join(to, "messages.parquet")) })
      )
      expect(message).toMatchObject({ sent_at: new Date(at(0)), position: 0n, content: nasty[0] })
      const [conversation] = yield* Effect.promise(async () =>
        parquetReadObjects({ file: await asyncBufferFromFile(join(to, "conversations.parquet")) })
      )
      expect(conversation).toMatchObject({
        qualified: true,
        complete: null,
        attributes: {},
        deleted_at: null
      })
    })
  )

  it.scoped("says of times that they are UTC, and of JSON that it is, with every digit of its numbers", () =>
    Effect.gen(function* () {
      const path = yield* mirrorFile(fill)
      yield* read(path, ({ database }) => {
        editableViews(database)
        database.exec(`UPDATE messages SET attributes = '{"id":12345678901234567890}'`)
      })
      const to = yield* temporaryFolder
      yield* exported(path, { to, format: "parquet", tables: ["messages", "conversation_facts"] })
      const schemaOf = (table: string) =>
        Effect.promise(async () => {
          const { schema } = await parquetMetadataAsync(
            await asyncBufferFromFile(join(to, `${table}.parquet`))
          )
          return Object.fromEntries(
            schema.map(({ converted_type, logical_type, name }) => [name, [converted_type, logical_type]])
          )
        })
      const messages = yield* schemaOf("messages")
      expect(messages.attributes).toEqual(["JSON", { type: "JSON" }])
      expect(messages.sent_at).toMatchObject(["TIMESTAMP_MILLIS", { isAdjustedToUTC: true, unit: "MILLIS" }])
      expect((yield* schemaOf("conversation_facts")).day).toEqual(["DATE", { type: "DATE" }])
      expect(readFileSync(join(to, "messages.parquet")).includes('{"id":12345678901234567890}')).toBe(true)
    })
  )

  it.scoped("is written group by group: by rows, and sooner where they are long", () =>
    Effect.gen(function* () {
      const to = yield* temporaryFolder
      const table: ExportTable = {
        name: "t",
        meaning: "",
        columns: [
          { name: "n", kind: "integer" },
          { name: "said", kind: "text" }
        ],
        sql: "",
        changes: null
      }
      const groups = (path: string, texts: ReadonlyArray<string>) =>
        Effect.promise(async () => {
          const file = openRowFile(path, table, {
            format: "parquet",
            byteOrderMark: false,
            plainPhones: false
          })
          file.write(texts.map((said, n) => [n, said]))
          file.finish()
          const buffer = await asyncBufferFromFile(path)
          const rows = await parquetReadObjects({ file: buffer })
          expect(rows.map(({ said }) => said)).toEqual(texts)
          return (await parquetMetadataAsync(buffer)).row_groups.map(({ num_rows }) => Number(num_rows))
        })
      const many = Array.from({ length: 25_000 }, () => "short")
      expect(yield* groups(join(to, "many"), many)).toEqual([10_000, 10_000, 5_000])
      const long = Array.from({ length: 5 }, () => "x".repeat(1_500_000))
      expect(yield* groups(join(to, "long"), long)).toEqual([3, 2])
    })
  )
})

describe("an export", () => {
  it.scoped("shows one moment, whatever is committed while it is written", () =>
    Effect.gen(function* () {
      const path = yield* mirrorFile(fill)
      const to = yield* temporaryFolder
      const writing = yield* Effect.fork(
        Effect.provide(
          Effect.gen(function* () {
            const db = yield* Db
            for (let index = 0; ; index += 1) {
              yield* db.transaction("test", (session) =>
                talk(session, { id: `new-${index}`, lines: [["customer", 1]] })
              )
              yield* Effect.yieldNow()
            }
          }),
          Db.layer(path)
        )
      )
      const before = yield* rowsOf(path, "SELECT id FROM messages")
      yield* Effect.yieldNow()
      yield* exported(path, { to, format: "ndjson" })
      yield* Fiber.interrupt(writing)
      const lines = (table: string) =>
        readFileSync(join(to, `${table}.ndjson`), "utf8")
          .trim()
          .split("\n")
          .map((line) => JSON.parse(line) as Record<string, number>)
      const stored = lines("conversations").reduce((sum, row) => sum + (row.stored_messages ?? 0), 0)
      expect(lines("messages")).toHaveLength(stored)
      const after = yield* rowsOf(path, "SELECT id FROM messages")
      expect(after.length).toBeGreaterThan(before.length)
      expect(after.length).toBeGreaterThan(stored)
    })
  )

  it.scoped("replaces no file without being told, and then leaves everything as it was", () =>
    Effect.gen(function* () {
      const path = yield* mirrorFile(fill)
      const to = yield* temporaryFolder
      writeFileSync(join(to, "messages.csv"), "mine")
      const error = yield* Effect.flip(exported(path, { to }))
      expect(error).toMatchObject({ _tag: "StoreError", kind: "refused" })
      expect(error.message).toBe(`${join(to, "messages.csv")} exists already`)
      expect(readdirSync(to)).toEqual(["messages.csv"])
      yield* exported(path, { to, overwrite: true })
      expect(readFileSync(join(to, "messages.csv"), "utf8")).toMatch(/^key,id,/)
    })
  )

  it.scoped("leaves neither half a file nor a changed one where it fails", () =>
    Effect.gen(function* () {
      const path = yield* mirrorFile(fill)
      const to = yield* temporaryFolder
      writeFileSync(join(to, "messages.csv"), "mine")
      const error = yield* Effect.flip(exported(path, { to, overwrite: true, since: 9_000 }))
      expect(error.message).toBe("there is no commit 9000 in this mirror: the newest is 9")
      // A view that cannot be read is met after files were written.
      yield* read(path, ({ database }) => database.exec("DROP VIEW outcomes"))
      yield* Effect.flip(exported(path, { to, overwrite: true }))
      expect(readdirSync(to)).toEqual(["messages.csv"])
      expect(readFileSync(join(to, "messages.csv"), "utf8")).toBe("mine")
    })
  )

  it.scoped("has no manifest where it was torn: not even that of the export before", () =>
    Effect.gen(function* () {
      const path = yield* mirrorFile(fill)
      const to = yield* temporaryFolder
      const manifest = yield* exported(path, { to, tables: ["messages", "runs"] })
      expect(JSON.parse(readFileSync(join(to, "manifest.json"), "utf8"))).toEqual(manifest)
      // What stands in the place of a file cannot be replaced, when others have been already.
      rmSync(join(to, "runs.csv"))
      mkdirSync(join(to, "runs.csv", "in the way"), { recursive: true })
      yield* Effect.flip(exported(path, { to, tables: ["messages", "runs"], overwrite: true }))
      expect(readdirSync(to).toSorted()).toEqual(["load.sql", "messages.csv", "metadata.json", "runs.csv"])
    })
  )

  it.scoped("writes files that only their owner reads", () =>
    Effect.gen(function* () {
      const path = yield* mirrorFile(fill)
      for (const format of ["csv", "ndjson", "parquet"] as const) {
        const to = join(yield* temporaryFolder, "new", "folder")
        yield* exported(path, { to, format })
        for (const file of readdirSync(to)) expect(statSync(join(to, file)).mode & 0o777, file).toBe(0o600)
      }
    })
  )

  it.scoped("says which tables there are where one is not", () =>
    Effect.gen(function* () {
      const path = yield* mirrorFile(fill)
      const to = yield* temporaryFolder
      const error = yield* Effect.flip(exported(path, { to, tables: ["message"] }))
      expect(error.message).toBe("there is no table message to export")
      expect("hint" in error ? error.hint : "").toContain("messages")
    })
  )

  it.scoped("tells Datasette what every table and column means", () =>
    Effect.gen(function* () {
      const path = yield* mirrorFile(fill)
      const to = yield* temporaryFolder
      yield* exported(path, { to, tables: ["runs"] })
      const metadata = JSON.parse(readFileSync(join(to, "metadata.json"), "utf8"))
      const { queries, tables } = metadata.databases.mirror
      expect(tables.messages.columns.sent_at).toBe(
        "When it was sent. UTC, ISO 8601 text with milliseconds. Null: the vendor gives no time."
      )
      const sqls = Object.values(queries as Record<string, { readonly sql: string }>).map(({ sql }) => sql)
      expect(sqls.length).toBeGreaterThan(10)
      for (const sql of sqls) yield* rowsOf(path, sql)
    })
  )
})
