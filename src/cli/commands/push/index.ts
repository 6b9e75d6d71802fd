import { Options } from "@effect/cli"
import { goesOn, type Input, lazily, verb } from "../../command.ts"
import { maxWait, names } from "../../options.ts"

const config = {
  names,
  plan: Options.boolean("plan").pipe(
    Options.withDescription("Show old and new of each change, read live; send and write nothing.")
  ),
  undo: Options.integer("undo").pipe(
    Options.withPseudoName("RUN"),
    Options.withDescription(
      "Put back what a run changed, as ordinary changes, where the provider can take it."
    ),
    Options.optional
  ),
  maxWait
}
export type PushInput = Input<typeof config>

export const push = verb(
  {
    name: "push",
    description: "Sends the status changes that are open, and confirms those that are on their way.",
    config,
    whenStopped: goesOn,
    examples: ["parley push", "parley push --plan", "parley push --undo 12", "parley push leads --json"]
  },
  lazily(async () => (await import("./run.ts")).push)
)
