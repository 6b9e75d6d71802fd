import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { defineConfig } from "vitest/config"
import { sqlitePath } from "./scripts/sqlite.mjs"

/** What runs the built command line, packs it, or needs a process of its own. */
const processes = [
  "test/e2e/**/*.test.ts",
  "test/docs.test.ts",
  "test/package.test.ts",
  "test/recipes.test.ts",
  "test/cli/start.test.ts"
]

/** What needs a browser: `vitest.page.config.ts` runs it. */
const pages = "test/page/**"

/** What processes of one user share, such as limits and who pushes: this run's own, so that no other run changes it. */
const stateFolder = mkdtempSync(join(tmpdir(), "parley-test-state-"))
process.once("exit", () => rmSync(stateFolder, { recursive: true, force: true }))

export default defineConfig({
  // The driver that this version of Node can load.
  resolve: { alias: [{ find: /^better-sqlite3$/, replacement: sqlitePath }] },
  test: {
    testTimeout: 240_000,
    hookTimeout: 240_000,
    env: { XDG_STATE_HOME: stateFolder },
    // Most of the time of most tests is another process's or a disk's.
    poolOptions: { forks: { minForks: 1, maxForks: 2 }, threads: { minThreads: 1, maxThreads: 2 } },
    reporters: ["default", "./test/support/tally.ts"],
    coverage: { include: ["src/**/*.ts"], reporter: ["text-summary", "html"] },
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          pool: "threads",
          include: ["test/**/*.test.ts"],
          exclude: [...processes, pages]
        }
      },
      { extends: true, test: { name: "e2e", pool: "forks", include: processes } }
    ]
  }
})
