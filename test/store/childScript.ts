import { join } from "node:path"
import { Effect } from "effect"
import { build } from "esbuild"
import { sqlitePath } from "../../scripts/sqlite.mjs"

/** Writes a program that another process can run: TypeScript whose imports are relative to the repository. */
export const childScript = (folder: string, contents: string): Effect.Effect<string> =>
  Effect.promise(async () => {
    const outfile = join(folder, "child.mjs")
    await build({
      stdin: { contents, resolveDir: process.cwd(), loader: "ts" },
      outfile,
      bundle: true,
      platform: "node",
      format: "esm",
      logLevel: "error",
      alias: { "better-sqlite3": sqlitePath },
      external: [sqlitePath],
      banner: { js: 'import { createRequire as r } from "node:module"; const require = r(import.meta.url);' }
    })
    return outfile
  })
