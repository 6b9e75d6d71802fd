let segmenter: Intl.Segmenter | undefined

/** Made when the first text needs it, since that takes longer than all else that a short command does. */
const graphemes = (text: string): Intl.Segments => {
  segmenter ??= new Intl.Segmenter("en", { granularity: "grapheme" })
  return segmenter.segment(text)
}

/** Blocks whose characters take two columns: East Asian wide and fullwidth forms. */
const wideBlocks: ReadonlyArray<readonly [from: number, to: number]> = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0x33ff],
  [0x3400, 0x4dbf],
  [0x4e00, 0x9fff],
  [0xa000, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe10, 0xfe19],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x16fe0, 0x18aff],
  [0x1b000, 0x1b2ff],
  [0x1f200, 0x1f2ff],
  [0x20000, 0x3fffd]
]

const emoji = /^\p{Emoji_Presentation}|\uFE0F/u
const invisible = /^[\p{Mark}\p{Cf}]+$/u

const graphemeWidth = (grapheme: string): number => {
  const point = grapheme.codePointAt(0) ?? 0
  if (point < 0x300) return 1
  if (emoji.test(grapheme)) return 2
  if (invisible.test(grapheme)) return 0
  return wideBlocks.some(([from, to]) => point >= from && point <= to) ? 2 : 1
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
