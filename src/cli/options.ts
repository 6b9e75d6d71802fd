import { Args, Options } from "@effect/cli"
import { Clock, Effect, Option } from "effect"
import { parseDuration } from "../config/units.ts"
import { fromIso, now, type Timestamp } from "../domain/Timestamp.ts"
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

/** Milliseconds. @param otherwise where none was given @param such examples of what can be written */
export const readDuration = (
  flag: string,
  text: Option.Option<string>,
  {
    least = 0,
    otherwise,
    such
  }: { readonly least?: number; readonly otherwise: number; readonly such: string }
): Effect.Effect<number, UsageError> => {
  if (Option.isNone(text)) return Effect.succeed(otherwise)
  const millis = parseDuration(text.value)
  return millis === null || millis < least
    ? Effect.fail(
        new UsageError({
          message: `${flag}: "${text.value}" is not a duration${least > 0 && millis !== null ? " above zero" : ""}`,
          hint: `write a number and a unit, such as ${such}`
        })
      )
    : Effect.succeed(millis)
}

/** Milliseconds; null: none was given. */
export const deadlineMillis = (text: Option.Option<string>): Effect.Effect<number | null, UsageError> =>
  Option.isNone(text)
    ? Effect.succeed(null)
    : readDuration("--deadline", text, { least: 1, otherwise: 0, such: "30m, 2h, 1d" })

/** Milliseconds. */
export const maxWaitMillis = (text: Option.Option<string>): Effect.Effect<number, UsageError> =>
  readDuration("--max-wait", text, { otherwise: defaultMaxWait, such: "0s, 30s, 10m, 2h" })

/** Fails where a number is less than one. @param flag `--limit` */
export const atLeastOne = (flag: string, count: number): Effect.Effect<void, UsageError> =>
  count >= 1
    ? Effect.void
    : Effect.fail(new UsageError({ message: `${flag}: less than one`, hint: "write 1 or more" }))

/** How many copies to keep; null: it is not said. */
export const readKeep = (given: Option.Option<number>): Effect.Effect<number | null, UsageError> =>
  Option.match(given, {
    onNone: () => Effect.succeed(null),
    onSome: (keep) => Effect.as(atLeastOne("--keep", keep), keep)
  })

/** UTC; null: without bound. */
export const readTime = (
  flag: string,
  text: Option.Option<string>
): Effect.Effect<Timestamp | null, UsageError> => {
  if (Option.isNone(text)) return Effect.succeed(null)
  const read = fromIso(text.value)
  return read === null
    ? Effect.fail(
        new UsageError({
          message: `${flag}: "${text.value}" is not a time`,
          hint: "write a date or a time in ISO 8601, such as 2026-03-01 or 2026-03-01T08:00:00+01:00; without a zone it is UTC"
        })
      )
    : Effect.succeed(read)
}

/** The same, where a duration means so long ago. UTC; null: without bound. */
export const readTimeOrAgo = (
  flag: string,
  text: Option.Option<string>
): Effect.Effect<Timestamp | null, UsageError> => {
  const millis = Option.isNone(text) ? null : parseDuration(text.value)
  return millis === null
    ? Effect.mapError(
        readTime(flag, text),
        ({ hint, message }) => new UsageError({ message, hint: `${hint}; or so long ago, such as 7d` })
      )
    : Effect.map(Clock.currentTimeMillis, (at) => now(at - millis))
}

export const limit = (what: string, otherwise: number) =>
  Options.integer("limit").pipe(
    Options.withPseudoName("N"),
    Options.withDescription(`${what} Default: ${otherwise}.`),
    Options.withDefault(otherwise)
  )

export const ofConnection = Options.text("connection").pipe(
  Options.withPseudoName("NAME"),
  Options.withDescription("Only of this connection."),
  Options.optional
)
