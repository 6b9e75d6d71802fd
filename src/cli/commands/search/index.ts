import { Args } from "@effect/cli"
import { type Input, lazily, verb } from "../../command.ts"
import { choice, limit, ofConnection, text } from "../../options.ts"

export const roles = ["customer", "agent", "human", "system", "unknown"] as const

const config = {
  words: Args.text({ name: "WORDS" }).pipe(
    Args.withDescription("What was said, in plain words: a message has to hold all of them."),
    Args.atLeast(1)
  ),
  connection: ofConnection,
  role: choice("role", roles, "Only what this role said: human is a person on your side."),
  since: text(
    "since",
    "TIME",
    "Only messages of this time or later: a date, a time, or so long ago, such as 7d."
  ),
  until: text("until", "TIME", "Only messages before this time."),
  limit: limit("How many messages to list at most.", 20)
}
export type SearchInput = Input<typeof config>

export const search = verb(
  {
    name: "search",
    description: "Finds messages by plain words; each with its conversation and what was said around it.",
    config,
    examples: [
      "parley search refund order",
      "parley search invoice --role customer --since 7d",
      "parley search 'late delivery' --connection support --limit 5"
    ]
  },
  lazily(async () => (await import("./run.ts")).search)
)
