import { Effect } from "effect"
import { exitCodes } from "../exitCodes.ts"
import { Globals } from "../globals.ts"
import { Output } from "./Output.ts"

/**
 * The result of a verb that succeeded: with `--json` the document, otherwise the text.
 * @param text a function where it depends on the columns of the terminal; null: not a terminal
 * @param attention what is shown in colour: see `Output.result`
 */
export const answer = (
  document: unknown,
  text: string | ((room: number | null) => string),
  attention: RegExp | null = null
) =>
  Effect.gen(function* () {
    const output = yield* Output
    const { json } = yield* Globals
    yield* json
      ? output.document(document)
      : output.result(typeof text === "string" ? text : text(yield* output.resultColumns), attention)
    return exitCodes.complete
  })
