import { Args } from "@effect/cli"
import { type Input, lazily, verb } from "../../command.ts"

const config = {
  providers: Args.text({ name: "PROVIDER" }).pipe(
    Args.withDescription("Only these providers; otherwise one connection for each there is."),
    Args.repeated
  )
}
export type InitInput = Input<typeof config>

export const init = verb(
  {
    name: "init",
    description:
      "Writes a commented configuration and the list of the variables that it needs. Overwrites nothing.",
    config,
    examples: ["parley init", "parley init aelyst", "parley init --config /etc/parley/parley.yaml"]
  },
  lazily(async () => (await import("./run.ts")).init)
)
