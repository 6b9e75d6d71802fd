import { Either } from "effect"
import { deepest } from "../../domain/exactJson.ts"
import type { Item, RawPayload, Sighting } from "../Provider.ts"
import { parseJson } from "./decode.ts"

const isShallow = (value: unknown, levels = deepest): boolean => {
  if (typeof value !== "object" || value === null) return true
  if (levels === 0) return false
  const parts = value as Readonly<Record<string, unknown>>
  for (const name in parts) if (!isShallow(parts[name], levels - 1)) return false
  return true
}

const isHeld = ({ contact, conversation, messages }: Sighting): boolean =>
  isShallow(conversation.attributes) &&
  isShallow(contact?.attributes) &&
  (messages === null || messages.items.every(({ attributes }) => isShallow(attributes)))

const isDeep = ({ payload }: RawPayload): boolean => Either.isLeft(parseJson(payload))

/** A conversation with values that the mirror cannot hold as they are is unreadable; every other item is as it was. */
export const heldOrUnreadable = (item: Item): Item => {
  if (item._tag !== "Sighting" || isHeld(item)) return item
  const record = item.raw.find(isDeep) ?? item.raw[0]
  return {
    _tag: "Unreadable",
    unreadable: {
      kind: record?.kind ?? "conversation",
      providerId: record?.providerId ?? item.conversation.providerId,
      conversationId: item.conversation.providerId,
      reason: `nested more than ${deepest} levels deep`,
      path: "$",
      payload: record?.payload ?? "null"
    }
  }
}
