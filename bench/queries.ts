/*
 * Golden queries on a large mirror, with their times and plans:
 *   npm run bench queries [messages]
 * PARLEY_DIALOGUES names a file of dialogues (gzipped JSON lines); without it sentences are made up. The mirror is
 * kept in the folder for temporary files and used again.
 */
import { spawnSync } from "node:child_process"
import { existsSync, renameSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"
import { Db, type Session } from "../src/store/Db.ts"
import { migrations } from "../src/store/migrations/index.ts"
import { payloadHash } from "../src/store/mirror/canonical.ts"
import { type Golden, golden, parametersOf, view, withValues } from "./support/golden.ts"
import { fillMirror, madeUpDialogues, readDialogues } from "./support/largeMirror.ts"

const write = (text: string): void => {
  process.stdout.write(`${text}\n`)
}

const build = (path: string, messages: number) =>
  Effect.flatMap(Db, (db) =>
    db.use("bench.fill", (session) => {
      const file = process.env.PARLEY_DIALOGUES
      session.database.pragma("synchronous = OFF")
      session.database.pragma("cache_size = -400000")
      const conversations = session.database.transaction(() =>
        fillMirror(session, {
          messages,
          dialogues: file === undefined ? madeUpDialogues : readDialogues(file),
          now: Date.UTC(2026, 2, 7, 8),
          days: 180
        })
      )()
      session.database.pragma("wal_checkpoint(TRUNCATE)")
      return conversations
    })
  ).pipe(Effect.provide(Db.layer(path)))

/**
 * The best of some runs, after one that warms the caches. Milliseconds of processor time, so that other work on the
 * machine does not count, and rows.
 */
const time = ({ prepare }: Session, sql: string) => {
  const statement = prepare(sql)
  const rows = statement.all().length
  const times = Array.from({ length: 5 }, () => {
    const began = process.cpuUsage()
    statement.all()
    const { system, user } = process.cpuUsage(began)
    return (user + system) / 1000
  })
  return { rows, millis: Math.min(...times) }
}

const shellVersion = spawnSync("sqlite3", ["--version"], { encoding: "utf8" }).stdout?.split(" ")[0]

/** The same query in the system's own shell, which is often much older. Null: there is none. */
const timeInShell = (path: string, sql: string): number | null => {
  if (shellVersion === undefined) return null
  const runs = `.once /dev/null\n${sql};\n`.repeat(5)
  const { stdout } = spawnSync("sqlite3", ["-readonly", path], {
    input: `.timer on\n${runs}`,
    encoding: "utf8"
  })
  const times = [...stdout.matchAll(/user ([\d.]+) sys ([\d.]+)/g)].map(
    ([, user, system]) => (Number(user) + Number(system)) * 1000
  )
  return times.length === 0 ? null : Math.min(...times)
}

const planOf = ({ prepare }: Session, sql: string): ReadonlyArray<string> => {
  const steps = prepare(`EXPLAIN QUERY PLAN ${sql}`).all() as ReadonlyArray<{
    readonly id: number
    readonly parent: number
    readonly detail: string
  }>
  const depth = new Map<number, number>([[0, 0]])
  return steps.map(({ detail, id, parent }) => {
    const level = (depth.get(parent) ?? 0) + 1
    depth.set(id, level)
    return `${"  ".repeat(level)}${detail}`
  })
}

const shown = (millis: number | null): string => (millis === null ? "–" : `${millis.toFixed(1)} ms`)

/** Prints one line; false: it took too long. */
const measure = (session: Session, path: string, { name, sql, within }: Golden): boolean => {
  const { millis, rows } = time(session, sql)
  const shell = timeInShell(path, sql)
  const isFast = Math.max(millis, shell ?? 0) <= within
  write(
    `${isFast ? "  " : "! "}${name.padEnd(52)}${shown(millis).padStart(11)}${shown(shell).padStart(11)}${String(rows).padStart(8)} rows`
  )
  return isFast
}

const report = (path: string) => (session: Session) => {
  const parameters = parametersOf(session)
  const queries = golden.map((query) => ({ ...query, sql: withValues(query.sql, parameters) }))
  const count = (table: string) => session.prepare(`SELECT count(*) FROM ${table}`).pluck().get()
  const version = session.prepare("SELECT sqlite_version()").pluck().get()
  write(
    `${count("messages")} messages in ${count("remote_conversations")} conversations, ${Math.round(statSync(path).size / 1e6)} MB: ${path}`
  )
  write(
    `SQLite ${version} in Parley, ${shellVersion ?? "none"} in the system's shell; processor time, caches warm\n`
  )
  const views = (
    session
      .prepare(
        "SELECT name FROM sqlite_schema WHERE type = 'view' AND name NOT IN ('lineage', 'message_search_source', 'search_results')"
      )
      .pluck()
      .all() as ReadonlyArray<string>
  ).map((name) => ({
    name,
    within: view,
    sql: `SELECT count(*) FROM (SELECT * FROM ${name} LIMIT -1 OFFSET 1)`
  }))
  write("Golden queries")
  const fast = queries.map((query) => measure(session, path, query))
  write("\nWhole views")
  const whole = views.map((query) => measure(session, path, query))
  write("\nPlans")
  for (const { name, sql } of queries) write(`${name}\n${planOf(session, sql).join("\n")}`)
  const slow = [...fast, ...whole].filter((isFast) => !isFast).length
  if (slow > 0) write(`\n${slow} took longer than they may.`)
  return slow
}

const messages = Number(process.argv[2] ?? 1_000_000)
const schema = payloadHash(migrations.map(({ sql }) => sql).join("")).slice(0, 12)
const path = join(tmpdir(), `parley-bench-${messages}-${schema}.db`)

const program = Effect.gen(function* () {
  if (!existsSync(path)) {
    write(`building ${path} …`)
    for (const suffix of ["", "-wal", "-shm"]) rmSync(`${path}.part${suffix}`, { force: true })
    yield* build(`${path}.part`, messages)
    renameSync(`${path}.part`, path)
  }
  const read = Effect.flatMap(Db, (db) => db.use("bench.queries", report(path)))
  return yield* Effect.provide(read, Db.layer(path, { readOnly: true }))
})

process.exitCode = (await Effect.runPromise(program)) > 0 ? 1 : 0
