import { describe, expect, it } from "vitest"
import { exitCodeOf } from "../../src/cli/exitCodes.ts"

describe("one exit code for several things that happened", () => {
  it("is that of the signal, then 1, 2, 75, 3, 4, and 0 where nothing did", () => {
    const order = [130, 143, 1, 2, 75, 3, 4, 0] as const
    order.forEach((code, index) => {
      expect(exitCodeOf(order.slice(index))).toBe(code)
      expect(exitCodeOf([...order.slice(index)].reverse())).toBe(code)
    })
    expect(exitCodeOf([])).toBe(0)
  })
})
