import { Args, Options } from "@effect/cli"
import { group, type Input, lazily, verb } from "../../command.ts"
import { flag, limit, ofConnection } from "../../options.ts"

const id = Args.integer({ name: "ID" }).pipe(Args.withDescription("Of the change, as listed."))

const oneConfig = { id }
export type OneInput = Input<typeof oneConfig>

const ids = Args.integer({ name: "ID" }).pipe(
  Args.withDescription("Of the changes, as listed."),
  Args.repeated
)

/** Changes by their numbers, or all that are meant. */
const several = (all: string) => ({ ids, all: flag("all", all), connection: ofConnection })
export type SeveralInput = Input<ReturnType<typeof several>>

const approve = verb(
  {
    name: "approve",
    description: "Approves proposed changes: the next push sends them.",
    config: several("Every change that is proposed."),
    examples: ["parley changes approve 12 13", "parley changes approve --all --connection leads"]
  },
  lazily(async () => (await import("./run.ts")).approve)
)

const listConfig = {
  all: flag("all", "Include changes that ended and need no decision."),
  connection: ofConnection,
  limit: limit("How many to list, newest first.", 50)
}
export type ListInput = Input<typeof listConfig>

const list = verb(
  {
    name: "list",
    description: "Lists open changes, and those that ended rejected or in conflict and need a decision.",
    config: listConfig
  },
  lazily(async () => (await import("./run.ts")).list)
)

const story = verb(
  {
    name: "show",
    description: "Shows the history of one change: every step with its time and the provider's words.",
    config: oneConfig
  },
  lazily(async () => (await import("./run.ts")).story)
)

const cancel = verb(
  {
    name: "cancel",
    description: "Cancels changes that were not sent yet, proposed ones included where they are named.",
    config: several("Every change that is pending."),
    examples: ["parley changes cancel 12 13", "parley changes cancel --all --connection leads"]
  },
  lazily(async () => (await import("./run.ts")).cancel)
)

const retry = verb(
  {
    name: "retry",
    description:
      "Makes open changes due for the next push, whatever wait they had; requests again those that were rejected, in conflict or cancelled.",
    config: several("Every rejected change that needs a decision."),
    examples: ["parley changes retry 12 13", "parley changes retry --all --connection leads"]
  },
  lazily(async () => (await import("./run.ts")).retry)
)

const resolveConfig = {
  ...several("Every change in conflict, and every rejected one, that needs a decision."),
  keep: Options.choice("keep", ["remote", "local"]).pipe(
    Options.withDescription(
      "remote: the provider's status stays. local: the status is requested again, as a new change."
    )
  )
}
export type ResolveInput = Input<typeof resolveConfig>

const resolve = verb(
  {
    name: "resolve",
    description:
      "Decides about changes in conflict or rejected: the provider's status stays, or the change is requested again.",
    config: resolveConfig,
    examples: ["parley changes resolve 12 13 --keep remote", "parley changes resolve --all --keep local"]
  },
  lazily(async () => (await import("./run.ts")).resolve)
)

export const changes = group(
  {
    name: "changes",
    description:
      "Shows and edits the outbox: changes on their way to the providers, rejected, or in conflict.",
    otherwise: "list",
    examples: ["parley changes", "parley changes show 12", "parley changes resolve 12 --keep local"]
  },
  [list, story, approve, retry, cancel, resolve]
)
