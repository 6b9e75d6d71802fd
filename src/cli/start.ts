#!/usr/bin/env node
import { existsSync } from "node:fs"
import * as nodeModule from "node:module"
import { homedir } from "node:os"
import { join } from "node:path"

/* Starts the program, which is beside this file, or says why it cannot. Runs on versions of Node that nothing else here does. */

/** The same file starts each program, under the program's name; null: the command line. */
const connector = /(?:source|destination)-parley(?=\.js$)/.exec(__filename)?.[0] ?? null

/** Node's own cache of what it compiled, in a folder that only this user writes to. Absent before Node 22.1. */
const { enableCompileCache } = nodeModule as { enableCompileCache?: (directory: string) => unknown }

/** Null: this user has no home folder, as in many containers. */
const cacheFolder = (): string | null => {
  const { LOCALAPPDATA, XDG_CACHE_HOME } = process.env
  if (XDG_CACHE_HOME) return join(XDG_CACHE_HOME, "parley")
  if (process.platform === "win32" && LOCALAPPDATA) return join(LOCALAPPDATA, "parley", "cache")
  try {
    return join(homedir(), ".cache", "parley")
  } catch {
    return null
  }
}

/** Says why a file of the program could not be read; a fault of the program itself is thrown as it is. */
const run = (): void => {
  try {
    if (connector === null) require("./program.cjs")
    else {
      process.argv.splice(2, 0, connector)
      require("./airbyte.cjs")
    }
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : ""
    if (!/^E[A-Z]+$/.test(code) || !("path" in Object(cause))) throw cause
    const hint =
      code === "EMFILE" || code === "ENFILE"
        ? "raise the limit on open files (ulimit -n), at least to 256"
        : "install it again"
    process.stderr.write(`parley: a file of the program cannot be read (${code})\n  ${hint}\n`)
    process.exitCode = 1
  }
}

/** The driver of a clone on Node 20: scripts/sqlite.mjs. */
const hasNode20Driver = (): boolean =>
  existsSync(join(__dirname, "../scripts/node20/node_modules/better-sqlite3"))

// better-sqlite3 13 crashes the process where it finds an older Node-API.
if (Number(process.versions.napi) < 10 && !hasNode20Driver()) {
  process.stderr.write(
    `parley: Node ${process.version} cannot load the SQLite driver: use Node 22.19 or newer, or run npm install with this Node if this is a clone\n`
  )
  process.exitCode = 2
} else {
  const cache = cacheFolder()
  if (cache !== null) enableCompileCache?.(cache)
  run()
}
