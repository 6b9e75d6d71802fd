import { join, resolve } from "node:path"
import { Effect } from "effect"
import { exportMirror } from "../../../analysis/export.ts"
import { writtenOne } from "../../../store/copies/fileCopies.ts"
import { copyingMirror } from "../../configuration.ts"
import { Host } from "../../Host.ts"
import { answer } from "../../terminal/answer.ts"
import { grouped } from "../../terminal/numbers.ts"
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
    const { cwd } = yield* Host
    const to = resolve(cwd, input.to)
    const manifest = yield* copyingMirror(exportMirror({ ...input, to }), ({ seq, snapshot_at: at }) =>
      writtenOne({ kind: "export", path: to, at, seq, sha256: null, bytes: null })
    )
    const { deleted, seq, tables } = manifest
    const files = tables.map(({ bytes, file, rows, table }) => ({ table, file: join(to, file), rows, bytes }))
    const written = deleted === null ? tables : [...tables, { table: "(deleted)", ...deleted }]
    const rows = written.map(({ bytes, file, rows, table }) => {
      return [table, grouped(rows), grouped(bytes), join(to, file)]
    })
    return yield* answer({ to, ...manifest, files }, (room) =>
      [
        renderTable(columns, rows, room),
        "",
        `as of commit ${seq}: parley export --since ${seq} exports what changes later`
      ].join("\n")
    )
  })
