import { join, resolve } from "node:path"
import { Effect, Option } from "effect"
import { exportMirror } from "../../../analysis/export.ts"
import { writtenOne } from "../../../store/copies/fileCopies.ts"
import { copyingMirror } from "../../configuration.ts"
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
    const manifest = yield* copyingMirror(
      exportMirror({ ...input, to, since: Option.getOrNull(input.since) }),
      ({ seq, snapshot_at: at }) =>
        writtenOne({ kind: "export", path: to, at, seq, sha256: null, bytes: null })
    )
    const { deleted, tables } = manifest
    if (json) {
      yield* output.document({
        to,
        ...manifest,
        files: tables.map(({ bytes, file, rows, table }) => ({ table, file: join(to, file), rows, bytes }))
      })
    } else {
      const files = deleted === null ? tables : [...tables, { table: "(deleted)", ...deleted }]
      const rows = files.map(({ bytes, file, rows, table }) => {
        return [table, grouped(rows), grouped(bytes), join(to, file)]
      })
      yield* output.result(renderTable(columns, rows, yield* output.resultColumns))
      yield* output.result(
        `\nas of commit ${manifest.seq}: parley export --since ${manifest.seq} exports what changes later`
      )
    }
    return exitCodes.complete
  })
