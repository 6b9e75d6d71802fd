import { Options } from "@effect/cli"
import { Context, LogLevel } from "effect"
import { flag, text } from "./options.ts"

const progressModes = ["auto", "bar", "plain", "json", "none"] as const
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
  config: text(
    "config",
    "FILE",
    "The configuration. Otherwise $PARLEY_CONFIG, otherwise config/parley.yaml."
  ),
  db: text("db", "FILE", "The mirror. Otherwise the one that the configuration names."),
  json: flag("json", "One JSON document on stdout, and nothing else there."),
  progress: Options.choice("progress", progressModes).pipe(
    Options.withDescription(
      "How to show progress, on stderr. auto: bars on a terminal, plain lines elsewhere."
    ),
    Options.withDefault("auto" as const)
  ),
  quiet: flag("quiet", "Results and errors only: no progress, no notes.")
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
