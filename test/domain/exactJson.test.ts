import { assert, describe, it } from "@effect/vitest"
import { FastCheck } from "effect"
import type { Json } from "../../src/domain/Conversation.ts"
import {
  canonicalJson,
  deepest,
  isExactNumber,
  parseExactly,
  TooDeep,
  wholeDigits,
  wholeText,
  writeExactly
} from "../../src/domain/exactJson.ts"

const digits = FastCheck.integer({ min: 0, max: 9 }).map(String)
const someDigits = FastCheck.array(digits, { minLength: 1, maxLength: 30 }).map((all) => all.join(""))
const optional = (text: FastCheck.Arbitrary<string>) => FastCheck.oneof(FastCheck.constant(""), text)

/** Any number that JSON can write. */
const numbers = FastCheck.tuple(
  FastCheck.constantFrom("", "-"),
  someDigits.map((text) => text.replace(/^0+(?=.)/, "")),
  optional(someDigits.map((text) => `.${text}`)),
  optional(
    FastCheck.tuple(FastCheck.constantFrom("e", "E", "e+", "e-"), digits).map((parts) => parts.join(""))
  )
).map((parts) => parts.join(""))

const leaves = FastCheck.oneof(
  numbers,
  FastCheck.string({ unit: "grapheme" }).map((text) => JSON.stringify(text.replaceAll("\0", ""))),
  FastCheck.constantFrom("null", "true", "false")
)

/** JSON texts as JavaScript would write them, but for their numbers. */
const { value: texts } = FastCheck.letrec<{ value: string }>((tie) => ({
  value: FastCheck.oneof(
    { depthSize: "small", withCrossShrink: true },
    leaves,
    FastCheck.array(tie("value"), { maxLength: 4 }).map((all) => `[${all.join(",")}]`),
    FastCheck.uniqueArray(FastCheck.tuple(FastCheck.stringMatching(/^[a-z"\\é]{1,6}$/), tie("value")), {
      maxLength: 4,
      selector: ([key]) => key
    }).map((all) => `{${all.map(([key, value]) => `${JSON.stringify(key)}:${value}`).join(",")}}`)
  )
}))

const clone = (value: Json): Json => structuredClone(JSON.parse(JSON.stringify(value)) as Json)

describe("JSON with all of its digits", () => {
  it("is written as it was read, whatever its numbers, and on another thread too", () => {
    FastCheck.assert(
      FastCheck.property(texts, (text) => {
        const value = parseExactly(text)
        assert.strictEqual(writeExactly(value), text)
        assert.strictEqual(writeExactly(clone(value)), text)
      }),
      { numRuns: 500 }
    )
  })

  it.each([
    "9007199254740993",
    "-0",
    "1.0",
    "1e400",
    "12345678901234567890.5",
    "0.10",
    "1E2",
    "70918000037909537"
  ])("keeps %s as it is written", (number) => {
    assert.strictEqual(writeExactly(parseExactly(` {"a" : [ ${number} ] }`)), `{"a":[${number}]}`)
    assert.strictEqual(canonicalJson(parseExactly(`{"b":1,"a":${number}}`)), `{"a":${number},"b":1}`)
  })

  it("can be written on several lines, and every text can be stored", () => {
    assert.strictEqual(
      writeExactly(parseExactly('{"a":[1.0,{"b":1e400}]}'), 1),
      '{\n "a": [\n  1.0,\n  {\n   "b": 1e400\n  }\n ]\n}'
    )
    assert.strictEqual(wholeText("a\0b\ud83d \ud83d\ude00"), "a\ufffdb\ufffd \ud83d\ude00")
  })

  it("hands on as plain numbers what JavaScript keeps", () => {
    const value = parseExactly('[9007199254740991, 0.1, -5, 1700000000.123, 0, "9007199254740993"]')
    assert.deepStrictEqual(value, [9007199254740991, 0.1, -5, 1700000000.123, 0, "9007199254740993"])
  })

  it.each([
    "01",
    "1.",
    "--1",
    "1e",
    "+1",
    "[1.2.3]",
    "{12345678901234567890:1}",
    '12345678901234567890"a"',
    "1 2.0"
  ])("refuses %s, which is not JSON, as JSON.parse does", (text) =>
    assert.throws(() => parseExactly(text), SyntaxError)
  )

  it("says where a text breaks, in the text as it came", () => {
    assert.throws(() => parseExactly("[1.0, 2.0, 3.]"), /position 13/)
  })

  it("puts the replacement character for half of a character and for NUL, in texts and in keys", () => {
    const text = String.raw`{"cut \ud83d here":"\uDE00 \u0000 \ud83d\ude00 \\ud83d \\\ud83d\ude00 \ud83d\ud83d\ude00"}`
    assert.deepStrictEqual(parseExactly(text), {
      "cut \ufffd here": "\ufffd \ufffd \u{1f600} \\ud83d \\\u{1f600} \ufffd\u{1f600}"
    })
    assert.deepStrictEqual(parseExactly(String.raw`["\\ud83d\ude00"]`), ["\\ud83d\ufffd"])
  })

  it("takes nothing that a vendor wrote for an exact number", () => {
    const value = parseExactly(String.raw`{"\ud800":"1"}`)
    assert.isFalse(isExactNumber(value))
    assert.strictEqual(writeExactly(value), '{"\ufffd":"1"}')
    const inText = parseExactly(String.raw`["{\"\\ud800\":\"1\"}"]`)
    assert.deepStrictEqual(parseExactly(writeExactly(inText)), inText)
  })

  it("refuses what is nested too deep, however deep, and what is no JSON besides, as that", () => {
    const nested = (levels: number) => `${'{"a":['.repeat(levels / 2)}${"]}".repeat(levels / 2)}`
    assert.strictEqual(writeExactly(parseExactly(nested(deepest))), nested(deepest))
    assert.throws(() => parseExactly(nested(deepest + 2)), TooDeep)
    assert.throws(() => parseExactly(nested(1_000_000)), TooDeep)
    assert.throws(() => parseExactly("[".repeat(100_000)), SyntaxError)
    assert.strictEqual(parseExactly(`"${"[".repeat(1_000)}"`), "[".repeat(1_000))
  })

  it.each([
    ["7.0", "7"],
    ["1e3", "1000"],
    ["1.25e2", "125"],
    ["120e-1", "12"],
    ["-0", "0"],
    ["0.0e9", "0"],
    ["-12345678901234567890", "-12345678901234567890"],
    ["0.5e1", "5"],
    ["1.5", null],
    ["1e-3", null],
    ["1e400", null],
    ["-", null]
  ])("reads %s as the whole number %s", (written, whole) => assert.strictEqual(wholeDigits(written), whole))
})
