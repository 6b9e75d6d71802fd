import { assert, describe, it } from "@effect/vitest"
import { Either, FastCheck as fc } from "effect"
import { makeSplitter, type Recognise } from "../../../src/providers/naturalead/splitter.ts"

const lists = ["conversations", "data"]
const encoder = new TextEncoder()
const decode = (bytes: Uint8Array) => new TextDecoder("utf-8", { fatal: true }).decode(bytes)

/** Cuts a body at the given places, wherever they fall. */
const cut = (body: Uint8Array, places: ReadonlyArray<number>): ReadonlyArray<Uint8Array> => {
  const at = [0, ...places.map((place) => place % (body.length + 1)).sort((a, b) => a - b), body.length]
  return at.slice(1).map((until, index) => body.slice(at[index], until))
}

const split = (pieces: ReadonlyArray<Uint8Array>, recognise?: Recognise) => {
  const elements: Array<string> = []
  const splitter = makeSplitter(lists, (bytes) => elements.push(decode(bytes)), undefined, recognise)
  for (const piece of pieces) {
    const fault = splitter.push(piece)
    if (fault !== null) return { elements, result: Either.left(fault) }
  }
  return { elements, result: splitter.end() }
}

const splitText = (text: string) => split([encoder.encode(text)])

/** Whether all of it is JSON, as the splitter and the parsing of what it found say together. */
const isAccepted = (text: string): boolean => {
  const { elements, result } = splitText(text)
  return Either.isRight(result) && elements.every(isJson)
}

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

const places = fc.array(fc.nat(), { maxLength: 12 })
const spaces = fc.constantFrom<string | number>("", 1, "\t", "\r\n ")
const list = fc.array(fc.jsonValue({ maxDepth: 4 }))

describe("splitting one long list into its elements", () => {
  it("keeps no element and no name that is longer than allowed, and may have no end", () => {
    for (const start of ['[{"a":"', '{"data":[1,"', '{"']) {
      const elements: Array<Uint8Array> = []
      const splitter = makeSplitter(lists, (bytes) => elements.push(bytes), 10_000)
      assert.isNull(splitter.push(encoder.encode(start)))
      let fault = null
      let pushed = 0
      for (; fault === null && pushed < 100; pushed += 1)
        fault = splitter.push(encoder.encode("x".repeat(1000)))
      assert.strictEqual(fault?.reason, "an element of more than 10000 bytes")
      assert.strictEqual(pushed, 10)
    }
  })

  it("finds what JSON.parse finds, however the body is cut", () => {
    fc.assert(
      fc.property(list, spaces, places, (values, space, cuts) => {
        const { elements, result } = split(cut(encoder.encode(JSON.stringify(values, null, space)), cuts))
        assert.deepStrictEqual(
          elements.map((element) => JSON.parse(element)),
          JSON.parse(JSON.stringify(values))
        )
        assert.deepStrictEqual(result, Either.right({ elements: values.length, fields: {} }))
      }),
      { numRuns: 500 }
    )
  })

  it("finds the list of an envelope wherever it stands, and keeps what is around it", () => {
    const fields = fc.dictionary(
      fc.string().filter((name) => !lists.includes(name)),
      fc.jsonValue()
    )
    fc.assert(
      fc.property(
        list,
        fields,
        fields,
        fc.constantFrom(...lists),
        places,
        (values, before, after, name, cuts) => {
          const envelope = { ...before, [name]: values, ...after }
          const { elements, result } = split(cut(encoder.encode(JSON.stringify(envelope, null, 1)), cuts))
          assert.deepStrictEqual(
            elements.map((element) => JSON.parse(element)),
            JSON.parse(JSON.stringify(values))
          )
          const rest = JSON.parse(JSON.stringify({ ...before, ...after }))
          assert.deepStrictEqual(result, Either.right({ elements: values.length, fields: rest }))
        }
      ),
      { numRuns: 300 }
    )
  })

  it("finds the same where some elements are recognised, however the body is cut", () => {
    fc.assert(
      fc.property(list, spaces, places, fc.func(fc.boolean()), (values, space, cuts, isKnown) => {
        const pieces = cut(encoder.encode(JSON.stringify(values, null, space)), cuts)
        const plain = split(pieces)
        const known = plain.elements.filter((one) => isKnown(one))
        const recognised: Array<string> = []
        const recognise = (piece: Uint8Array, from: number) => {
          const text = known.find((one) => Buffer.from(piece.subarray(from)).toString().startsWith(one))
          // Of a number more digits may follow.
          if (text === undefined || !/^[[{]/.test(text)) return null
          recognised.push(text)
          return piece.subarray(from, from + Buffer.byteLength(text))
        }
        const found = split(pieces, recognise)
        assert.deepStrictEqual(found, plain)
        if (pieces.length === 1) {
          assert.deepStrictEqual(
            recognised,
            known.filter((one) => /^[[{]/.test(one))
          )
        }
      }),
      { numRuns: 500 }
    )
  })

  it("says of every body that ends early that it did", () => {
    fc.assert(
      fc.property(list, fc.boolean(), fc.nat(), (values, enveloped, at) => {
        const body = encoder.encode(
          JSON.stringify(enveloped ? { total: values.length, data: values } : values)
        )
        assert.isTrue(Either.isLeft(split([body.slice(0, at % body.length)]).result))
      }),
      { numRuns: 500 }
    )
  })

  it("accepts exactly what is JSON: a damaged body shows as a fault or as an element that does not parse", () => {
    const damage = fc.constantFrom(...'[]{},:"\\ 1an')
    fc.assert(
      fc.property(
        fc.array(fc.jsonValue({ maxDepth: 2 }), { maxLength: 4 }),
        fc.nat(),
        damage,
        (values, at, byte) => {
          const text = JSON.stringify(values)
          const place = at % text.length
          for (const damaged of [
            text.slice(0, place) + byte + text.slice(place + 1),
            text.slice(0, place) + byte + text.slice(place),
            text.slice(0, place) + text.slice(place + 1)
          ]) {
            const isList = isJson(damaged) && Array.isArray(JSON.parse(damaged))
            assert.strictEqual(isAccepted(damaged), isList, damaged)
          }
        }
      ),
      { numRuns: 2000 }
    )
  })

  it.each([
    ["", 0, "the body is empty"],
    [" \n", 2, "the body is empty"],
    ["<html>", 0, "expected a list or an object"],
    ['"text"', 0, "expected a list or an object"],
    ["[1 2]", 3, "expected a comma or the end of the list"],
    ["[1,]", 3, "expected an element"],
    ["[,1]", 1, "expected an element or the end of the list"],
    ["[1] x", 4, "expected nothing more"],
    ["[[1]", 4, "the body ended before the list did"],
    ['{"data":[1]', 11, "the body ended before the list did"],
    ['{"error":"Forbidden"}', 21, "an object without a list"],
    ['{"data":{"a":1}}', 16, "an object without a list"],
    ['{"data" [1]}', 8, "expected a colon"],
    ['{"data":[1],}', 12, "expected a field's name"],
    ['{"data":[1],"total":tru}', 20, "not JSON"],
    ["{data:[1]}", 1, "expected a field's name or the end of the object"]
  ])("says what is wrong with %j, and where", (body, offset, reason) => {
    assert.deepStrictEqual(splitText(body).result, Either.left({ offset, reason }))
  })

  it("hands over the elements before a fault", () => {
    assert.deepStrictEqual(splitText('[{"a":"]"},{"b":2} {').elements, ['{"a":"]"}', '{"b":2}'])
  })

  it("takes a byte order mark", () => {
    const { elements, result } = split([encoder.encode("\uFEFF"), encoder.encode('{"data":[1]}')])
    assert.deepStrictEqual([elements, Either.isRight(result)], [["1"], true])
  })

  it("takes the one of two lists that is not empty, and no body for whole that has two", () => {
    const listed = (body: string) => {
      const { elements, result } = split([encoder.encode(body)])
      return [elements, Either.isLeft(result) ? result.left.reason : null]
    }
    for (const body of [
      '{"data":[],"data":[1]}',
      '{"data":[],"conversations":[1]}',
      '{"data":[1],"conversations":[]}'
    ])
      assert.deepStrictEqual(listed(body), [["1"], null], body)
    const long = JSON.stringify({ data: [1], conversations: ["x".repeat(2 << 20)] })
    for (const body of [
      '{"data":[1],"data":[]}',
      '{"data":[1],"data":[2]}',
      '{"data":[1],"conversations":[2]}',
      long
    ])
      assert.deepStrictEqual(listed(body), [["1"], "an object with two lists"], body.slice(0, 40))
  })

  it("holds no more than one element: a field beside the list that is too large is passed over", () => {
    const large = "x".repeat(2 << 20)
    const body = encoder.encode(JSON.stringify({ note: large, total: 1, data: [1] }))
    const { elements, result } = split(cut(body, [9, 1 << 20, (1 << 20) + 5000]))
    assert.deepStrictEqual(elements, ["1"])
    assert.deepStrictEqual(Either.getOrThrow(result).fields, { total: 1 })
  })
})
