/*
 * Bundles the command line, so that it starts at once: dist/parley.js starts dist/program.cjs, which reads what a verb
 * needs from the other scripts when that verb runs. better-sqlite3 is native and stays outside.
 */
import { spawnSync } from "node:child_process"
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { basename, join, resolve } from "node:path"
import { build, transform } from "esbuild"

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

const functions = ["absurd", "flow", "identity", "pipe"]

/** `import * as Effect from "effect/Effect"` for the `Effect` of `import { Effect } from "effect"`. */
const importOne = (from, word) => {
  const [, type = "", name, alias = name] = /^(type )?(\w+)(?: as (\w+))?$/.exec(word)
  return functions.includes(name)
    ? `import ${type}{ ${name} as ${alias} } from "${from}/Function"`
    : `import ${type}* as ${alias} from "${from}/${name}"`
}

/** Of a module that is imported by itself, the bundler leaves out what nobody uses. */
const moduleByModule = {
  name: "module-by-module",
  setup(build) {
    build.onLoad({ filter: /\/src\/.*\.ts$/ }, async ({ path }) => {
      const text = await readFile(path, "utf8")
      const statement = /^import (type )?\{([^}]*)\} from "(effect|@effect\/(?:cli|platform))"$/gm
      const contents = text.replace(statement, (_, type = "", names, from) =>
        names
          .split(",")
          .map((name) => name.trim())
          .filter((name) => name !== "")
          .map((name) => importOne(from, type + name))
          .join("; ")
      )
      return { contents, loader: "ts" }
    })
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

/** Names stay whole, for the traces of unexpected failures. */
const small = { minifySyntax: true, minifyWhitespace: true }

await rm("dist", { recursive: true, force: true })
// What starts the program, the process that it runs a query in, and the thread that writes pages.
await build({
  ...common,
  entryPoints: {
    parley: "src/cli/start.ts",
    query: "src/store/read/queryProgram.ts",
    commitWorker: "src/store/mirror/thread/commitWorker.ts"
  },
  format: "cjs"
})
await writeFile("dist/package.json", '{ "type": "commonjs" }\n')

// Only what is in the form of ECMAScript modules can be split, and only CommonJS can be kept compiled.
const { outputFiles } = await build({
  ...common,
  ...small,
  entryPoints: { program: "src/main.ts" },
  outExtension: { ".js": ".cjs" },
  chunkNames: "part-[hash]",
  format: "esm",
  splitting: true,
  write: false,
  sourcemap: "inline",
  sourcesContent: false,
  define: { "import.meta.url": "importMetaUrl" },
  plugins: [unusedFormats, moduleByModule]
})
for (const { path, text } of outputFiles) {
  const { code, map } = await transform(text, {
    ...small,
    platform: "node",
    target: "node20.19",
    format: "cjs",
    supported: { "dynamic-import": false },
    banner: "(function(require,importMetaUrl,module){",
    footer: "})",
    sourcemap: "external",
    sourcesContent: false
  })
  await writeFile(path, `${code}//# sourceMappingURL=${basename(path)}.map\n`)
  await writeFile(`${path}.map`, map)
}
await chmod("dist/parley.js", 0o755)

// A program without its caches is slower to start, and nothing else.
const compile = await build({
  entryPoints: ["scripts/compile.mjs"],
  bundle: true,
  platform: "node",
  write: false
})
const folder = await mkdtemp(join(tmpdir(), "parley-compile-"))
const mirror = ["--db", join(folder, "demo.db"), "--quiet"]
for (const command of [["demo", "--progress=none", ...mirror], ["init"], ["status", ...mirror], ["--help"]]) {
  const { status, stderr } = spawnSync(process.execPath, ["-", resolve("dist"), ...command], {
    cwd: folder,
    env: { ...process.env, XDG_STATE_HOME: folder },
    input: compile.outputFiles[0].text,
    encoding: "utf8"
  })
  if (status !== 0) process.stderr.write(`what is compiled ahead could not be made: ${stderr}\n`)
}
await rm(folder, { recursive: true, force: true })
