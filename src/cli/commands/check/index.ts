import { Args } from "@effect/cli"
import { type Input, lazily, verb } from "../../command.ts"

const config = {
  names: Args.text({ name: "NAME" }).pipe(Args.withDescription("Only these connections."), Args.repeated)
}
export type CheckInput = Input<typeof config>

export const check = verb(
  {
    name: "check",
    description:
      "Asks every connection whether it can be reached, whether its credentials are right, and what they may do. Changes nothing.",
    config,
    examples: ["parley check", "parley check leads support"]
  },
  lazily(async () => (await import("./run.ts")).check)
)
