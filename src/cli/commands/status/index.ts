import { Args } from "@effect/cli"
import { type Input, lazily, verb } from "../../command.ts"

const config = {
  names: Args.text({ name: "NAME" }).pipe(Args.withDescription("Only these connections."), Args.repeated)
}
export type StatusInput = Input<typeof config>

export const status = verb(
  {
    name: "status",
    description:
      "Shows what the mirror holds of each connection, how fresh it is, what is pending, and which limits apply. Always ends with 0: the last line names the connections that need attention.",
    config,
    examples: ["parley status", "parley status leads --json"]
  },
  lazily(async () => (await import("./run.ts")).status)
)
