import { it } from "@effect/vitest"
import { Effect } from "effect"
import { describe, expect } from "vitest"
import { changes } from "../../../src/cli/commands/changes/index.ts"
import { status } from "../../../src/cli/commands/status/index.ts"
import { Providers } from "../../../src/cli/Providers.ts"
import { runCommand } from "../../support/cli.ts"
import { fakeRegistry } from "../../support/fakeRegistry.ts"
import { seededEnvironment, seededFolder } from "../../support/seededMirror.ts"

const run = (cwd: string, ...argv: ReadonlyArray<string>) =>
  runCommand([changes, status], argv, { cwd, environment: seededEnvironment }).pipe(
    Effect.provideService(Providers, Effect.succeed(fakeRegistry))
  )

it.scoped("a change is shown as it is after it was resolved or made due", () =>
  Effect.gen(function* () {
    const folder = yield* seededFolder
    const changeOf = (stdout: string) => {
      const { changes, ...only } = JSON.parse(stdout)
      return changes === undefined ? only : changes[0]
    }
    const due = yield* run(folder, "changes", "retry", "1", "--json")
    expect(changeOf(due.stdout)).toMatchObject({ id: 1, state: "pending", not_before: null })
    const resolved = yield* run(folder, "changes", "resolve", "2", "--keep", "remote", "--json")
    expect(changeOf(resolved.stdout)).toMatchObject({ id: 2, resolved_at: expect.any(String) })
  })
)

describe("parley changes resolve", () => {
  it.scoped("lets a rejected change be, so that it needs no attention any more", () =>
    Effect.gen(function* () {
      const folder = yield* seededFolder
      expect((yield* run(folder, "status", "--check", "leads")).stdout).toContain(
        "leads (failed, changes, quarantine)"
      )
      expect((yield* run(folder, "changes")).stdout).toContain("`parley changes resolve 2 --keep remote`")
      expect(yield* run(folder, "changes", "resolve", "--all", "--keep", "remote")).toEqual({
        code: 0,
        stdout: "change 2 is resolved: the provider's status stays\n1 of 1 resolved\n",
        stderr: ""
      })
      expect((yield* run(folder, "changes")).stdout).not.toContain("rejected")
      expect((yield* run(folder, "status", "--check", "leads")).stdout).toContain(
        "leads (failed, quarantine)"
      )
    })
  )

  it.scoped("refuses a change that needs no decision", () =>
    Effect.gen(function* () {
      const folder = yield* seededFolder
      const { code, stderr } = yield* run(folder, "changes", "resolve", "1", "--keep", "remote")
      expect({ code, stderr }).toEqual({
        code: 2,
        stderr:
          "parley: change 1 is neither in conflict nor rejected: it is pending\n  `parley changes list` shows those that are\n"
      })
    })
  )
})
