import { Options } from "@effect/cli"
import { beginsAnew, type Input, lazily, verb } from "../../command.ts"
import { flag, maxWait, names } from "../../options.ts"

/** So many without a fault mean: at most one in a hundred is wrong, 95%. */
const defaultSample = 300

const config = {
  names,
  sample: Options.integer("sample").pipe(
    Options.withPseudoName("N"),
    Options.withDescription(
      `How many conversations of each connection to compare, drawn at random. Default: ${defaultSample}.`
    ),
    Options.withDefault(defaultSample)
  ),
  all: flag("all", "Compare all of them."),
  maxWait
}
export type VerifyInput = Input<typeof config>

export const verify = verb(
  {
    name: "verify",
    description: "Compares conversations with the provider, one by one, and repairs differences.",
    config,
    whenStopped: beginsAnew,
    examples: ["parley verify", "parley verify support --sample 1000", "parley verify leads --all"]
  },
  lazily(async () => (await import("./run.ts")).verify)
)
