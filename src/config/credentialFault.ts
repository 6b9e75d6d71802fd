const nameOf = (character: string): string => {
  if (character === "\n" || character === "\r") return "a line break"
  if (character === "\t") return "a tab"
  if (/\s/.test(character)) return "a space"
  const code = character.codePointAt(0) ?? 0
  return `the character U+${code.toString(16).toUpperCase().padStart(4, "0")}`
}

const describe = (value: string, wrong: RegExp): string | null => {
  const { index, 0: found } = wrong.exec(value) ?? { index: -1, 0: "" }
  if (index < 0) return null
  // A position in between could reveal something about the secret: only the ends are named.
  const last = [...value].at(-1) ?? ""
  if (wrong.test(last)) return `ends with ${nameOf(last)}`
  return `${index === 0 ? "begins with" : "has inside it"} ${nameOf(found)}`
}

/**
 * What keeps a credential from being sent as it was read from a variable, in words; null: nothing. Never holds the value.
 *
 * @param isHeader it travels in a header, which takes visible ASCII; else in a body, which takes any text of one line
 */
export const credentialFault = (variable: string, value: string, isHeader: boolean): string | null => {
  const what = describe(value, isHeader ? /^ | $|[^\x20-\x7e]/u : /\p{Cc}/u)
  if (what !== null) {
    const remedy = isHeader
      ? "set it again to the key or token alone, as the vendor shows it"
      : "set it again without that"
    return `the value of ${variable} ${what}; ${remedy}`
  }
  if (!isHeader) return null
  if (/^bearer /i.test(value))
    return `the value of ${variable} begins with "Bearer"; set it again to what follows that`
  return /^(["']).*\1$/.test(value)
    ? `the value of ${variable} is in quotation marks; set it again without them`
    : null
}
