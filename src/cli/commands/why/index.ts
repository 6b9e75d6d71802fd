import { Args } from "@effect/cli"
import { type Input, lazily, verb } from "../../command.ts"

const config = {
  id: Args.text({ name: "ID" }).pipe(
    Args.withDescription("The conversation's id in the mirror: <connection>:<the provider's id>.")
  )
}
export type WhyInput = Input<typeof config>

export const why = verb(
  {
    name: "why",
    description:
      "Explains the synchronization of one conversation: last seen, last request, quarantine, changes, next steps.",
    config,
    examples: ["parley why leads:66f2c0de", "parley why inbox:email:someone@example.com"]
  },
  lazily(async () => (await import("./run.ts")).why)
)
