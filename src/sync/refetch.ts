import { Clock, Effect } from "effect"
import { unreadableItem } from "../providers/kit/page.ts"
import type { Item, Known, Page, RawPayload, Sighting } from "../providers/Provider.ts"
import { Mirror } from "../store/mirror/Mirror.ts"
import { unsentPage } from "./commitPages.ts"
import type { OpenConnection } from "./connection.ts"

/** What was fetched, with the conversation's stored payloads of kinds that only a list shows. */
const joined = (fetched: Sighting, stored: ReadonlyArray<RawPayload>): ReadonlyArray<RawPayload> => {
  const kinds = new Set(fetched.raw.map(({ kind }) => kind))
  const listed = stored.filter(
    ({ conversationId, kind, providerId }) => providerId === conversationId && !kinds.has(kind)
  )
  return [...listed, ...fetched.raw]
}

/** What was looked up before a conversation was requested, as `CommitInput` takes it. */
export const lookedUpOf = (known: Known | null): ReadonlyMap<string, string> =>
  known?.observedAt === undefined ? new Map() : new Map([[known.providerId, known.observedAt]])

/** A conversation whose id no request can carry: nothing was sent, and nothing is known of it. */
const unaskable =
  (providerId: string) =>
  (now: number): Page =>
    unsentPage(
      "get a conversation",
      "-",
      [
        unreadableItem(
          { kind: "conversation", providerId, conversationId: providerId, payload: "null" },
          { path: "$", reason: "its id would lead to another address, and cannot be requested" }
        )
      ],
      now
    )

/** What came of single conversations, with what only the provider's list says of them and is stored. */
export const withListed = Effect.fn("refetch.withListed")(function* (
  { config, provider }: OpenConnection,
  found: Page
) {
  const mirror = yield* Mirror
  const items = yield* Effect.forEach(found.items, (item) =>
    Effect.gen(function* () {
      if (item._tag !== "Sighting") return item
      const payloads = joined(item, yield* mirror.rawOf(config.name, item.conversation.providerId))
      if (payloads.length === item.raw.length) return item
      const whole = provider.interpret(payloads)
      if (!("_tag" in whole)) return item
      const { messages, raw, unreadable } = item
      // What could not be read just now is reported, and requested again.
      const fingerprint = unreadable.length === 0 ? whole.fingerprint : null
      const kept: Item = { ...whole, messages, raw, unreadable, fingerprint }
      return kept
    })
  )
  return { ...found, items }
})

/**
 * One conversation, requested by its id. Some of what is known of it may only ever come with the provider's list (a
 * count of messages, a contact's email): an answer without that takes nothing back. Null: it does not exist there.
 */
export const refetch = Effect.fn("refetch")(function* (
  connection: OpenConnection,
  providerId: string,
  known: Known | null
) {
  const { config, provider } = connection
  const found = yield* provider
    .fetch(providerId, known, { messages: config.messages === "auto" })
    .pipe(
      Effect.catchTag("Rejected", (error) =>
        error.status === 0 ? Effect.map(Clock.currentTimeMillis, unaskable(providerId)) : Effect.fail(error)
      )
    )
  return found === null || known === null ? found : yield* withListed(connection, found)
})
