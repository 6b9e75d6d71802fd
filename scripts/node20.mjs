/*
 * Installs the SQLite driver that Node 20 can load, where that is the Node of this clone: scripts/sqlite.mjs. It compiles
 * SQLite where no binary can be fetched, which takes a minute or two, once.
 */
import { spawnSync } from "node:child_process"
import { cpSync, existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { loadsSqlite13, node20Folder } from "./sqlite.mjs"

/** npm's settings for the install that runs this script; those of the user, such as a registry, stay. */
const ofOuterInstall =
  /^npm_(package_|lifecycle_|command$|config_(local_prefix|global|location|dry_run|ignore_scripts|allow_scripts|omit|include|save|package_lock|install_links))/i

const modules = join(node20Folder, "node_modules")
const compiled = "better-sqlite3/build/Release/better_sqlite3.node"

/** A clone that was installed before version 13 came has compiled version 12 already. */
const takeFormer = () => {
  if (!existsSync(join("node_modules", compiled))) return
  const { version } = JSON.parse(readFileSync("node_modules/better-sqlite3/package.json", "utf8"))
  if (!version.startsWith("12.")) return
  for (const name of ["better-sqlite3", "bindings", "file-uri-to-path"])
    cpSync(join("node_modules", name), join(modules, name), { recursive: true })
}

export const installForNode20 = () => {
  if (loadsSqlite13 || existsSync(join(modules, compiled))) return
  takeFormer()
  if (existsSync(join(modules, compiled))) return
  const npm = process.env.npm_execpath
  const [command, first] = npm === undefined ? ["npm", []] : [process.execPath, [npm]]
  const { status } = spawnSync(command, [...first, "ci", "--no-audit", "--no-fund"], {
    cwd: node20Folder,
    env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !ofOuterInstall.test(name))),
    stdio: "inherit"
  })
  if (status === 0) return
  process.stderr.write(
    `better-sqlite3 for Node ${process.version} could not be installed in ${node20Folder}: see above, or use Node 22.19 or newer\n`
  )
  process.exit(1)
}
