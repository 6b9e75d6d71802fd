import { Effect } from "effect"
import { Host, type TextSink } from "../Host.ts"
import { asTypedIn } from "./asTyped.ts"
import { forFile, forTerminal, jsonText } from "./safeText.ts"
import { textWidth, truncate } from "./width.ts"

/** Up so many rows, to the first column, and everything below is gone. */
const eraseRows = (rows: number): string => (rows === 0 ? "" : `\u001b[${rows}A\r\u001b[J`)

/** Until the next turn of the event loop: only then does a stream report a failed write. */
const nextTurn = Effect.async<void>((resume) => {
  const handle = setImmediate(() => resume(Effect.void))
  return Effect.sync(() => clearImmediate(handle))
})

/**
 * The two places a command writes to: results on stdout, everything else on stderr. On a terminal some lines at the
 * bottom of stderr can be live; all other output appears above them. No text gets past here with anything in it
 * that a terminal would obey; the sequences that erase the live lines are the only ones, and are made here.
 */
export class Output extends Effect.Service<Output>()("parley/Output", {
  effect: Effect.gen(function* () {
    const { environment, stdout, stderr } = yield* Host
    const asTyped = asTypedIn(environment)
    let live: ReadonlyArray<string> = []
    let drawn: ReadonlyArray<string> = []

    /** A terminal that was made narrower has broken the drawn lines into more rows. */
    const rowsOf = (lines: ReadonlyArray<string>): number => {
      const columns = Math.max(1, stderr.size()?.columns ?? 80)
      return lines.reduce((rows, line) => rows + Math.max(1, Math.ceil(textWidth(line) / columns)), 0)
    }

    const frame = (lines: ReadonlyArray<string>): ReadonlyArray<string> => {
      const size = stderr.size()
      if (size === null) return []
      const room = Math.max(1, size.rows - 1)
      const shown =
        lines.length <= room ? lines : [...lines.slice(0, room - 1), `… and ${lines.length - room + 1} more`]
      // The last column stays free: a terminal may wrap after filling it.
      return shown.map((line) => truncate(forTerminal(line), size.columns - 1))
    }

    const redraw = (above: string): void => {
      const erase = eraseRows(rowsOf(drawn))
      drawn = frame(live)
      const text = drawn.map((line) => `${line}\n`).join("")
      if (erase + above + text !== "") stderr.write(erase + above + text)
    }

    const isColoured = stdout.isTerminal && !environment.NO_COLOR && environment.TERM !== "dumb"

    /** In red what needs attention. Made here, after everything that a terminal would obey is gone. */
    const painted = (text: string, attention: RegExp | null): string =>
      isColoured && attention !== null ? text.replace(attention, "\u001b[31m$&\u001b[39m") : text

    const cleanFor = (sink: TextSink, text: string): string =>
      sink.isTerminal ? forTerminal(text) : forFile(text)

    const withNewline = (text: string): string => (text.endsWith("\n") ? text : `${text}\n`)

    const print = (text: string, attention: RegExp | null = null) =>
      Effect.sync(() => {
        const clean = painted(withNewline(cleanFor(stdout, text)), attention)
        if (drawn.length === 0) return stdout.write(clean)
        // Both may be the same terminal.
        stderr.write(eraseRows(rowsOf(drawn)))
        drawn = []
        stdout.write(clean)
        redraw("")
      })

    return {
      /** Columns of the terminal that results go to; null where they go to a file or a pipe. */
      resultColumns: Effect.sync(() => (stdout.isTerminal ? (stdout.size()?.columns ?? 80) : null)),
      /**
       * Part of the result: stdout, with a line break at its end.
       * @param attention with the flag g: what is shown in colour where the terminal has it and NO_COLOR does not forbid it
       */
      result: (text: string, attention: RegExp | null = null) => print(asTyped(text), attention),
      /** A piece of a long result, without a line break of its own; false: the reader is gone. */
      piece: (text: string) =>
        Effect.sync(() => {
          stdout.write(cleanFor(stdout, text))
          return !stdout.isClosed()
        }),
      /** The result as one JSON document. */
      document: (value: unknown) => print(jsonText(value, 2)),
      /** One of several results, as a JSON document on a line of its own. */
      line: (value: unknown) => print(jsonText(value)),
      /** Why results did not arrive where they were written to; null: they did. Known once the verb has ended. */
      lost: Effect.map(nextTurn, () => stdout.failure()),
      /** For the person: stderr, above the live lines. */
      note: (text: string) => Effect.sync(() => redraw(withNewline(cleanFor(stderr, asTyped(text))))),
      /** Replaces the live lines; without a terminal there are none. */
      live: (lines: ReadonlyArray<string>) =>
        Effect.sync(() => {
          live = lines
          redraw("")
        })
    } as const
  })
}) {}
