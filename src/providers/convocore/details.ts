import { Either, Exit } from "effect"
import type { Json } from "../../domain/Conversation.ts"
import type { Malformed, ProviderError } from "../../domain/ProviderError.ts"
import { toMillis } from "../../domain/Timestamp.ts"
import type { Answer, Exchange, ProviderClient } from "../../http/client.ts"
import { isMissing, payloadOf, unlessFailed } from "../kit/answer.ts"
import { type Decode, type Fault, notRequested, parseJson } from "../kit/decode.ts"
import { isBehind, maySettle } from "../kit/order.ts"
import { datedBy, oneFound, page, unreadable, withoutPlace } from "../kit/page.ts"
import { type Asking, asking } from "../kit/parallel.ts"
import { fieldText } from "../kit/written.ts"
import type { Item, Known, Page, Sighting, Unreadable } from "../Provider.ts"
import { isNeverFound } from "./address.ts"
import { wallClocks } from "./export.ts"
import type { Exporter, Found } from "./exports.ts"
import { type ZoneSample, zoneSamples } from "./exportTime.ts"
import { title } from "./facts.ts"
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
  /** Of the details; where there are none, dated by the list, which then says the status. */
  readonly exchange: Exchange
  readonly needsExport: boolean
}

/** A page that needs nothing more. */
export interface Finished {
  readonly _tag: "Finished"
  readonly page: Page
}

export type Element = Loaded | Finished

/** The same, where something before it is missing. */
export const withoutItsPlace = (element: Element): Element =>
  element._tag === "Finished" ? { ...element, page: withoutPlace(element.page) } : element

/** How an answer wrote what is under `data`. */
const dataText = (text: string): string => fieldText(text, "data") ?? text

/** What is under `data` in an answer, decoded: it must be the conversation that was requested. Paths begin there. */
export const dataIn = <A>(id: string, { text }: Pick<Answer, "text">, decode: Decode<Identified<A>>) =>
  Either.flatMap(Either.flatMap(parseJson(text), decodeOne), ({ data }) =>
    Either.filterOrLeft(
      Either.map(decode(data), (found) => ({ ...found, value: data as Json })),
      (found) => found.id === id,
      () => notRequested("$.ID")
    )
  )

/** The conversation in an answer to `getConversation`. */
export const shownIn = (
  { agentId, id, providerId }: Pick<Wanted, "agentId" | "id" | "providerId">,
  answer: Pick<Answer, "text">
): Either.Either<Shown, Fault> =>
  Either.map(dataIn(id, answer, decodeConversation), ({ wire, value }) => ({
    raw: rawPayload("detail", agentId, id, providerId, dataText(answer.text)),
    value,
    wire
  }))

/** A detail that does not decode, without the envelope it came in where that much can be read. */
const detailFault = (
  { agentId, id, providerId }: Pick<Wanted, "agentId" | "id" | "providerId">,
  text: string,
  fault: Fault
): Unreadable =>
  unreadable(
    {
      kind: "detail",
      providerId: `${agentId}/${id}`,
      conversationId: providerId,
      payload: dataText(text)
    },
    fault
  )

/** The same as an item. */
export const unreadableDetail = (...parts: Parameters<typeof detailFault>): Item => ({
  _tag: "Unreadable",
  unreadable: detailFault(...parts)
})

/** A conversation of which nothing is stored is kept as its row shows it; its detail is requested again. */
const withoutDetail = ({ reading }: Account, wanted: Wanted, text: string, fault: Fault): Item => {
  const { agentId, known, providerId, row } = wanted
  if (row === null || known !== null) return unreadableDetail(wanted, text, fault)
  const shown = toSighting(row.wire, { agentId, providerId, row, detail: null, exported: null }, reading)
  return { ...shown, unreadable: [detailFault(wanted, text, fault)], fingerprint: null }
}

/** Whether the number of messages that a conversation says it has leaves open that those which are stored are not its. */
const isOpenByCount = (known: Known, { messagesNum }: Conversation): boolean =>
  known.isUnread === true ||
  messagesNum === null ||
  (messagesNum === 0 ? known.storedMessages > 0 : known.storedMessages < messagesNum)

/** Whether what is stored lacks messages, or has those that are gone, as far as the conversation's own fields show. */
const needsExport = (
  { exporter }: Account,
  { known, messages, refetch }: Wanted,
  wire: Conversation
): boolean => {
  if (!messages || exporter.permission === "refused") return false
  if (wire.messagesNum === 0 && (known?.storedMessages ?? 0) === 0) return false
  if (refetch || known === null || known.deleted) return true
  if (known.fingerprint !== null) return marksIn(known.fingerprint).messages !== messagesMark(wire)
  // Its mark was forgotten, as happens after a change of ours. Exports are billed, so the count may answer, unless an
  // export could not be read.
  return isOpenByCount(known, wire)
}

/**
 * Whether it was stored with what only its details say, which its row does not make up for: where these are missing for
 * once, what is stored stays, and they are requested again with the next list.
 */
const wasWhole = (known: Known | null): known is Known =>
  known !== null &&
  !known.deleted &&
  (known.storedMessages > 0 || known.fingerprint === null || marksIn(known.fingerprint).hasState)

const finished = (made: Page): Finished => ({ _tag: "Finished", page: made })

/** Whether the vendor says that a conversation which it lists does not exist. */
export const isMissingById = ({
  detail,
  wanted: { agentId, id }
}: Pick<Loaded, "detail" | "wanted">): boolean => detail === null && !isNeverFound(agentId, id)

/** What the answer to the request for its details makes of a listed conversation. */
const answered = (
  account: Account,
  wanted: Wanted,
  listed: Exchange,
  answer: Answer
): Either.Either<Element, Malformed> => {
  const { exchange } = answer
  const said = isMissing(answer) ? null : unlessFailed(title, answer)
  if (said !== null && Either.isLeft(said)) return Either.left(said.left)
  const shown = said === null ? null : shownIn(wanted, answer)
  if (shown !== null && Either.isLeft(shown)) {
    const item = withoutDetail(account, wanted, answer.text, shown.left)
    return Either.right(finished(page({ exchange, items: [item], soughtById: oneFound })))
  }
  const detail = shown?.right ?? null
  const { known, providerId, row } = wanted
  if (detail === null && row !== null && row.wire.state === null && wasWhole(known)) {
    const items: ReadonlyArray<Item> = [
      { _tag: "Unchanged", providerId, recordId: `${wanted.agentId}/${wanted.id}`, key: known.key }
    ]
    const missing = isMissingById({ detail, wanted }) ? [providerId] : []
    return Either.right(finished(page({ exchange, items, soughtById: { found: 0, missing } })))
  }
  const wire = wireOf({ row, detail })
  if (wire === null) return Either.right(finished(page({ exchange, items: [] })))
  return Either.right({
    _tag: "Loaded",
    wanted,
    detail,
    wire,
    exchange: detail === null ? datedBy(exchange, [listed]) : exchange,
    needsExport: needsExport(account, wanted, wire)
  })
}

/** Fetches the details of a listed conversation. What cannot be answered for one stops no other. */
export const load = (account: Account, wanted: Wanted, listed: Exchange): Asking<Element, ProviderError> =>
  asking(
    account.client,
    getConversation(wanted.agentId, wanted.id),
    (answer) =>
      Either.match(answered(account, wanted, listed, answer), { onLeft: Exit.fail, onRight: Exit.succeed }),
    (error) => {
      const fault = { path: "$", reason: `requested by its id, it came as ${error.detail}` }
      const exchange = { ...listed, bytes: 0 }
      const items = [withoutDetail(account, wanted, payloadOf(error), fault)]
      return finished(page({ exchange, items, soughtById: oneFound }))
    }
  )

/** What is known of the messages from now on; `exported` undefined: none was requested. */
const messagesMarkOf = (
  { wanted, wire, needsExport }: Loaded,
  sighting: Sighting,
  permission: Exporter["permission"],
  now: number
): string => {
  const mark = messagesMark(wire)
  if (!needsExport) {
    const { known, messages, refetch } = wanted
    if (wire.messagesNum === 0 && (known?.storedMessages ?? 0) === 0) return mark
    if (known === null || known.deleted) return noMessagesMark
    if (known.fingerprint !== null)
      return marksIn(known.fingerprint).messages === mark ? mark : noMessagesMark
    const isSettled = messages && !refetch && permission !== "refused" && !isOpenByCount(known, wire)
    return isSettled ? mark : noMessagesMark
  }
  if (permission === "refused" && sighting.messages === null) return noMessagesMark
  const shown = (sighting.messages?.items.length ?? 0) + sighting.unreadable.length
  const last = wire.lastModified ?? wire.lastMessageTS
  return !maySettle(last, now) || shown >= (wire.messagesNum ?? 0) ? mark : noMessagesMark
}

/** What a conversation and its export show of the zone in which exports are written. */
export const zoneShown = (
  { firstMessageTS: first, lastMessageTS: last }: Conversation,
  exported: Json
): ReadonlyArray<ZoneSample> => {
  const epochs = {
    first: first === null ? null : toMillis(first),
    last: last === null ? null : toMillis(last)
  }
  return zoneSamples(epochs, wallClocks(exported))
}

/** Instead of a row's mark: no row looks like this one, so that the details are fetched again. */
const disputedMark = "-"

/** Whether the details are older than the row. */
const isOutdated = ({ detail, wanted: { row } }: Loaded, now: number): boolean => {
  if (detail === null || row === null) return false
  const { lastMessageTS, messagesNum } = row.wire
  const lacksMessages = (detail.wire.messagesNum ?? Number.POSITIVE_INFINITY) < (messagesNum ?? 0)
  return (
    isBehind(detail.wire.lastMessageTS, lastMessageTS, now) ||
    (lacksMessages && maySettle(lastMessageTS, now))
  )
}

/** The conversation with its export, where there is one. @param failed the answer that came instead of an export */
export const finish = (
  { reading, exporter }: Account,
  loaded: Loaded,
  found: Found | null,
  failed: Malformed | null,
  now: number
): Sighting => {
  const { wanted, detail, wire } = loaded
  const { agentId, id, providerId, row, known } = wanted
  const raw = rawPayload("export", agentId, id, providerId, found?.record.text ?? "null")
  const value = found?.record.value ?? null
  const exported = value !== null && Either.isRight(value) ? { raw, value: value.right } : null
  const sighting = toSighting(wire, { agentId, providerId, row, detail, exported }, reading)
  if (exported !== null) exporter.zone?.push(...zoneShown(wire, exported.value))
  const faults: Array<Unreadable> = []
  if (value !== null && Either.isLeft(value)) faults.push(unreadable(raw, value.left))
  if (failed !== null) {
    const fault = { path: "$", reason: `requested, it came as ${failed.detail}` }
    faults.push(unreadable({ ...raw, payload: payloadOf(failed) }, fault))
  }
  // A row that says another state than the detail will say so again: it does not tell that nothing has changed.
  const [listed, shown] = [row?.wire.state ?? null, detail?.wire.state ?? null]
  const isAgreed = (listed === null || shown === null || listed === shown) && !isOutdated(loaded, now)
  const rowPart = row === null ? null : isAgreed ? rowMark(row.value) : disputedMark
  // Without a row, what the list showed when it was last read still shows whether it has changed since.
  const listedAs = rowPart ?? (known?.fingerprint ? marksIn(known.fingerprint).row : null)
  const messages =
    faults.length === 0 ? messagesMarkOf(loaded, sighting, exporter.permission, now) : noMessagesMark
  return {
    ...sighting,
    unreadable: [...sighting.unreadable, ...faults],
    fingerprint: listedAs === null ? null : fingerprintOf(listedAs, messages, wire.state)
  }
}
