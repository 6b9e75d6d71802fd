import type { Json, JsonObject } from "./Conversation.ts"
import { isRecord } from "./isRecord.ts"

/*
 * JSON without the loss of a digit. `JSON.parse` alone rounds 9007199254740993 and turns 1.0 into 1; halves of a
 * character, which no UTF-8 file can hold, it hands on.
 */

/** Half of a character: no key of a text that was read here can be one, since all of those are whole. */
const exactKey = "\ud800"

/** A number that JavaScript would write otherwise than it was written: its text. Survives `JSON` and structured clones. */
interface ExactNumber {
  readonly [exactKey]: string
}

export const isExactNumber = (value: unknown): value is ExactNumber =>
  typeof value === "object" && value !== null && exactKey in value

/** Whether a value that was read here is an object with fields: an exact number is none. */
export const isJsonObject = (value: unknown): value is JsonObject => isRecord(value) && !isExactNumber(value)

/** As it was written, e.g. `9007199254740993`, `1.0`, `-0`, `1e400`. */
export const writtenNumber = (value: ExactNumber): string => value[exactKey]

/** Values in one another beyond this number of levels are not read. SQLite takes 1,000 at most. */
export const deepest = 500

const numberParts = /^(-?)(0|[1-9]\d*)(?:\.(\d+))?(?:[eE]([-+]?\d+))?$/

/** An exponent adds no more zeros than these. */
const mostDigits = 60

/** A number's digits where it is a whole one, however it was written: `1e3` is 1000, `7.0` is 7; else null. */
export const wholeDigits = (written: string): string | null => {
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = numberParts.exec(written) ?? []
  const digits = whole + fraction
  const point = whole.length + Number(exponent)
  if (whole === "") return null
  if (/^0+$/.test(digits)) return "0"
  if (point <= 0 || point > Math.max(digits.length, mostDigits) || /[1-9]/.test(digits.slice(point)))
    return null
  return sign + digits.slice(0, point).padEnd(point, "0").replace(/^0+/, "")
}

const quote = 0x22
const backslash = 0x5c

/** The index behind a text's closing quote, or -1. @param from of the opening quote */
export const textEnd = (text: string, from: number): number => {
  let end = from
  for (;;) {
    end = text.indexOf('"', end + 1)
    if (end === -1) return -1
    let escapes = 0
    while (text.charCodeAt(end - 1 - escapes) === backslash) escapes++
    if (escapes % 2 === 0) return end + 1
  }
}

const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39

/** A digit, a dot, a sign, or the letter of an exponent. */
const isOfNumber = (code: number): boolean =>
  isDigit(code) || code === 0x2e || code === 0x2d || code === 0x2b || code === 0x65 || code === 0x45

/** So many digits any number keeps. */
const certainLength = 15

/** Whether JavaScript would write a number as it is written; true too of what is no number. */
const isKept = (written: string): boolean => String(Number(written)) === written || !numberParts.test(written)

interface Surveyed {
  readonly depth: number
  /** Of each number that would not be kept, where it begins and ends. */
  readonly numbers: ReadonlyArray<readonly [number, number]>
}

/** Looks over a text once, without regard to whether it is JSON. */
const survey = (text: string): Surveyed => {
  let depth = 0
  let most = 0
  const numbers: Array<readonly [number, number]> = []
  for (let i = 0; i < text.length; ) {
    const code = text.charCodeAt(i)
    if (code === quote) {
      const end = textEnd(text, i)
      if (end === -1) break
      i = end
    } else if (code === 0x7b || code === 0x5b) {
      if (++depth > most) most = depth
      i++
    } else if (code === 0x7d || code === 0x5d) {
      depth--
      i++
    } else if (isDigit(code) || code === 0x2d) {
      const from = i
      let digits = isDigit(code)
      for (i++; i < text.length; i++) {
        const next = text.charCodeAt(i)
        if (isDigit(next)) continue
        if (!isOfNumber(next)) break
        digits = false
      }
      if (digits && i - from <= certainLength) continue
      if (!isKept(text.slice(from, i))) numbers.push([from, i])
    } else i++
  }
  return { depth: most, numbers }
}

/** Halves of a character and NUL become the replacement character, in a text that is to be stored. */
export const wholeText = (text: string): string => text.replace(/[\0\p{Surrogate}]/gu, "\ufffd")

/** Halves of a character that may be without their other half, and the character that ends a text in C. */
const suspicious = /\\u(?:[dD][89a-fA-F]|0000)/

const escapes =
  /\\(?:(u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|(u(?:[dD][89a-fA-F][0-9a-fA-F]{2}|0000))|.)/gs

/** Halves of a character and NUL become the replacement character. */
const wholeCharacters = (text: string): string =>
  text.includes("\\u") && suspicious.test(text)
    ? text.replace(escapes, (found, _pair, broken) => (broken === undefined ? found : "\\ufffd"))
    : text

const withExactNumbers = (text: string, numbers: Surveyed["numbers"]): string => {
  const parts: Array<string> = []
  let done = 0
  for (const [from, to] of numbers) {
    parts.push(text.slice(done, from), '{"\\ud800":"', text.slice(from, to), '"}')
    done = to
  }
  parts.push(text.slice(done))
  return parts.join("")
}

/** Nested more than `deepest` levels. */
export class TooDeep extends Error {}

/**
 * JSON text as a value in which every number has all of its digits (`ExactNumber` where JavaScript would not write it
 * as it came) and every text and key is made of whole characters, without NUL.
 * @throws SyntaxError where it is not JSON, TooDeep
 */
export const parseExactly = (text: string): Json => {
  const whole = wholeCharacters(text)
  const { depth, numbers } = survey(whole)
  if (depth > deepest) {
    JSON.parse(whole)
    throw new TooDeep(`nested more than ${deepest} levels deep`)
  }
  if (numbers.length === 0) return JSON.parse(whole) as Json
  try {
    return JSON.parse(withExactNumbers(whole, numbers)) as Json
  } catch (cause) {
    // For the position in the text as it came.
    JSON.parse(text)
    throw cause
  }
}

const exactText = /\{\s*"\\ud800":\s?"([^"]*)"\s*\}/g

/** A value that was read here, or made, as JSON text: its numbers as they came. @param indent as of `JSON.stringify` */
export const writeExactly = (value: unknown, indent?: number): string => {
  const text = JSON.stringify(value, null, indent)
  return text.includes('"\\ud800":') ? text.replace(exactText, "$1") : text
}

const sorted = (value: Json): Json => {
  if (typeof value !== "object" || value === null) return value
  if (Array.isArray(value)) return value.map(sorted)
  const record = value as JsonObject
  return Object.fromEntries(
    Object.keys(record)
      .sort()
      .map((key) => [key, sorted(record[key] ?? null)])
  )
}

/** JSON text that is the same for equal values, in whatever order a vendor sends the keys. */
export const canonicalJson = (value: Json): string => writeExactly(sorted(value))
