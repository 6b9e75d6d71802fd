import { Options } from "@effect/cli"
import { goesOn, type Input, lazily, verb } from "../../command.ts"
import { flag, maxWait, names } from "../../options.ts"

const config = {
  names,
  pullOnly: flag("pull-only", "Send no status changes."),
  pushOnly: flag("push-only", "Send status changes, pull nothing."),
  full: flag("full", "Fetch every conversation's details again, changed or not."),
  rebind: Options.text("rebind").pipe(
    Options.withPseudoName("NAME"),
    Options.repeated,
    Options.withDescription(
      "Accept that this connection now belongs to another account, and sync it. Repeat it for more."
    )
  ),
  plan: flag(
    "plan",
    "Show what would be sent, read live, and what a pull would take. Sends a few reads; changes and writes nothing."
  ),
  maxWait
}
export type SyncInput = Input<typeof config>

export const sync = verb(
  {
    name: "sync",
    description: "Sends pending status changes, then pulls what changed at the providers into the mirror.",
    config,
    whenStopped: goesOn,
    examples: [
      "parley sync",
      "parley sync support --full",
      "parley sync --json --max-wait 5m",
      "parley sync --rebind leads"
    ]
  },
  lazily(async () => (await import("./run.ts")).sync)
)
