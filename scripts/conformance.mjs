// Reads exports with DuckDB as any user would: npm run conformance (after npm run build). Its package is 70 MB, so that it is
// installed aside, into a temporary folder. All formats must give the same rows of the same types, the hours of Europe/Berlin
// must be those that Node computes, and an export of changes laid over an older one must give a complete one.
import assert from "node:assert/strict"
import { execFileSync, spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { sqlitePath } from "./sqlite.mjs"

const duckdbPackage = "@duckdb/node-api@1.5.6-r.1"
const parley = resolve("dist/parley.js")
const folder = mkdtempSync(join(tmpdir(), "parley-conformance-"))
const zone = "Europe/Berlin"

/** They show how long something has lasted, which is another number a second later. */
const ofThePresent = new Set(["open_changes", "waiting_for_person"])

const run = (...args) => execFileSync(process.execPath, [parley, ...args], { cwd: folder, encoding: "utf8" })

const exportTo = (name, format, ...more) => {
  run("export", "--db", "parley-demo.db", "--to", name, "--format", format, ...more)
  return JSON.parse(readFileSync(join(folder, name, "manifest.json"), "utf8"))
}

const berlinHours = () => {
  const hour = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", hourCycle: "h23", timeZone: zone })
  const counts = {}
  for (const line of readFileSync(join(folder, "ndjson", "messages.ndjson"), "utf8")
    .trim()
    .split("\n")) {
    const { sent_at } = JSON.parse(line)
    if (sent_at !== null)
      counts[hour.format(new Date(sent_at))] = (counts[hour.format(new Date(sent_at))] ?? 0) + 1
  }
  return Object.entries(counts)
    .map(([key, count]) => [Number(key), count])
    .toSorted(([a], [b]) => a - b)
}

/** Hours of messages and the ids of conversations, as pandas reads them without options; null: there is no pandas. */
const readByPandas = (format) => {
  const program = `
import json, sys
try:
    import pandas
    if sys.argv[1] == "parquet":
        import pyarrow
except ImportError:
    print("null")
    sys.exit()
read = {"csv": pandas.read_csv, "ndjson": lambda path: pandas.read_json(path, lines=True), "parquet": pandas.read_parquet}[sys.argv[1]]
path = lambda table: f"{sys.argv[1]}/{table}.{sys.argv[1]}"
sent = pandas.to_datetime(read(path("messages"))["sent_at"].dropna(), utc=True, format="ISO8601")
hours = sent.dt.tz_convert("${zone}").dt.hour.value_counts()
print(json.dumps([sorted([int(h), int(n)] for h, n in hours.items()), sorted(map(str, read(path("conversations"))["id"]))]))`
  const { stderr, stdout, status } = spawnSync("python3", ["-c", program, format], {
    cwd: folder,
    encoding: "utf8"
  })
  if (status === null) return null
  assert.equal(status, 0, stderr)
  return JSON.parse(stdout)
}

const idsIn = (table) =>
  readFileSync(join(folder, "ndjson", `${table}.ndjson`), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line).id)
    .toSorted()

/** CSV has an apostrophe before what a spreadsheet would run. */
const plain = (value) => (typeof value === "string" ? value.replace(/^'(?=[=+\-@\t\r\n])/, "") : value)

const main = async () => {
  execFileSync("npm", ["install", "--no-save", "--no-audit", "--no-fund", "--prefix", folder, duckdbPackage])
  const { DuckDBInstance } = createRequire(join(folder, "package.json"))("@duckdb/node-api")
  const connect = async () => {
    const connection = await (await DuckDBInstance.create(":memory:")).connect()
    await connection.run(`SET TimeZone = '${zone}'`)
    return connection
  }
  const rowsOf = async (connection, sql) => (await connection.runAndReadAll(sql)).getRowsJson()
  const load = async (connection, name) => {
    process.chdir(join(folder, name))
    await connection.run(readFileSync("load.sql", "utf8"))
  }
  const contentOf = async (connection) => {
    const content = {}
    for (const [name] of await rowsOf(connection, "SELECT table_name FROM duckdb_tables() ORDER BY 1")) {
      if (ofThePresent.has(name)) continue
      const rows = (await rowsOf(connection, `SELECT * FROM ${name}`)).map((row) =>
        JSON.stringify(row.map(plain))
      )
      content[name] = { columns: await rowsOf(connection, `DESCRIBE ${name}`), rows: rows.toSorted() }
    }
    return content
  }

  run("demo")
  const formats = ["ndjson", "csv", "parquet"]
  const contents = {}
  const loaded = {}
  const byPandas = []
  let seq = 0
  for (const format of formats) {
    seq = exportTo(format, format).seq
    const connection = await connect()
    await load(connection, format)
    const hoursIn = (table) =>
      rowsOf(
        connection,
        `SELECT hour(sent_at)::INTEGER, count(*)::INTEGER FROM ${table} WHERE sent_at IS NOT NULL GROUP BY 1 ORDER BY 1`
      )
    assert.deepEqual(await hoursIn("messages"), berlinHours(), `${format}: hours in ${zone}`)
    // Without load.sql, versions of DuckDB differ in what they take the times of the other two for.
    if (format === "parquet") assert.deepEqual(await hoursIn("'messages.parquet'"), berlinHours())
    const pandas = readByPandas(format)
    if (pandas !== null) {
      assert.deepEqual(pandas, [berlinHours(), idsIn("conversations")], `${format}: pandas`)
      byPandas.push(format)
    }
    loaded[format] = connection
    contents[format] = await contentOf(connection)
    assert.deepEqual(contents[format], contents.ndjson, `${format} and ndjson`)
  }

  const { default: Sqlite } = await import(sqlitePath)
  const mirror = new Sqlite(join(folder, "parley-demo.db"))
  mirror.exec(`
    UPDATE conversations SET status = 'completed' WHERE id IN (
      SELECT id FROM conversations WHERE remote_status = 'active' AND deleted_at IS NULL LIMIT 3);
    UPDATE remote_contacts SET name = 'Somebody Else' WHERE id = (SELECT max(id) FROM remote_contacts);
    DELETE FROM status_history WHERE id = (SELECT max(id) FROM status_history)`)
  mirror.close()
  for (const format of formats) {
    const changes = exportTo(`${format}-changes`, format, "--since", String(seq))
    assert.equal(changes.deleted.rows, 1)
    exportTo(`${format}-later`, format)
    await load(loaded[format], `${format}-changes`)
    const later = await connect()
    await load(later, `${format}-later`)
    assert.deepEqual(await contentOf(loaded[format]), await contentOf(later), `${format}: changes laid over`)
  }
  process.stdout.write(
    `${formats.join(", ")}: the same in DuckDB, with types, changes and the hours of ${zone}\n` +
      `pandas: ${byPandas.length === 0 ? "is not here" : `${byPandas.join(", ")} the same`}\n`
  )
}

try {
  await main()
} finally {
  process.chdir(tmpdir())
  rmSync(folder, { recursive: true, force: true })
}
