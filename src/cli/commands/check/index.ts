import { Args } from "@effect/cli"
import { type Input, lazily, verb } from "../../command.ts"
import { flag } from "../../options.ts"

const config = {
  contract: flag(
    "contract",
    "Compares each account with what its vendor documents, using reads only: each fact is ok, differs, or was not seen. Ends with 3 where one differs."
  ),
  names: Args.text({ name: "NAME" }).pipe(Args.withDescription("Only these connections."), Args.repeated)
}
export type CheckInput = Input<typeof config>

export const check = verb(
  {
    name: "check",
    description:
      "Checks that every connection can be reached, that its credentials are valid, and what they permit. Changes nothing.",
    config,
    examples: ["parley check", "parley check leads support", "parley check --contract inbox"]
  },
  lazily(async () => (await import("./run.ts")).check)
)
