import { hintedId, objectIn, textIn, wordOf } from "../kit/hintFields.ts"
import { isMac } from "../kit/signature.ts"
import { fieldText } from "../kit/written.ts"
import { type HintDefinition, type HintSubject, showsNothing } from "../Provider.ts"

/*
 * Webhooks, https://docs.empfio.de/integrations/webhook. None is sent for a new message, a completed or an abandoned
 * conversation.
 */

const escalated = "conversation.escalated"
const events = ["lead.created", "lead.status_changed", "booking.created", "booking.cancelled", escalated]

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

const uuidIn = (data: string | null, field: string): string | null => {
  const id = hintedId(data, field)
  return id !== null && uuid.test(id) ? id : null
}

/** What its data hold is not documented for an escalation: whatever leads to the conversation is taken. */
const subjectOf = (kind: string, data: string | null): HintSubject | null => {
  if (kind === escalated) {
    const id = uuidIn(data, "conversation_id") ?? uuidIn(data, "id")
    if (id !== null) return { _tag: "Conversation", id, agentId: null }
    const lead = uuidIn(data, "lead_id")
    return lead === null ? { _tag: "Status", word: "escalated" } : { _tag: "Contact", id: lead }
  }
  const lead = kind.startsWith("lead.") ? hintedId(data, "id") : hintedId(data, "lead_id")
  return lead === null ? null : { _tag: "Contact", id: lead }
}

export const hints: HintDefinition = {
  requests: 2,
  causedByStatus: [escalated],
  setUp: "Integrations > Webhook; saving the address sends a test and shows the secret",
  isSigned: (delivery, keys) => isMac(delivery, "x-empfio-signature", ["hex"], keys),
  read: (text) => {
    if (fieldText(text, "event") === null) return { _tag: "Test" }
    const kind = wordOf(textIn(text, "event"), events)
    const subject = kind === "other" ? null : subjectOf(kind, objectIn(text, "data"))
    return subject === null ? { _tag: "Other", kind } : { _tag: "Hint", kind, subject, shows: showsNothing }
  }
}
