import { countIn, hintedId, objectIn, textIn, wordOf } from "../kit/hintFields.ts"
import { isOneOf } from "../kit/signature.ts"
import { type HintDefinition, showsNothing } from "../Provider.ts"

/*
 * Webhooks, https://docs.convocore.ai/features/events. They are not signed: each carries the workspace's secret, which is
 * compared and nothing else. Whoever can read one can use the API.
 */

const updated = "conversation_updated"
const events = [
  updated,
  "message_received",
  "chat_delegated",
  "lead_captured",
  "form_submitted",
  "bug_reported",
  "agent_created",
  "agent_updated",
  "agent_deleted",
  "organisation_created",
  "organisation_updated",
  "organisation_deleted",
  "client_created",
  "client_updated",
  "client_deleted"
]

export const hints: HintDefinition = {
  requests: 1,
  causedByStatus: ["chat_delegated"],
  setUp: "workspace settings; the key is the workspace's secret, which each webhook carries",
  isSigned: ({ body }, keys) => {
    const text = Buffer.from(body).toString("utf8")
    return isOneOf(textIn(objectIn(text, "payload"), "workspaceSecret") ?? "", keys)
  },
  read: (text) => {
    const type = textIn(text, "type")
    if (type === "webhook_test") return { _tag: "Test" }
    const kind = wordOf(type, events)
    const payload = objectIn(text, "payload")
    const id = hintedId(payload, "convoId")
    if (payload === null || id === null || kind === "other") return { _tag: "Other", kind }
    const state = kind === updated ? objectIn(payload, "lightConvoData") : null
    const [messages, providerStatus] = [countIn(state, "messagesNum"), textIn(state, "state")]
    return {
      _tag: "Hint",
      kind,
      subject: { _tag: "Conversation", id, agentId: hintedId(payload, "agentId") },
      // One without the other does not tell that nothing has changed.
      shows: messages === null || providerStatus === null ? showsNothing : { messages, providerStatus }
    }
  }
}
