/*
 * Bundles the command line, so that it starts at once: dist/parley.js holds what every command needs, and the rest is
 * in chunks that a verb reads when it runs. better-sqlite3 is native and stays outside.
 */
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

await rm("dist", { recursive: true, force: true })
await build({
  // The command line, and the process that it runs a query in.
  entryPoints: { parley: "src/main.ts", query: "src/store/queryProgram.ts" },
  outdir: "dist",
  chunkNames: "chunks/[name]-[hash]",
  bundle: true,
  splitting: true,
  platform: "node",
  target: "node20.19",
  format: "esm",
  external: ["better-sqlite3"],
  minifySyntax: true,
  minifyWhitespace: true,
  sourcemap: "linked",
  // Bundled CommonJS modules call require().
  banner: {
    js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);'
  },
  plugins: [unusedFormats],
  logLevel: "warning"
})
await chmod("dist/parley.js", 0o755)
