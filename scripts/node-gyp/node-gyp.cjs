#!/usr/bin/env node
/*
 * npm 10 runs `node-gyp rebuild` in better-sqlite3 13 when it installs from a lock file: the package says
 * "gypfile": false, but a lock file does not keep that (https://github.com/npm/cli/issues/9837). That would ask for Python and
 * a compiler, to build nothing. npm prefers the commands of a project's packages to its own, hence this one.
 */
const { spawnSync } = require("node:child_process")
const { readFileSync } = require("node:fs")

if (JSON.parse(readFileSync("package.json", "utf8")).gypfile !== false) {
  const { status } = spawnSync(
    process.execPath,
    [process.env.npm_config_node_gyp, ...process.argv.slice(2)],
    {
      stdio: "inherit"
    }
  )
  process.exitCode = status ?? 1
}
