// Bundles and runs one of the measurements in bench/: npm run bench queries -- 1000000
import { spawnSync } from "node:child_process"
import { existsSync, readdirSync } from "node:fs"
import { build } from "esbuild"
import { sqlitePath } from "./sqlite.mjs"

const [name, ...rest] = process.argv.slice(2)
if (name === undefined || !existsSync(`bench/${name}.ts`)) {
  const names = readdirSync("bench").flatMap((file) => (file.endsWith(".ts") ? [file.slice(0, -3)] : []))
  process.stderr.write(`npm run bench <name>, one of: ${names.join(", ")}\n`)
  process.exit(2)
}
const outfile = `node_modules/.cache/parley-bench/${name}.mjs`
await build({
  entryPoints: [`bench/${name}.ts`],
  outfile,
  bundle: true,
  platform: "node",
  target: "node20.19",
  format: "esm",
  alias: { "better-sqlite3": sqlitePath },
  external: [sqlitePath, "esbuild", "playwright-core"],
  banner: {
    js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);'
  },
  logLevel: "warning"
})
process.exit(spawnSync(process.execPath, [outfile, ...rest], { stdio: "inherit" }).status ?? 1)
