import { Args, Options } from "@effect/cli"
import { goesOn, type Input, lazily, verb } from "../../command.ts"
import { flag, maxWait, text } from "../../options.ts"

export const statuses = ["active", "handed_off", "completed", "abandoned"]

const config = {
  words: Args.text({ name: "ID STATUS" }).pipe(
    Args.withDescription(
      `ID: the conversation, <connection>:<the provider's id>; or <connection>:email:<address>, <connection>:phone:<number> where that names one. With --where or --from the status alone. STATUS: ${statuses.join(", ")}.`
    ),
    Args.repeated
  ),
  where: text(
    "where",
    "SQL",
    "For all conversations that a condition on the view conversations selects, such as \"status = 'active' AND last_message_at < '2026-01-01'\"."
  ),
  from: text(
    "from",
    "FILE",
    "For all conversations that a file names, an id on each line; - reads them from stdin. What is wrong with one of them keeps all from being changed."
  ),
  plan: flag(
    "plan",
    "Show, for each connection, how many would change from what to what, and how many can never be put back; write nothing."
  ),
  category: text("category", "NAME", "The name of a closing note, where the provider takes one."),
  summary: text("summary", "TEXT", "The text of a closing note, beside a category."),
  title: text("title", "TEXT", "The conversation's title, where the provider takes one."),
  tags: Options.text("tag").pipe(
    Options.withPseudoName("TAG"),
    Options.withDescription(
      "A tag to add, where the provider takes them; repeat it for more. None is ever removed."
    ),
    Options.repeated
  ),
  propose: flag("propose", "Someone has to approve it, with `parley changes approve`, before it is sent."),
  push: flag("push", "Send the pending changes of this connection at once."),
  maxWait
}
export type SetStatusInput = Input<typeof config>

export const setStatus = verb(
  {
    name: "set-status",
    description:
      "Requests a status for a conversation, or for many. The next sync or push sends it to the provider; --push does so at once.",
    config,
    whenStopped: goesOn,
    examples: [
      "parley set-status leads:66f2c0de completed --push",
      'parley set-status inbox:email:someone@example.com completed --category Spam --summary "A bot"',
      "parley set-status support:c-42 handed_off --tag billing",
      "parley set-status completed --where \"connection = 'inbox' AND status = 'active'\" --plan",
      "parley set-status completed --from ids.txt"
    ]
  },
  lazily(async () => (await import("./run.ts")).setStatus)
)
