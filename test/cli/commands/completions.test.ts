import { execFileSync } from "node:child_process"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { verbs } from "../../../src/cli/commands/index.ts"
import { Providers } from "../../../src/cli/Providers.ts"
import { runCommand } from "../../support/cli.ts"
import { fakeRegistry } from "../../support/fakeRegistry.ts"
import { temporaryFolder } from "../../support/inProcess.ts"

const run = (argv: ReadonlyArray<string>) =>
  runCommand(verbs, argv).pipe(Effect.provideService(Providers, Effect.succeed(fakeRegistry)))

describe("parley completions", () => {
  it.scoped("complete verbs, verbs below them and their options in bash", () =>
    Effect.gen(function* () {
      const { stdout } = yield* run(["completions", "bash"])
      const script = join(yield* temporaryFolder, "parley.bash")
      writeFileSync(script, stdout)
      const complete = (...words: ReadonlyArray<string>): ReadonlyArray<string> => {
        const typed = ["parley", ...words].map((word) => `'${word}'`).join(" ")
        const program = `source ${script}; COMP_WORDS=(${typed}); COMP_CWORD=${words.length}; _parley; echo "\${COMPREPLY[*]}"`
        return execFileSync("bash", ["-c", program], { encoding: "utf8" }).trim().split(/\s+/)
      }
      expect(complete("se")).toEqual(
        ["search", "set-status", "serve"].filter((name) => verbs.some((verb) => verb.name === name))
      )
      expect(complete("changes", "re")).toEqual(["retry", "resolve"])
      expect(complete("changes", "resolve", "--k")).toEqual(["--keep"])
      expect(complete("sync", "leads", "--fu")).toEqual(["--full"])
      expect(complete("sync", "--js")).toEqual(["--json"])
    })
  )

  it.scoped("name every verb for zsh and fish, and no other shell", () =>
    Effect.gen(function* () {
      const zsh = yield* run(["completions", "zsh"])
      expect(zsh.stdout).toMatch(/^#compdef parley\n/)
      const fish = yield* run(["completions", "fish"])
      for (const { name } of verbs) {
        expect(zsh.stdout).toContain(`"${name}")`)
        expect(fish.stdout).toContain(`-n '__fish_use_subcommand' -a ${name} -d '`)
      }
      for (const line of fish.stdout.trim().split("\n").slice(1)) {
        expect(line).toMatch(/^complete -c parley -n '([^'\\]|\\.)*' (-l|-a) [\w-]+ -d '([^'\\]|\\.)*'$/)
      }
      const wrong = yield* run(["completions", "bsah"])
      expect(wrong).toMatchObject({ code: 2, stdout: "" })
      expect(wrong.stderr).toContain('did you mean "bash"')
    })
  )
})

describe("parley help", () => {
  it.effect("is what --help says, of a verb and of verbs below it", () =>
    Effect.gen(function* () {
      for (const path of [[], ["sync"], ["changes"], ["changes", "list"]]) {
        const asked = yield* run(["help", ...path])
        expect(asked).toEqual(yield* run([...path, "--help"]))
        expect(asked.code).toBe(0)
      }
      expect((yield* run(["help", "snyc"])).stderr).toContain('there is no "snyc"; did you mean "sync"?')
      expect((yield* run(["help", "sync", "leads"])).code).toBe(2)
      expect(yield* run(["-V"])).toEqual(yield* run(["--version"]))
    })
  )
})
