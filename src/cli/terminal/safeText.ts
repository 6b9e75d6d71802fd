import { writeExactly } from "../../domain/exactJson.ts"

/*
 * What vendors, customers and file names say is shown as text. A terminal obeys some characters instead of showing them
 * (it can be made to set the clipboard, rename a window or draw over what was written), and others hide text or turn it
 * around. Everything that leaves the program passes through one of these functions, in `Output`.
 */

/** C0 without tab and line break, DEL, C1, and the two separators that some terminals take for line breaks. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach a terminal
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029]/g

// biome-ignore lint/suspicious/noControlCharactersInRegex: the same
const lineControls = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g

/** The same without CR and the separators, which do no harm in a file. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a terminal would obey
const escapes = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g

/**
 * Characters that take no room: those that turn text around (bidi marks, embeddings, overrides and isolates), fillers,
 * tags and rare variation selectors.
 */
const hiding =
  /\u034f|\u17b4|\u17b5|\u180e|[\u00ad\u061c\u115f\u1160\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]/gu

/** Joiners hide between ASCII letters; elsewhere they belong to emoji and to Persian or Indic words. */
const joiners = /(?<=^|[\s!-~])[\u200c\u200d]+/gu

const shown = (text: string): string => text.replace(hiding, "").replace(joiners, "")

/** For a terminal: several lines of text, of which no character is obeyed, hides or turns around others. */
export const forTerminal = (text: string): string =>
  shown(text.replaceAll("\r\n", "\n").replace(controls, " "))

/** For a file or a pipe: the text as it is, without what a terminal would obey once the file is shown. */
export const forFile = (text: string): string => text.replace(escapes, " ")

/** For one line or one cell of a table: line breaks and tabs become a space as well. */
export const oneLine = (text: string): string => shown(text.replace(lineControls, " "))

// JSON.stringify has escaped C0 already.
const unescaped = new RegExp(`[\\u007f-\\u009f\\u2028\\u2029]|${hiding.source}|${joiners.source}`, "gu")

const escapeUnits = (characters: string): string =>
  characters
    .split("")
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .join("")

/** A JSON document that means the same, with everything escaped that a terminal obeys or does not show. */
export const jsonText = (value: unknown, indent?: number): string =>
  writeExactly(value, indent).replace(unescaped, escapeUnits)
