import { Args, Options } from "@effect/cli"
import { Effect, Option } from "effect"
import { parseDuration } from "../config/units.ts"
import { UsageError } from "./errors.ts"

/** The connections a verb is meant for; none named: all that are switched on. */
export const names = Args.text({ name: "NAME" }).pipe(
  Args.withDescription("Connections, by their names in the configuration. Default: all of them."),
  Args.repeated
)

export const maxWait = Options.text("max-wait").pipe(
  Options.withPseudoName("DURATION"),
  Options.withDescription(
    "The longest single wait that a provider may ask for, such as 30s or 10m; a connection that would wait longer ends partial and says when to return. Default: 1h."
  ),
  Options.optional
)

const defaultMaxWait = 3_600_000

/** Milliseconds; null: none was given. */
export const deadlineMillis = (text: Option.Option<string>): Effect.Effect<number | null, UsageError> => {
  if (Option.isNone(text)) return Effect.succeed(null)
  const millis = parseDuration(text.value)
  return millis === null || millis <= 0
    ? Effect.fail(
        new UsageError({
          message: `--deadline: "${text.value}" is not a duration`,
          hint: "write a number and a unit, such as 30m, 2h, 1d"
        })
      )
    : Effect.succeed(millis)
}

/** Milliseconds. */
export const maxWaitMillis = (text: Option.Option<string>): Effect.Effect<number, UsageError> => {
  if (Option.isNone(text)) return Effect.succeed(defaultMaxWait)
  const millis = parseDuration(text.value)
  return millis === null
    ? Effect.fail(
        new UsageError({
          message: `--max-wait: "${text.value}" is not a duration`,
          hint: "write a number and a unit, such as 0s, 30s, 10m, 2h"
        })
      )
    : Effect.succeed(millis)
}

/** Fails where a number is less than one. @param flag `--limit` */
export const atLeastOne = (flag: string, count: number): Effect.Effect<void, UsageError> =>
  count >= 1
    ? Effect.void
    : Effect.fail(new UsageError({ message: `${flag}: less than one`, hint: "write 1 or more" }))
