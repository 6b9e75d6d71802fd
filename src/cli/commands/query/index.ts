import { Args } from "@effect/cli"
import { type Input, lazily, verb } from "../../command.ts"
import { choice, text } from "../../options.ts"
import { formats } from "../../terminal/rows.ts"

const config = {
  sql: Args.text({ name: "SQL" }).pipe(
    Args.withDescription("One SELECT, in SQLite's dialect; - reads it from stdin."),
    Args.withDefault(null)
  ),
  file: text("file", "FILE", "Read the SQL from a file; - is stdin."),
  format: choice(
    "format",
    formats,
    "How to write the rows. csv is for spreadsheets: a text that begins like a formula (= + - @, tab, line break) gets an apostrophe before it, and control characters become spaces; json and ndjson keep every text as it is, escaped. Default: table."
  ),
  maxTime: text(
    "max-time",
    "DURATION",
    "Stop with exit code 3 after this much time, such as 10s or 5m; none: never. Default: 60s."
  ),
  maxRows: text(
    "max-rows",
    "N",
    "Show at most this many rows, and note on stderr if there are more; none: all. Default: 1000 for a table, none for csv, json and ndjson."
  ),
  maxTemp: text(
    "max-temp",
    "SIZE",
    "Stop with exit code 3 when SQLite's temporary files exceed this size, such as 500MB or 5GB (it sorts and groups there what does not fit into memory); none: never. Default: 1GB."
  )
}
export type QueryInput = Input<typeof config>

export const query = verb(
  {
    name: "query",
    description: "Reads the mirror with SQL. It cannot change anything.",
    config,
    examples: [
      "parley query 'SELECT status, count(*) FROM conversations GROUP BY status'",
      "parley query --format csv 'SELECT * FROM messages LIMIT 10' > messages.csv",
      "parley query --max-time 10m --format ndjson 'SELECT * FROM messages'",
      "parley query 'SELECT table_name, column_name, meaning FROM dictionary'"
    ]
  },
  lazily(async () => (await import("./run.ts")).query)
)
