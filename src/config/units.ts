import { ParseResult, Schema } from "effect"

const units: ReadonlyArray<readonly [millis: number, words: RegExp]> = [
  [1, /^(?:ms|millis|milliseconds?)$/],
  [1000, /^(?:s|secs?|seconds?)$/],
  [60_000, /^(?:m|mins?|minutes?)$/],
  [3_600_000, /^(?:h|hours?)$/],
  [86_400_000, /^(?:d|days?)$/],
  [604_800_000, /^(?:w|weeks?)$/]
]

const durationText = /^\s*(\d+(?:\.\d+)?)\s*([A-Za-z]+)\s*$/

/** `500ms`, `30s`, `5m`, `2h`, `1d` or in words (`1 minute`, `24 hours`), in milliseconds; null: not a duration. */
export const parseDuration = (text: string): number | null => {
  const [, amount = "", word = ""] = durationText.exec(text) ?? []
  const unit = units.find(([, words]) => words.test(word.toLowerCase()))
  const millis = unit === undefined ? Number.NaN : Number(amount) * unit[0]
  return Number.isSafeInteger(Math.round(millis)) ? Math.round(millis) : null
}

/** A scalar that is written as text: one message for whatever is wrong with it. */
const written = (
  pattern: RegExp,
  message: string,
  description: string,
  read: (text: string) => number | null
) =>
  Schema.transformOrFail(Schema.String.pipe(Schema.pattern(pattern)), Schema.Number, {
    strict: true,
    decode: (text, _options, ast) => {
      const value = read(text)
      return value === null ? ParseResult.fail(new ParseResult.Type(ast, text)) : ParseResult.succeed(value)
    },
    encode: (value) => ParseResult.succeed(String(value))
  }).annotations({ message: () => ({ message, override: true }), description })

/** A duration above zero, as milliseconds. */
export const DurationText = written(
  durationText,
  "not a duration; write a number and a unit, such as 500ms, 30s, 5m, 2h, 1d or 1 minute",
  "A duration: 500ms, 30s, 5m, 2h, 1d, or in words (1 minute).",
  (text) => parseDuration(text) || null
)

const share = (text: string): number => Number(text.replace("%", "")) / 100

/** A percentage above 0% and up to 100%, as a share. */
export const Percentage = written(
  /^\s*\d+(?:\.\d+)?\s*%\s*$/,
  "not a percentage above 0% and up to 100%; write it with its sign, such as 60%",
  "A percentage: 60%.",
  (text) => (share(text) > 0 && share(text) <= 1 ? share(text) : null)
)

const sizeText = /^\s*(\d+(?:\.\d+)?)\s*(kB|KB|MB)\s*$/
const sizes: Readonly<Record<string, number>> = { kb: 2 ** 10, mb: 2 ** 20 }

/** A text of more bytes than these could not be held by Node. */
const largestSize = 256 * 2 ** 20

/** A size above zero and up to 256 MB, as bytes. */
export const SizeText = written(
  sizeText,
  "not a size up to 256MB; write a number and a unit, such as 500kB or 64MB",
  "A size up to 256MB: 500kB, 64MB.",
  (text) => {
    const [, amount = "", unit = ""] = sizeText.exec(text) ?? []
    const bytes = Math.round(Number(amount) * (sizes[unit.toLowerCase()] ?? Number.NaN))
    return bytes > 0 && bytes <= largestSize ? bytes : null
  }
)

/** Whether the time zone database knows this name. */
export const isTimeZone = (name: string): boolean => {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).format(0) !== ""
  } catch {
    return false
  }
}

const spoken: ReadonlyArray<readonly [millis: number, word: string]> = [
  [86_400_000, "day"],
  [3_600_000, "hour"],
  [60_000, "minute"],
  [1000, "second"],
  [1, "millisecond"]
]

/** Milliseconds in the largest unit that needs no fraction: `1 minute`, `90 seconds`. */
export const spellDuration = (millis: number): string => {
  const [unit, word] = spoken.find(([size]) => millis % size === 0) ?? [1, "millisecond"]
  const amount = millis / unit
  return `${amount} ${word}${amount === 1 ? "" : "s"}`
}
