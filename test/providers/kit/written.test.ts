import { assert, describe, it } from "@effect/vitest"
import { Either, FastCheck } from "effect"
import {
  fieldText,
  listIn,
  notation,
  withoutField,
  written,
  writtenId
} from "../../../src/providers/kit/written.ts"

const textsOf = (text: string, names?: ReadonlyArray<string>) =>
  listIn(text, names)?.elements.map((element) => element.text) ?? null

/** Spaces where JSON allows them. */
const spaced = (value: unknown): string => JSON.stringify(value, null, "\t \n")

describe("the elements of a list", () => {
  it("are the texts that were written, whatever they hold and whatever is around them", () => {
    FastCheck.assert(
      FastCheck.property(
        FastCheck.array(FastCheck.jsonValue()),
        FastCheck.dictionary(FastCheck.string(), FastCheck.jsonValue()),
        FastCheck.boolean(),
        (values, around, isSpaced) => {
          const write = isSpaced ? spaced : (value: unknown) => JSON.stringify(value)
          const body = { ...around, rows: values, more: [1] }
          const list = listIn(write(body), ["rows"])
          assert.deepStrictEqual(
            list?.elements.map(({ text }) => notation(text)),
            values.map((value) => notation(JSON.stringify(value)))
          )
          assert.strictEqual(notation(list?.around ?? ""), notation(JSON.stringify({ ...body, rows: [] })))
          assert.strictEqual(textsOf(write(values))?.length, values.length)
        }
      )
    )
  })

  it("keep their spaces, escapes, digits and keys that come twice", () => {
    const elements = ['{ "id" : 1.0, "id":2e0 }', String.raw`"\u0041 ]},{"`, "9007199254740993", "[ 1,2 ]"]
    assert.deepStrictEqual(textsOf(` [ ${elements.join(" , ")} ] `), elements)
  })

  it("are found under the first name that holds a list, and not under one that holds two", () => {
    assert.deepStrictEqual(textsOf('{"data":{"items":[1]},"items":[],"items":[3]}', ["data", "items"]), ["3"])
    for (const second of ["[3]", "[]"]) assert.isNull(textsOf(`{"items":[2],"items":${second}}`, ["items"]))
    assert.isNull(textsOf('{"data":{"items":[1]}}', ["data", "items"]))
    assert.isNull(textsOf("{}", ["items"]))
  })

  it("that are not JSON take no other with them", () => {
    const list = listIn('[{"id":"a"},{"id":"b",oops},nope,{"id":"c"} x,{"id":"d"}]')
    assert.deepStrictEqual(
      list?.elements.map((element) => [writtenId(element, "id"), Either.isRight(element.value)]),
      [
        ["a", true],
        ["b", false],
        [null, false],
        ["c", false],
        ["d", true]
      ]
    )
  })

  it.each(["", "[", "[1", '["a]', "[1,]", "[,1]", "[{]", "{", '{"rows":[1]', '{"rows":[1]}}', "null"])(
    "are none in %s",
    (text) => assert.isNull(listIn(text, ["rows"]))
  )

  it("are cut in time that grows with the text, however deep they are", () => {
    const deep = `${"[".repeat(200_000)}${"]".repeat(200_000)}`
    const list = listIn(`{"rows":[${deep},{"id":"b"}],"x":${deep}}`, ["rows"])
    assert.strictEqual(list?.elements[0]?.text, deep)
    assert.deepInclude(
      list?.elements[0]?.value,
      Either.left({ path: "$", reason: "nested more than 500 levels deep" })
    )
    assert.isTrue(Either.isRight(list?.elements[1]?.value ?? Either.left(null)))
  })
})

describe("the id of a record", () => {
  it("is read exactly, as text or number, of records that are no JSON too, and of their outermost level alone", () => {
    const idOf = (text: string) => writtenId(written(text), "id")
    assert.strictEqual(idOf('{"id":9007199254740993}'), "9007199254740993")
    assert.strictEqual(idOf('{"id":7.0}'), "7")
    assert.strictEqual(idOf(String.raw`{"id":"\ud83d"}`), "\ufffd")
    assert.strictEqual(idOf('{oops,"sender":{"id":"no"},"text":"\\"id\\":\\"no\\"","id" : "b"}'), "b")
    assert.strictEqual(idOf('{"sender":{"id":"no"},oops}'), null)
    assert.strictEqual(idOf('{oops "id":9007199254740993}'), "9007199254740993")
    assert.strictEqual(idOf('{"id":""}'), null)
    assert.strictEqual(idOf('{"id":"un'), null)
  })
})

describe("a field of an object", () => {
  it("is the last by its name, as it was written, and can be left out without touching the others", () => {
    const text = String.raw` { "a" : 1.0 , "b\u0062" : [ {"a":2} ] , "a" : "x" } `
    assert.strictEqual(fieldText(text, "a"), '"x"')
    assert.strictEqual(fieldText(text, "bb"), '[ {"a":2} ]')
    assert.strictEqual(fieldText(text, "c"), null)
    assert.strictEqual(withoutField(text, "bb"), '{"a" : 1.0,"a" : "x"}')
    assert.strictEqual(withoutField(text, "a"), String.raw`{"b\u0062" : [ {"a":2} ]}`)
    assert.strictEqual(withoutField(text, "c"), text)
    assert.strictEqual(withoutField("[1]", "a"), "[1]")
  })
})
