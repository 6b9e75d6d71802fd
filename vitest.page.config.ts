import { defineConfig } from "vitest/config"
import { sqlitePath } from "./scripts/sqlite.mjs"

/** What needs a browser: `npm run conformance:page`. */
export default defineConfig({
  resolve: { alias: [{ find: /^better-sqlite3$/, replacement: sqlitePath }] },
  test: {
    include: ["test/page/**/*.test.ts"],
    testTimeout: 240_000,
    hookTimeout: 240_000,
    pool: "forks",
    poolOptions: { forks: { singleFork: true } },
    reporters: ["default", "./test/support/tally.ts"]
  }
})
