import { Effect, Option } from "effect"
import { parseDuration } from "../../../config/units.ts"
import { UsageError } from "../../errors.ts"
import type { QueryFormat } from "../../terminal/rows.ts"

/** How much a query may take. `Infinity`: any amount. */
export interface QueryLimits {
  /** Milliseconds in which SQLite works on it. */
  readonly maxMillis: number
  readonly maxRows: number
}

const defaultMaxMillis = 60_000

/** More than anybody reads on a terminal. What goes to a program is whole. */
const defaultMaxRows: Readonly<Record<QueryFormat, number>> = {
  table: 1_000,
  csv: Infinity,
  json: Infinity,
  ndjson: Infinity
}

const read = (
  name: string,
  text: Option.Option<string>,
  otherwise: number,
  parse: (text: string) => number | null,
  wanted: string
): Effect.Effect<number, UsageError> => {
  const value = Option.match(text, {
    onNone: () => otherwise,
    onSome: (given) => (given === "none" ? Infinity : parse(given))
  })
  return value !== null && value > 0
    ? Effect.succeed(value)
    : Effect.fail(
        new UsageError({
          message: `--${name}: "${Option.getOrElse(text, () => "")}" is not ${wanted}`,
          hint: "write none for no limit"
        })
      )
}

/** What the options say, or the defaults for this format. */
export const readLimits = (
  given: { readonly maxTime: Option.Option<string>; readonly maxRows: Option.Option<string> },
  format: QueryFormat
): Effect.Effect<QueryLimits, UsageError> =>
  Effect.all({
    maxMillis: read(
      "max-time",
      given.maxTime,
      defaultMaxMillis,
      parseDuration,
      "a duration such as 30s or 5m"
    ),
    maxRows: read(
      "max-rows",
      given.maxRows,
      defaultMaxRows[format],
      (text) => (/^\d{1,15}$/.test(text) ? Number(text) : null),
      "a number of rows"
    )
  })
