/* The driver that the built program uses with this version of Node: scripts/build.mjs. */
module.exports =
  Number(process.versions.napi) < 10
    ? require("../../scripts/node20/node_modules/better-sqlite3")
    : require("better-sqlite3")
