/*
 * Bundles the command line, so that it starts at once: dist/parley.js starts the one script dist/program.cjs, whose
 * modules are run when they are first needed. better-sqlite3 is native and stays outside.
 */
import { spawnSync } from "node:child_process"
import { chmod, rm } from "node:fs/promises"
import { build } from "esbuild"

/** @effect/cli can read options from files in these formats, which nothing here asks for. */
const unusedFormats = {
  name: "unused-formats",
  setup(build) {
    build.onResolve({ filter: /^(ini|toml|yaml)$/ }, ({ importer, path }) =>
      importer.includes("/@effect/cli/") ? { path, namespace: "unused-formats" } : undefined
    )
    build.onLoad({ filter: /.*/, namespace: "unused-formats" }, () => ({ contents: "export default {}" }))
  }
}

const common = {
  outdir: "dist",
  bundle: true,
  platform: "node",
  target: "node20.19",
  external: ["better-sqlite3"],
  logLevel: "warning"
}

await rm("dist", { recursive: true, force: true })
// What starts the program, the process that it runs a query in, and the thread that writes pages.
await build({
  ...common,
  entryPoints: {
    parley: "src/start.ts",
    query: "src/store/queryProgram.ts",
    commitWorker: "src/store/commitWorker.ts"
  },
  format: "esm"
})
await build({
  ...common,
  entryPoints: { program: "src/main.ts" },
  outExtension: { ".js": ".cjs" },
  format: "cjs",
  minifySyntax: true,
  minifyWhitespace: true,
  sourcemap: "linked",
  sourcesContent: false,
  // Bytes are characters: src/start.ts reads it as Latin-1.
  charset: "ascii",
  // The script is a function of what a module would have.
  banner: { js: "(function(require,importMetaUrl){const module={exports:{}};" },
  define: { "import.meta.url": "importMetaUrl" },
  footer: { js: "})" },
  plugins: [unusedFormats]
})
await chmod("dist/parley.js", 0o755)

// A program without its cache is slower to start, and nothing else.
const { status, stderr } = spawnSync(process.execPath, ["scripts/compile.mjs"], { encoding: "utf8" })
if (status !== 0) process.stderr.write(`what is compiled ahead could not be made: ${stderr}\n`)
