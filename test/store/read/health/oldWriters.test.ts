import { spawnSync } from "node:child_process"
import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Timestamp } from "../../../../src/domain/Timestamp.ts"
import { Db } from "../../../../src/store/Db.ts"
import { hasResetFault, oldWriters } from "../../../../src/store/read/health/oldWriters.ts"
import { hasProgram } from "../../../support/parley.ts"
import { page, sighting, started, storeLayer, temporaryFile, values } from "../../fixtures.ts"

it("knows which versions of SQLite can lose a write while another connection checkpoints", () => {
  const faulty = ["3.40.1", "3.7.0", "3.44.5", "3.50.6", "3.51.2", "3.49.9"]
  const mended = ["3.44.6", "3.50.7", "3.51.3", "3.52.0", "3.53.2", "4.0.0"]
  expect(faulty.filter((version) => !hasResetFault(version))).toEqual([])
  expect(mended.filter(hasResetFault)).toEqual([])
})

it.scoped.skipIf(!hasProgram("sqlite3"))(
  "remembers the version of SQLite of each program that asks for a change",
  () =>
    Effect.gen(function* () {
      const path = yield* temporaryFile
      yield* Effect.gen(function* () {
        const { commit } = yield* started
        yield* commit([page(1, [sighting({ providerId: "c1" }), sighting({ providerId: "c2" })])])
        const own = "UPDATE conversations SET status = 'completed' WHERE provider_id = 'c1'"
        const db = yield* Db
        yield* db.use("test", ({ database }) => database.exec(own))
        const shell = spawnSync("sqlite3", [path, own.replace("c1", "c2"), "SELECT sqlite_version()"], {
          encoding: "utf8"
        })
        expect(shell.stderr).toBe("")
        const version = shell.stdout.trim()
        const [mine] = yield* values("SELECT sqlite_version()")
        expect(yield* values("SELECT sqlite_version FROM status_changes ORDER BY id")).toEqual([
          mine,
          version
        ])
        const named = yield* db.use("test", (session) =>
          oldWriters(session, "2026-01-01T00:00:00.000Z" as Timestamp)
        )
        expect(named.map(({ changes, sqlite_version }) => [sqlite_version, changes])).toEqual(
          hasResetFault(version) ? [[version, 1]] : []
        )
      }).pipe(Effect.provide(storeLayer(path)))
    })
)
