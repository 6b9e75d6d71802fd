import { Args } from "@effect/cli"
import { group, type Input, lazily, verb } from "../../command.ts"
import { names } from "../../options.ts"

const listConfig = { names }
export type LimitsListInput = Input<typeof listConfig>

const list = verb(
  {
    name: "list",
    description:
      "The limits of each connection, what was learnt of them, and what holds requests back now: until when, and why.",
    config: listConfig
  },
  lazily(async () => (await import("./run.ts")).list)
)

const resetConfig = {
  names: Args.text({ name: "NAME" }).pipe(
    Args.withDescription("Connections, as the configuration names them."),
    Args.atLeast(1)
  )
}
export type LimitsResetInput = Input<typeof resetConfig>

const reset = verb(
  {
    name: "reset",
    description:
      "Forgets what was learnt of the limits of a connection, and lets its requests leave at once. Use it where a provider asked for a wait that it did not mean; a refusal that is meant comes again.",
    config: resetConfig
  },
  lazily(async () => (await import("./run.ts")).reset)
)

export const limits = group(
  {
    name: "limits",
    description: "What holds requests back, and how to lift it.",
    otherwise: "list",
    examples: ["parley limits", "parley limits list support", "parley limits reset support"]
  },
  [list, reset]
)
