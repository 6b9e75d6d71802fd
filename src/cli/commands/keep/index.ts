import { type Input, lazily, verb } from "../../command.ts"
import { flag } from "../../options.ts"

const config = {
  plan: flag("plan", "Count what is older than it is kept, and change nothing.")
}
export type KeepInput = Input<typeof config>

export const keep = verb(
  {
    name: "keep",
    description:
      "Lets go what is older than `keep` of the configuration says: messages, payloads, the record of runs. Each sync does so, too.",
    config,
    whenStopped: "what was let go stays so; the next run goes on",
    examples: ["parley keep --plan", "parley keep"]
  },
  lazily(async () => (await import("./run.ts")).keep)
)
