import { Effect } from "effect"
import type { Item, Known, RawPayload, Sighting } from "../providers/Provider.ts"
import { Mirror } from "../store/mirror/Mirror.ts"
import type { OpenConnection } from "./connection.ts"

/** What was fetched, with the conversation's stored payloads of kinds that only a list shows. */
const joined = (fetched: Sighting, stored: ReadonlyArray<RawPayload>): ReadonlyArray<RawPayload> => {
  const kinds = new Set(fetched.raw.map(({ kind }) => kind))
  const listed = stored.filter(
    ({ conversationId, kind, providerId }) => providerId === conversationId && !kinds.has(kind)
  )
  return [...listed, ...fetched.raw]
}

/** What was looked up before a conversation was asked for, as `CommitInput` takes it. */
export const lookedUpOf = (known: Known | null): ReadonlyMap<string, string> =>
  known?.observedAt === undefined ? new Map() : new Map([[known.providerId, known.observedAt]])

/**
 * One conversation, asked for by its id. Some of what is known of it may only ever come with the provider's list (a
 * count of messages, a contact's email): an answer without that takes nothing back. Null: it does not exist there.
 */
export const refetch = Effect.fn("refetch")(function* (
  { config, provider }: OpenConnection,
  providerId: string,
  known: Known | null
) {
  const page = yield* provider.fetch(providerId, known, { messages: config.messages === "auto" })
  if (page === null || known === null) return page
  const mirror = yield* Mirror
  const stored = yield* mirror.rawOf(config.name, providerId)
  const items = page.items.map((item): Item => {
    if (item._tag !== "Sighting") return item
    const payloads = joined(item, stored)
    if (payloads.length === item.raw.length) return item
    const whole = provider.interpret(payloads)
    return "_tag" in whole ? { ...whole, messages: item.messages, raw: item.raw } : item
  })
  return { ...page, items }
})
