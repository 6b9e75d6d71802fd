import { createHmac } from "node:crypto"
import { hex, mix } from "../../random.ts"
import type { VendorHints } from "../../vendor.ts"
import type { EmpfioState } from "./world.ts"

const organization = "6a1f0b52-0d3e-4c8e-9a51-5d7f3f0c2b11"

/** https://docs.empfio.de/integrations/webhook: none for a message, or for a conversation that ends. */
export const hintsOf = ({ seed, world }: Pick<EmpfioState, "seed" | "world">): VendorHints => ({
  path: hex(mix(seed, 941), 32),
  key: `whsec-${hex(mix(seed, 942), 40)}`,
  hintOf: ({ at, conversationId, what }, key) => {
    const conversation = world.conversations.get(conversationId)
    if (conversation === undefined) return null
    const { channel, id, lead, lead_id, status } = conversation
    const isEscalated = what === "status" && status === "escalated"
    if (what !== "added" && !isEscalated) return null
    const body = JSON.stringify({
      event: isEscalated ? "conversation.escalated" : "lead.created",
      timestamp: new Date(at).toISOString(),
      organization_id: organization,
      data: isEscalated
        ? { conversation_id: id, lead_id }
        : { id: lead_id, name: lead?.name, email: lead?.email, phone: null, channel, status: "new" }
    })
    const signature = createHmac("sha256", key).update(body).digest("hex")
    return { headers: { "content-type": "application/json", "x-empfio-signature": signature }, body }
  }
})
