import { writeFileSync } from "node:fs"
import { pathToFileURL } from "node:url"
import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { sqlitePath } from "../../../../scripts/sqlite.mjs"
import { makeCommitThread } from "../../../../src/store/mirror/thread/commitThread.ts"
import { at, page, sighting, temporaryFile } from "../../fixtures.ts"

it.scoped("says what SQLite objected to where the other thread cannot open the mirror", () =>
  Effect.gen(function* () {
    const path = yield* temporaryFile
    writeFileSync(path, "no database ".repeat(500))
    const script = `${path}.mjs`
    writeFileSync(
      script,
      `import { workerData } from "node:worker_threads"
       import Sqlite from ${JSON.stringify(pathToFileURL(sqlitePath).href)}
       new Sqlite(workerData.path).pragma("journal_mode")`
    )
    const { commit } = yield* makeCommitThread(
      pathToFileURL(script),
      { path, busyTimeoutMillis: 100, stillThere: () => Effect.void },
      () => Effect.die("not here"),
      () => undefined
    )
    const pages = [page(1, [sighting()])]
    const input = {
      runId: 1,
      connection: "one",
      lane: "sync",
      pages,
      scan: null,
      keepRaw: "all",
      seen: null
    } as const
    const error = yield* Effect.flip(commit("test", input, at(1)))
    expect(error.kind).toBe("not-a-database")
  })
)
