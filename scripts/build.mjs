/*
 * Bundles the command line, so that it starts at once: dist/parley.js starts dist/program.cjs, which reads what a verb
 * needs from the other scripts when that verb runs. better-sqlite3 is native and stays outside.
 */
import { chmod, copyFile, readFile, rm, writeFile } from "node:fs/promises"
import { createRequire } from "node:module"
import { basename, resolve } from "node:path"
import { pathToFileURL } from "node:url"
import { build, transform } from "esbuild"
import { licencesOf } from "./licences.mjs"
import { installForNode20 } from "./node20.mjs"
import { findSqlite, node20Folder } from "./sqlite.mjs"

/** @effect/cli can read options from files in these formats, which nothing here asks for. */
const unusedFormats = {
  name: "unused-formats",
  setup(build) {
    build.onResolve({ filter: /^(ini|toml|yaml)$/ }, ({ importer, path }) =>
      /[\\/]@effect[\\/]cli[\\/]/.test(importer) ? { path, namespace: "unused-formats" } : undefined
    )
    build.onLoad({ filter: /.*/, namespace: "unused-formats" }, () => ({ contents: "export default {}" }))
  }
}

/** Of undici only what sends requests: with all of fetch, every start took a third longer. */
const onlyDispatchers = {
  name: "only-dispatchers",
  setup(build) {
    build.onResolve({ filter: /^@effect\/platform-node\/Undici$/ }, ({ path, resolveDir }) => ({
      path,
      namespace: "only-dispatchers",
      pluginData: resolveDir
    }))
    build.onLoad({ filter: /.*/, namespace: "only-dispatchers" }, ({ pluginData }) => ({
      contents:
        'export { default as Agent } from "undici/lib/dispatcher/agent.js"; export { default as ProxyAgent } from "undici/lib/dispatcher/proxy-agent.js"',
      resolveDir: pluginData
    }))
  }
}

/** Schemas can make values for property tests, which only tests ask for. */
const withoutArbitraries = {
  name: "without-arbitraries",
  setup(build) {
    build.onResolve({ filter: /^fast-check$/ }, ({ path }) => ({ path, namespace: "without-arbitraries" }))
    build.onLoad({ filter: /.*/, namespace: "without-arbitraries" }, () => ({
      contents: "module.exports = {}"
    }))
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

/** Of a module that is imported by itself, the bundler leaves out what is not used. */
const moduleByModule = {
  name: "module-by-module",
  setup(build) {
    build.onLoad({ filter: /[\\/]src[\\/].*\.ts$/ }, async ({ path }) => {
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

/** Each of the two drivers where it can be loaded: scripts/sqlite.mjs. */
const sqlite = {
  name: "sqlite",
  setup(build) {
    build.onResolve({ filter: /(^|\/)better-sqlite3$/ }, ({ namespace, path }) =>
      namespace === "sqlite" ? { path, external: true } : { path, namespace: "sqlite" }
    )
    build.onLoad({ filter: /.*/, namespace: "sqlite" }, () => ({
      contents: `module.exports = Number(process.versions.napi) < 10 ? require("../${node20Folder}/node_modules/better-sqlite3") : require("better-sqlite3")`
    }))
  }
}

/**
 * What one script takes from another is read through two getters of esbuild's each time, the outer one shared by all names
 * and therefore slow: of a pull, 3% of the time. One is enough. Columns stay as they are, for the source map.
 */
const withOneGetter = (code) => {
  const copying = '__toCommonJS=mod=>__copyProps(__defProp({},"__esModule",{value:!0}),mod)'
  if (!code.includes("__toCommonJS")) return code
  if (!code.includes(copying)) throw new Error("esbuild writes exports in another way than is expected here")
  return code.replace(
    copying,
    '__toCommonJS=mod=>__defProp(mod,"__esModule",{value:!0})'.padEnd(copying.length)
  )
}

const common = {
  outdir: "dist",
  bundle: true,
  platform: "node",
  target: "node20.19",
  metafile: true,
  logLevel: "warning"
}

/** Names stay whole, for the traces of unexpected failures. */
const small = { minifySyntax: true, minifyWhitespace: true }

installForNode20()
await rm("dist", { recursive: true, force: true })
// What starts the program, the process that it runs a query in, and the thread that writes pages.
const started = await build({
  ...common,
  entryPoints: {
    parley: "src/cli/start.ts",
    "source-parley": "src/cli/start.ts",
    "destination-parley": "src/cli/start.ts",
    query: "src/store/read/queryProgram.ts",
    commitWorker: "src/store/mirror/thread/commitWorker.ts"
  },
  external: ["./program.cjs", "./airbyte.cjs"],
  format: "cjs",
  plugins: [sqlite]
})
await writeFile("dist/package.json", '{ "type": "commonjs" }\n')

// What the steps of the schema make of an empty file, for new ones.
const steps = resolve("node_modules/.cache/parley-steps.mjs")
await build({
  bundle: true,
  platform: "node",
  target: "node20.19",
  logLevel: "warning",
  stdin: {
    contents: `export { migrate } from "./src/store/migrate.ts"
      export { describeNewest } from "./src/store/newest.ts"`,
    resolveDir: "."
  },
  outfile: steps,
  format: "esm"
})
const { describeNewest, migrate } = await import(pathToFileURL(steps).href)
const Sqlite = createRequire(import.meta.url)(findSqlite())
const made = () => {
  const database = new Sqlite(":memory:")
  migrate(database, "")
  return database
}
await writeFile("dist/newestSchema.json", `${JSON.stringify(describeNewest([made(), made()]))}\n`)

// Only what is in the form of ECMAScript modules can be split, and CommonJS starts sooner.
const { metafile, outputFiles } = await build({
  ...common,
  ...small,
  entryPoints: { program: "src/main.ts", airbyte: "src/airbyte/main.ts" },
  outExtension: { ".js": ".cjs" },
  chunkNames: "part-[hash]",
  format: "esm",
  splitting: true,
  write: false,
  sourcemap: "inline",
  sourcesContent: false,
  define: { "import.meta.url": "importMetaUrl" },
  plugins: [unusedFormats, onlyDispatchers, withoutArbitraries, moduleByModule, sqlite]
})
for (const { path, text } of outputFiles) {
  const { code: slow, map } = await transform(text, {
    ...small,
    platform: "node",
    target: "node20.19",
    format: "cjs",
    supported: { "dynamic-import": false },
    banner: text.includes("importMetaUrl")
      ? 'const importMetaUrl = require("node:url").pathToFileURL(__filename).href;'
      : "",
    sourcemap: "external",
    sourcesContent: false
  })
  const code = withOneGetter(slow)
  await writeFile(path, `${code}//# sourceMappingURL=${basename(path)}.map\n`)
  await writeFile(`${path}.map`, map)
}
// The page of `serve`: what a browser loads, and nothing from elsewhere.
const { metafile: pageMetafile } = await build({
  outdir: "dist/page",
  entryPoints: { page: "src/page/main.tsx" },
  bundle: true,
  metafile: true,
  minify: true,
  platform: "browser",
  target: ["chrome123", "firefox121", "safari17.5"],
  format: "esm",
  jsx: "automatic",
  jsxImportSource: "preact",
  logLevel: "warning"
})
await copyFile("src/page/index.html", "dist/page/index.html")

await writeFile("dist/THIRD-PARTY-LICENSES.txt", licencesOf([started.metafile, metafile, pageMetafile]))
for (const name of ["parley", "source-parley", "destination-parley"]) await chmod(`dist/${name}.js`, 0o755)
