import { Effect } from "effect"
import { parseDuration } from "../../../config/units.ts"
import { UsageError } from "../../errors.ts"
import type { QueryFormat } from "../../terminal/rows.ts"

/** How much a query may take. `Infinity`: any amount. */
export interface QueryLimits {
  /** Milliseconds in which SQLite works on it. */
  readonly maxMillis: number
  readonly maxRows: number
  /** Bytes of temporary files, for sorting and grouping what does not fit into memory. */
  readonly maxTemporaryBytes: number
}

const defaultMaxMillis = 60_000

const defaultMaxTemporaryBytes = 2 ** 30

const sizeUnits: Readonly<Record<string, number>> = { kb: 2 ** 10, mb: 2 ** 20, gb: 2 ** 30 }

const parseSize = (text: string): number | null => {
  const [, amount, unit = ""] = /^\s*(\d+(?:\.\d+)?)\s*(kB|MB|GB)\s*$/i.exec(text) ?? []
  const factor = sizeUnits[unit.toLowerCase()]
  return amount === undefined || factor === undefined ? null : Math.floor(Number(amount) * factor)
}

/** Bytes in the largest unit of which there is one: `1 GB`, `1.5 MB`. */
export const spellSize = (bytes: number): string => {
  const [unit, factor] =
    bytes >= 2 ** 30
      ? (["GB", 2 ** 30] as const)
      : bytes >= 2 ** 20
        ? (["MB", 2 ** 20] as const)
        : (["kB", 2 ** 10] as const)
  return `${Number((bytes / factor).toFixed(2))} ${unit}`
}

/** More than a person reads on a terminal. Output for a program is complete. */
const defaultMaxRows: Readonly<Record<QueryFormat, number>> = {
  table: 1_000,
  csv: Infinity,
  json: Infinity,
  ndjson: Infinity
}

const read = (
  name: string,
  text: string | null,
  otherwise: number,
  parse: (text: string) => number | null,
  wanted: string
): Effect.Effect<number, UsageError> => {
  const value = text === null ? otherwise : text === "none" ? Infinity : parse(text)
  return value !== null && value > 0
    ? Effect.succeed(value)
    : new UsageError({ message: `--${name}: "${text}" is not ${wanted}`, hint: "write none for no limit" })
}

/** What the options say, or the defaults for this format. */
export const readLimits = (
  given: {
    readonly maxTime: string | null
    readonly maxRows: string | null
    readonly maxTemp: string | null
  },
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
    ),
    maxTemporaryBytes: read(
      "max-temp",
      given.maxTemp,
      defaultMaxTemporaryBytes,
      parseSize,
      "a size such as 500MB or 5GB"
    )
  })
