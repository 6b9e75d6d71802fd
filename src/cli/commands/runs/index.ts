import { Args } from "@effect/cli"
import { type Input, lazily, verb } from "../../command.ts"
import { limit } from "../../options.ts"

const config = {
  id: Args.integer({ name: "RUN" }).pipe(
    Args.withDescription("One run with all of its connections. Default: the newest runs."),
    Args.withDefault(null)
  ),
  limit: limit("How many to list.", 20)
}
export type RunsInput = Input<typeof config>

export const runs = verb(
  {
    name: "runs",
    description:
      "Lists runs, newest first: what each did, how it ended, and how long it waited for the providers.",
    config,
    examples: ["parley runs", "parley runs 12", "parley runs --limit 100 --json"]
  },
  lazily(async () => (await import("./run.ts")).runs)
)
