import { Args } from "@effect/cli"
import { group, type Input, lazily, verb } from "../../command.ts"
import { names } from "../../options.ts"

const listConfig = { names }
export type LimitsListInput = Input<typeof listConfig>

const list = verb(
  {
    name: "list",
    description:
      "Lists the limits of each connection, what was learned about them, and what holds requests back now: until when, and why.",
    config: listConfig
  },
  lazily(async () => (await import("./run.ts")).list)
)

const resetConfig = {
  names: Args.text({ name: "NAME" }).pipe(
    Args.withDescription("Connections, by their names in the configuration."),
    Args.atLeast(1)
  )
}
export type LimitsResetInput = Input<typeof resetConfig>

const reset = verb(
  {
    name: "reset",
    description:
      "Forgets what was learned about the limits of a connection, and lets its requests leave at once. Use it if a provider asked for a wait by mistake; if it meant it, it will refuse again.",
    config: resetConfig
  },
  lazily(async () => (await import("./run.ts")).reset)
)

export const limits = group(
  {
    name: "limits",
    description: "Shows what holds requests back, and lifts it.",
    otherwise: "list",
    examples: ["parley limits", "parley limits list support", "parley limits reset support"]
  },
  [list, reset]
)
