import { Options } from "@effect/cli"
import { exportFormats } from "../../../analysis/exportFormats.ts"
import { type Input, lazily, verb } from "../../command.ts"

const config = {
  to: Options.text("to").pipe(
    Options.withPseudoName("DIR"),
    Options.withDescription("The folder; it is made where it is missing.")
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
      "Only the rows that run N or a later one brought or changed, where a table's rows belong to runs; views that count are written whole. Rows that are gone are not told."
    ),
    Options.optional
  ),
  tables: Options.text("table").pipe(
    Options.withPseudoName("NAME"),
    Options.withDescription(
      "Only this table or view; may be given again for more. Default: all but lineage, raw_records and the two for searching."
    ),
    Options.repeated
  ),
  overwrite: Options.boolean("overwrite").pipe(
    Options.withDescription("Replace files that are there. Otherwise nothing is written.")
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
      "Writes the mirror to files, one a table or view, all of the same moment, with a metadata.json for Datasette. The files hold what was said: only their owner may read them.",
    config,
    examples: [
      "parley export --to files",
      "parley export --to files --format parquet --table conversations --table messages",
      "parley export --to changes --format ndjson --since-run 12"
    ]
  },
  lazily(async () => (await import("./run.ts")).exporting)
)
