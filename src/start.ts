#!/usr/bin/env node
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { fileURLToPath } from "node:url"
import { constants, Script } from "node:vm"

/*
 * Starts the program, which is one script beside this file. What V8 compiles of it is read from a file that was made
 * with the bundle; where this version of Node has none, it compiles as ever, and starts in about twice the time.
 */

const filename = fileURLToPath(new URL("program.cjs", import.meta.url))

const readCache = (): Buffer | undefined => {
  try {
    return readFileSync(`${filename}.${process.version}-${process.arch}.cache`)
  } catch {
    return undefined
  }
}

const program: unknown = new Script(readFileSync(filename, "latin1"), {
  filename,
  cachedData: readCache(),
  importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER
}).runInThisContext()

if (typeof program === "function") program(createRequire(filename), import.meta.url)
