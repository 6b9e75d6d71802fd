import { goesOn, type Input, lazily, verb } from "../../command.ts"
import { flag, integer, maxWait, names, text } from "../../options.ts"

const config = {
  names,
  plan: flag("plan", "Show old and new status of each change, read live; send and write nothing."),
  undo: text(
    "undo",
    "RUN",
    "Put back what a run changed (a run's number, or last), in the provider's own words; sends nothing else."
  ),
  cancelPending: flag(
    "cancel-pending",
    "With --undo: also cancel what was requested before that run ended and is still pending."
  ),
  confirm: integer("confirm", "N", "Send more changes than pushBrake allows, where exactly N are pending."),
  maxWait
}
export type PushInput = Input<typeof config>

export const push = verb(
  {
    name: "push",
    description: "Sends open status changes, and confirms those already sent.",
    config,
    whenStopped: goesOn,
    examples: [
      "parley push",
      "parley push --plan",
      "parley push leads --confirm 230",
      "parley push --undo last --plan",
      "parley push --undo 12 --cancel-pending"
    ]
  },
  lazily(async () => (await import("./run.ts")).push)
)
