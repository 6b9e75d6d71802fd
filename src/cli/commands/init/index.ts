import { Args } from "@effect/cli"
import { type Input, lazily, verb } from "../../command.ts"

const config = {
  providers: Args.text({ name: "PROVIDER" }).pipe(
    Args.withDescription("Only these providers. Default: one connection for every provider."),
    Args.repeated
  )
}
export type InitInput = Input<typeof config>

export const init = verb(
  {
    name: "init",
    description:
      "Writes a commented configuration, and a list of the variables it needs. Overwrites nothing.",
    config,
    examples: ["parley init", "parley init PROVIDER", "parley init --config /etc/parley/parley.yaml"]
  },
  lazily(async () => (await import("./run.ts")).init)
)
