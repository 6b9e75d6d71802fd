import { Effect, Either } from "effect"
import { messageListKind } from "../../domain/Conversation.ts"
import {
  Malformed,
  type ProviderError,
  type Rejected,
  type Unauthorized
} from "../../domain/ProviderError.ts"
import type { StatusMap } from "../../domain/Status.ts"
import type { Answer, Exchange, ProviderClient } from "../../http/client.ts"
import { isMissing, malformed, payloadOf } from "../kit/answer.ts"
import { unreadable } from "../kit/page.ts"
import { decoded, type Written, writtenId } from "../kit/written.ts"
import type { Known, Messages, RawPayload, Sighting, Unreadable } from "../Provider.ts"
import { title } from "./facts.ts"
import { type ListPage, makeWalk, mostMessageResponses, readList } from "./list.ts"
import { interpret, messagePayload, showsAgain, watchedMessages } from "./normalize.ts"
import { listMessages, messagesLimit, type Paging } from "./requests.ts"
import { decodeMessage } from "./wire.ts"

/** A contact's newest messages, as far back as something new was found. */
export interface Gathered {
  /** As they came, oldest first. */
  readonly messages: ReadonlyArray<Written>
  /** All the contact has: the list was read to its end. */
  readonly whole: boolean
  /** Of the first request; `bytes` of all of them. */
  readonly exchange: Exchange
}

interface Walked extends Gathered {
  /** The list says that it ends here, and has shown fewer messages than are stored. */
  readonly lacksSome: boolean
}

/** What is stored of a contact's messages, as far as a walk through the list needs it. */
interface Stored {
  /** Where one of these turns up, the walk ends. */
  readonly ids: ReadonlyArray<string>
  /** So many must have come before a list that names no next page is believed to have ended. */
  readonly count: number
}

/**
 * Asks for a contact's newest messages once, and goes further back while nothing stored has turned up.
 * @returns null where the vendor says that there is no such list (404)
 */
const walkBack = (
  client: ProviderClient,
  contactId: string,
  stored: Stored
): Effect.Effect<Walked | null, ProviderError> =>
  Effect.gen(function* () {
    const walk = makeWalk("list messages", mostMessageResponses)
    const newestFirst: Array<Written> = []
    let first: Exchange | null = null
    let bytes = 0
    let paging: Paging = { limit: stored.ids.length > 0 ? watchedMessages : messagesLimit }
    /** The list named no next page, and it is asked whether it goes on behind its last message all the same. */
    let isProbing = false
    for (;;) {
      const answer: Answer | null = yield* client
        .read(listMessages(contactId, paging))
        .pipe(Effect.catchTag("Rejected", (error) => (isProbing ? Effect.succeed(null) : Effect.fail(error))))
      if (first === null && (answer === null || isMissing(answer))) return null
      if (answer !== null) bytes += answer.exchange.bytes
      first = first ?? answer?.exchange ?? null
      const walked = (whole: boolean, lacksSome = false): Walked | null =>
        first === null
          ? null
          : { messages: newestFirst.reverse(), whole, lacksSome, exchange: { ...first, bytes } }
      if (answer === null || (isMissing(answer) && isProbing)) return walked(false)
      if (isMissing(answer)) {
        return yield* malformed(title, "list messages", "the next page that it names does not exist")
      }
      const { items, next }: ListPage = yield* readList(answer)
      if (isOfAnother(items, contactId)) {
        const detail = "messages of another contact than the one that was asked for"
        return yield* malformed(title, "list messages", detail, answer.text)
      }
      const fresh = walk.fresh(items, "messageId")
      newestFirst.push(...fresh)
      const isMet = items.some((item) => stored.ids.includes(writtenId(item, "messageId") ?? ""))
      const lacksSome = next === null && newestFirst.length < stored.count
      const isOpen = fresh.length > 0 && (items.length >= paging.limit || lacksSome)
      // An inclusive cursor shows its own row again. More than that were shown by a list that does not heed cursors.
      const repeats = fresh.length === 0 && items.length > 1
      const isOver = isProbing && fresh.length === 0
      const onward = isOver ? null : (next ?? (isOpen ? lastId(items) : null))
      if (isMet || onward === null) {
        return walked(onward === null && !repeats, lacksSome && items.length < paging.limit)
      }
      yield* walk.goOn(onward)
      isProbing = next === null
      paging = { limit: messagesLimit, cursorId: onward }
    }
  })

/**
 * Whether messages follow the stored ones without a gap, and none of these is gone or has another id by now. Those that
 * cannot be read are never stored.
 */
const continues = ({ lacksSome, messages, whole }: Walked, { count, ids }: Stored): boolean => {
  if (whole) return messages.length >= count
  if (lacksSome) return false
  const stored = [...ids].reverse()
  const shown = messages.flatMap((message) => {
    const id = writtenId(message, "messageId") ?? ""
    return stored.includes(id) || Either.isRight(decoded(message, decodeMessage)) ? [id] : []
  })
  const first = shown.findIndex((id) => stored.includes(id))
  const met = stored.indexOf(shown[first] ?? "")
  if (met === -1 || stored.slice(met).some((id, index) => shown[first + index] !== id)) return false
  return first === 0 || (met === 0 && count > stored.length)
}

/** Fails where a list that ended has shown less than half of what is stored. */
const unlessFallen = (walk: Effect.Effect<Walked | null, ProviderError>, count: number) =>
  Effect.filterOrElse(
    walk,
    (found) => found === null || !found.whole || found.messages.length * 2 >= count,
    (found) => {
      const shown = found?.messages.length ?? 0
      const words = shown === 0 ? "it is empty" : `it shows ${shown}`
      const detail = `${words}, although ${count} messages are stored: \`parley sync --full\` takes it at its word`
      return malformed(title, "list messages", detail)
    }
  )

/**
 * A contact's newest messages, as far back as something known turns up. Where they do not continue what is stored, since
 * some were removed, put in between or given other ids, all of them. Fails with `Malformed` where less than half is left:
 * an outage looks like this, and `refetch` believes it.
 * @param known of this contact; null: nothing, so that all of them are requested
 * @param refetch all of them are requested, whatever is known
 * @returns null where the vendor says that there is no such list (404)
 */
export const gather = (
  client: ProviderClient,
  contactId: string,
  known: Known | null,
  refetch = false
): Effect.Effect<Gathered | null, ProviderError> => {
  const count = known?.storedMessages ?? 0
  const ids = refetch ? [] : (known?.newestMessageIds ?? [])
  const whole = { ids: [], count }
  const believed = refetch ? 0 : count
  if (ids.length === 0) return unlessFallen(walkBack(client, contactId, whole), believed)
  const isSame = ({ messages }: Walked) =>
    showsAgain(
      known?.fingerprint ?? null,
      messages.map(({ text }) => text)
    )
  const found = Effect.flatMap(walkBack(client, contactId, { ids, count }), (newest) =>
    newest === null || continues(newest, { ids, count }) || isSame(newest)
      ? Effect.succeed(newest)
      : walkBack(client, contactId, whole)
  )
  return unlessFallen(found, believed)
}

/** Some may name a contact that was merged into this one; where all name others, none of them is this one's. */
const isOfAnother = (items: ReadonlyArray<Written>, contactId: string): boolean =>
  items.length > 0 &&
  items.every((item) => {
    const owner = writtenId(item, "contactId")
    return owner !== null && owner !== contactId
  })

const lastId = (items: ReadonlyArray<Written>): string | null => {
  const last = items.at(-1)
  return last === undefined ? null : writtenId(last, "messageId")
}

/** A refused list of messages, as one that cannot be read: it takes nothing else with it. */
export const asUnreadable = ({ hint, message }: Rejected | Unauthorized): Malformed =>
  new Malformed({ message, hint, where: "list messages", detail: message })

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

/** A contact whose list of messages came as something else: all but the messages is kept, and they are requested again. */
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
