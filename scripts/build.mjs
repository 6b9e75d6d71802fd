// Bundles the command line into one file, so that it starts at once. better-sqlite3 is native and stays outside.
import { chmod } from "node:fs/promises"
import { build } from "esbuild"

await build({
  entryPoints: ["src/main.ts"],
  outfile: "dist/parley.js",
  bundle: true,
  platform: "node",
  target: "node20.19",
  format: "esm",
  external: ["better-sqlite3"],
  minifySyntax: true,
  sourcemap: "linked",
  // Bundled CommonJS modules call require().
  banner: {
    js: '#!/usr/bin/env node\nimport { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);'
  },
  logLevel: "warning"
})
await chmod("dist/parley.js", 0o755)
