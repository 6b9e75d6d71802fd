import { spawn } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { it } from "@effect/vitest"
import { Effect } from "effect"
import { describe, expect } from "vitest"
import { query } from "../../../src/cli/commands/query/index.ts"
import { Providers } from "../../../src/cli/Providers.ts"
import { runCommand } from "../../support/cli.ts"
import { fakeRegistry } from "../../support/fakeRegistry.ts"
import { collect, root } from "../../support/parley.ts"
import { configuredFolder, seededEnvironment, seededFolder } from "../../support/seededMirror.ts"

const run = (cwd: string, argv: ReadonlyArray<string>, stdoutColumns?: number) =>
  Effect.provideService(
    runCommand([query], argv, {
      cwd,
      environment: seededEnvironment,
      ...(stdoutColumns === undefined ? {} : { stdoutColumns })
    }),
    Providers,
    Effect.succeed(fakeRegistry)
  )

const document = (cwd: string, ...argv: ReadonlyArray<string>) =>
  Effect.map(run(cwd, [...argv, "--json"]), ({ code, stdout }) => {
    expect(code).toBe(0)
    return JSON.parse(stdout)
  })

/** Numbers from 1 on. */
const numbers = (rows: number | "endless"): string =>
  `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n ${rows === "endless" ? "" : `WHERE i < ${rows}`})`

/** SQLite works on it for ever, and gives no row. */
const endless = `${numbers("endless")} SELECT count(*) FROM n`

describe("parley query", () => {
  const sql = "SELECT id, content, role = 'x' AS n, NULL AS empty FROM messages ORDER BY id"

  it.scoped("writes a table that a customer's text cannot break", () =>
    Effect.gen(function* () {
      const folder = yield* seededFolder
      expect(yield* run(folder, ["query", sql])).toEqual({
        code: 0,
        stdout: `id          content                    n  empty
----------  -------------------------  -  -----
leads:a1:1  Hello, is there a "room"?  0   NULL
leads:a1:2  日本語  [2J                0   NULL
`,
        stderr: "(2 rows)\n"
      })
      const narrow = yield* run(folder, ["query", sql, "--quiet"], 30)
      expect(narrow.stdout.split("\n")[2]).toBe("leads:a1…  Hello, i…  0   NULL")
      expect(narrow.stderr).toBe("")
    })
  )

  it.scoped("writes CSV, JSON and NDJSON for programs", () =>
    Effect.gen(function* () {
      const folder = yield* seededFolder
      expect((yield* run(folder, ["query", "--format", "csv", sql])).stdout).toBe(
        'id,content,n,empty\nleads:a1:1,"Hello,\nis there a ""room""?",0,\nleads:a1:2,日本語  [2J,0,\n'
      )
      const rows = [
        { id: "leads:a1:1", content: 'Hello,\nis there a "room"?', n: 0, empty: null },
        { id: "leads:a1:2", content: "日本語 \u001b[2J", n: 0, empty: null }
      ]
      expect(yield* document(folder, "query", sql)).toEqual(rows)
      const lines = (yield* run(folder, ["query", "--format=ndjson", sql])).stdout.trimEnd().split("\n")
      expect(lines.map((line) => JSON.parse(line))).toEqual(rows)
    })
  )

  it.scoped("keeps apart what is easily confused", () =>
    Effect.gen(function* () {
      const folder = yield* seededFolder
      const out = (format: string, text: string) =>
        Effect.map(run(folder, ["query", "--format", format, text]), ({ stdout }) => stdout)
      expect(yield* out("csv", "SELECT NULL AS a, '' AS b, 'x,y' AS c, x'00ff' AS d")).toBe(
        'a,b,c,d\n,"","x,y",00ff\n'
      )
      expect(yield* out("json", "SELECT 1 AS id, 2 AS id, x'00ff' AS d")).toBe(
        '[\n  {"id":1,"id_2":2,"d":"00ff"}\n]\n'
      )
      expect(yield* out("json", "SELECT 1 WHERE 0")).toBe("[]\n")
      expect(yield* out("csv", "SELECT 1 AS one WHERE 0")).toBe("one\n")
      expect(yield* out("table", "SELECT x'00ff' AS d")).toBe("d\n---------\n(2 bytes)\n")
    })
  )

  it.scoped("reads more rows than it looks at to lay out a table", () =>
    Effect.gen(function* () {
      const folder = yield* seededFolder
      const many = `${numbers(2600)} SELECT i FROM n`
      const { stderr, stdout } = yield* run(folder, ["query", many, "--max-rows", "none"])
      expect(stdout.trimEnd().split("\n")).toHaveLength(2602)
      expect(stdout.endsWith("2600\n")).toBe(true)
      expect(stderr).toBe("(2,600 rows)\n")
      expect(yield* document(folder, "query", many)).toHaveLength(2600)
    })
  )

  const wrong: ReadonlyArray<readonly [sql: string, told: RegExp]> = [
    ["SELECT * FROM conversatons", /there is no table conversatons\n {2}did you mean "conversations"\?/],
    // One letter is nearer than the start of a longer name.
    ["SELECT * FROM conversation", /there is no table conversation\n {2}did you mean "conversations"\?/],
    ["SELECT nme FROM contacts", /there is no column nme\n {2}did you mean "name"\?/],
    ["SELECT c.xyzzy FROM contacts c", /there is no column c.xyzzy\n {2}contacts has: id, connection/],
    [
      "SELECT id, messages FROM conversation_facts",
      /there is no column id\n {2}conversation_facts has: conversation_id, /
    ],
    [
      "SELECT f.id FROM conversations c, conversation_facts AS f",
      /there is no column f.id\n {2}conversation_facts has: conversation_id, /
    ],
    ["SELECT m.nme FROM contacts c JOIN messages m", /there is no column m.nme\n {2}messages has: /],
    ['SELECT 1 FROM contacts WHERE name = "Bob"', /"Bob".*\n {2}put texts in 'single quotes'/],
    [
      "SELECT 1 FROM message_search WHERE message_search MATCH 'e-mail'",
      /no such column: mail\n {2}a search is/
    ],
    [
      "SELECT 1 FROM message_search WHERE message_search MATCH 'what''s'",
      /fts5: syntax error.*\n {2}a search is/
    ],
    ["SELEC 1", /the SQL is not right near "SELEC"\n {2}SELECT \* FROM dictionary explains/],
    ["DELETE FROM messages", /only reads/],
    ["DELETE FROM messages RETURNING id", /only reads/],
    ["UPDATE conversations SET status = 'completed'", /only reads.*\n.*set-status/],
    ["CREATE TABLE t (a)", /only reads/],
    ["SELECT 1; SELECT 2", /more than one statement/],
    ["SELECT ?", /write the value in its place/],
    ["", /there is no SQL in it/],
    ["SELECT json('{')", /malformed JSON/]
  ]
  for (const [text, told] of wrong) {
    it.scoped(`says what is wrong with ${JSON.stringify(text)}`, () =>
      Effect.gen(function* () {
        const folder = yield* seededFolder
        const { code, stderr } = yield* run(folder, ["query", text])
        expect(stderr).toMatch(told)
        expect(code).toBe(2)
      })
    )
  }

  it.scoped("changes nothing, whatever it is asked", () =>
    Effect.gen(function* () {
      const folder = yield* seededFolder
      yield* run(folder, ["query", "UPDATE conversations SET status = 'active' RETURNING id"])
      yield* run(folder, ["query", "PRAGMA query_only = OFF"])
      yield* run(folder, [
        "query",
        "INSERT INTO connections VALUES ('x', 'x', 'manual', '', NULL) RETURNING name"
      ])
      const { stdout } = yield* run(folder, [
        "query",
        "SELECT (SELECT count(*) FROM status_changes) AS changes, (SELECT count(*) FROM connections) AS connections"
      ])
      expect(stdout).toContain("2            1\n")
    })
  )

  it.scoped("says where the mirror should be", () =>
    Effect.gen(function* () {
      const folder = yield* configuredFolder
      const { code, stderr } = yield* run(folder, ["query", "SELECT 1"])
      expect(code).toBe(2)
      expect(stderr).toMatch(/there is no mirror at .*mirror\.db yet\n.*parley sync/)
    })
  )
})

describe("what a query may take", () => {
  it.scoped("shows a thousand rows of a table, and says that there are more", () =>
    Effect.gen(function* () {
      const folder = yield* seededFolder
      const { code, stderr, stdout } = yield* run(folder, [
        "query",
        `${numbers(2600)} SELECT i FROM n`,
        "--quiet"
      ])
      expect(stdout.trimEnd().split("\n")).toHaveLength(1002)
      expect(stderr).toBe("(the first 1,000 rows; there are more: --max-rows none shows all of them)\n")
      expect(code).toBe(0)
    })
  )

  it.scoped("gives programs every row, or as many as they ask for and a word on stderr", () =>
    Effect.gen(function* () {
      const folder = yield* seededFolder
      const rows = (n: number, ...more: ReadonlyArray<string>) =>
        run(folder, ["query", `${numbers(n)} SELECT i FROM n`, ...more])
      expect(yield* rows(1200, "--json")).toMatchObject({ stderr: "" })
      const some = yield* rows(1200, "--json", "--max-rows", "501", "--progress", "json")
      expect(JSON.parse(some.stdout)).toHaveLength(501)
      expect(JSON.parse(some.stderr)).toMatchObject({ event: "rows_left_out", rows: 501 })
      const all = yield* rows(501, "--json", "--max-rows", "501")
      expect(JSON.parse(all.stdout)).toHaveLength(501)
      expect(all.stderr).toBe("")
      const lines = yield* rows(3, "--format", "ndjson", "--max-rows", "2")
      expect(lines.stdout).toBe('{"i":1}\n{"i":2}\n')
      expect(lines.stderr).toMatch(/^\(the first 2 rows; there are more/)
    })
  )

  it.scoped("refuses a limit that is none", () =>
    Effect.gen(function* () {
      const folder = yield* seededFolder
      for (const wrong of [
        "--max-rows=0",
        "--max-rows=1.5",
        "--max-rows=many",
        "--max-time=0s",
        "--max-time=5"
      ]) {
        const { code, stderr, stdout } = yield* run(folder, ["query", "SELECT 1", wrong])
        expect([wrong, code, stdout]).toEqual([wrong, 2, ""])
        expect(stderr).toMatch(/^parley: --max-.* is not a .*\n {2}write none for no limit\n$/)
      }
    })
  )

  it.live("stops what takes too long with 3, and says what can be done", () =>
    Effect.gen(function* () {
      const folder = yield* seededFolder
      const { code, stderr, stdout } = yield* run(folder, ["query", endless, "--max-time", "20ms", "--json"])
      expect(code).toBe(3)
      expect(stderr).toMatch(
        /^parley: the query was stopped: SQLite worked on it for 20 milliseconds\n.*--max-time 10m/
      )
      expect(JSON.parse(stdout)).toMatchObject({ error: { kind: "time_limit" } })
    }).pipe(Effect.scoped)
  )

  it.scoped("leaves a result that breaks off without its end, so that nobody takes it for whole", () =>
    Effect.gen(function* () {
      const folder = yield* seededFolder
      const sql = `${numbers(2600)} SELECT i, json(CASE i WHEN 1700 THEN '{' ELSE '1' END) AS j FROM n`
      const { code, stderr, stdout } = yield* run(folder, ["query", sql, "--json"])
      expect({ code, stderr: stderr.split("\n")[0] }).toEqual({ code: 2, stderr: "parley: malformed JSON" })
      expect(stdout.startsWith('[\n  {"i":1,"j":"1"},\n')).toBe(true)
      expect(stdout.endsWith('{"i":1500,"j":"1"}')).toBe(true)
    })
  )

  it.scoped("keeps whole numbers that JavaScript cannot hold", () =>
    Effect.gen(function* () {
      const folder = yield* seededFolder
      const sql = "SELECT 9007199254740993 AS large, -9007199254740991 AS small, 0.5 AS half"
      expect((yield* run(folder, ["query", sql, "--format", "csv"])).stdout).toBe(
        "large,small,half\n9007199254740993,-9007199254740991,0.5\n"
      )
      expect(yield* document(folder, "query", sql)).toEqual([
        { large: "9007199254740993", small: -9007199254740991, half: 0.5 }
      ])
    })
  )

  it.scoped("refuses to write two formats at once", () =>
    Effect.gen(function* () {
      const folder = yield* seededFolder
      const { code, stdout } = yield* run(folder, ["query", "--json", "--format", "csv", "SELECT 1"])
      expect(code).toBe(2)
      expect(JSON.parse(stdout).error.message).toBe("--json and --format csv contradict each other")
    })
  )

  it.scoped("writes CSV that no spreadsheet runs, and JSON as it is", () =>
    Effect.gen(function* () {
      const folder = yield* seededFolder
      const sql = "SELECT '=1+1' AS a, '+49' AS b, -5 AS c, '@x' AS d"
      expect((yield* run(folder, ["query", sql, "--format", "csv"])).stdout).toBe(
        "a,b,c,d\n'=1+1,'+49,-5,'@x\n"
      )
      expect(yield* document(folder, "query", sql)).toEqual([{ a: "=1+1", b: "+49", c: -5, d: "@x" }])
    })
  )
})

/** Gives rows, and then works for ever. */
const neverDone = `SELECT * FROM (${numbers(600)} SELECT i FROM n) UNION ALL SELECT * FROM (${endless})`

/** The built command line, once it has written its first rows, and the process that reads for it. */
const working = (folder: string) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const parley = spawn(
        process.execPath,
        [join(root, "dist/parley.js"), "query", "--format", "ndjson", neverDone],
        {
          cwd: folder,
          env: { ...process.env, ...seededEnvironment },
          stdio: ["ignore", "pipe", "pipe"]
        }
      )
      const ended = collect(parley)
      await Promise.race([ended, new Promise((resolve) => parley.stdout.once("data", resolve))])
      const reader = Number(readFileSync(`/proc/${parley.pid}/task/${parley.pid}/children`, "utf8").trim())
      expect(reader).toBeGreaterThan(1)
      return { parley, ended, reader }
    }),
    ({ parley }) => Effect.sync(() => parley.kill("SIGKILL"))
  )

const isGone = Effect.fn("isGone")(function* (pid: number) {
  while (existsSync(`/proc/${pid}/stat`) && !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8")))
    yield* Effect.sleep(20)
})

describe.skipIf(!existsSync(`/proc/self/task/${process.pid}/children`))(
  "a query that SQLite works on",
  () => {
    it.scopedLive("ends at once with 130 on Ctrl-C, and what is written stays whole lines", () =>
      Effect.gen(function* () {
        const { ended, parley, reader } = yield* working(yield* seededFolder)
        parley.kill("SIGINT")
        const { code, stderr, stdout } = yield* Effect.promise(() => ended)
        expect({ code, stderr }).toEqual({ code: 130, stderr: "stopped by SIGINT\n" })
        expect(stdout.endsWith('{"i":500}\n')).toBe(true)
        yield* isGone(reader)
      })
    )

    it.scopedLive("is stopped with 3 once its temporary files take more than is allowed, and says so", () =>
      Effect.gen(function* () {
        const folder = yield* seededFolder
        const sorting =
          "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT hex(randomblob(400)) FROM n ORDER BY 1"
        const { code, stderr, stdout } = yield* run(folder, ["query", "--max-temp", "20MB", sorting])
        expect({ code, stdout }).toEqual({ code: 3, stdout: "" })
        expect(stderr).toMatch(
          /^parley: the query was stopped: SQLite put more than 20 MB into temporary files for it\n {2}allow more with --max-temp 5GB/
        )
        const small = "SELECT content FROM messages ORDER BY content"
        expect((yield* run(folder, ["query", "--max-temp", "1MB", small])).code).toBe(0)
        expect((yield* run(folder, ["query", "--max-temp", "much", small])).stderr).toContain(
          '--max-temp: "much" is not a size such as 500MB or 5GB'
        )
      })
    )

    it.scopedLive("does not go on for a command that was killed", () =>
      Effect.gen(function* () {
        const { parley, reader } = yield* working(yield* seededFolder)
        parley.kill("SIGKILL")
        yield* isGone(reader)
      })
    )

    it.scopedLive("says that its process was killed", () =>
      Effect.gen(function* () {
        const { ended, reader } = yield* working(yield* seededFolder)
        process.kill(reader, "SIGKILL")
        const { code, stderr } = yield* Effect.promise(() => ended)
        expect(stderr).toMatch(
          /^parley: the process that read .* ended early \(SIGKILL\)\n {2}It may have run out of memory/
        )
        expect(code).toBe(1)
      })
    )
  }
)
