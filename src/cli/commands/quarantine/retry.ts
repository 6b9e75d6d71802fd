import { beginsAnew, type Input, lazily, verb } from "../../command.ts"
import { names } from "../../options.ts"

const config = { names }
export type RetryInput = Input<typeof config>

export const retry = verb(
  {
    name: "retry",
    description:
      "Reads quarantined records again, without asking the provider, and stores what can be read now: after an upgrade.",
    config,
    whenStopped: beginsAnew,
    examples: ["parley quarantine retry", "parley quarantine retry support"]
  },
  lazily(async () => (await import("./runRetry.ts")).retry)
)
