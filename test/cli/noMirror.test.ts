import { mkdirSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { it } from "@effect/vitest"
import { Effect } from "effect"
import { describe, expect } from "vitest"
import { verbs } from "../../src/cli/commands/index.ts"
import { Providers } from "../../src/cli/Providers.ts"
import { runCommand } from "../support/cli.ts"
import { fakeRegistry } from "../support/fakeRegistry.ts"
import { configuredFolder, seededEnvironment } from "../support/seededMirror.ts"

const run = (cwd: string, argv: ReadonlyArray<string>) =>
  runCommand(verbs, argv, { cwd, environment: seededEnvironment }).pipe(
    Effect.provideService(Providers, Effect.succeed(fakeRegistry))
  )

/** What has nothing to do where there is no mirror. */
const onWhatIsHeld: ReadonlyArray<ReadonlyArray<string>> = [
  ["verify"],
  ["rebuild"],
  ["rebuild", "--plan"],
  ["push"],
  ["push", "--plan"],
  ["push", "--undo", "1"],
  ["set-status", "leads:a1", "completed"],
  ["quarantine", "list"],
  ["quarantine", "retry"],
  ["changes", "list"],
  ["changes", "cancel", "1"],
  ["changes", "retry", "1"],
  ["changes", "resolve", "1", "--keep", "local"],
  ["why", "leads:a1"],
  ["query", "SELECT 1"]
]

describe("a name that no mirror has", () => {
  for (const argv of onWhatIsHeld) {
    it.scopedLive(`is refused with 2, and no mirror is made: ${argv.join(" ")}`, () =>
      Effect.gen(function* () {
        const folder = yield* configuredFolder
        const { code, stderr, stdout } = yield* run(folder, [...argv, "--db", "typo.db"])
        expect({ code, stderr, stdout }).toEqual({
          code: 2,
          stderr: `parley: there is no mirror at ${join(folder, "typo.db")} yet\n  Run \`parley sync\` first, or name another file with --db or \`database:\`.\n`,
          stdout: ""
        })
        expect(readdirSync(folder)).toEqual(["config"])
      })
    )
  }

  for (const verb of ["status", "runs"]) {
    it.scopedLive(`is told by ${verb}, and is no fault there; a folder is one`, () =>
      Effect.gen(function* () {
        const folder = yield* configuredFolder
        mkdirSync(join(folder, "box"))
        expect(yield* run(folder, [verb, "--db", "typo.db"])).toMatchObject({ code: 0, stderr: "" })
        expect(yield* run(folder, [verb, "--db", "box"])).toEqual({
          code: 2,
          stderr: `parley: ${join(folder, "box")} is a folder\n  Name a file with --db or \`database:\`.\n`,
          stdout: ""
        })
      })
    )
  }
})
