import { type Input, lazily, verb } from "../../command.ts"
import { limit, ofConnection } from "../../options.ts"

const config = { connection: ofConnection, limit: limit("How many to list, longest waiting first.", 20) }
export type WaitingInput = Input<typeof config>

export const waiting = verb(
  {
    name: "waiting",
    description:
      "Lists who waits for a person, longest first: name, contact, since when, and the last words.",
    config,
    examples: ["parley waiting", "parley waiting --connection support --limit 5"]
  },
  lazily(async () => (await import("./run.ts")).waiting)
)
