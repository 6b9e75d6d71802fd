import { resolve } from "node:path"
import { Effect, Option } from "effect"
import { exportMirror } from "../../../analysis/export.ts"
import { readingMirror } from "../../configuration.ts"
import { exitCodes } from "../../exitCodes.ts"
import { Globals } from "../../globals.ts"
import { Host } from "../../Host.ts"
import { grouped } from "../../terminal/numbers.ts"
import { Output } from "../../terminal/Output.ts"
import { renderTable } from "../../terminal/table.ts"
import type { ExportingInput } from "./index.ts"

const columns = [
  { name: "table" },
  { name: "rows", right: true },
  { name: "bytes", right: true },
  { name: "file" }
]

export const exporting = (input: ExportingInput) =>
  Effect.gen(function* () {
    const { json } = yield* Globals
    const output = yield* Output
    const { cwd } = yield* Host
    const to = resolve(cwd, input.to)
    const files = yield* readingMirror(
      exportMirror({ ...input, to, sinceRun: Option.getOrNull(input.sinceRun) })
    )
    if (json) {
      yield* output.document({
        to,
        format: input.format,
        since_run: Option.getOrNull(input.sinceRun),
        files
      })
    } else {
      const rows = files.map(({ bytes, file, rows, table }) => [table, grouped(rows), grouped(bytes), file])
      yield* output.result(renderTable(columns, rows, yield* output.resultColumns))
    }
    return exitCodes.complete
  })
