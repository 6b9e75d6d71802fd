import { hex, mix } from "../../random.ts"
import type { VendorHints } from "../../vendor.ts"
import type { ConvocoreState } from "./world.ts"

/** https://docs.convocore.ai/features/events: not signed, with the workspace's secret in each. */
export const hintsOf = ({ seed, world }: Pick<ConvocoreState, "seed" | "world">): VendorHints => ({
  path: hex(mix(seed, 941), 32),
  key: `ws-${hex(mix(seed, 942), 40)}`,
  hintOf: ({ at, conversationId, what }, workspaceSecret) => {
    const conversation = world.conversations.get(conversationId)
    if (conversation === undefined) return null
    const { ID, messagesNum, origin, state, userName } = conversation
    const isHandedOff = what === "status" && state === "requested_chat"
    const about = { agentId: world.agentOf(ID), convoId: ID, channel: origin }
    const more = isHandedOff
      ? { operation: "delegated", assignedToUserId: "user-1", customerName: userName ?? "" }
      : {
          operation: "updated",
          lightConvoData: {
            ID,
            userName: userName ?? "",
            origin,
            state: state ?? "ai-chatting",
            messagesNum
          },
          turns: [{ from: "human", messages: [{ type: "text", item: { payload: { message: "…" } } }] }]
        }
    return {
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        type: isHandedOff ? "chat_delegated" : "conversation_updated",
        payload: { ...about, ...more, createdAt: at, workspaceSecret }
      })
    }
  }
})
