import { Clock, Effect, Either, Sink, Stream } from "effect"
import type { Json } from "../../domain/Conversation.ts"
import type { ProviderError } from "../../domain/ProviderError.ts"
import { toMillis } from "../../domain/Timestamp.ts"
import type { Answer, Exchange, ProviderClient } from "../../http/client.ts"
import { isMissing } from "../answer.ts"
import { type Fault, parseJson } from "../decode.ts"
import { inOrder } from "../inOrder.ts"
import type { Item, Known, Page, Sighting } from "../Provider.ts"
import { page, pages, unreadable, unreadableItem } from "../page.ts"
import { type Exporter, exportMany, type Found, mostSelected } from "./exports.ts"
import {
  fingerprintOf,
  marksIn,
  messagesMark,
  noMessagesMark,
  type Reading,
  rawPayload,
  rowMark,
  type Shown,
  toSighting,
  wireOf
} from "./normalize.ts"
import { getConversation } from "./requests.ts"
import { type Conversation, decodeConversation, decodeOne, type Identified } from "./wire.ts"

/*
 * What follows a listed row: its details, and its messages where those have changed. Exports are collected, so that one
 * request brings many.
 */

/** The account at the other end, and how what it says is read. */
export interface Account {
  readonly client: ProviderClient
  readonly reading: Reading
  readonly exporter: Exporter
}

/** A conversation whose details are to be fetched. */
export interface Wanted {
  readonly agentId: string
  /** The vendor's. */
  readonly id: string
  /** The mirror's. */
  readonly providerId: string
  readonly row: Shown | null
  readonly known: Known | null
  /** Fetch the messages whether or not they have changed. */
  readonly refetch: boolean
  /** The user wants messages. */
  readonly messages: boolean
}

/** A conversation whose details were fetched. */
export interface Loaded {
  readonly _tag: "Loaded"
  readonly wanted: Wanted
  /** Null: there is none by this id, although it is listed. */
  readonly detail: Shown | null
  readonly wire: Conversation
  readonly exchange: Exchange
  readonly needsExport: boolean
}

/** A page that needs nothing more. */
export interface Finished {
  readonly _tag: "Finished"
  readonly page: Page
}

export type Element = Loaded | Finished

/** What is under `data` in an answer, decoded: it must be the conversation that was asked for. Paths begin there. */
export const dataIn = <A>(
  id: string,
  { text }: Pick<Answer, "text">,
  decode: (value: unknown) => Either.Either<Identified<A>, Fault>
) =>
  Either.flatMap(Either.flatMap(parseJson(text), decodeOne), ({ data }) =>
    Either.filterOrLeft(
      Either.map(decode(data), (found) => ({ ...found, value: data as Json })),
      (found) => found.id === id,
      () => ({ path: "$.ID", reason: "another conversation than the one that was asked for" })
    )
  )

/** The conversation in an answer to `getConversation`. */
export const shownIn = (
  { agentId, id, providerId }: Pick<Wanted, "agentId" | "id" | "providerId">,
  answer: Pick<Answer, "text">
): Either.Either<Shown, Fault> =>
  Either.map(dataIn(id, answer, decodeConversation), ({ wire, value }) => ({
    raw: rawPayload("detail", agentId, id, providerId, value),
    value,
    wire
  }))

/** A detail that does not decode, without the envelope it came in where that much can be read. */
export const unreadableDetail = (
  { agentId, id, providerId }: Pick<Wanted, "agentId" | "id" | "providerId">,
  text: string,
  fault: Fault
): Item => {
  const one = Either.flatMap(parseJson(text), decodeOne)
  const payload = Either.isRight(one) ? JSON.stringify(one.right.data) : text
  return unreadableItem(
    { kind: "detail", providerId: `${agentId}/${id}`, conversationId: providerId, payload },
    fault
  )
}

/** Whether what is stored lacks messages, as far as the conversation's own words tell. */
const needsExport = (
  { exporter }: Account,
  { known, messages, refetch }: Wanted,
  wire: Conversation
): boolean => {
  if (!messages || exporter.permission === "refused" || wire.messagesNum === 0) return false
  if (refetch || known === null || known.deleted) return true
  if (known.fingerprint !== null) return marksIn(known.fingerprint).messages !== messagesMark(wire)
  // Its mark was forgotten, as happens after a change of ours. Exports are billed, so the count may answer.
  return wire.messagesNum === null || known.storedMessages < wire.messagesNum
}

/** Fetches the details of a listed conversation. What cannot be answered for one stops no other. */
export const load = (
  account: Account,
  wanted: Wanted,
  listed: Exchange
): Effect.Effect<Element, ProviderError> =>
  Effect.map(account.client.read(getConversation(wanted.agentId, wanted.id)), (answer): Element => {
    const { exchange } = answer
    let detail: Shown | null = null
    if (!isMissing(answer)) {
      const shown = shownIn(wanted, answer)
      if (Either.isLeft(shown)) {
        const item = unreadableDetail(wanted, answer.text, shown.left)
        return { _tag: "Finished", page: page({ exchange, items: [item] }) }
      }
      detail = shown.right
    }
    const wire = wireOf({ row: wanted.row, detail })
    if (wire === null) return { _tag: "Finished", page: page({ exchange, items: [] }) }
    return { _tag: "Loaded", wanted, detail, wire, exchange, needsExport: needsExport(account, wanted, wire) }
  }).pipe(
    Effect.catchTag("Malformed", ({ detail }) => {
      const fault = { path: "$", reason: `asked for by its id, it came as ${detail}` }
      const exchange = { ...listed, bytes: 0 }
      const finished: Finished = {
        _tag: "Finished",
        page: page({ exchange, items: [unreadableDetail(wanted, "null", fault)] })
      }
      return Effect.succeed(finished)
    })
  )

/** Exports lag behind by an unknown time. What is older than this, in milliseconds, is taken to be in them. */
const settlingMillis = 3_600_000

/** What is known of the messages from now on; `exported` undefined: none was asked for. */
const messagesMarkOf = (
  { wanted, wire, needsExport }: Loaded,
  sighting: Sighting,
  permission: Exporter["permission"],
  now: number
): string => {
  const mark = messagesMark(wire)
  if (!needsExport) {
    if (wire.messagesNum === 0) return mark
    const { known, messages, refetch } = wanted
    if (known === null || known.deleted) return noMessagesMark
    if (known.fingerprint !== null)
      return marksIn(known.fingerprint).messages === mark ? mark : noMessagesMark
    return messages && !refetch && permission !== "refused" ? mark : noMessagesMark
  }
  if (permission === "refused" && sighting.messages === null) return noMessagesMark
  const shown = (sighting.messages?.items.length ?? 0) + sighting.unreadable.length
  const last = wire.lastModified ?? wire.lastMessageTS
  const isSettled = last === null || Math.abs(now - toMillis(last)) > settlingMillis
  return isSettled || shown >= (wire.messagesNum ?? 0) ? mark : noMessagesMark
}

/** The conversation with its export, where there is one. @param fault what came instead of an export */
export const finish = (
  { reading, exporter }: Account,
  loaded: Loaded,
  found: Found | null,
  fault: string | null,
  now: number
): Sighting => {
  const { wanted, detail, wire } = loaded
  const { agentId, id, providerId, row, known } = wanted
  const exported =
    found === null
      ? null
      : { raw: rawPayload("export", agentId, id, providerId, found.value), value: found.value }
  const sighting = toSighting(wire, { agentId, providerId, row, detail, exported }, reading)
  const rowPart = row === null ? null : rowMark(row.value)
  // Without a row, what the list showed when it was last looked at still tells whether it has changed since.
  const listedAs = rowPart ?? (known?.fingerprint ? marksIn(known.fingerprint).row : null)
  const messages =
    fault === null ? messagesMarkOf(loaded, sighting, exporter.permission, now) : noMessagesMark
  const record = {
    kind: "export",
    providerId: `${agentId}/${id}`,
    conversationId: providerId,
    payload: "null"
  }
  const faults =
    fault === null ? [] : [unreadable(record, { path: "$", reason: `asked for, it came as ${fault}` })]
  return {
    ...sighting,
    unreadable: [...sighting.unreadable, ...faults],
    fingerprint: listedAs === null ? null : fingerprintOf(listedAs, messages)
  }
}

/** Some conversations, pages that come after them, and a failure that comes last. */
interface Batch<E> {
  readonly loaded: ReadonlyArray<Loaded>
  readonly finished: ReadonlyArray<Page>
  readonly exports: number
  readonly failure: E | null
}

/** Finished pages that may wait for a batch to fill, so that an interruption loses little. */
const mostWaiting = 10

const isOpen = <E>({ exports, finished, failure }: Batch<E>): boolean =>
  exports < mostSelected && finished.length < mostWaiting && failure === null

const withElement = <E>(batch: Batch<E>, element: Either.Either<Element, E>): Batch<E> => {
  if (Either.isLeft(element)) return { ...batch, failure: element.left }
  const one = element.right
  return one._tag === "Finished"
    ? { ...batch, finished: [...batch.finished, one.page] }
    : {
        ...batch,
        loaded: [...batch.loaded, one],
        exports: batch.exports + (one.needsExport ? 1 : 0)
      }
}

const byAgent = (loaded: ReadonlyArray<Loaded>): ReadonlyMap<string, ReadonlyArray<Loaded>> => {
  const groups = new Map<string, Array<Loaded>>()
  for (const one of loaded) {
    const group = groups.get(one.wanted.agentId)
    if (group === undefined) groups.set(one.wanted.agentId, [one])
    else group.push(one)
  }
  return groups
}

/** Everything of a batch, as pages: conversations by the answer that brought their messages, else their details. */
const batchPages = (
  account: Account,
  batch: Batch<unknown>
): Effect.Effect<ReadonlyArray<Page>, ProviderError> =>
  Effect.gen(function* () {
    const { exporter } = account
    const byExchange = new Map<Exchange, Array<Item>>()
    const put = (exchange: Exchange, item: Item) => {
      const items = byExchange.get(exchange)
      if (items === undefined) byExchange.set(exchange, [item])
      else items.push(item)
    }
    for (const [agentId, group] of byAgent(batch.loaded)) {
      const wanted = group.filter((one) => one.needsExport)
      const exports = yield* exportMany(
        exporter,
        agentId,
        wanted.map((one) => ({ id: one.wanted.id, isGhost: one.detail === null }))
      )
      const now = yield* Clock.currentTimeMillis
      for (const one of group) {
        const { id } = one.wanted
        const found = one.needsExport ? (exports.found.get(id) ?? null) : null
        const fault = one.needsExport ? (exports.faults.get(id) ?? null) : null
        put(found?.exchange ?? one.exchange, finish(account, one, found, fault, now))
      }
    }
    const made = [...byExchange].flatMap(([exchange, items]) => pages({ exchange, items }))
    const all = [...made, ...batch.finished]
    const notices = exporter.notices.splice(0)
    const learned = exporter.learned
    exporter.learned = {}
    return all.map((one, index) =>
      index === all.length - 1
        ? { ...one, notices: [...one.notices, ...notices], learned: { ...one.learned, ...learned } }
        : one
    )
  })

/** Batches whose exports are under way at once. */
const batchesAtOnce = 2

/**
 * The pages of what is loaded, in its order as far as it matters: a finished page comes after every conversation that
 * was loaded before it. A failure comes after everything before it.
 */
export const pagesOf = <E>(
  account: Account,
  elements: Stream.Stream<Element, ProviderError | E>
): Stream.Stream<Page, ProviderError | E> => {
  type Failure = ProviderError | E
  const empty: Batch<Failure> = { loaded: [], finished: [], exports: 0, failure: null }
  const batches = elements.pipe(
    Stream.map((element): Either.Either<Element, Failure> => Either.right(element)),
    Stream.catchAll((error) => Stream.succeed<Either.Either<Element, Failure>>(Either.left(error))),
    Stream.transduce(Sink.fold(empty, isOpen, withElement<Failure>)),
    Stream.flatMap((batch) => {
      const made: Effect.Effect<ReadonlyArray<Page>, Failure> = batchPages(account, batch)
      return batch.failure === null ? Stream.make(made) : Stream.make(made, Effect.fail(batch.failure))
    })
  )
  return inOrder(batches, batchesAtOnce).pipe(Stream.flattenIterables)
}
