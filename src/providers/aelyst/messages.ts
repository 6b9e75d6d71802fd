import { Effect } from "effect"
import { messageListKind } from "../../domain/Conversation.ts"
import type { Malformed, ProviderError } from "../../domain/ProviderError.ts"
import type { StatusMap } from "../../domain/Status.ts"
import type { Answer, Exchange, ProviderClient } from "../../http/client.ts"
import { isMissing, payloadOf } from "../kit/answer.ts"
import { unreadable } from "../kit/page.ts"
import { type Written, writtenId } from "../kit/written.ts"
import type { Known, Messages, RawPayload, Sighting, Unreadable } from "../Provider.ts"
import { type ListPage, makeWalk, mostMessageResponses, readList } from "./list.ts"
import { interpret, messagePayload, watchedMessages } from "./normalize.ts"
import { largestLimit, listMessages, type Paging } from "./requests.ts"

/** A contact's newest messages, as far back as something new was found. */
export interface Gathered {
  /** As they came, oldest first. */
  readonly messages: ReadonlyArray<Written>
  /** All the contact has, since nothing of it was known. */
  readonly whole: boolean
  /** Of the first request; `bytes` of all of them. */
  readonly exchange: Exchange
}

/**
 * Asks for a contact's newest messages once, and goes further back while nothing known has turned up.
 * @param known of this contact; null: nothing, so that all of them are asked for
 * @returns null where the vendor says that there is no such list (404)
 */
export const gather = (
  client: ProviderClient,
  contactId: string,
  known: Known | null
): Effect.Effect<Gathered | null, ProviderError> =>
  Effect.gen(function* () {
    const knownIds = new Set(known?.newestMessageIds)
    const walk = makeWalk("list messages", mostMessageResponses)
    const newestFirst: Array<Written> = []
    let first: Exchange | null = null
    let bytes = 0
    let paging: Paging = { limit: knownIds.size > 0 ? watchedMessages : largestLimit }
    for (;;) {
      const answer: Answer = yield* client.read(listMessages(contactId, paging))
      if (isMissing(answer)) return null
      first = first ?? answer.exchange
      bytes += answer.exchange.bytes
      const { items, next }: ListPage = yield* readList(answer)
      newestFirst.push(...walk.fresh(items, "messageId"))
      const isMet = items.some((item) => knownIds.has(writtenId(item, "messageId") ?? ""))
      if (isMet || next === null) {
        const whole = next === null && knownIds.size === 0
        return { messages: newestFirst.reverse(), whole, exchange: { ...first, bytes } }
      }
      yield* walk.goOn(next)
      paging = { limit: largestLimit, cursorId: next }
    }
  })

/** A contact with what was asked of its messages; null: nothing, so that the sighting says nothing about them. */
export const withMessages = (
  contact: RawPayload,
  gathered: Gathered | null,
  map: StatusMap
): Sighting | Unreadable => {
  const { messages = [], whole = false } = gathered ?? {}
  const raw = messages.map((message) => messagePayload(contact.providerId, message))
  const sighting = interpret([contact, ...raw], map)
  if (!("_tag" in sighting) || gathered === null) return sighting
  const said: Messages = { extent: whole ? "whole" : "newest", items: sighting.messages?.items ?? [] }
  return { ...sighting, messages: said }
}

/** A contact whose list of messages came as something else: all but the messages is kept, and they are asked for again. */
export const withoutReadableMessages = (
  contact: RawPayload,
  error: Malformed,
  map: StatusMap
): Sighting | Unreadable => {
  const sighting = interpret([contact], map)
  if (!("_tag" in sighting)) return sighting
  const { providerId } = contact
  const record = { kind: messageListKind, providerId, conversationId: providerId, payload: payloadOf(error) }
  const fault = unreadable(record, { path: "$", reason: error.detail })
  return { ...sighting, unreadable: [fault], fingerprint: null }
}
