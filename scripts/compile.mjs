/*
 * Runs the demo once, silently, and keeps what V8 has compiled by its end. Every later start with the same version
 * of Node takes it from there.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { pathToFileURL } from "node:url"
import { setFlagsFromString } from "node:v8"
import { constants, Script } from "node:vm"

const filename = resolve("dist/program.cjs")
const folder = mkdtempSync(join(tmpdir(), "parley-compile-"))
process.env.XDG_STATE_HOME = folder
process.argv = [
  process.execPath,
  filename,
  "demo",
  "--db",
  join(folder, "demo.db"),
  "--quiet",
  "--progress=none"
]

const script = new Script(readFileSync(filename, "latin1"), {
  filename,
  importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER
})
process.once("exit", (code) => {
  rmSync(folder, { recursive: true, force: true })
  if (code === 0) {
    // The demo's run sets them (src/store/commitThread.ts), and V8 takes only what was made under the flags it starts with.
    setFlagsFromString("--heap-growing-percent=0")
    setFlagsFromString("--semi-space-growth-factor=2")
    writeFileSync(`${filename}.${process.version}-${process.arch}.cache`, script.createCachedData())
  }
})
script.runInThisContext()(createRequire(filename), pathToFileURL(resolve("dist/parley.js")).href)
