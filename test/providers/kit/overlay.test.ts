import { expect, it } from "vitest"
import { parseExactly, writeExactly } from "../../../src/domain/exactJson.ts"
import { overlay } from "../../../src/providers/kit/overlay.ts"

const laid = (older: string, newer: string): string =>
  writeExactly(overlay(parseExactly(older) as object, parseExactly(newer) as object))

it("takes the newer answer's word, and the older one's where the newer says nothing", () => {
  expect(laid('{"a":1,"b":2,"c":3}', '{"a":9,"b":null}')).toBe('{"a":9,"b":2,"c":3}')
})

it("takes a field for a field, whatever its name", () => {
  expect(laid('{"a":1}', '{"__proto__":{"b":2},"constructor":3}')).toBe(
    '{"a":1,"__proto__":{"b":2},"constructor":3}'
  )
})
