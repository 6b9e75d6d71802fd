import { Args } from "@effect/cli"
import { type Input, lazily, verb } from "../../command.ts"
import { flag, text } from "../../options.ts"

const config = {
  names: Args.text({ name: "NAME" }).pipe(Args.withDescription("Only these connections."), Args.repeated),
  check: flag(
    "check",
    "End with 3 where a connection failed, is stale, has changes rejected or in conflict, or records in quarantine that no one dismissed."
  ),
  stale: text(
    "stale",
    "DURATION",
    "With --check: stale is what had no complete sync for this long, such as 2h. Default: 24h."
  ),
  limits: flag("limits", "Also the limits that are kept.")
}
export type StatusInput = Input<typeof config>

export const status = verb(
  {
    name: "status",
    description:
      "Shows what the mirror holds of each connection, how fresh it is, and what needs attention. Ends with 0 whatever it finds; --check ends with 3 where something needs attention.",
    config,
    examples: ["parley status", "parley status leads --json", "parley status --check --stale 2h"]
  },
  lazily(async () => (await import("./run.ts")).status)
)
