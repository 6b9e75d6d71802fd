import { Args, Options } from "@effect/cli"
import { it } from "@effect/vitest"
import { Data, Effect } from "effect"
import { describe, expect } from "vitest"
import { group, verb } from "../../src/cli/command.ts"
import { UsageError } from "../../src/cli/errors.ts"
import { exitCodes } from "../../src/cli/exitCodes.ts"
import { Globals } from "../../src/cli/globals.ts"
import { version } from "../../src/cli/root.ts"
import { Output } from "../../src/cli/terminal/Output.ts"
import { ConfigError } from "../../src/config/Config.ts"
import { StoreError } from "../../src/store/StoreError.ts"
import { runCommand } from "../support/cli.ts"

/** Tells on stdout what it understood. */
const echo = verb(
  {
    name: "echo",
    description: "Says what it was asked.",
    config: {
      words: Args.text({ name: "WORD" }).pipe(Args.withDescription("What to say."), Args.repeated),
      loud: Options.boolean("loud").pipe(Options.withDescription("Say it louder.")),
      tag: Options.text("tag").pipe(Options.withDescription("May come again."), Options.repeated),
      wait: Options.text("max-wait").pipe(
        Options.withPseudoName("DURATION"),
        Options.withDescription("How long."),
        Options.withDefault("1h")
      ),
      style: Options.choice("style", ["plain", "fancy"]).pipe(Options.withDefault("plain"))
    },
    examples: ["parley echo hello"]
  },
  (input) =>
    Effect.gen(function* () {
      const globals = yield* Globals
      const output = yield* Output
      yield* output.document({ ...input, globals })
      return exitCodes.complete
    })
)

class Boom extends Data.TaggedError("Boom") {}

const fails = verb(
  {
    name: "fails",
    description: "Ends in one of many ways.",
    config: { how: Args.text({ name: "HOW" }) }
  },
  ({ how }) => {
    switch (how) {
      case "usage":
        return Effect.fail(new UsageError({ message: "no such thing", hint: "ask for another" }))
      case "config":
        return Effect.fail(
          new ConfigError({
            faults: [
              { file: "p.yaml", line: 3, where: "a", message: "wrong" },
              { file: "p.yaml", line: 4, where: "b", message: "wrong too" }
            ]
          })
        )
      case "locked":
        return Effect.fail(new StoreError({ op: "x", kind: "locked", message: "locked", hint: "wait" }))
      case "damaged":
        return Effect.fail(new StoreError({ op: "x", kind: "damaged", message: "damaged", hint: "h" }))
      case "defect":
        return Effect.die(new Boom())
      case "partial":
        return Effect.succeed(exitCodes.partial)
      default:
        return Effect.interrupt
    }
  }
)

const changes = group({ name: "changes", description: "The outbox.", otherwise: "list" }, [
  verb(
    {
      name: "list",
      description: "Lists changes.",
      config: { open: Options.boolean("open").pipe(Options.withDescription("Only open ones.")) }
    },
    ({ open }) =>
      Effect.flatMap(Output, (output) => output.document({ list: true, open })).pipe(Effect.as(0 as const))
  ),
  verb({ name: "show", description: "Shows one.", config: { id: Args.integer({ name: "ID" }) } }, ({ id }) =>
    Effect.flatMap(Output, (output) => output.document({ id })).pipe(Effect.as(0 as const))
  )
])

const verbs = [echo, fails, changes]
const run = (...argv: ReadonlyArray<string>) => runCommand(verbs, argv)
const parsed = (...argv: ReadonlyArray<string>) =>
  Effect.map(run(...argv), ({ code, stderr, stdout }) => {
    expect(stderr).toBe("")
    expect(code).toBe(0)
    return JSON.parse(stdout)
  })

describe("a command line", () => {
  it.effect(
    "is understood with its global options before the verb, after it, and between its arguments",
    () =>
      Effect.gen(function* () {
        const globals = { config: "c.yaml", db: "m.db", json: true, progress: "plain", quiet: true }
        const before = ["--config", "c.yaml", "--db=m.db", "--json", "--progress", "plain", "--quiet"]
        for (const argv of [
          [...before, "echo", "a", "b"],
          ["echo", ...before, "a", "b"],
          ["echo", "a", ...before, "b"],
          ["--json", "echo", "a", "b", "--quiet", "--config=c.yaml", "--progress=plain", "--db", "m.db"]
        ]) {
          expect(yield* parsed(...argv)).toMatchObject({ words: ["a", "b"], globals })
        }
      })
  )

  it.effect(
    "may name options after arguments, repeat the repeatable, and give values that look like anything",
    () =>
      Effect.gen(function* () {
        expect(
          yield* parsed(
            "echo",
            "no",
            "--loud",
            "yes",
            "--tag",
            "x",
            "--tag=-y",
            "--max-wait",
            "5m",
            "--",
            "--tag",
            "-z"
          )
        ).toMatchObject({
          words: ["no", "yes", "--tag", "-z"],
          loud: true,
          tag: ["x", "-y"],
          wait: "5m"
        })
        // @effect/cli has options of its own, which nobody asked for here.
        expect(yield* parsed("echo", "--tag=--wizard", "--", "--help", "--version")).toMatchObject({
          words: ["--help", "--version"],
          tag: ["--wizard"]
        })
        expect(yield* parsed("echo", "-- a comment in SQL", "-1")).toMatchObject({
          words: ["-- a comment in SQL", "-1"],
          loud: false
        })
      })
  )

  it.effect("takes a group alone for its usual verb", () =>
    Effect.gen(function* () {
      expect(yield* parsed("changes")).toEqual({ list: true, open: false })
      expect(yield* parsed("changes", "--open")).toEqual({ list: true, open: true })
      expect(yield* parsed("changes", "--open", "list")).toEqual({ list: true, open: true })
      expect(yield* parsed("changes", "show", "7")).toEqual({ id: 7 })
    })
  )
})

describe("a command line that is wrong", () => {
  const cases: ReadonlyArray<readonly [argv: ReadonlyArray<string>, told: string]> = [
    [["ecko"], 'parley: there is no "ecko"; did you mean "echo"?\n  see parley --help\n'],
    [["xyz"], 'parley: there is no "xyz"; known here: echo, fails, changes\n  see parley --help\n'],
    [
      ["changes", "shwo"],
      'parley: there is no "changes shwo"; did you mean "show"?\n  see parley changes --help\n'
    ],
    [
      ["echo", "--laud"],
      "parley: parley echo has no option --laud; did you mean --loud?\n  see parley echo --help; an argument that begins with a hyphen comes after --\n"
    ],
    [
      ["--lound", "echo"],
      "parley: parley has no option --lound\n  see parley --help; an argument that begins with a hyphen comes after --\n"
    ],
    [
      ["--loud", "echo"],
      'parley: --loud is an option of "echo"\n  write it behind that word: parley echo --loud\n'
    ],
    [
      ["echo", "--max-wait"],
      "parley: --max-wait needs a value: --max-wait DURATION\n  see parley echo --help\n"
    ],
    [
      ["echo", "--max-wait", "--loud"],
      "parley: --max-wait needs a value: --max-wait DURATION\n  see parley echo --help\n"
    ],
    [["echo", "--loud", "--loud"], "parley: --loud is given twice\n  give it once\n"],
    [
      ["echo", "--loud", "--style", "odd"],
      'parley: --style: there is no "odd"; known here: plain, fancy\n  write one of plain, fancy; see parley echo --help\n'
    ],
    [
      ["--progress", "loud", "echo"],
      'parley: --progress: there is no "loud"; known here: auto, bar, plain, json, none\n  write one of auto, bar, plain, json, none; see parley echo --help\n'
    ],
    [
      ["--log-level", "loud", "echo"],
      'parley: --log-level: there is no level "loud"; known here: all, trace, debug, info, warning, error, fatal, none\n  write one of all, trace, debug, info, warning, error, fatal, none\n'
    ],
    [
      ["changes", "show"],
      "parley: parley changes show needs ID\n  write parley changes show ID; see parley changes show --help\n"
    ],
    [
      ["changes", "show", "7", "8"],
      "parley: parley changes show: Received unknown argument: '8'\n  see parley changes show --help\n"
    ],
    [
      ["changes", "show", "seven"],
      'parley: parley changes show: "seven" is not a whole number\n  see parley changes show --help\n'
    ],
    [
      ["changes", "show", "7", "--open"],
      "parley: parley changes show has no option --open\n  see parley changes show --help; an argument that begins with a hyphen comes after --\n"
    ]
  ]
  for (const [argv, told] of cases) {
    it.effect(`ends with 2 and says what was meant: ${argv.join(" ")}`, () =>
      Effect.gen(function* () {
        expect(yield* run(...argv)).toEqual({ code: 2, stdout: "", stderr: told })
      })
    )
  }

  it.effect("is a document too where --json was asked for", () =>
    Effect.gen(function* () {
      const { code, stdout } = yield* run("ecko", "--json")
      expect(code).toBe(2)
      expect(JSON.parse(stdout)).toEqual({
        error: {
          kind: "usage",
          message: 'there is no "ecko"; did you mean "echo"?',
          hint: "see parley --help"
        }
      })
    })
  )
})

describe("a verb that fails", () => {
  it.effect("ends with the exit code of its failure, told in one place", () =>
    Effect.gen(function* () {
      expect(yield* run("fails", "usage")).toEqual({
        code: 2,
        stdout: "",
        stderr: "parley: no such thing\n  ask for another\n"
      })
      expect(yield* run("fails", "config")).toEqual({
        code: 2,
        stdout: "",
        stderr: "p.yaml:3: a: wrong\np.yaml:4: b: wrong too\n"
      })
      expect((yield* run("fails", "locked")).code).toBe(75)
      expect((yield* run("fails", "damaged")).code).toBe(1)
      expect((yield* run("fails", "partial")).code).toBe(3)
    })
  )

  it.effect("never shows a stack trace unless the log is asked for", () =>
    Effect.gen(function* () {
      const { code, stderr } = yield* run("fails", "defect")
      expect(code).toBe(1)
      expect(stderr).toMatch(/^parley: unexpected fault/)
      expect(stderr).not.toMatch(/\bat .*\.ts:/)
      expect((yield* run("fails", "defect", "--log-level", "debug")).stderr).toContain("Boom")
    })
  )

  it.effect("leaves one document with --json", () =>
    Effect.gen(function* () {
      const { stdout } = yield* run("fails", "config", "--json")
      expect(JSON.parse(stdout).error).toMatchObject({
        message: "2 faults in the configuration",
        faults: [{ line: 3 }, { line: 4 }]
      })
      const { stderr } = yield* run("fails", "usage", "--progress", "json")
      expect(JSON.parse(stderr)).toMatchObject({ event: "error", kind: "usage", message: "no such thing" })
    })
  )

  it.effect("stays interrupted where it was interrupted", () =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(run("fails", "interrupt"))
      expect(exit).toMatchObject({ _tag: "Failure", cause: { _tag: "Interrupt" } })
    })
  )
})

describe("a result that cannot be written", () => {
  it.effect("is no success", () =>
    Effect.gen(function* () {
      const { code, stderr } = yield* runCommand(verbs, ["echo"], { stdoutFailure: "ENOSPC" })
      expect(code).toBe(1)
      expect(stderr).toBe("parley: the result could not be written (ENOSPC)\n")
    })
  )
})

describe("help", () => {
  it.effect("lists every verb with what it does, and the options that go with all of them", () =>
    Effect.gen(function* () {
      for (const argv of [[], ["--help"], ["-h"]]) {
        const { code, stdout } = yield* run(...argv)
        expect(code).toBe(0)
        expect(stdout).toMatch(/^ {2}echo \[WORD\]\.\.\. +Says what it was asked\.$/m)
        expect(stdout).toMatch(/^ {2}--config FILE +The configuration\./m)
        expect(stdout).toMatch(/^ {2}--log-level /m)
      }
    })
  )

  it.effect("of a verb shows its arguments, options and examples, whatever else is on the line", () =>
    Effect.gen(function* () {
      const { code, stdout } = yield* run("echo", "something", "--help", "--nonsense")
      expect(code).toBe(0)
      expect(stdout).toContain("Usage: parley echo [OPTIONS] [WORD]...")
      expect(stdout).toMatch(/^ {2}\[WORD\]\.\.\. +What to say\.$/m)
      expect(stdout).toMatch(/^ {2}--max-wait DURATION +How long\.$/m)
      expect(stdout).toMatch(/^ {2}--style plain\|fancy$/m)
      expect(stdout).toContain("  parley echo hello")
    })
  )

  it.effect("of a group names the verbs below it", () =>
    Effect.gen(function* () {
      const { stdout } = yield* run("changes", "--help")
      expect(stdout).toContain("Usage: parley changes [list|show] [OPTIONS]")
      expect(stdout).toContain("Without one of these: list.")
      expect((yield* run("changes", "show", "--help")).stdout).toContain("Usage: parley changes show ID")
    })
  )

  it.effect("keeps to the width of the terminal", () =>
    Effect.gen(function* () {
      const { stdout } = yield* runCommand(verbs, ["echo", "--help"], { stdoutColumns: 60 })
      expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(60)
    })
  )

  it.effect("tells the version", () =>
    Effect.gen(function* () {
      expect(yield* run("--version")).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" })
    })
  )
})
