import { FastCheck as fc } from "effect"
import { describe, expect, it } from "vitest"
import { oneLine } from "../../../src/cli/terminal/safeText.ts"
import { padEnd, padStart, textWidth, truncate, wrap } from "../../../src/cli/terminal/width.ts"

describe("the width of a text", () => {
  const cases: ReadonlyArray<readonly [text: string, columns: number]> = [
    ["", 0],
    ["plain", 5],
    ["Grüße", 5],
    ["e\u0301clair", 6],
    ["日本語", 6],
    ["한국어", 6],
    ["ＡＢ", 4],
    ["שלום", 4],
    ["مرحبا", 5],
    ["👍", 2],
    ["👩‍👩‍👧‍👦", 2],
    ["🇩🇪", 2],
    ["❤️", 2],
    ["━─…", 3],
    ["a\u200bb", 2],
    ["1️⃣", 2],
    ["1\u20e3", 2],
    ["ﾊﾟｰﾃｨｰ", 6],
    ["ไทย", 3],
    ["हिन्दी", 4],
    ["☎", 1],
    ["☎️", 2],
    ["𠮷", 2],
    ["a\u00adb", 2],
    ["각", 2]
  ]
  for (const [text, columns] of cases) {
    it(`of ${JSON.stringify(text)} is ${columns}`, () => expect(textWidth(text)).toBe(columns))
  }

  it("is never overstepped by what is cut or padded, and nothing is cut without need", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "grapheme", maxLength: 30 }),
        fc.integer({ min: 0, max: 40 }),
        (raw, columns) => {
          const text = oneLine(raw)
          const cut = truncate(text, columns)
          expect(textWidth(cut)).toBeLessThanOrEqual(columns)
          if (textWidth(text) <= columns) expect(cut).toBe(text)
          expect(textWidth(padEnd(cut, columns))).toBe(columns)
          expect(textWidth(padStart(cut, columns))).toBe(columns)
        }
      )
    )
  })

  it("is that of one line: nothing that a terminal obeys survives", () => {
    expect(oneLine("a\u001b[31mb\r\nc\td\u0007e\u009bf")).toBe("a [31mb c d e f")
  })

  it("breaks text at spaces, and leaves no word out", () => {
    expect(wrap("one two three", 7)).toEqual(["one two", "three"])
    expect(wrap("a verylongword b", 5)).toEqual(["a", "verylongword", "b"])
    expect(wrap("", 5)).toEqual([""])
  })
})
