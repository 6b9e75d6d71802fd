import { beginsAnew, type Input, lazily, verb } from "../../command.ts"
import { flag, names } from "../../options.ts"

const config = {
  names,
  plan: flag("plan", "Rebuild a copy, show what would change, and leave the mirror as it is.")
}
export type RebuildInput = Input<typeof config>

export const rebuild = verb(
  {
    name: "rebuild",
    description: "Makes the tables again from the raw payloads, without sending requests.",
    config,
    whenStopped: beginsAnew,
    examples: ["parley rebuild --plan", "parley rebuild support"]
  },
  lazily(async () => (await import("./run.ts")).rebuild)
)
