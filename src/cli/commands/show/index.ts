import { Args } from "@effect/cli"
import { type Input, lazily, verb } from "../../command.ts"
import { choice, flag, integer } from "../../options.ts"

const config = {
  id: Args.text({ name: "ID" }).pipe(
    Args.withDescription(
      "The conversation: <connection>:<the provider's id>, the beginning of one where only one begins so, or email:<address>, phone:<number> where that names one."
    )
  ),
  last: integer("last", "N", "Only the last N messages. Default: all of them."),
  format: choice("format", ["text", "markdown", "json"], "How to write it. Default: text."),
  raw: flag(
    "raw",
    "Instead, the payloads that it was made from, as the provider sent them, one after the other; with --json they are texts in one document."
  )
}
export type ShowInput = Input<typeof config>

export const show = verb(
  {
    name: "show",
    description:
      "Shows one conversation to read: who it is with, its status here and at the provider, and its messages in order.",
    config,
    examples: [
      "parley show leads:66f2c0de",
      "parley show inbox:email:someone@example.com --last 10",
      "parley show 66f2c0 --format markdown > conversation.md",
      "parley show leads:66f2c0de --raw | jq ."
    ]
  },
  lazily(async () => (await import("./run.ts")).show)
)
