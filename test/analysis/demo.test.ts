import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { resolve } from "node:path"
import { brotliDecompressSync } from "node:zlib"
import { expect, layer } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { exportable } from "../../src/analysis/tables.ts"
import { rowWriter } from "../../src/cli/terminal/rows.ts"
import { Db, type Session } from "../../src/store/Db.ts"
import { activityOf, type Spoken } from "../../src/store/mirror/activity.ts"
import type { Row } from "../../src/store/read/value.ts"
import { demoMirror } from "./demoMirror.ts"

/** The demo's mirror, made once for all tests here. */
class DemoFile extends Context.Tag("test/DemoFile")<DemoFile, string>() {}

const read = <A>(f: (session: Session, path: string) => A) =>
  Effect.flatMap(DemoFile, (path) =>
    Effect.provide(
      Effect.flatMap(Db, (db) => db.use("test", (session) => f(session, path))),
      Db.layer(path, { readOnly: true })
    )
  )

interface Question {
  readonly asked: string
  readonly sql: string
}

/** Each question is a comment that begins with its number, and the statement below it. */
const questions: ReadonlyArray<Question> = readFileSync(
  resolve(import.meta.dirname, "../../docs/questions.sql"),
  "utf8"
)
  .split(/^(?=-- \d+\. )/m)
  .slice(1)
  .map((part) => {
    const [first = "", ...rest] = part.trim().split("\n")
    return { asked: first.replace(/^-- /, ""), sql: rest.join("\n").replace(/;$/, "") }
  })

/** The documented questions, each with its SQL and its answer. */
const documented = [
  ...readFileSync(resolve(import.meta.dirname, "../../docs/querying.md"), "utf8").matchAll(
    /^\*\*(\d+\. .*)\*\*\n\n```sql\n([^`]*);\n```\n\n```\n([^`]*)\n```$/gm
  )
].map(([, asked = "", sql = "", answer = ""]) => ({ asked, sql, answer }))

/** Every value that a JSON path of the dictionary leads to: names, `[*]`, `[0]`. */
const follow = (value: unknown, path: string): ReadonlyArray<unknown> =>
  path
    .slice(1)
    .split(/(?=[.[])/)
    .filter((step) => step !== "")
    .reduce<ReadonlyArray<unknown>>(
      (found, step) =>
        found.flatMap((each): ReadonlyArray<unknown> => {
          if (step === "[*]") return Array.isArray(each) ? each : []
          if (typeof each !== "object" || each === null) return []
          const inner = (each as Record<string, unknown>)[step.replace(/^[.[]|\]$/g, "")]
          return inner === undefined ? [] : [inner]
        }),
      [value]
    )

layer(Layer.scoped(DemoFile, demoMirror), { timeout: 120_000, excludeTestServices: true })(
  "on the demo's mirror",
  (it) => {
    it.effect("ten questions of an analyst have the documented answers", () =>
      read(({ database }, path) => {
        expect(questions.map(({ asked }) => Number.parseInt(asked, 10))).toEqual([
          1, 2, 3, 4, 5, 6, 7, 8, 9, 10
        ])
        expect(documented.map(({ asked, sql }) => ({ asked, sql }))).toEqual(questions)
        for (const { answer, asked, sql } of documented) {
          const statement = database.prepare<[], Row>(sql)
          const columns = statement.columns().map(({ name }) => name)
          const rows = statement.raw().all()
          const writer = rowWriter("table", columns, null)
          expect((writer.begin(rows) + rows.map(writer.row).join("")).trimEnd(), asked).toBe(answer)
          const shell = execFileSync("sqlite3", ["-readonly", "-json", path, sql], { encoding: "utf8" })
          expect(
            (JSON.parse(shell) as Array<object>).map((row) => Object.values(row)),
            asked
          ).toEqual(rows)
        }
      })
    )

    it.effect("the further questions have the same answers in Parley and in the system's sqlite3", () =>
      read(({ database }, path) => {
        const page = readFileSync(resolve(import.meta.dirname, "../../docs/querying.md"), "utf8")
        const further = page.slice(page.indexOf("## Further questions"), page.indexOf("## Sessions, turns"))
        const asked = [...further.matchAll(/^\*\*(.*?)\*\*.*\n\n```sql\n([^`]*);\n```$/gm)]
        expect(asked).toHaveLength(12)
        const answers = asked.map(([, question = "", sql = ""]) => {
          const rows = database.prepare<[], Row>(sql).raw().all()
          const shell = execFileSync("sqlite3", ["-readonly", "-json", path, sql], { encoding: "utf8" })
          const read = shell.trim() === "" ? [] : (JSON.parse(shell) as Array<object>)
          expect(
            read.map((row) => Object.values(row)),
            question
          ).toEqual(rows)
          return [question, rows.length] as const
        })
        // No one is known to two of the demo's vendors.
        expect(answers.filter(([, rows]) => rows === 0).map(([question]) => question)).toEqual([
          "Who is the same person at two vendors?"
        ])
      })
    )

    it.effect("every source that the dictionary names is there in what the vendor sent", () =>
      read(({ prepare }) => {
        const raw = prepare(
          "SELECT n.provider, r.encoding, r.payload, r.payload_start AS start, r.payload_length AS length FROM raw_records r JOIN connections n ON n.name = r.connection"
        ).all() as ReadonlyArray<{
          provider: string
          encoding: string
          payload: Buffer
          start: number
          length: number
        }>
        const textOf = ({ encoding, length, payload, start }: (typeof raw)[number]) =>
          String(
            encoding === "brotli" ? brotliDecompressSync(payload).subarray(start, start + length) : payload
          )
        const sent = raw.map((row) => ({
          provider: row.provider,
          value: JSON.parse(textOf(row)) as unknown
        }))
        const named = prepare(
          `SELECT table_name || '.' || column_name AS name, s.key AS provider, s.value AS paths
             FROM dictionary, json_each(source) AS s`
        ).all() as ReadonlyArray<{ name: string; provider: string; paths: string }>
        expect(named.length).toBeGreaterThan(70)
        const missing = named.flatMap(({ name, paths, provider }) =>
          paths
            .split(", ")
            .filter((path) => path.startsWith("$"))
            .filter(
              (path) =>
                !sent.some((each) => each.provider === provider && follow(each.value, path).length > 0)
            )
            .map((path) => `${name}: ${provider} ${path}`)
        )
        // Documented by the vendor, and never sent by the simulated one; and what only a webhook says, which is not stored.
        expect(missing).toEqual([
          "conversations.campaign_id: convocore $.campaignId",
          "conversations.declared_messages: aelyst $.conversation.incomingMessageCount",
          "conversations.declared_messages: aelyst $.conversation.outgoingMessageCount (webhook conversation.closed)"
        ])
      })
    )

    it.effect(
      "every word of every message is found by MATCH, and every two neighbouring Chinese characters",
      () =>
        read(({ prepare }) => {
          const messages = prepare(
            "SELECT key, content FROM messages WHERE content IS NOT NULL"
          ).all() as ReadonlyArray<{ key: number; content: string }>
          const isFound = prepare(
            "SELECT 1 FROM message_search WHERE message_search MATCH ? AND rowid = ?"
          ).pluck()
          const words = new Intl.Segmenter("und", { granularity: "word" })
          const lost: Array<string> = []
          let asked = 0
          for (const { content, key } of messages) {
            const wanted = new Set<string>()
            for (const { isWordLike, segment } of words.segment(content))
              if (isWordLike === true) wanted.add(segment)
            for (const [run] of content.matchAll(/\p{Script=Han}{2,}/gu)) {
              for (let at = 0; at + 2 <= run.length; at += 1) wanted.add(run.slice(at, at + 2))
            }
            asked += wanted.size
            for (const word of wanted)
              if (isFound.get(`"${word}"`, key) === undefined) lost.push(`${word} in ${content}`)
          }
          expect(asked).toBeGreaterThan(5_000)
          expect(lost).toEqual([])
        })
    )

    it.effect(
      "the system's sqlite3 and Python find words of four languages, with what was said around them",
      () =>
        read(({ prepare }, path) => {
          const excerpts = prepare(
            "SELECT excerpt, content FROM search_results WHERE search MATCH ? ORDER BY key"
          )
          for (const word of ["预约", "ราคา", "السعر", "möchte", "booking"]) {
            const hits = `SELECT key FROM messages WHERE content LIKE '%${word}%'`
            const search = `SELECT s.rowid FROM message_search s WHERE message_search MATCH '${word}'`
            const ask = (query: string) =>
              execFileSync("sqlite3", ["-readonly", path, query], { encoding: "utf8" }).trim()
            expect(ask(`${search} INTERSECT ${hits}`), word).not.toBe("")
            expect(ask(`${hits} EXCEPT ${search}`), word).toBe("")
            const found = excerpts.all(word) as ReadonlyArray<{ excerpt: string; content: string }>
            for (const { content, excerpt } of found) {
              expect(excerpt).toMatch(new RegExp(`\\[${word}\\]`, "i"))
              expect(content).toContain(excerpt.replace(/^…|…$/g, "").replace(/\[(.*?)\]/, "$1"))
            }
            const python = execFileSync(
              "python3",
              [
                "-c",
                `import json, sqlite3, sys
db = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)
print(json.dumps(db.execute("SELECT excerpt, content FROM search_results WHERE search MATCH ? ORDER BY key", (sys.argv[2],)).fetchall()))`,
                path,
                word
              ],
              { encoding: "utf8" }
            )
            expect(JSON.parse(python)).toEqual(found.map(({ content, excerpt }) => [excerpt, content]))
          }
        })
    )

    it.effect("who spoke when agrees with the messages of every conversation", () =>
      read(({ prepare }) => {
        const said = prepare(
          `SELECT role, provider_role AS providerRole, sent_at AS sentAt, attributes ->> '$."$author"' AS author
           FROM messages WHERE conversation_id = ? ORDER BY position`
        )
        const stored = prepare("SELECT * FROM conversation_activity WHERE key = ?").raw()
        const conversations = prepare(
          "SELECT key, id, stored_messages AS messages FROM remote_conversations"
        ).all() as ReadonlyArray<{
          key: number
          id: string
          messages: number
        }>
        expect(conversations.length).toBeGreaterThan(50)
        for (const { id, key, messages } of conversations) {
          const { people, sessions, turns, ...counted } = activityOf(
            said.all(id) as ReadonlyArray<Spoken>,
            "~"
          )
          const expected = messages === 0 ? undefined : [key, ...Object.values(counted)]
          expect(stored.get(key), id).toEqual(expected)
          const rows = (table: string) =>
            prepare(`SELECT count(*) FROM ${table} WHERE key = ?`).pluck().get(key)
          expect(rows("conversation_turns"), id).toBe(messages === 0 ? 0 : turns.length)
          expect(rows("conversation_sessions"), id).toBe(messages === 0 ? 0 : sessions.length)
          expect(rows("conversation_people"), id).toBe(messages === 0 ? 0 : people.length)
        }
      })
    )

    it.effect("every conversation, message and contact leads to a request, its run and a raw record", () =>
      read(({ prepare }) => {
        for (const table of ["conversations", "messages", "contacts"]) {
          const lost = prepare(
            `SELECT id FROM ${table} WHERE id NOT IN (
             SELECT row_id FROM lineage WHERE table_name = ? AND path IS NOT NULL AND command = 'demo' AND raw_key IS NOT NULL)`
          ).all(table)
          expect(lost, table).toEqual([])
        }
      })
    )

    it.effect("every column holds what its export says that it holds", () =>
      read(({ database }) => {
        const fits = {
          text: (value: unknown) => typeof value === "string",
          json: (value: unknown) => JSON.parse(String(value)) !== undefined,
          date: (value: unknown) => /^\d{4}-\d\d-\d\d$/.test(String(value)),
          integer: Number.isInteger,
          boolean: (value: unknown) => value === 0 || value === 1,
          real: (value: unknown) => typeof value === "number",
          time: (value: unknown) => new Date(String(value)).toISOString() === value
        }
        for (const { columns, name, sql } of exportable) {
          const rows = database.prepare<[], Array<unknown>>(sql).raw().all()
          const wrong = columns.flatMap((column, index) =>
            rows
              .map((row) => row[index])
              .filter((value) => value !== null && !fits[column.kind](value))
              .slice(0, 1)
              .map((value) => `${name}.${column.name} is ${column.kind}: ${value}`)
          )
          expect(wrong).toEqual([])
        }
      })
    )
  }
)
