import { Either, type FastCheck, ParseResult, Schema, type SchemaAST } from "effect"
import type { Json, JsonObject } from "../../domain/Conversation.ts"
import {
  isExactNumber,
  isJsonObject,
  parseExactly,
  TooDeep,
  wholeDigits,
  writtenNumber
} from "../../domain/exactJson.ts"
import { fromEpoch, fromIso, type Timestamp } from "../../domain/Timestamp.ts"
import { isAddressable } from "./address.ts"
import { expectedWords, type Fault, faultOf } from "./fault.ts"
import { notPlain, nullWhereAbsent, plainDecoder, readScalar } from "./plainDecoder.ts"

export type { Fault } from "./fault.ts"

type Wire<I> = (fc: typeof FastCheck) => FastCheck.Arbitrary<I>

/**
 * A scalar of the wire.
 * @param expected for people: `a whole number`
 * @param read the value as the adapters want it, or undefined where it is not one; reads its own results as they are
 * @param wire makes values as a vendor may send them, for property tests
 */
const scalar = <A, I>(
  expected: string,
  read: (value: unknown) => A | undefined,
  wire: Wire<I>
): Schema.Schema<A, I> => {
  const decode = () => (value: unknown, _options: SchemaAST.ParseOptions, ast: SchemaAST.AST) => {
    const result = read(value)
    return result === undefined
      ? ParseResult.fail(new ParseResult.Type(ast, value))
      : ParseResult.succeed(result)
  }
  const annotations = {
    [expectedWords]: expected,
    [readScalar]: read,
    arbitrary: () => wire as unknown as Wire<A & {}>
  }
  const encode = () => (value: unknown) => ParseResult.succeed(value as I)
  return Schema.declare([], { decode, encode }, annotations) as unknown as Schema.Schema<A, I>
}

const timestamp = Schema.declare((value): value is Timestamp => typeof value === "string")

/** The same for a time, whose result is not what came. */
const instant = <I>(
  expected: string,
  read: (value: unknown) => Timestamp | undefined,
  wire: Wire<I>
): Schema.Schema<Timestamp, I> => {
  const anything = scalar<unknown, I>(expected, (value) => value, wire)
  return Schema.transformOrFail(anything, timestamp, {
    strict: true,
    decode: (value, _options, ast) => {
      const result = read(value)
      return result === undefined
        ? ParseResult.fail(new ParseResult.Type(ast, value))
        : ParseResult.succeed(result)
    },
    encode: (value) => ParseResult.succeed(value)
  }).annotations({ [expectedWords]: expected, [readScalar]: read })
}

const makeOptional = <A, I>(schema: Schema.Schema<A, I>) =>
  Schema.optionalWith(Schema.NullOr(schema), { default: (): A | null => null }).annotations({
    [nullWhereAbsent]: true
  })

type Optional<A, I> = ReturnType<typeof makeOptional<A, I>>

/** Hundreds of fields are an optional text, and every start would make each of them. */
const optionals = new WeakMap<object, unknown>()

/** Absent, null or there: read as null where it is not there. A value of the wrong type is still a fault. */
export const optional = <A, I>(schema: Schema.Schema<A, I>): Optional<A, I> => {
  const known = optionals.get(schema) as Optional<A, I> | undefined
  if (known !== undefined) return known
  const made = makeOptional(schema)
  optionals.set(schema, made)
  return made
}

const textOf = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined)

/** Digit by digit; a whole number in digits alone. */
export const numberText = (value: unknown): string | undefined => {
  if (typeof value === "number" && Number.isFinite(value)) return String(value)
  if (!isExactNumber(value)) return undefined
  const written = writtenNumber(value)
  return wholeDigits(written) ?? written
}

const textOrNumberOf = (value: unknown): string | undefined => textOf(value) ?? numberText(value)

export const text: Schema.Schema<string, string> = scalar("text", textOf, (fc) =>
  fc.string({ unit: "grapheme" })
)

/** A field with a documented list of words that a vendor may add to: any text is taken, as it is. */
export const word = (...documented: ReadonlyArray<string>): Schema.Schema<string, string> =>
  scalar("text", textOf, (fc) =>
    fc.oneof({ arbitrary: fc.constantFrom(...documented), weight: 4 }, { arbitrary: fc.string(), weight: 1 })
  )

/** For ids and the like where a vendor sends both a number and text: read as text. */
export const textOrNumber: Schema.Schema<string, string | number> = scalar(
  "text or a number",
  textOrNumberOf,
  (fc) => fc.oneof(fc.string({ minLength: 1 }), fc.nat())
)

/** An id that is text; empty text is a fault. */
export const id: Schema.Schema<string, string> = scalar(
  "text that is not empty",
  (value) => textOf(value) || undefined,
  (fc) => fc.string({ minLength: 1 })
)

/** The id of what is requested by it. */
export const addressId: Schema.Schema<string, string> = scalar(
  "an id that an address can hold",
  (value) => (typeof value === "string" && isAddressable(value) ? value : undefined),
  (fc) => fc.string({ minLength: 1, maxLength: 100 }).filter(isAddressable)
)

const wholeNumberOf = (value: unknown): string | undefined => {
  const text = textOrNumberOf(value)
  return text !== undefined && /^\d+$/.test(text) ? text : undefined
}

/** An id that is a whole number, however long, where a vendor writes it as text as well: read as text. */
export const numericId: Schema.Schema<string, string | number> = scalar(
  "a whole number from 0",
  wholeNumberOf,
  (fc) => fc.oneof(fc.nat(), fc.nat().map(String))
)

/** As near as JavaScript comes; a number beyond its range is infinite. */
const numberOf = (value: unknown): number | undefined => {
  if (typeof value === "number") return Number.isNaN(value) ? undefined : value
  return isExactNumber(value) ? Number(writtenNumber(value)) : undefined
}

const numberLikeOf = (value: unknown): number | undefined =>
  typeof value === "string" && value.trim() !== "" ? numberOf(Number(value)) : numberOf(value)

/** Null where it is none, or has more digits than are certain. */
const safeInteger = (number: number | undefined): number | undefined =>
  Number.isSafeInteger(number) ? number : undefined

export const integer: Schema.Schema<number, number> = scalar(
  "a whole number",
  (value) => safeInteger(numberOf(value)),
  (fc) => fc.nat()
)

/** Where a vendor writes whole numbers as text as well. */
export const integerLike: Schema.Schema<number, number | string> = scalar(
  "a whole number",
  (value) => safeInteger(numberLikeOf(value)),
  (fc) => fc.oneof(fc.nat(), fc.nat().map(String))
)

/** How many there are of something. */
export const count: Schema.Schema<number, number> = scalar(
  "a whole number from 0",
  (value) => {
    const number = safeInteger(numberOf(value))
    return number !== undefined && number >= 0 ? number : undefined
  },
  (fc) => fc.nat()
)

/** Where a vendor may write how many there are as text as well. */
export const countLike: Schema.Schema<number, number | string> = scalar(
  "a whole number from 0",
  (value) => {
    const number = safeInteger(numberLikeOf(value))
    return number !== undefined && number >= 0 ? number : undefined
  },
  (fc) => fc.oneof(fc.nat(), fc.nat().map(String))
)

/** Any number, rounded; what is to be kept of it is taken from the record as it came. */
export const number: Schema.Schema<number, number> = scalar("a number", numberOf, (fc) =>
  fc.double({ noNaN: true, noDefaultInfinity: true })
)

export const flag: Schema.Schema<boolean, boolean> = scalar(
  "true or false",
  (value) => (typeof value === "boolean" ? value : undefined),
  (fc) => fc.boolean()
)

const instants = (fc: typeof FastCheck) =>
  fc.date({ min: new Date("2001-09-09T01:46:40.000Z"), max: new Date("2100-01-01"), noInvalidDate: true })

const fromNumber = (number: number | undefined): Timestamp | undefined =>
  number === undefined ? undefined : (fromEpoch(number) ?? undefined)

const epoch = (value: unknown): Timestamp | undefined => fromNumber(numberOf(value))

const epochLike = (value: unknown): Timestamp | undefined => fromNumber(numberLikeOf(value))

const isoInstant = (value: unknown): Timestamp | undefined =>
  typeof value === "string" ? (fromIso(value) ?? undefined) : undefined

/** ISO 8601 with any offset; without one it is UTC. */
export const isoTime: Schema.Schema<Timestamp, string> = instant("an ISO 8601 time", isoInstant, (fc) =>
  instants(fc).map((date) => date.toISOString())
)

/** Unix seconds or milliseconds, distinguished by magnitude. */
export const epochTime: Schema.Schema<Timestamp, number> = instant(
  "a time in Unix seconds or milliseconds",
  epoch,
  (fc) => instants(fc).chain((date) => fc.constantFrom(date.getTime(), Math.floor(date.getTime() / 1000)))
)

/** Where it is not known which of them a vendor writes, and whether as a number or as text. */
export const anyTime: Schema.Schema<Timestamp, number | string> = instant(
  "an ISO 8601 time or one in Unix seconds or milliseconds",
  (value) => epochLike(value) ?? isoInstant(value),
  (fc) =>
    instants(fc).chain((date) =>
      fc.constantFrom<number | string>(date.getTime(), Math.floor(date.getTime() / 1000), date.toISOString())
    )
)

/** Whatever it is: kept as it came. */
export const json: Schema.Schema<Json, Json> = scalar(
  "JSON",
  (value) => value as Json,
  (fc) => fc.jsonValue() as FastCheck.Arbitrary<Json>
)

/** An object of the vendor's own making, kept as it came. */
export const jsonObject: Schema.Schema<JsonObject, JsonObject> = scalar(
  "an object",
  (value) => (isJsonObject(value) ? value : undefined),
  (fc) => fc.dictionary(fc.string(), fc.jsonValue() as FastCheck.Arbitrary<Json>)
)

/** For ParseResult, which would take an exact number for an object. Nothing that decodes comes this way. */
const withoutExactNumbers = (value: unknown): unknown => {
  if (typeof value !== "object" || value === null) return value
  if (isExactNumber(value)) return Number(writtenNumber(value))
  if (Array.isArray(value)) return value.map(withoutExactNumbers)
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutExactNumbers(inner)]))
}

/** From parsed JSON to a record, or to the innermost fault. */
export type Decode<A> = (json: unknown) => Either.Either<A, Fault>

/** Compiled at the first record, called for every one. Unknown fields are ignored; the first fault ends it. */
export const decoder = <A, I>(schema: Schema.Schema<A, I>): Decode<A> => {
  const compile = () => ({
    plain: plainDecoder(schema.ast) ?? (() => notPlain),
    any: ParseResult.decodeUnknownEither(schema, { errors: "first", onExcessProperty: "ignore" })
  })
  let compiled: ReturnType<typeof compile> | null = null
  return (value) => {
    compiled ??= compile()
    const plain = compiled.plain(value)
    if (plain !== notPlain) return Either.right(plain as A)
    return Either.mapLeft(compiled.any(withoutExactNumbers(value)), faultOf)
  }
}

/** JSON text as a value, exactly. The fault never quotes the text. */
export const parseJson = (payload: string): Either.Either<Json, Fault> => {
  try {
    return Either.right(parseExactly(payload))
  } catch (cause) {
    if (cause instanceof TooDeep) return Either.left({ path: "$", reason: cause.message })
    const position = / at position (\d+)/.exec(String(cause))?.[1]
    const where = position === undefined ? "" : `: it breaks at character ${position}`
    return Either.left({ path: "$", reason: payload.trim() === "" ? "empty" : `not JSON${where}` })
  }
}

/** The fault as seen from an enclosing payload: `within("$.data[2]", fault)`. */
export const within = (path: string, fault: Fault): Fault => ({
  path: `${path}${fault.path.slice(1)}`,
  reason: fault.reason
})

/** Another record came than the one that was requested. @param path of its id */
export const notRequested = (path: string, what = "conversation"): Fault => ({
  path,
  reason: `another ${what} than the one that was requested`
})

/** Decodes a record that must be the one that was requested. */
export const only =
  <A extends { readonly id: string }>(decode: Decode<A>, id: string, what?: string): Decode<A> =>
  (json) =>
    Either.filterOrLeft(
      decode(json),
      (record) => record.id === id,
      () => notRequested("$.id", what)
    )

/** An empty text says nothing. */
export const filled = (text: string | null): string | null => (text === "" ? null : text)
