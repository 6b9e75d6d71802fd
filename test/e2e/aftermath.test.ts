import { copyFileSync } from "node:fs"
import { expect, it } from "@effect/vitest"
import Sqlite from "better-sqlite3"
import { Effect } from "effect"
import { mirrorFile, talk } from "../analysis/smallMirror.ts"
import { openWorkspace } from "../support/parley.ts"

/* What every end-to-end test ends with, the look at its mirror, must be able to fail. */

const changes: ReadonlyArray<readonly [what: string, change: string, told: RegExp]> = [
  ["a mirror as it should be", "SELECT 1", /^$/],
  [
    "a message without its conversation",
    "UPDATE message_rows SET key = 99 << 20 WHERE position = 1",
    /"orphan":103809024/
  ],
  ["a message that is missing", "DELETE FROM message_rows WHERE position = 1", /"stored_messages":2/],
  [
    "a page whose records do not add up",
    "UPDATE pages SET received = 5 WHERE id = 1",
    /"received":5,"inserted":0/
  ]
]

for (const [what, change, told] of changes) {
  it.scoped(`closing a workspace tells of ${what}`, () =>
    Effect.gen(function* () {
      const file = yield* mirrorFile((session) => {
        talk(session, {
          id: "a",
          lines: [
            ["customer", 0],
            ["agent", 1]
          ]
        })
      })
      const said = yield* Effect.promise(async () => {
        const workspace = await openWorkspace({ conversations: 1 })
        copyFileSync(file, workspace.database)
        const mirror = new Sqlite(workspace.database)
        mirror.pragma("foreign_keys = OFF")
        mirror.pragma("ignore_check_constraints = ON")
        mirror.exec(change)
        mirror.close()
        return workspace.close().then(
          () => "",
          (error: unknown) => String(error)
        )
      })
      expect(said).toMatch(told)
    })
  )
}
