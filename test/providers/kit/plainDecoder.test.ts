import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Either, FastCheck, ParseResult, Schema } from "effect"
import { optional, text } from "../../../src/providers/kit/decode.ts"
import { notPlain, plainDecoder } from "../../../src/providers/kit/plainDecoder.ts"

const vendors = ["aelyst", "convocore", "empfio", "naturalead"]

const schemas = await Promise.all(
  vendors.map(async (vendor) => {
    const wire: Record<string, unknown> = await import(`../../../src/providers/${vendor}/wire.ts`)
    return Object.entries(wire).flatMap(([name, schema]) =>
      Schema.isSchema(schema) ? [[`${vendor} ${name}`, schema as Schema.Schema<unknown>] as const] : []
    )
  })
).then((lists) => lists.flat())

/** What a vendor might send by mistake in the place of anything. */
const strange = FastCheck.oneof(
  FastCheck.constantFrom<unknown>(null, "", " ", "12", 0, -1, 1.5, 1e300, true, [], [null], {}, undefined),
  FastCheck.constantFrom("2026-02-30T00:00:00Z", "2026-03-07", "1700000000", "\ud800"),
  FastCheck.jsonValue()
)

/** The places of a value, as paths. */
const places = (value: unknown): ReadonlyArray<ReadonlyArray<string>> =>
  typeof value === "object" && value !== null
    ? [[], ...Object.entries(value).flatMap(([key, inner]) => places(inner).map((path) => [key, ...path]))]
    : [[]]

const replaced = (value: unknown, [key, ...path]: ReadonlyArray<string>, by: unknown): unknown => {
  if (key === undefined) return by
  const copy = (Array.isArray(value) ? [...value] : { ...(value as object) }) as Record<string, unknown>
  copy[key] = replaced(copy[key], path, by)
  return copy
}

const toJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value) ?? "null")

describe("the decoder of plain records", () => {
  it("knows the records of every vendor", () => {
    const others = schemas.flatMap(([name, { ast }]) => (plainDecoder(ast) === null ? [name] : []))
    assert.deepStrictEqual(others, ["empfio Login"])
  })

  it.each(schemas)("reads %s as its schema does, or leaves it to the schema", (_name, schema) => {
    const plain = plainDecoder(schema.ast) ?? (() => notPlain)
    const any = ParseResult.decodeUnknownEither(schema, { errors: "first", onExcessProperty: "ignore" })
    const agree = (value: unknown) => {
      const decoded = plain(value)
      if (decoded === notPlain) return
      assert.deepStrictEqual(any(value), Either.right(decoded))
    }
    const wire = Arbitrary.make(Schema.encodedSchema(schema))
    FastCheck.assert(
      FastCheck.property(wire, strange, FastCheck.nat(), (made, by, at) => {
        const value = toJson(made)
        agree(value)
        const all = places(value)
        agree(toJson(replaced(value, all[at % all.length] ?? [], by)))
      }),
      { numRuns: 60 }
    )
  })

  it("takes no schema that does more than it can", () => {
    for (const schema of [
      Schema.Struct({ a: text.pipe(Schema.filter((value) => value !== "x")) }),
      Schema.Struct({ a: Schema.optionalWith(text, { default: () => "x" }) }),
      Schema.Struct({ a: Schema.optional(text) }),
      Schema.Struct({ a: optional(text).pipe(Schema.fromKey("b")) }),
      Schema.Record({ key: Schema.String, value: text }),
      Schema.Tuple(text),
      Schema.Union(text, Schema.Null),
      Schema.NumberFromString
    ]) {
      assert.isNull(plainDecoder(schema.ast))
    }
  })
})
