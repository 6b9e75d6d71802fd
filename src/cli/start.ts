#!/usr/bin/env node
import { existsSync } from "node:fs"
import * as nodeModule from "node:module"
import { homedir } from "node:os"
import { join } from "node:path"

/* Starts the program, which is beside this file, or says why it cannot. Runs on versions of Node that nothing else here does. */

/** Node's own cache of what it compiled, in a folder that only this user writes to. Absent before Node 22.1. */
const { enableCompileCache } = nodeModule as { enableCompileCache?: (directory: string) => unknown }

const cacheFolder = (): string => {
  const { LOCALAPPDATA, XDG_CACHE_HOME } = process.env
  if (XDG_CACHE_HOME) return join(XDG_CACHE_HOME, "parley")
  if (process.platform === "win32" && LOCALAPPDATA) return join(LOCALAPPDATA, "parley", "cache")
  return join(homedir(), ".cache", "parley")
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
  enableCompileCache?.(cacheFolder())
  require("./program.cjs")
}
