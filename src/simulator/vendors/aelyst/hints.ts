import { createHmac } from "node:crypto"
import { hex, mix } from "../../random.ts"
import type { VendorHints } from "../../vendor.ts"
import type { AelystState } from "./world.ts"

/** https://developers.aelyst.ai/guides/webhooks, in the words that receivers of the API that it mirrors see. */
export const hintsOf = (seed: number, { world }: Pick<AelystState, "world">): VendorHints => ({
  path: hex(mix(seed, 941), 32),
  key: `sk-${hex(mix(seed, 942), 40)}`,
  hintOf: ({ at, conversationId, what }, key) => {
    const contact = world.conversations.get(conversationId)
    if (contact === undefined) return null
    const { created_at, email, firstName, id, lastName, phone, status } = contact
    const timestamp = Math.floor(at / 1000)
    const lines = world.lines(conversationId)
    const line = lines.at(-1)
    const isIncoming = line?.by === "customer"
    const isStatus = what === "status"
    if (isStatus && status !== "open" && status !== "closed") return null
    const event = isStatus
      ? status === "open"
        ? "conversation.opened"
        : "conversation.closed"
      : isIncoming
        ? "message.received"
        : "message.sent"
    const count = (isOf: boolean) => lines.filter(({ by }) => (by === "customer") === isOf).length
    const conversation = {
      openedTime: created_at,
      closedTime: timestamp,
      incomingMessageCount: count(true),
      outgoingMessageCount: count(false)
    }
    const message = {
      channelMessageId: `${id}-${lines.length}`,
      contactId: id,
      traffic: isIncoming ? "incoming" : "outgoing",
      message: { type: "text", text: line?.text ?? "" },
      timestamp
    }
    const body = JSON.stringify({
      event_type: event,
      event_id: `${id}-${what}-${at}`,
      timestamp,
      contact: { id, firstName, lastName, email, phone, created_at, status },
      ...(isStatus ? { conversation } : { channel: { id: 1, name: "WhatsApp", source: "whatsapp" }, message })
    })
    const signature = createHmac("sha256", key).update(body).digest("base64")
    return { headers: { "content-type": "application/json", "x-webhook-signature": signature }, body }
  }
})
