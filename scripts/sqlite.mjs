/*
 * Which better-sqlite3 this version of Node can load. Version 13, which the project depends on, brings its binaries for
 * every platform and needs Node-API 10 (Node 22.14); on Node 20 it crashes. A clone on Node 20 uses version 12, which
 * scripts/node20 holds beside the project's own packages: package.json and the lock file say nothing of it, `npm ci`
 * leaves it alone, and the same clone works with a newer Node too.
 */
import { existsSync } from "node:fs"
import { resolve } from "node:path"

/** Whether the better-sqlite3 that the project depends on can be loaded. */
export const loadsSqlite13 = Number(process.versions.napi) >= 10

/** Relative to the root of the clone. */
export const node20Folder = "scripts/node20"

const forNode20 = resolve(node20Folder, "node_modules/better-sqlite3/lib/index.js")

/** The main file of the better-sqlite3 to load, absolute. The current folder is the root of the clone. */
export const findSqlite = () =>
  loadsSqlite13 || !existsSync(forNode20) ? resolve("node_modules/better-sqlite3/lib/index.js") : forNode20

/** The same, for all that runs after the first build, which installs one for Node 20. */
export const sqlitePath = findSqlite()
