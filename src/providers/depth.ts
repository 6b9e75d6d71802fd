import type { Attributes } from "../domain/Conversation.ts"
import type { Item, RawPayload, Sighting } from "./Provider.ts"

/** SQLite takes a text for JSON only where it is at most 1,000 levels deep. */
const deepest = 500

const isShallow = (value: unknown, levels = deepest): boolean =>
  typeof value !== "object" ||
  value === null ||
  (levels > 0 && Object.values(value).every((part) => isShallow(part, levels - 1)))

const attributesOf = ({ contact, conversation, messages }: Sighting): ReadonlyArray<Attributes> => [
  conversation.attributes,
  contact?.attributes ?? {},
  ...(messages?.items ?? []).map(({ attributes }) => attributes)
]

const isDeep = ({ payload }: RawPayload): boolean => !isShallow(JSON.parse(payload))

/** A conversation with values that the mirror cannot hold as they are is unreadable; every other item is as it was. */
export const heldOrUnreadable = (item: Item): Item => {
  if (item._tag !== "Sighting" || attributesOf(item).every((attributes) => isShallow(attributes))) return item
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
