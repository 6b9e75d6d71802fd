import { Args, Options } from "@effect/cli"
import { type Input, lazily, verb } from "../../command.ts"
import { limit, ofConnection } from "../../options.ts"

export const roles = ["customer", "agent", "human", "system", "unknown"] as const

const time = (name: "since" | "until", means: string) =>
  Options.text(name).pipe(Options.withPseudoName("TIME"), Options.withDescription(means), Options.optional)

const config = {
  words: Args.text({ name: "WORDS" }).pipe(
    Args.withDescription("What was said, in plain words: a message has to hold all of them."),
    Args.atLeast(1)
  ),
  connection: ofConnection,
  role: Options.choice("role", roles).pipe(
    Options.withDescription("Only what this role said: human is a person on your side."),
    Options.optional
  ),
  since: time("since", "Only messages of this time or later: a date, a time, or so long ago, such as 7d."),
  until: time("until", "Only messages before this time."),
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
