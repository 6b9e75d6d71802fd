import { describe, expect, it } from "vitest"
import { type Kind, maskText, recognize } from "../../src/privacy/recognize.ts"
import { labelled } from "./labelled.ts"

const kinds: ReadonlySet<Kind> = new Set(["email", "phone", "card", "iban"])

const judged = labelled.map(({ labels, text }) => {
  const found = recognize(text, kinds).map(({ from, kind, to }) => ({
    kind,
    value: text.slice(from, to).trim()
  }))
  const isSame = (one: { kind: Kind; value: string }, other: { kind: Kind; value: string }) =>
    one.kind === other.kind && one.value === other.value
  return {
    text,
    hits: found.filter((one) => labels.some((label) => isSame(one, label))).length,
    missed: labels.filter((label) => !found.some((one) => isSame(one, label))),
    wrong: found.filter((one) => !labels.some((label) => isSame(one, label)))
  }
})

const sum = (numbers: ReadonlyArray<number>): number => numbers.reduce((total, number) => total + number, 0)

describe("what is personal in running text", () => {
  const hits = sum(judged.map(({ hits }) => hits))
  const missed = judged.flatMap(({ missed }) => missed)
  const wrong = judged.flatMap(({ wrong, text }) => wrong.map((one) => ({ ...one, text })))

  it("is labelled in enough lines, half of which hold nothing", () => {
    expect(labelled.length).toBeGreaterThan(250)
    expect(labelled.filter(({ labels }) => labels.length === 0).length).toBeGreaterThan(100)
  })

  it("is found: 99% of it", () => {
    expect(missed.length / (hits + missed.length), JSON.stringify(missed, null, 1)).toBeLessThan(0.01)
  })

  it("is what is found: 99% of that", () => {
    expect(wrong.length / (hits + wrong.length), JSON.stringify(wrong, null, 1)).toBeLessThan(0.01)
  })

  it("is replaced by what it is, and nothing else is changed", () => {
    expect(
      maskText("a@example.com, +49 151 23456789; 4111 1111 1111 1111 (DE89 3704 0044 0532 0130 00)", kinds)
    ).toBe("[email], [phone]; [card] ([iban])")
    expect(maskText("order 4512345678", kinds)).toBe("order 4512345678")
  })

  it("is masked once: a second time changes nothing", () => {
    for (const { text } of labelled)
      expect(maskText(maskText(text, kinds), kinds)).toBe(maskText(text, kinds))
  })

  it("is looked for in time proportional to the text: a quadratic search of these would not end", () => {
    const made = ["1 ", "+", "a@", "0151 2345678 ", "(", "DE89 ", "a.", "[at] ", "4111 ", "9", "-1", "tel "]
    for (const part of made) {
      const text = part.repeat(Math.ceil(100_000 / part.length))
      expect(maskText(text, kinds).length, part).toBeGreaterThan(0)
    }
  })
})
