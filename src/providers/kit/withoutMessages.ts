import { Either } from "effect"
import type { Json } from "../../domain/Conversation.ts"
import { parseJson } from "./decode.ts"

/** The JSON text of a conversation without its `messages`, for connections whose user wants none. */
export const withoutMessages = (payload: string): string => {
  const json = parseJson(payload)
  if (
    Either.isLeft(json) ||
    typeof json.right !== "object" ||
    json.right === null ||
    Array.isArray(json.right)
  )
    return payload
  const { messages: _, ...rest } = json.right as { readonly [key: string]: Json }
  return JSON.stringify(rest)
}
