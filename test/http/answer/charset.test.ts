import { assert, describe, it } from "@effect/vitest"
import { recoderOf, textOf } from "../../../src/http/answer/charset.ts"

const words = `[{"name":"Zoë Größe","said":"naïve – 5 €"}]`
const utf8 = Buffer.from(words)
const utf16 = (mark: boolean, isBig: boolean): Buffer => {
  const bytes = Buffer.from(mark ? `\ufeff${words}` : words, "utf16le")
  return isBig ? bytes.swap16() : bytes
}
const windows1252 = Buffer.from(words.replace("–", "\u0096").replace("€", "\u0080"), "latin1")

/** A body, what it is labelled, and whether it comes out as it was written. */
const bodies: ReadonlyArray<readonly [string, Buffer, string | undefined]> = [
  ["UTF-8", utf8, undefined],
  ["UTF-8 with a mark", Buffer.from(`\ufeff${words}`), "application/json"],
  ["UTF-8 that is labelled otherwise", utf8, "application/json; charset=iso-8859-1"],
  ["UTF-8 that is labelled as UTF-16", utf8, "application/json; charset=utf-16"],
  ["UTF-8 with a label that nobody knows", utf8, 'text/plain; charset="klingon"'],
  ["windows-1252", windows1252, "application/json;charset=windows-1252"],
  [
    "windows-1252 that is called ISO-8859-1, as is usual",
    windows1252,
    'application/json; Charset="ISO-8859-1"'
  ],
  ["UTF-16 with a mark", utf16(true, false), "application/json; charset=utf-16"],
  ["UTF-16, the other way round, with a mark alone", utf16(true, true), "application/json"],
  ["UTF-16 without a mark", utf16(false, false), undefined],
  ["UTF-16, the other way round, without a mark", utf16(false, true), undefined]
]

const piecewise = (bytes: Buffer, contentType: string | undefined, size: number): string => {
  const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size)
  )
  const recoder = recoderOf(pieces[0] ?? Buffer.alloc(0), contentType)
  const out = recoder === null ? pieces : [...pieces.map(recoder.push), recoder.end()]
  const text = Buffer.concat(out).toString("utf8")
  return text.startsWith("\ufeff") ? text.slice(1) : text
}

describe("a body that is JSON in a charset", () => {
  for (const [what, bytes, contentType] of bodies) {
    it(`loses no character: ${what}`, () => {
      assert.strictEqual(textOf(bytes, contentType), words)
      for (const size of [2, 3, 7, 64, 1_000]) {
        // Two bytes at least tell what it is.
        assert.strictEqual(piecewise(bytes, contentType, size), words, `in pieces of ${size}`)
      }
    })
  }

  it("has the replacement character where nothing says what its bytes are", () => {
    const broken = Buffer.from([0x22, 0xe9, 0x22])
    assert.strictEqual(textOf(broken, "application/json"), '"\ufffd"')
    assert.strictEqual(textOf(Buffer.alloc(0), undefined), "")
  })
})
