import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { buildSync } from "esbuild"
import { sqlitePath } from "../scripts/sqlite.mjs"

/*
 * npm run bench speed [conversations] [rounds]
 *
 * The built command line against the shortest honest script that does the same pull by hand, in turn, as whole
 * processes, on the same answers, which a third process has made beforehand. Real dialogues with PARLEY_DIALOGUES.
 */

const [conversations = 5_000, rounds = 5] = process.argv.slice(2).map(Number)
const folder = mkdtempSync(join(tmpdir(), "parley-speed-"))
const parley = resolve("dist/parley.js")
if (!existsSync(parley)) throw new Error("dist/parley.js is missing: npm run build")

const bundle = (name: string): string => {
  const outfile = resolve(`node_modules/.cache/parley-bench/${name}.mjs`)
  buildSync({
    entryPoints: [`bench/support/${name}.ts`],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    alias: { "better-sqlite3": sqlitePath },
    external: [sqlitePath],
    banner: {
      js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);'
    },
    logLevel: "warning"
  })
  return outfile
}

interface Measured {
  readonly wall: number
  readonly cpu: number
  /** Megabytes. */
  readonly memory: number
}

/** Runs a command to its end under `time`, in seconds and megabytes. */
const measure = (
  args: ReadonlyArray<string>,
  environment: Readonly<Record<string, string>> = {}
): Measured => {
  const out = join(folder, "time.txt")
  const { status, stderr } = spawnSync(
    "/usr/bin/time",
    ["-f", "%e %U %S %M", "-o", out, process.execPath, ...args],
    { env: { ...process.env, ...environment }, encoding: "utf8", maxBuffer: 1e9 }
  )
  if (status !== 0) throw new Error(`${args.join(" ")} ended with ${status}: ${stderr}`)
  const [wall = 0, user = 0, system = 0, kilobytes = 0] = (
    readFileSync(out, "utf8").trim().split("\n").at(-1) ?? ""
  )
    .split(" ")
    .map(Number)
  return { wall, cpu: user + system, memory: kilobytes / 1024 }
}

const startVendor = (delay: number): Promise<{ child: ChildProcess; origin: string; messages: number }> =>
  new Promise((ready) => {
    const child = spawn(process.execPath, [bundle("preparedVendor"), String(conversations), String(delay)], {
      stdio: ["ignore", "pipe", "inherit"]
    })
    child.stdout?.once("data", (line) => {
      const { messages, port } = JSON.parse(String(line)) as { messages: number; port: number }
      ready({ child, messages, origin: `http://127.0.0.1:${port}` })
    })
  })

const median = (values: ReadonlyArray<number>): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

const fresh = (name: string): string => {
  const file = join(folder, `${name}.db`)
  for (const suffix of ["", "-wal", "-shm"]) rmSync(file + suffix, { force: true })
  return file
}

const configure = (origin: string): string => {
  const file = join(folder, "parley.yaml")
  mkdirSync(folder, { recursive: true })
  writeFileSync(
    file,
    `connections:
  - name: leads
    provider: naturalead
    baseUrl: ${origin}/api
    apiKey: \${KEY}
    limits: [{ requests: 100000000, per: 1 minute, scope: connection }]
  - name: salon
    provider: empfio
    baseUrl: ${origin}
    token: \${KEY}
    limits: [{ requests: 100000000, per: 1 minute, scope: connection }]
`
  )
  return file
}

const environment = { KEY: "nl_live_bench", XDG_STATE_HOME: join(folder, "state") }
const floor = bundle("floor")
const { child, messages, origin } = await startVendor(0)
const config = configure(origin)

const row = (cells: ReadonlyArray<string>) => process.stdout.write(`| ${cells.join(" | ")} |\n`)
row(["pull", "messages/s floor", "messages/s Parley", "of the floor (median of pairs)", "peak memory Parley"])
row(["---", "---", "---", "---", "---"])
for (const [vendor, name, label] of [
  ["empfio", "salon", "list, and a detail call per conversation"],
  ["naturalead", "leads", "one single response"]
] as const) {
  const floors: Array<Measured> = []
  const ours: Array<Measured> = []
  for (let round = 0; round <= rounds; round += 1) {
    const byHand = measure([floor, vendor, origin, fresh("floor"), "8"])
    const file = fresh("parley")
    const own = measure(
      [parley, "sync", name, "--config", config, "--db", file, "--quiet", "--progress", "none"],
      environment
    )
    // The first round warms the disk's cache.
    if (round === 0) continue
    floors.push(byHand)
    ours.push(own)
  }
  const ratio = median(floors.map((one, index) => one.wall / (ours[index]?.wall ?? Number.NaN)))
  row([
    label,
    Math.round(messages / median(floors.map(({ wall }) => wall))).toLocaleString("en"),
    Math.round(messages / median(ours.map(({ wall }) => wall))).toLocaleString("en"),
    ratio.toFixed(2),
    `${Math.round(Math.max(...ours.map(({ memory }) => memory)))} MB`
  ])
}
const again = measure(
  [
    parley,
    "sync",
    "salon",
    "--config",
    config,
    "--db",
    (() => {
      const file = fresh("again")
      measure(
        [parley, "sync", "salon", "--config", config, "--db", file, "--quiet", "--progress", "none"],
        environment
      )
      return file
    })(),
    "--quiet",
    "--progress",
    "none"
  ],
  environment
)
process.stdout.write(
  `\nA second sync with nothing new (${conversations.toLocaleString("en")} conversations by page): ${again.cpu.toFixed(2)} s of CPU, ${again.wall.toFixed(2)} s.\n`
)
for (const args of [["--help"], ["status", "--config", config, "--db", join(folder, "again.db")]]) {
  const times = Array.from({ length: rounds }, () => measure([parley, ...args], environment).wall)
  process.stdout.write(`parley ${args[0]}: ${median(times).toFixed(2)} s\n`)
}
child.kill()
rmSync(folder, { recursive: true, force: true })
process.exit(0)
