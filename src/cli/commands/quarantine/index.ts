import { Args } from "@effect/cli"
import { group, type Input, lazily, verb } from "../../command.ts"
import { flag, limit, ofConnection } from "../../options.ts"
import { dismiss } from "./dismiss.ts"
import { retry } from "./retry.ts"

const listConfig = {
  connection: ofConnection,
  all: flag("all", "Include those that could be read when they came again."),
  limit: limit("How many to list.", 50)
}
export type ListInput = Input<typeof listConfig>

const list = verb(
  {
    name: "list",
    description: "Lists records that could not be read, with what is wrong and where. They are kept whole.",
    config: listConfig
  },
  lazily(async () => (await import("./run.ts")).list)
)

const showConfig = { id: Args.integer({ name: "ID" }).pipe(Args.withDescription("As listed.")) }
export type ShowInput = Input<typeof showConfig>

const show = verb(
  {
    name: "show",
    description: "Shows one of them, with its whole payload and the request it came from.",
    config: showConfig
  },
  lazily(async () => (await import("./run.ts")).show)
)

export const quarantine = group(
  {
    name: "quarantine",
    description: "Lists, retries and dismisses records that could not be read.",
    otherwise: "list",
    examples: ["parley quarantine", "parley quarantine show 3", "parley quarantine dismiss 3 4"]
  },
  [list, show, retry, dismiss]
)
