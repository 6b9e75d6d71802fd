import { Args } from "@effect/cli"
import { type Input, lazily, verb } from "../../command.ts"

const config = {
  ids: Args.integer({ name: "ID" }).pipe(Args.withDescription("As listed."), Args.atLeast(1))
}
export type DismissInput = Input<typeof config>

export const dismiss = verb(
  {
    name: "dismiss",
    description:
      "Accepts that records are broken: they no longer make runs end with 3, nor count as open. They stay in the list, and are read again whenever they come; one that comes in another form counts again.",
    config,
    examples: ["parley quarantine dismiss 3", "parley quarantine dismiss 3 4 17"]
  },
  lazily(async () => (await import("./runDismiss.ts")).dismiss)
)
