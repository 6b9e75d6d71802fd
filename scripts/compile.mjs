/*
 * Runs a command of the built program, and keeps what V8 has compiled of it by its end, beside what was kept before.
 * Every later start with the same version of Node takes it from there. Arguments: the folder of the build, and the
 * command.
 */
import { writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { join } from "node:path"
import { setFlagsFromString } from "node:v8"
import { cacheOf, makeRequire } from "../src/cli/scripts.ts"

const [, , folder, ...command] = process.argv
const program = join(folder, "parley.js")
process.argv = [process.execPath, program, ...command]

const scripts = new Map()
process.once("exit", (code) => {
  if (code !== 0) return
  // V8 takes only what was made under the flags it starts with; the demo sets these (src/store/mirror/thread/commitThread.ts).
  setFlagsFromString("--heap-growing-percent=0")
  setFlagsFromString("--semi-space-growth-factor=2")
  for (const [filename, script] of scripts) writeFileSync(cacheOf(filename), script.createCachedData())
})
const require = makeRequire(folder, createRequire(program), (filename, script) =>
  scripts.set(filename, script)
)
require("./program.cjs")
