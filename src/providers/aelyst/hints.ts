import { countIn, hintedId, objectIn, textIn, timeIn, wordOf } from "../kit/hintFields.ts"
import { isMac } from "../kit/signature.ts"
import { type HintCount, type HintDefinition, showsNothing } from "../Provider.ts"

/*
 * Webhooks, https://developers.aelyst.ai/guides/webhooks. The words on the wire and the notation of the signature are those
 * that receivers of the API that it mirrors agree on: base64, and hex is taken as well.
 */

const events = [
  "message.received",
  "message.sent",
  "conversation.opened",
  "conversation.closed",
  "contact.created",
  "contact.updated",
  "contact.assignee.updated",
  "contact.tag.updated",
  "contact.lifecycle.updated",
  "comment.created",
  "call.ended"
]

/** What a conversation's status is after such an event. */
const statusAfter: Readonly<Record<string, string>> = {
  "conversation.opened": "open",
  "conversation.closed": "closed"
}

/** A closing counts the messages since the opening before it: the only number of messages that Aelyst gives. */
const countAtClosing = (text: string): HintCount | null => {
  const closed = objectIn(text, "conversation")
  const incoming = countIn(closed, "incomingMessageCount")
  const outgoing = countIn(closed, "outgoingMessageCount")
  return incoming === null || outgoing === null
    ? null
    : { messages: incoming + outgoing, since: timeIn(closed, "openedTime") }
}

export const hints: HintDefinition = {
  requests: 2,
  causedByStatus: Object.keys(statusAfter),
  setUp: "Settings > Integrations > Webhooks; each webhook has a signing key of its own",
  isSigned: (delivery, keys) => isMac(delivery, "x-webhook-signature", ["base64", "hex"], keys),
  read: (text) => {
    const event = textIn(text, "event_type")
    const id = hintedId(objectIn(text, "contact"), "id")
    // The test that the settings page sends has no event.
    if (event === null && id === null) return { _tag: "Test" }
    const kind = wordOf(event, events)
    if (id === null) return { _tag: "Other", kind }
    const shows = { ...showsNothing, providerStatus: statusAfter[kind] ?? null }
    const declares = kind === "conversation.closed" ? countAtClosing(text) : null
    return {
      _tag: "Hint",
      kind,
      subject: { _tag: "Conversation", id, agentId: null },
      shows,
      ...(declares === null ? {} : { declares })
    }
  }
}
