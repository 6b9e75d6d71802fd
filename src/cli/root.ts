import { type CliApp, CliConfig, Command, Options, type ValidationError } from "@effect/cli"
import { Array as Arr, Effect, Either, Logger, type LogLevel } from "effect"
import packageFile from "../../package.json" with { type: "json" }
import { suggestion } from "../config/nearest.ts"
import { type Request, readArgv } from "./argv.ts"
import { type Flag, globalFlags, toFlag, type Verb } from "./command.ts"
import { UsageError } from "./errors.ts"
import { type ExitCode, exitCodeOf, exitCodes } from "./exitCodes.ts"
import { describeFailure, failureDocument, failureText } from "./failure.ts"
import { logLevels } from "./globals.ts"
import { programHelp, verbHelp } from "./help.ts"
import { paragraphs } from "./helpDoc.ts"
import { Output } from "./terminal/Output.ts"

export const { version } = packageFile

/** Taken out before @effect/cli sees the words, which has an option of this name with a smaller meaning. */
const logLevelFlag: Flag = toFlag(
  Options.choice("log-level", Object.keys(logLevels)).pipe(
    Options.withDescription("Log what is at least this important, on stderr. Default: warning.")
  )
)

/** Every verb takes these, before it or after it. */
export const everywhere: ReadonlyArray<Flag> = [...globalFlags, logLevelFlag]

/** Columns of help that does not go to a terminal. */
const defaultColumns = 100

const showHelp = <R>(path: ReadonlyArray<Verb<R>>, verbs: ReadonlyArray<Verb<R>>) =>
  Effect.gen(function* () {
    const output = yield* Output
    const columns = (yield* output.resultColumns) ?? defaultColumns
    yield* output.result(
      path.length === 0 ? programHelp(verbs, everywhere, columns) : verbHelp(path, everywhere, columns)
    )
    return exitCodes.complete
  })

const readLogLevel = (text: string | null): Either.Either<LogLevel.LogLevel, UsageError> => {
  const word = (text ?? "warning").toLowerCase()
  const level = Object.entries(logLevels).find(([name]) => name === word)?.[1]
  return level === undefined
    ? Either.left(
        new UsageError({
          message: `--log-level: there is no level "${text}"${suggestion(word, Object.keys(logLevels))}`,
          hint: `write one of ${Object.keys(logLevels).join(", ")}`
        })
      )
    : Either.right(level)
}

/** @effect/cli says what is wrong with a value, but not whose value it is: each is asked by itself. */
const culprit = (args: ReadonlyArray<string>, flags: ReadonlyArray<Flag>) =>
  Effect.findFirst(
    Arr.chunksOf(
      Arr.takeWhile(args, (word) => word !== "--"),
      2
    ),
    (words) => {
      const option = flags.find(({ name }) => name === words[0])?.option
      return option === undefined
        ? Effect.succeed(false)
        : Effect.isFailure(Options.processCommandLine(option, words, CliConfig.defaultConfig))
    }
  )

/** What @effect/cli says, in the words of this program. @param culprit the flag that is wrong and its value; empty: none is */
const ownWords = (
  text: string,
  verb: string,
  [flag, value = ""]: ReadonlyArray<string>,
  flags: ReadonlyArray<Flag>
): UsageError => {
  const see = `see parley ${verb} --help`
  const choices = /^Expected one of the following cases: (.*)$/.exec(text)?.[1]
  if (flag !== undefined && choices !== undefined) {
    return new UsageError({
      message: `${flag}: there is no "${value}"${suggestion(value, choices.split(", "))}`,
      hint: `write one of ${choices}; ${see}`
    })
  }
  const option = /^Expected to find option: '(.*)'$/.exec(text)?.[1]
  if (option !== undefined) {
    const label = flags.find(({ name }) => name === option)?.label ?? option
    return new UsageError({
      message: `parley ${verb} needs ${option}`,
      hint: `write ${label} behind it; ${see}`
    })
  }
  const argument = /^Missing argument <(.*)>$/.exec(text)?.[1]
  if (argument !== undefined) {
    return new UsageError({
      message: `parley ${verb} needs ${argument}`,
      hint: `write parley ${verb} ${argument}; ${see}`
    })
  }
  const [, written] = /^'(.*)' is not a integer$/s.exec(text) ?? []
  const what = written === undefined ? text : `"${written}" is not a whole number`
  return new UsageError({
    message: flag === undefined ? `parley ${verb}: ${what}` : `${flag}: ${what}`,
    hint: see
  })
}

const toUsageError = <R>(error: ValidationError.ValidationError, request: Request<R> & { _tag: "Run" }) =>
  Effect.gen(function* () {
    const text = paragraphs(error.error).join(" ").replace(/\.$/, "")
    const flags = [...everywhere, ...request.verb.flags]
    const words = yield* culprit(request.args, flags)
    const verb = request.path.map(({ name }) => name).join(" ")
    return yield* ownWords(text, verb, words._tag === "Some" ? words.value : [], flags)
  })

const isValidationError = (error: { readonly _tag: string }): error is ValidationError.ValidationError =>
  error._tag !== "Ended" && "error" in error

/** Runs the verb. Suppresses what @effect/cli would print: it is reported like any other failure. */
const runVerb = <R>(request: Request<R> & { _tag: "Run" }) =>
  Effect.gen(function* () {
    const level = yield* readLogLevel(request.logLevel)
    const program = Command.run(request.verb.command, { name: request.verb.name, version })
    return yield* program(["node", "parley", ...request.args]).pipe(
      Effect.as<ExitCode>(exitCodes.complete),
      Effect.catchAll((error) =>
        isValidationError(error) ? toUsageError(error, request) : Effect.succeed(error.code)
      ),
      Logger.withMinimumLogLevel(level),
      (effect) =>
        Effect.consoleWith((console) =>
          Effect.withConsole(effect, { ...console, error: () => Effect.void, log: () => Effect.void })
        )
    )
  })

/** A result that did not arrive is no success, even if the verb succeeded. */
const unlessLost = (code: ExitCode) =>
  Effect.gen(function* () {
    const output = yield* Output
    const lost = yield* output.lost
    if (lost === null) return code
    yield* output.note(`parley: the result could not be written (${lost})`)
    return exitCodeOf([code, exitCodes.unexpected])
  })

/**
 * Runs a command line to its exit code. Nothing is thrown and nothing exits here; an interruption stays one, so that
 * the receiver of the signal knows which one it was.
 * @param argv what follows the program's name
 */
export const runCli = <R>(
  verbs: ReadonlyArray<Verb<R>>,
  argv: ReadonlyArray<string>
): Effect.Effect<ExitCode, never, R | Output | CliApp.CliApp.Environment> =>
  Effect.gen(function* () {
    const request = yield* readArgv(argv, verbs, everywhere)
    switch (request._tag) {
      case "Help":
        return yield* showHelp(request.path, verbs)
      case "Version": {
        const output = yield* Output
        yield* output.result(version)
        return exitCodes.complete
      }
      case "Run":
        return yield* runVerb(request)
    }
  }).pipe(
    Effect.catchTag("UsageError", (error) =>
      Effect.gen(function* () {
        const output = yield* Output
        const failure = describeFailure(error)
        yield* output.note(failureText(failure))
        if (argv.includes("--json")) yield* output.document(failureDocument(failure))
        return failure.code
      })
    ),
    Effect.flatMap(unlessLost)
  )
