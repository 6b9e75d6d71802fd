import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Either, FastCheck, Schema } from "effect"
import { attributes } from "../../../src/providers/kit/attributes.ts"
import {
  anyTime,
  decoder,
  epochTime,
  flag,
  id,
  integer,
  integerLike,
  isoTime,
  json,
  numericId,
  optional,
  parseJson,
  text,
  textOrNumber,
  within,
  word
} from "../../../src/providers/kit/decode.ts"

const Line = Schema.Struct({ size: integer, at: isoTime, note: optional(text) })
const Order = Schema.Struct({
  id,
  state: word("open", "closed"),
  lines: Schema.Array(Line),
  paid: optional(flag),
  buyer: optional(Schema.Struct({ name: text, age: optional(integerLike) })),
  changed: optional(epochTime),
  extra: optional(json)
})
const decode = decoder(Order)

const order = {
  id: "7",
  state: "open",
  lines: [{ size: 1, at: "2026-03-07T10:00:00Z" }],
  buyer: { name: "A", age: "41" },
  changed: 1_700_000_000,
  extra: { any: [1] }
}

const faultOf = (value: unknown) => {
  const result = decode(value)
  return Either.isLeft(result) ? result.left : assert.fail("it decoded")
}

describe("decoding what a vendor sends", () => {
  it("reads absent and null alike, numbers as text where both occur, and ignores unknown fields", () => {
    assert.deepStrictEqual(Either.getOrThrow(decode({ ...order, unheard: { of: 1 }, paid: null })), {
      id: "7",
      state: "open",
      lines: [{ size: 1, at: "2026-03-07T10:00:00.000Z", note: null }],
      paid: null,
      buyer: { name: "A", age: 41 },
      changed: "2023-11-14T22:13:20.000Z",
      extra: { any: [1] }
    } as never)
  })

  it("takes a word nobody has documented as it is", () => {
    assert.strictEqual(Either.getOrThrow(decode({ ...order, state: "Snoozed!" })).state, "Snoozed!")
  })

  it.each([
    [
      "a text for a number",
      { ...order, lines: [{ ...order.lines[0], size: "twelve" }] },
      "$.lines[0].size",
      'expected a whole number, got "twelve"'
    ],
    [
      "a fraction for an integer",
      { ...order, lines: [{ ...order.lines[0], size: 1.5 }] },
      "$.lines[0].size",
      "expected a whole number, got 1.5"
    ],
    [
      "an unreadable time",
      { ...order, lines: [...order.lines, { size: 1, at: "2026-02-30T00:00:00Z" }] },
      "$.lines[1].at",
      'expected an ISO 8601 time, got "2026-02-30T00:00:00Z"'
    ],
    ["a list for an object", { ...order, buyer: [] }, "$.buyer", "expected an object, got a list"],
    ["an object for a list", { ...order, lines: {} }, "$.lines", "expected a list, got an object"],
    [
      "a fault inside of an optional object",
      { ...order, buyer: { name: 4 } },
      "$.buyer.name",
      "expected text, got a number"
    ],
    [
      "a missing field",
      { ...order, state: undefined, lines: undefined },
      "$.state",
      "expected text, got nothing"
    ],
    ["a required field that is null", { ...order, state: null }, "$.state", "expected text, got null"],
    ["an empty id", { ...order, id: "" }, "$.id", 'expected text that is not empty, got ""'],
    [
      "an absurd time",
      { ...order, changed: 1e300 },
      "$.changed",
      "expected a time in Unix seconds or milliseconds, got 1e+300"
    ],
    ["a text for a flag", { ...order, paid: "yes" }, "$.paid", 'expected true or false, got "yes"'],
    ["no object at all", "gone", "$", 'expected an object, got "gone"']
  ])("names the path and the reason of %s", (_name, value, path, reason) => {
    assert.deepStrictEqual(faultOf(value), { path, reason })
  })

  it("says that a field is missing", () => {
    const { state: _, ...rest } = order
    assert.deepStrictEqual(faultOf(rest), { path: "$.state", reason: "missing, expected text" })
  })

  it("never quotes what may be a customer's", () => {
    const long = "please call me back on my other number"
    assert.strictEqual(
      faultOf({ ...order, paid: long }).reason,
      "expected true or false, got a text of 38 characters"
    )
    assert.strictEqual(
      faultOf({ ...order, buyer: { name: 491512345678 } }).reason,
      "expected text, got a number"
    )
  })

  it("reads numbers that JavaScript rounds as what they are, and takes them for nothing else", () => {
    const exact = (text: string) => Either.getOrThrow(parseJson(text)) as Record<string, never>
    const decoded = Either.getOrThrow(
      decode({
        ...order,
        ...exact('{"changed":1.70e9,"extra":1.0,"lines":[{"size":2.0,"at":"2026-03-07T10:00:00Z"}]}')
      })
    )
    assert.strictEqual(decoded.changed, "2023-11-14T22:13:20.000Z")
    assert.strictEqual(decoded.lines[0]?.size, 2)
    assert.deepStrictEqual(
      [
        faultOf({ ...order, ...exact('{"buyer":1.0}') }),
        faultOf({ ...order, ...exact('{"id":1.0}') }),
        faultOf({ ...order, ...exact('{"paid":1.0}') }),
        faultOf({ ...order, ...exact('{"lines":[{"size":9007199254740993}]}') }),
        faultOf({ ...order, ...exact('{"changed":1e400}') })
      ].map(({ path, reason }) => `${path}: ${reason}`),
      [
        "$.buyer: expected an object, got 1",
        "$.id: expected text that is not empty, got a number",
        "$.paid: expected true or false, got 1",
        "$.lines[0].size: expected a whole number, got a number",
        "$.changed: expected a time in Unix seconds or milliseconds, got a number"
      ]
    )
    const loose = decoder(Schema.Struct({ inner: optional(Schema.Struct({ note: optional(text) })) }))
    assert.isTrue(Either.isLeft(loose(exact('{"inner":1.0}'))))
    const textOf = (digits: string) =>
      Either.getOrNull(decoder(textOrNumber)(parseJson(digits).pipe(Either.getOrThrow)))
    assert.deepStrictEqual(["9007199254740993", "7.0", "1e3", "1.50", "-0"].map(textOf), [
      "9007199254740993",
      "7",
      "1000",
      "1.50",
      "0"
    ])
    const numeric = (digits: string) => decoder(numericId)(parseJson(digits).pipe(Either.getOrThrow))
    assert.deepStrictEqual(Either.getOrNull(numeric("9007199254740993")), "9007199254740993")
    assert.isTrue(["1e400", "1.5", "-7.0"].every((digits) => Either.isLeft(numeric(digits))))
  })

  it("quotes keys in a path where they are not plain names", () => {
    const strange = decoder(Schema.Struct({ "a b": Schema.Struct({ "c-d": integer }) }))
    assert.strictEqual(
      Either.getOrThrow(Either.flip(strange({ "a b": { "c-d": "x" } }))).path,
      '$["a b"].c-d'
    )
  })

  it("places a fault inside of an enclosing payload", () => {
    assert.deepStrictEqual(within("$.data[2]", { path: "$.id", reason: "r" }), {
      path: "$.data[2].id",
      reason: "r"
    })
    assert.deepStrictEqual(within("$.data[2]", { path: "$", reason: "r" }), {
      path: "$.data[2]",
      reason: "r"
    })
  })

  it("reads seconds, milliseconds and ISO times of one field as the same instant", () => {
    const read = decoder(anyTime)
    const same = [
      1_700_000_000,
      1_700_000_000_000,
      "1700000000",
      "2023-11-14T22:13:20Z",
      "2023-11-15T00:13:20+02:00"
    ]
    for (const value of same) assert.strictEqual(Either.getOrThrow(read(value)), "2023-11-14T22:13:20.000Z")
  })

  it("decodes whatever its own schema says a vendor may send", () => {
    const wire = Arbitrary.make(Schema.encodedSchema(Order))
    FastCheck.assert(
      FastCheck.property(wire, (value) => Either.isRight(decode(JSON.parse(JSON.stringify(value)))))
    )
  })

  it("reads JSON, and says where it breaks without quoting it", () => {
    assert.deepStrictEqual(parseJson('{"a":[1]}'), Either.right({ a: [1] }))
    assert.deepStrictEqual(parseJson(" "), Either.left({ path: "$", reason: "empty" }))
    const fault = Either.getOrThrow(Either.flip(parseJson('{"a": secret words}')))
    assert.match(fault.reason, /^not JSON/)
    assert.notInclude(fault.reason, "secret")
  })

  it("keeps numbers and texts as text, and nothing else", () => {
    const read = decoder(textOrNumber)
    assert.deepStrictEqual(read(0), Either.right("0"))
    assert.isTrue(Either.isLeft(read(true)))
  })
})

describe("fields without a column", () => {
  it("are kept under their own names, except absent and null ones", () => {
    const record = { a: 0, b: "", c: false, d: null, e: undefined, f: { g: [1] }, other: 1 }
    assert.deepStrictEqual(attributes(record, ["a", "b", "c", "d", "e", "f"]), {
      a: 0,
      b: "",
      c: false,
      f: { g: [1] }
    })
  })
})
