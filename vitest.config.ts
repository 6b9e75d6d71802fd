import { tmpdir } from "node:os"
import { join } from "node:path"
import { defineConfig } from "vitest/config"
import { sqlitePath } from "./scripts/sqlite.mjs"

export default defineConfig({
  // The driver that this version of Node can load.
  resolve: { alias: [{ find: /^better-sqlite3$/, replacement: sqlitePath }] },
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 240_000,
    // What processes of one user share, such as who pushes, is not the developer's own here.
    env: { XDG_STATE_HOME: join(tmpdir(), "parley-test-state") },
    hookTimeout: 240_000,
    // Most of the time of most tests is another process's or a disk's.
    pool: "forks",
    poolOptions: { forks: { minForks: 1, maxForks: 2 } },
    reporters: ["default", "./test/support/tally.ts"]
  }
})
