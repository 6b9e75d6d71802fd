import { type Input, lazily, verb } from "../../command.ts"
import { flag, text } from "../../options.ts"

const config = {
  contact: text("contact", "ID", "The person with this contact: contacts.id."),
  email: text("email", "E", "The person with this e-mail address."),
  phone: text(
    "phone",
    "P",
    "The person with this phone number, best written with its country: +49 171 1234567."
  ),
  conversation: text("conversation", "ID", "The person of this conversation: conversations.id."),
  connection: text("connection", "NAME", "All that is stored of a connection."),
  plan: flag("plan", "Count what would be erased, table by table, and change nothing."),
  receipt: text("receipt", "FILE", "Write what was erased and when as JSON, without personal data.")
}
export type ForgetInput = Input<typeof config>

export const forget = verb(
  {
    name: "forget",
    description:
      "Erases a person, over all connections, or a connection: rows, payloads, history, search index, log and free space. Nothing of them is stored again.",
    config,
    whenStopped: "what was requested stays requested: the next run that writes to the mirror finishes it",
    examples: [
      "parley forget --email ana@example.com --plan",
      "parley forget --email ana@example.com --receipt erased.json",
      "parley forget --connection leads"
    ]
  },
  lazily(async () => (await import("./run.ts")).forget)
)
