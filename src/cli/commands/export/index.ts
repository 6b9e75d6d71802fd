import { Options } from "@effect/cli"
import { exportFormats } from "../../../analysis/exportFormats.ts"
import { type Input, lazily, verb } from "../../command.ts"

const config = {
  to: Options.text("to").pipe(
    Options.withPseudoName("DIR"),
    Options.withDescription("The folder; created if it is missing.")
  ),
  format: Options.choice("format", exportFormats).pipe(
    Options.withDescription(
      "csv is for spreadsheets: a text that begins like a formula (= + - @, tab, line break) gets an apostrophe before it. ndjson and parquet keep every text as it is; parquet has times as times. Default: csv."
    ),
    Options.withDefault("csv" as const)
  ),
  sinceRun: Options.integer("since-run").pipe(
    Options.withPseudoName("N"),
    Options.withDescription(
      "Only rows that run N or a later one inserted or changed, where a table records runs; aggregating views are written whole. Deleted rows are not listed."
    ),
    Options.optional
  ),
  tables: Options.text("table").pipe(
    Options.withPseudoName("NAME"),
    Options.withDescription(
      "Only this table or view; repeat it for more. Default: all but lineage, raw_records and the two search tables."
    ),
    Options.repeated
  ),
  overwrite: Options.boolean("overwrite").pipe(
    Options.withDescription("Replace existing files. Otherwise nothing is written if one exists.")
  ),
  byteOrderMark: Options.boolean("bom").pipe(
    Options.withDescription("Begin csv files with a byte order mark, which older Excel needs to read UTF-8.")
  )
}
export type ExportingInput = Input<typeof config>

export const exporting = verb(
  {
    name: "export",
    description:
      "Writes the mirror to files, one for each table or view, all from the same moment, with a metadata.json for Datasette. The files contain messages: only their owner may read them.",
    config,
    examples: [
      "parley export --to files",
      "parley export --to files --format parquet --table conversations --table messages",
      "parley export --to changes --format ndjson --since-run 12"
    ]
  },
  lazily(async () => (await import("./run.ts")).exporting)
)
