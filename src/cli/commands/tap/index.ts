import { Options } from "@effect/cli"
import type { FeedTable } from "../../../store/read/feed.ts"
import { type Input, lazily, verb } from "../../command.ts"
import { flag, text } from "../../options.ts"

/** Written out: every start of the command line reads this file. */
const tables = [
  "contacts",
  "conversations",
  "messages",
  "status_history"
] as const satisfies ReadonlyArray<FeedTable>

const config = {
  state: text("state", "FILE", "Only what changed since this state, which an earlier run printed last."),
  tables: Options.choice("table", tables).pipe(
    Options.withDescription("Only this table; repeat it for more. Default: all."),
    Options.repeated
  ),
  discover: flag("discover", "Print the catalog of streams instead.")
}
export type TapInput = Input<typeof config>

export const tap = verb(
  {
    name: "tap",
    description:
      "Prints the mirror's contacts, conversations, messages and status history as a Singer tap does (SCHEMA, RECORD and STATE, one JSON document a line), for a Singer target to load.",
    config,
    examples: ["parley tap | target-jsonl", "parley tap --state state.json --table conversations"]
  },
  lazily(async () => (await import("./run.ts")).tap)
)
