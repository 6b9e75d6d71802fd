import { Options } from "@effect/cli"
import { exportFormats } from "../../../analysis/exportFormats.ts"
import { type Input, lazily, verb } from "../../command.ts"
import { flag, integer } from "../../options.ts"

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
  since: integer(
    "since",
    "SEQ",
    "Only what changed after this commit: `seq` of the manifest.json of an earlier export. Conversations, messages, contacts, status_changes, status_history and pages contain only new and changed rows, other tables and views all of theirs; the file `deleted` lists deleted rows. Laid over the earlier export, the result equals the mirror; only last_seen_at, which a complete scan raises, may be older."
  ),
  tables: Options.text("table").pipe(
    Options.withPseudoName("NAME"),
    Options.withDescription(
      "Only this table or view; repeat it for more. Default: all but change_feed, lineage, raw_records and the two search tables."
    ),
    Options.repeated
  ),
  overwrite: flag("overwrite", "Replace existing files. Otherwise nothing is written if one exists."),
  byteOrderMark: flag(
    "bom",
    "Begin csv files with a byte order mark, which older Excel needs to read UTF-8."
  ),
  plainPhones: flag(
    "plain-phones",
    "Leave telephone numbers in csv files (a plus sign and digits) without the apostrophe. A spreadsheet shows them as numbers then."
  )
}
export type ExportingInput = Input<typeof config>

export const exporting = verb(
  {
    name: "export",
    description:
      "Writes the mirror to files, one for each table or view, all from the same moment, with a manifest.json (written last: the commit for the next --since; rows, size and SHA-256 of each file), a load.sql for DuckDB and a metadata.json for Datasette. The files contain messages: only their owner may read them.",
    config,
    examples: [
      "parley export --to files",
      "parley export --to files --format parquet --table conversations --table messages",
      "parley export --to changes --format ndjson --since 4711"
    ]
  },
  lazily(async () => (await import("./run.ts")).exporting)
)
