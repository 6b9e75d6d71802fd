import { textWidth } from "../../src/cli/terminal/width.ts"

/**
 * A terminal small enough to reason about: it obeys what Parley writes (line breaks, cursor up, erase below), breaks
 * lines at its right edge, and breaks them anew when it is made narrower, as terminals do.
 */
export const makeScreen = (columns: number) => {
  /** Lines as they were written, and where the cursor is: always at the start of the one after the last. */
  let lines: Array<string> = []
  let width = columns

  const rowsOf = (line: string): number => Math.max(1, Math.ceil(textWidth(line) / width))

  const eraseUp = (rows: number): void => {
    let left = rows
    while (left > 0 && lines.length > 0) {
      const last = lines[lines.length - 1] ?? ""
      const taken = rowsOf(last)
      if (taken > left) {
        // Half of a broken line is gone: the picture is torn.
        lines[lines.length - 1] = `TORN ${last}`
        return
      }
      lines.pop()
      left -= taken
    }
  }

  const write = (text: string): void => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the sequences that a terminal obeys
    for (const part of text.split(/(\u001b\[\d+A\r\u001b\[J)/)) {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: the same
      const erase = /^\u001b\[(\d+)A/.exec(part)
      if (erase !== null) eraseUp(Number(erase[1]))
      else if (part !== "") {
        if (!part.endsWith("\n")) throw new Error(`the cursor is left in a line: ${JSON.stringify(part)}`)
        lines = [...lines, ...part.slice(0, -1).split("\n")]
      }
    }
  }

  return {
    write,
    resize: (next: number) => {
      width = next
    },
    size: () => ({ columns: width, rows: 24 }),
    /** What can be seen, line by line. */
    lines: (): ReadonlyArray<string> => lines,
    /** Whether every line has a row to itself. */
    isWhole: (): boolean => lines.every((line) => rowsOf(line) === 1)
  }
}
