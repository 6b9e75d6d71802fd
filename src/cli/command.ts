import { Args, Command, Options } from "@effect/cli"
import { type Context, Effect, Layer } from "effect"
import type { Progress } from "../sync/progress.ts"
import { isAskedFor } from "../telemetry/asked.ts"
import { Ended } from "./errors.ts"
import type { ExitCode } from "./exitCodes.ts"
import { exitCodes } from "./exitCodes.ts"
import { type Failure, reportFailure } from "./failure.ts"
import { Globals, globalOptions } from "./globals.ts"
import { Host } from "./Host.ts"
import { type Described, describe } from "./helpDoc.ts"
import { tellStopped } from "./signals.ts"
import { loggerLayer } from "./terminal/logger.ts"
import type { Output } from "./terminal/Output.ts"
import { progressLayer } from "./terminal/Progress.ts"

/** Progress as a person sees it, and as it is exported to a collector if the environment names one. */
const observedLayer = Layer.unwrapEffect(
  Effect.gen(function* () {
    const { environment } = yield* Host
    if (!isAskedFor(environment)) return progressLayer
    const { telemetryLayer } = yield* Effect.promise(() => import("../telemetry/layer.ts"))
    return telemetryLayer(environment).pipe(Layer.provide(progressLayer))
  })
)

/** What a verb understands beside the global options: each key is an option or an argument of @effect/cli. */
interface VerbConfig {
  readonly [key: string]: Options.Options<unknown> | Args.Args<unknown>
}

export interface Flag extends Described {
  /** `--max-wait` */
  readonly name: string
  readonly takesValue: boolean
  readonly repeatable: boolean
  readonly option: Options.Options<unknown>
}

/** One verb: what it is called, what it understands, and what it does. */
export interface Verb<R> {
  readonly name: string
  readonly description: string
  readonly examples: ReadonlyArray<string>
  readonly flags: ReadonlyArray<Flag>
  readonly args: ReadonlyArray<Described>
  /** Verbs below this one (`changes list`), and the one that is meant where none is named. */
  readonly children: ReadonlyArray<Verb<R>>
  readonly otherwise: string | null
  readonly command: Command.Command<string, R, Ended, unknown>
}

/** Only the verb that runs is made in full. */
const once = <A>(make: () => A): (() => A) => {
  let made: { readonly value: A } | null = null
  return () => {
    made ??= { value: make() }
    return made.value
  }
}

/** @effect/cli knows this of an option, but has no question for it. */
const isRepeatable = (option: object): boolean => {
  if ("_tag" in option && option._tag === "Variadic") return true
  return "options" in option && typeof option.options === "object" && option.options !== null
    ? isRepeatable(option.options)
    : false
}

export const toFlag = (option: Options.Options<unknown>): Flag => {
  const described = describe(Options.getHelp(option))
  return {
    ...described,
    name: described.label.split(/[ ,]/)[0] ?? described.label,
    takesValue: !Options.isBool(option),
    repeatable: isRepeatable(option),
    option
  }
}

/** `NAME`, `[NAME]`, `[NAME]...`: what may be left out is in brackets. */
const toArgument = (arg: Args.Args<unknown>): Described => {
  const { label, text } = describe(Args.getHelp(arg))
  const name = label.replace(/[<>]/g, "").replace(/ 1\+$/, "...")
  return { label: Args.getMinSize(arg) === 0 ? name.replace(/^[^.]+/, "[$&]") : name, text }
}

export const globalFlags: ReadonlyArray<Flag> = Object.values(globalOptions).map(toFlag)

/** What a verb's handler gets: its options and arguments, read. */
export type Input<Config extends VerbConfig> = Command.Command.ParseConfig<Config>

/**
 * A handler in a module of its own, which is read from disk when the verb runs and not before: help, faults in the
 * command line and other verbs do not wait for it.
 */
export const lazily =
  <In, R>(load: () => Promise<(input: In) => Effect.Effect<ExitCode, Failure, R>>) =>
  (input: In): Effect.Effect<ExitCode, Failure, R> =>
    Effect.flatMap(Effect.promise(load), (handler) => handler(input))

/** What a handler may use without asking for it by itself. */
type Provided = Globals | Progress

interface VerbSpec<Name extends string, Config extends VerbConfig> {
  readonly name: Name
  readonly description: string
  readonly config: Config
  readonly examples?: ReadonlyArray<string>
  /** What is said of its work where a signal ends it; left out: nothing. */
  readonly whenStopped?: string
}

/** For verbs whose next run resumes where this one was stopped. */
export const goesOn = "committed data is kept, and the next run resumes from there"

/** For verbs that keep what they have done, and start again. */
export const beginsAnew = "committed data is kept; the next run starts again"

/**
 * Makes a verb. The handler gets its options and arguments, may use `Globals` and `Progress`, and ends with its exit
 * code; failures are reported on stderr, and as a document with `--json`.
 */
export const verb = <const Name extends string, const Config extends VerbConfig, R>(
  spec: VerbSpec<Name, Config>,
  handler: (input: Input<Config>) => Effect.Effect<ExitCode, Failure, R>
): Verb<Exclude<R, Provided> | Host | Output> => {
  const run = (input: Input<Config>, globals: Context.Tag.Service<Globals>) =>
    handler(input).pipe(
      Effect.catchAllCause((cause) => reportFailure(cause)),
      Effect.provide(
        observedLayer.pipe(
          Layer.provideMerge(loggerLayer),
          Layer.provideMerge(Layer.succeed(Globals, globals))
        )
      ),
      Effect.onInterrupt(() => tellStopped(globals.progress, spec.whenStopped ?? null)),
      Effect.flatMap((code) => (code === exitCodes.complete ? Effect.void : new Ended({ code })))
    )
  const command = once(() =>
    Command.make(spec.name, { own: spec.config, globals: globalOptions }, (parsed) => {
      const { own, globals } = parsed as {
        readonly own: Input<Config>
        readonly globals: Context.Tag.Service<Globals>
      }
      return run(own, globals)
    }).pipe(Command.withDescription(spec.description))
  )
  const values = Object.values<Options.Options<unknown> | Args.Args<unknown>>(spec.config)
  const flags = once(() => values.filter(Options.isOptions).map(toFlag))
  const args = once(() => values.filter(Args.isArgs).map(toArgument))
  return {
    name: spec.name,
    description: spec.description,
    examples: spec.examples ?? [],
    get flags() {
      return flags()
    },
    get args() {
      return args()
    },
    children: [],
    otherwise: null,
    get command() {
      return command() as unknown as Verb<Exclude<R, Provided> | Host | Output>["command"]
    }
  }
}

/** A verb that only groups others: `parley quarantine list`. */
export const group = <R>(
  spec: {
    readonly name: string
    readonly description: string
    /** The one that is meant where none is named. */
    readonly otherwise: string
    readonly examples?: ReadonlyArray<string>
  },
  children: readonly [Verb<R>, ...Array<Verb<R>>]
): Verb<R> => {
  const [first, ...others] = children
  const command = once(() =>
    Command.make(spec.name).pipe(
      Command.withDescription(spec.description),
      Command.withSubcommands([first.command, ...others.map((child) => child.command)])
    )
  )
  return {
    name: spec.name,
    description: spec.description,
    examples: spec.examples ?? [],
    flags: [],
    args: [],
    children,
    otherwise: spec.otherwise,
    get command() {
      return command() as unknown as Verb<R>["command"]
    }
  }
}
