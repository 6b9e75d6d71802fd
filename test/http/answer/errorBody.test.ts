import { assert, describe, it } from "@effect/vitest"
import { errorBody } from "../../../src/http/answer/errorBody.ts"
import { rateLimitHeaders } from "../../../src/http/answer/rateLimitHeaders.ts"
import { retryAfter } from "../../../src/http/answer/retryAfter.ts"

const repeated = (piece: string, length = 300_000): string => piece.repeat(Math.ceil(length / piece.length))

const pieces = [
  "a",
  "a1",
  "1",
  "/",
  "a/",
  "~",
  "a.",
  "a@",
  "@",
  "a@b.",
  "a-",
  "+1 ",
  "( ",
  "bearer ",
  "<title",
  "<title>",
  "<",
  " ",
  "\n",
  "é",
  '{"error":',
  "[",
  '"',
  "requires: ",
  "scope a:"
]

/** Milliseconds of this thread's own work, whatever else the machine does. */
const worked = (work: () => void): number => {
  const before = process.cpuUsage()
  work()
  const { system, user } = process.cpuUsage(before)
  return (system + user) / 1000
}

describe("the words of an error body", () => {
  it("take linear time to find, whatever the body is made of", () => {
    for (const piece of pieces) {
      for (const start of ["", "<!doctype html><html>", '{"error":"', "key "]) {
        const text = start + repeated(piece) + (start.startsWith("{") ? '"}' : "")
        // Quadratic work on so much takes minutes.
        assert.isBelow(
          worked(() => errorBody(text, ["a-secret-key"])),
          2000,
          `${start}${piece}`
        )
      }
    }
  })

  it("are found in headers in linear time, too", () => {
    for (const piece of [...pieces, ",", ", ", "t", "t ", "reset", "Sun, ", '"', "1,", "1;w=", "0."]) {
      const value = repeated(piece, 64_000)
      const names = [
        "retry-after",
        "ratelimit",
        "ratelimit-policy",
        "ratelimit-limit",
        "x-ratelimit-reset",
        "date"
      ]
      const headers = Object.fromEntries(names.map((name) => [name, value]))
      assert.isBelow(
        worked(() => {
          retryAfter(headers, 0)
          rateLimitHeaders(headers, 0)
        }),
        2000,
        piece
      )
    }
  })

  it("are cut first and then cleaned, so that a secret at the cut is not half shown", () => {
    const secret = `sk-${"q".repeat(900)}`
    for (let before = 0; before < 2100; before += 50) {
      const said = errorBody(`${". ".repeat(before / 2)}${secret} ${"x ".repeat(5000)}`, [secret])
      assert.notInclude(said, "qqqq")
    }
  })

  it("are made of whole characters, also where they are cut, so that they can be stored", () => {
    assert.strictEqual(errorBody(String.raw`{"error":"cut \ud83d here\u0000"}`, []), "cut \ufffd here\ufffd")
    assert.notMatch(errorBody(`.${"\u{1f600}".repeat(200)}`, []), /\p{Surrogate}/u)
  })

  it("are found however deep they lie, up to a bound", () => {
    const nested = (depth: number) => `${'{"error":'.repeat(depth)}{"message":"deep"}${"}".repeat(depth)}`
    assert.strictEqual(errorBody(nested(3), []), "deep")
    assert.strictEqual(errorBody(nested(20_000), []), "")
  })

  it("are a page's title, wherever the page is cut", () => {
    assert.strictEqual(errorBody('<html><title lang="en"> Busy </title>', []), 'an HTML page titled "Busy"')
    assert.strictEqual(errorBody(`<html>${repeated(" ")}<title>late</title>`, []), "an HTML page")
    assert.strictEqual(errorBody("<html><title>never closed", []), "an HTML page")
  })
})
