import { describe, expect, it } from "vitest"
import { credentialFault } from "../../src/config/credentialFault.ts"

describe("a credential that cannot be sent", () => {
  for (const [value, words] of [
    ["abc\n", "ends with a line break"],
    ["abc\r\n", "ends with a line break"],
    [" abc", "begins with a space"],
    ["abc\u00a0", "ends with a space"],
    ["\tabc", "begins with a tab"],
    ["Bearer abc", 'begins with "Bearer"'],
    ["ab\u0007c", "has inside it the character U+0007"],
    ["schlüssel", "has inside it the character U+00FC"],
    ["\ufeffabc", "begins with a space"],
    ["abc\u{1f511}", "ends with"],
    ['"abc"', "is in quotation marks"]
  ] as const) {
    it(`in a header: ${JSON.stringify(value)}`, () => {
      const fault = credentialFault("THE_KEY", value, true) ?? ""
      expect(fault).toContain(`the value of THE_KEY ${words}`)
      expect(fault).toContain("set it again")
      expect(fault).not.toContain("abc")
    })
  }

  it("in a body is one with a line break, and no other", () => {
    expect(credentialFault("PASSWORD", "zwölf Büsche ", false)).toBeNull()
    expect(credentialFault("PASSWORD", "secret\n", false)).toContain("ends with a line break")
  })

  it("is not what keys and tokens look like", () => {
    for (const value of ["two words", "sk_live-AbC.123~+/=", "eyJhbGciOi.J9", "'", "a|b:c"]) {
      expect(credentialFault("THE_KEY", value, true)).toBeNull()
    }
  })
})
