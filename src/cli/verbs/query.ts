import { Args, Options } from "@effect/cli"
import { formats } from "../render/rows.ts"
import { type Input, lazily, verb } from "../verb.ts"

const config = {
  sql: Args.text({ name: "SQL" }).pipe(Args.withDescription("One SELECT, in SQLite's words.")),
  format: Options.choice("format", formats).pipe(
    Options.withDescription("How to write the rows. Default: table."),
    Options.optional
  )
}
export type QueryInput = Input<typeof config>

export const query = verb(
  {
    name: "query",
    description: "Reads the mirror with SQL. Nothing can be changed this way.",
    config,
    examples: [
      "parley query 'SELECT status, count(*) FROM conversations GROUP BY status'",
      "parley query --format csv 'SELECT * FROM messages LIMIT 10' > messages.csv",
      "parley query 'SELECT table_name, column_name, meaning FROM dictionary'"
    ]
  },
  lazily(async () => (await import("../query.ts")).query)
)
