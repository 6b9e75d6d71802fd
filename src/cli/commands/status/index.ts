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
      "What the mirror holds of each connection, how fresh it is, what is pending, and which limits are kept. Ends with 0 whatever it finds: the last line names the connections that need attention.",
    config,
    examples: ["parley status", "parley status leads --json"]
  },
  lazily(async () => (await import("./run.ts")).status)
)
