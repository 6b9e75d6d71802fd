import { eastAsianWidth } from "get-east-asian-width"

let segmenter: Intl.Segmenter | undefined

/** Made when the first text needs it, since that takes longer than all else that a short command does. */
const graphemes = (text: string): Intl.Segments => {
  segmenter ??= new Intl.Segmenter("en", { granularity: "grapheme" })
  return segmenter.segment(text)
}

/** Also a digit in a keycap, and what is only an emoji by the mark after it. */
const emoji = /^\p{Emoji_Presentation}|\uFE0F|\u20E3/u
const invisible = /^[\p{Nonspacing_Mark}\p{Enclosing_Mark}\p{Default_Ignorable_Code_Point}\p{Cf}]$/u
/** What has a column of its own although it follows in the same grapheme: vowel signs, sound marks of halfwidth Japanese. */
const spacing = /[\p{Spacing_Mark}\uFF9E\uFF9F]/u

/**
 * `string-width` would do this whole, but takes 87 ms to load, of the 190 ms of a short command, because it makes its
 * segmenter and compiles its patterns then.
 */
const graphemeWidth = (grapheme: string): number => {
  if (emoji.test(grapheme)) return 2
  const [base, ...rest] = [...grapheme].filter((character) => !invisible.test(character))
  if (base === undefined) return 0
  return eastAsianWidth(base.codePointAt(0) ?? 0) + rest.filter((character) => spacing.test(character)).length
}

const ascii = /^[\x20-\x7e]*$/

/** Columns that a text takes on a terminal. Expects text that was cleaned (safeText.ts). */
export const textWidth = (text: string): number => {
  if (ascii.test(text)) return text.length
  let width = 0
  for (const { segment } of graphemes(text)) width += graphemeWidth(segment)
  return width
}

/** The text in at most this many columns, with `…` where something was cut. */
export const truncate = (text: string, columns: number): string => {
  if (textWidth(text) <= columns) return text
  if (columns <= 0) return ""
  let result = ""
  let width = 0
  for (const { segment } of graphemes(text)) {
    const next = graphemeWidth(segment)
    if (width + next > columns - 1) break
    result += segment
    width += next
  }
  return `${result}…`
}

export const padEnd = (text: string, columns: number): string =>
  text + " ".repeat(Math.max(0, columns - textWidth(text)))

export const padStart = (text: string, columns: number): string =>
  " ".repeat(Math.max(0, columns - textWidth(text))) + text

/** Breaks text at spaces into lines of at most this many columns; a longer word has a line of its own. */
export const wrap = (text: string, columns: number): ReadonlyArray<string> => {
  const lines: Array<string> = []
  let line = ""
  for (const word of text.split(" ")) {
    if (line !== "" && textWidth(line) + 1 + textWidth(word) > columns) {
      lines.push(line)
      line = word
    } else line = line === "" ? word : `${line} ${word}`
  }
  return [...lines, line]
}

/** Lines of text in at most this many columns, what goes on two columns to the right. @param room null: not folded */
export const fold = (text: string, room: number | null): string =>
  room === null
    ? text
    : text
        .split("\n")
        .flatMap((line) => {
          const [, indent = "", words = ""] = /^( *)(.*)$/.exec(line) ?? []
          return textWidth(line) <= room
            ? [line]
            : wrap(words, Math.max(20, room - indent.length - 2)).map(
                (part, at) => `${indent}${at === 0 ? "" : "  "}${part}`
              )
        })
        .join("\n")
