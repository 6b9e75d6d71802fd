import { Args, Options } from "@effect/cli"
import { Clock, Effect } from "effect"
import { parseDuration } from "../config/units.ts"
import { fromIso, now, type Timestamp } from "../domain/Timestamp.ts"
import { UsageError } from "./errors.ts"

/** `--name`, which is there or not. */
export const flag = (name: string, means: string) =>
  Options.boolean(name).pipe(Options.withDescription(means))

/** `--name LABEL`; null where it is not given. */
const optional = <A>(option: Options.Options<A>, label: string, means: string): Options.Options<A | null> =>
  option.pipe(Options.withPseudoName(label), Options.withDescription(means), Options.withDefault(null))

export const text = (name: string, label: string, means: string) => optional(Options.text(name), label, means)

/** One of `values`. */
export const choice = <A extends string>(name: string, values: ReadonlyArray<A>, means: string) =>
  Options.choice(name, values).pipe(Options.withDescription(means), Options.withDefault(null))

export const integer = (name: string, label: string, means: string) =>
  optional(Options.integer(name), label, means)

/** The connections a verb is meant for; none named: all that are switched on. */
export const names = Args.text({ name: "NAME" }).pipe(
  Args.withDescription("Connections, by their names in the configuration. Default: all of them."),
  Args.repeated
)

export const maxWait = text(
  "max-wait",
  "DURATION",
  "The longest single wait that a provider may ask for, such as 30s or 10m; a connection that would wait longer ends partial and says when to return. Default: 1h."
)

const defaultMaxWait = 3_600_000

/** Milliseconds. @param otherwise where none was given @param such examples of what can be written */
export const readDuration = <A>(
  flag: string,
  text: string | null,
  { least = 0, otherwise, such }: { readonly least?: number; readonly otherwise: A; readonly such: string }
): Effect.Effect<number | A, UsageError> => {
  if (text === null) return Effect.succeed(otherwise)
  const millis = parseDuration(text)
  return millis === null || millis < least
    ? new UsageError({
        message: `${flag}: "${text}" is not a duration${least > 0 && millis !== null ? " above zero" : ""}`,
        hint: `write a number and a unit, such as ${such}`
      })
    : Effect.succeed(millis)
}

/** Milliseconds; null: none was given. */
export const deadlineMillis = (text: string | null) =>
  readDuration("--deadline", text, { least: 1, otherwise: null, such: "30m, 2h, 1d" })

/** Milliseconds. */
export const maxWaitMillis = (text: string | null) =>
  readDuration("--max-wait", text, { otherwise: defaultMaxWait, such: "0s, 30s, 10m, 2h" })

/** Fails where a number is given that is less than one. @param flag `--limit` */
export const atLeastOne = (flag: string, count: number | null): Effect.Effect<void, UsageError> =>
  count === null || count >= 1
    ? Effect.void
    : new UsageError({ message: `${flag}: less than one`, hint: "write 1 or more" })

/** UTC; null: without bound. */
export const readTime = (flag: string, text: string | null): Effect.Effect<Timestamp | null, UsageError> => {
  const read = text === null ? null : fromIso(text)
  return text === null || read !== null
    ? Effect.succeed(read)
    : new UsageError({
        message: `${flag}: "${text}" is not a time`,
        hint: "write a date or a time in ISO 8601, such as 2026-03-01 or 2026-03-01T08:00:00+01:00; without a zone it is UTC"
      })
}

/** The same, where a duration means so long ago. UTC; null: without bound. */
export const readTimeOrAgo = (
  flag: string,
  text: string | null
): Effect.Effect<Timestamp | null, UsageError> => {
  const millis = text === null ? null : parseDuration(text)
  return millis === null
    ? Effect.mapError(
        readTime(flag, text),
        ({ hint, message }) => new UsageError({ message, hint: `${hint}; or so long ago, such as 7d` })
      )
    : Effect.map(Clock.currentTimeMillis, (at) => now(at - millis))
}

/** The period that `--since` and `--until` name; fails where nothing can lie in it. */
export const readPeriod = Effect.fn("readPeriod")(function* (input: {
  readonly since: string | null
  readonly until: string | null
}) {
  const since = yield* readTimeOrAgo("--since", input.since)
  const until = yield* readTimeOrAgo("--until", input.until)
  if (since !== null && until !== null && since >= until) {
    return yield* new UsageError({
      message: "--since is not before --until",
      hint: "name an earlier --since, or a later --until"
    })
  }
  return { since, until }
})

export const limit = (what: string, otherwise: number) =>
  Options.integer("limit").pipe(
    Options.withPseudoName("N"),
    Options.withDescription(`${what} Default: ${otherwise}.`),
    Options.withDefault(otherwise)
  )

export const ofConnection = text("connection", "NAME", "Only of this connection.")
