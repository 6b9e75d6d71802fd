import { Options } from "@effect/cli"
import { Context, LogLevel, Option } from "effect"

export const progressModes = ["auto", "bar", "plain", "json", "none"] as const
export type ProgressMode = (typeof progressModes)[number]

export const logLevels: Readonly<Record<string, LogLevel.LogLevel>> = {
  all: LogLevel.All,
  trace: LogLevel.Trace,
  debug: LogLevel.Debug,
  info: LogLevel.Info,
  warning: LogLevel.Warning,
  error: LogLevel.Error,
  fatal: LogLevel.Fatal,
  none: LogLevel.None
}

/** Understood by every verb, before it or after it. */
export const globalOptions = {
  config: Options.text("config").pipe(
    Options.withPseudoName("FILE"),
    Options.withDescription("The configuration. Otherwise $PARLEY_CONFIG, otherwise config/parley.yaml."),
    Options.optional
  ),
  db: Options.text("db").pipe(
    Options.withPseudoName("FILE"),
    Options.withDescription("The mirror. Otherwise the one that the configuration names."),
    Options.optional
  ),
  json: Options.boolean("json").pipe(
    Options.withDescription("One JSON document on stdout, and nothing else there.")
  ),
  progress: Options.choice("progress", progressModes).pipe(
    Options.withDescription(
      "How to show progress, on stderr. auto: bars on a terminal, plain lines elsewhere."
    ),
    Options.withDefault("auto" as const)
  ),
  quiet: Options.boolean("quiet").pipe(
    Options.withDescription("Results and errors only: no progress, no notes.")
  )
}

/** What the global options say. */
export class Globals extends Context.Tag("parley/Globals")<
  Globals,
  {
    readonly config: string | null
    readonly db: string | null
    readonly json: boolean
    readonly progress: ProgressMode
    readonly quiet: boolean
  }
>() {}

export interface ParsedGlobals {
  readonly config: Option.Option<string>
  readonly db: Option.Option<string>
  readonly json: boolean
  readonly progress: ProgressMode
  readonly quiet: boolean
}

export const toGlobals = (parsed: ParsedGlobals): Context.Tag.Service<Globals> => ({
  config: Option.getOrNull(parsed.config),
  db: Option.getOrNull(parsed.db),
  json: parsed.json,
  progress: parsed.progress,
  quiet: parsed.quiet
})
