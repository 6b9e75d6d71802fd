import { FastCheck as fc } from "effect"
import { describe, expect, it } from "vitest"
import { forFile, forTerminal, jsonText, oneLine } from "../../../src/cli/terminal/safeText.ts"
import { textWidth } from "../../../src/cli/terminal/width.ts"
import { escapeKinds, obeyed } from "../../support/hostileText.ts"

const anyText = fc
  .array(fc.oneof(fc.constantFrom(...Object.values(escapeKinds)), fc.string({ unit: "binary" })), {
    maxLength: 8
  })
  .map((parts) => parts.join("x"))

describe("text for a terminal", () => {
  for (const [kind, sequence] of Object.entries(escapeKinds)) {
    it(`loses what makes it obey: ${kind}`, () => {
      const text = `before${sequence}after`
      expect(forTerminal(text)).not.toMatch(obeyed)
      expect(oneLine(text)).not.toMatch(obeyed)
      expect(forTerminal(text).startsWith("before")).toBe(true)
      expect(forTerminal(text).endsWith("after")).toBe(true)
      expect(JSON.parse(jsonText(text))).toBe(text)
      expect(jsonText(text)).not.toMatch(obeyed)
    })
  }

  it("holds nothing obeyed whatever it was made of, and is not changed by a second pass", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const shown = forTerminal(text)
        expect(shown).not.toMatch(obeyed)
        expect(forTerminal(shown)).toBe(shown)
        const cell = oneLine(text)
        expect(forTerminal(cell)).toBe(cell)
        expect(textWidth(forTerminal(cell))).toBe(textWidth(cell))
        expect(JSON.parse(jsonText(text))).toBe(text)
      })
    )
  })

  it("keeps line breaks, tabs, and what languages and emoji are written with", () => {
    for (const text of ["a\n\tb", "می‌خواهم", "क्‍ष", "👩‍👩‍👧", "❤️", "日本語", "é", "¡olá!"]) {
      expect(forTerminal(text)).toBe(text)
    }
  })

  it("shows two ids that differ in an invisible joiner with the letters that they have", () => {
    expect(oneLine("bo\u200db")).toBe("bob")
    expect(oneLine("\u200dbob")).toBe("bob")
  })
})

describe("text for a file or a pipe", () => {
  it("is the customer's, line ends and all, without what a terminal would obey later", () => {
    expect(forFile("a\r\nb\tc \u202etxt \u2068Ana\u2069")).toBe("a\r\nb\tc \u202etxt \u2068Ana\u2069")
    expect(forFile("x\u001b[2J\u009b31m\u007f")).toBe("x [2J 31m ")
  })
})
