import { Effect } from "effect"
import { describe, expect, it } from "vitest"
import type { Verb } from "../../src/cli/command.ts"
import { verbs } from "../../src/cli/commands/index.ts"
import { Providers } from "../../src/cli/Providers.ts"
import { everywhere } from "../../src/cli/root.ts"
import { runCommand } from "../support/cli.ts"
import { fakeRegistry } from "../support/fakeRegistry.ts"

const run = (argv: ReadonlyArray<string>) =>
  Effect.runPromise(
    runCommand(verbs, argv, { cwd: "/nowhere" }).pipe(
      Effect.provideService(Providers, Effect.succeed(fakeRegistry))
    )
  )

interface Named<R> {
  readonly path: ReadonlyArray<string>
  readonly verb: Verb<R>
}

const named = <R>(all: ReadonlyArray<Verb<R>>, above: ReadonlyArray<string> = []): ReadonlyArray<Named<R>> =>
  all.flatMap((verb) => {
    const path = [...above, verb.name]
    return [{ path, verb }, ...named(verb.children, path)]
  })

const all = named(verbs)

describe("every verb", () => {
  it("is listed by parley --help", async () => {
    const { stdout } = await run(["--help"])
    for (const { name } of verbs) expect(stdout).toMatch(new RegExp(`^ {2}${name}\\b`, "m"))
  })

  for (const { path, verb } of all) {
    const words = path.join(" ")

    it(`parley ${words} --help explains it, its arguments and its options`, async () => {
      const { code, stderr, stdout } = await run([...path, "--help"])
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
      expect(stdout.replaceAll("\n", " ")).toContain(verb.description)
      expect(stdout).toContain(`Usage: parley ${words}`)
      for (const { name, text } of [...verb.flags, ...everywhere]) {
        expect(stdout).toMatch(new RegExp(`^ {2}${name}\\b`, "m"))
        expect(text, `${words} ${name} says nothing of itself`).not.toBe("")
      }
      for (const { label, text } of verb.args) {
        expect(stdout).toContain(label)
        expect(text, `${words} ${label} says nothing of itself`).not.toBe("")
      }
    })

    it(`parley ${words} refuses an option that it does not have, without a stack trace`, async () => {
      const { code, stderr, stdout } = await run([...path, "--no-such-option"])
      expect({ code, stdout }).toEqual({ code: 2, stdout: "" })
      expect(stderr).toMatch(/^parley: parley .* has no option --no-such-option\n {2}see parley .* --help/)
    })
  }

  it("gives examples that it understands", async () => {
    for (const { path, verb } of all) {
      for (const example of verb.examples) {
        const first = example.split(/ [|>] /)[0] ?? ""
        const argv = [...first.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)]
          .map(([, single, double, plain]) => single ?? double ?? plain ?? "")
          .slice(1)
        expect(argv.slice(0, path.length), example).toEqual(path)
        const { stderr } = await run([...argv, "--help"])
        expect(stderr, example).toBe("")
      }
    }
  })
})
