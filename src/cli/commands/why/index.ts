import { Args } from "@effect/cli"
import { type Input, lazily, verb } from "../../command.ts"

const config = {
  id: Args.text({ name: "ID" }).pipe(
    Args.withDescription("The conversation, as the mirror names it: <connection>:<the provider's id>.")
  )
}
export type WhyInput = Input<typeof config>

export const why = verb(
  {
    name: "why",
    description:
      "All that is known of one conversation's synchronization: last seen, last request, quarantine, changes, what comes next.",
    config,
    examples: ["parley why leads:66f2c0de", "parley why inbox:email:someone@example.com"]
  },
  lazily(async () => (await import("./run.ts")).why)
)
