import { join, resolve } from "node:path"
import { Effect } from "effect"
import { exportMirror } from "../../../analysis/export.ts"
import { writtenOne } from "../../../store/copies/fileCopies.ts"
import { copyingMirror } from "../../configuration.ts"
import { Host } from "../../Host.ts"
import { answer } from "../../terminal/answer.ts"
import { grouped } from "../../terminal/numbers.ts"
import { type ColumnOf, tableOf } from "../../terminal/table.ts"
import type { ExportingInput } from "./index.ts"

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
    const columns: ReadonlyArray<ColumnOf<(typeof written)[number]>> = [
      { name: "table", cell: ({ table }) => table },
      { name: "rows", right: true, cell: ({ rows }) => grouped(rows) },
      { name: "bytes", right: true, cell: ({ bytes }) => grouped(bytes) },
      { name: "file", cell: ({ file }) => join(to, file) }
    ]
    return yield* answer({ to, ...manifest, files }, (room) =>
      [
        tableOf(columns, written, room),
        "",
        `as of commit ${seq}: parley export --since ${seq} exports what changes later`
      ].join("\n")
    )
  })
