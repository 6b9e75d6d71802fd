import { Chunk, Effect, Either, Exit, Option, Stream } from "effect"
import { messageListKind } from "../../domain/Conversation.ts"
import type { Malformed, ProviderError } from "../../domain/ProviderError.ts"
import type { StatusMap } from "../../domain/Status.ts"
import { mapKnown } from "../../domain/settled.ts"
import type { Timestamp } from "../../domain/Timestamp.ts"
import type { Answer, Exchange, ProviderClient } from "../../http/client.ts"
import { type AnswerForm, isGone, isMissing, malformed, payloadOf, unlessFailed } from "../kit/answer.ts"
import { type Fault, notRequested, parseJson } from "../kit/decode.ts"
import { digest } from "../kit/digest.ts"
import { isBehind } from "../kit/order.ts"
import {
  datedBy,
  isOutside,
  isStoredByScan,
  oneFound,
  page,
  unreadable,
  unreadableItem,
  withoutPlace
} from "../kit/page.ts"
import { type Ask, type PageWalk, pageWalk, readPlace, type Step } from "../kit/pageWalk.ts"
import { Asking, asking, inOrder, type Task } from "../kit/parallel.ts"
import { decoded, listIn, type Written, withoutField, writtenId } from "../kit/written.ts"
import type { FetchScope, HintSubject, Item, Known, Page, PullScope, Sighting } from "../Provider.ts"
import { title } from "./facts.ts"
import { type HiddenRow, noRow, readList, rowOf, type SoughtRow } from "./list.ts"
import {
  fingerprintOfWritten,
  isShort,
  type Parts,
  type ReadRow,
  rawPayload,
  readAs,
  toSighting,
  wireOf,
  withoutMessages
} from "./normalize.ts"
import {
  type ConversationStatus,
  getConversation,
  getMessages,
  type ListOptions,
  largestPage,
  listConversations,
  mostMessages
} from "./requests.ts"
import { decodeBeginning, decodeDetail, decodeRow } from "./wire.ts"

/** The account at the other end, and how its words are read. */
export interface Account {
  readonly client: ProviderClient
  readonly map: StatusMap
}

/** So many messages of one conversation may be requested where it does not say how many it has, and beyond what it says. */
const mostMessagesOfOne = 100_000
const leeway = 1_000

/**
 * Everything the messages endpoint gives of a conversation, as it came: page by page until one is short, or shows
 * nothing for the first time.
 * @param declared how many messages there are; null: not known
 */
const furtherMessages = ({ client }: Account, id: string, declared: number | null) =>
  Effect.gen(function* () {
    const all = new Map<string, Written>()
    for (let offset = 0; ; ) {
      const answer = yield* client.read(getMessages(id, { limit: mostMessages, offset }))
      const { operation } = answer.exchange
      if (isMissing(answer) && offset > 0) break
      if (isMissing(answer)) return yield* malformed(title, operation, `there is none (${answer.status})`)
      yield* unlessFailed(title, answer)
      const list = listIn(answer.text)?.elements
      if (list === undefined) return yield* malformed(title, operation, "expected a list at $", answer.text)
      const before = all.size
      for (const entry of list) all.set(writtenId(entry, "id") ?? entry.text, entry)
      if (all.size === before) break
      // A page may be short because the vendor gives no larger ones: the count shows whether it is the last.
      if (list.length < mostMessages && (declared === null || all.size >= declared)) break
      offset += list.length
      if (offset > (declared === null ? mostMessagesOfOne : 2 * declared + leeway)) {
        const detail = `the list does not end: it went on after ${offset} messages`
        return yield* malformed(title, "list messages", detail)
      }
    }
    const value = [...all.values()]
    const messages: Parts["messages"] = {
      raw: rawPayload("messages", id, id, `[${value.map(({ text }) => text).join(",")}]`),
      value
    }
    return value.length === 0 ? null : messages
  })

/** A conversation whose details were requested. */
interface Wanted {
  readonly id: string
  /** What the list showed of it. */
  readonly row: ReadRow | null
  /** False: the user wants none. */
  readonly messages: boolean
}

/** A conversation whose detail cannot be read: what its row showed is kept, and the detail is requested again. */
const withoutDetail = (
  { map }: Account,
  { id, row }: Pick<Wanted, "id" | "row">,
  payload: string,
  fault: Fault
): Item => {
  const record = { kind: "detail", providerId: id, conversationId: id, payload }
  if (row === null) return unreadableItem(record, fault)
  const shown = toSighting(row.value, { row, detail: null, messages: null }, map)
  return { ...shown, unreadable: [unreadable(record, fault)] }
}

/** A conversation by its id is the answer itself. */
export const recordForm: AnswerForm = { record: "id" }

/** An answer to `getConversation` as an item. Where the rest of its messages is refused, what it shows is kept. */
const detailItem = (
  account: Account,
  { id, row, messages: isWanted }: Wanted,
  answer: Answer
): Effect.Effect<Item, ProviderError> => {
  const said = unlessFailed(title, answer, recordForm)
  if (Either.isLeft(said)) return Exit.fail(said.left)
  const text = isWanted ? answer.text : withoutField(answer.text, "messages")
  const raw = rawPayload("detail", id, id, text)
  const read = readAs(raw, isWanted ? said.right : parseJson(text), decodeDetail)
  if (Either.isLeft(read)) return Exit.succeed(withoutDetail(account, { id, row }, text, read.left))
  const detail = read.right
  if (detail.value.id !== id) {
    return Exit.succeed(withoutDetail(account, { id, row }, text, notRequested("$.id")))
  }
  const wire = wireOf({ row, detail }) ?? detail.value
  const isOutdated = isBehind(
    detail.value.updated_at,
    row?.value.updated_at ?? null,
    answer.exchange.requestedAt
  )
  const sighted = (messages: Parts["messages"]): Sighting => {
    const sighting = toSighting(wire, { row, detail, messages }, account.map)
    return isOutdated ? { ...sighting, fingerprint: null } : sighting
  }
  const shown = sighted(null)
  if (!isWanted) {
    const { fingerprint } = shown
    return Exit.succeed({
      ...shown,
      messages: null,
      fingerprint: fingerprint === null ? null : withoutMessages(fingerprint)
    })
  }
  if (!isShort(detail.value, wire.message_count)) return Exit.succeed(shown)
  const withoutRest = (reason: string, payload = "null"): Effect.Effect<Item> => {
    const record = { kind: messageListKind, providerId: id, conversationId: id, payload }
    const fault = unreadable(record, { path: "$", reason })
    return Effect.succeed({ ...shown, unreadable: [...shown.unreadable, fault], fingerprint: null })
  }
  return furtherMessages(account, id, wire.message_count).pipe(
    Effect.map(sighted),
    Effect.catchTags({
      Malformed: (error) => withoutRest(error.detail, payloadOf(error)),
      Rejected: ({ message }) => withoutRest(message),
      Unauthorized: (error) => (error.status === 403 ? withoutRest(error.message) : Effect.fail(error))
    })
  )
}

/** A conversation of which the list's row could not be read. */
const withoutRow = (item: Item, id: string, { payload, ...fault }: HiddenRow): Item => {
  if (!("conversation" in item)) return item
  const record = { kind: "conversation", providerId: id, conversationId: id, payload }
  return { ...item, unreadable: [...item.unreadable, unreadable(record, fault)], fingerprint: null }
}

/** One conversation as `scan` would give it, which takes a look at the list; null: it does not exist. */
export const fetchOne = Effect.fn("empfio.fetch")(function* (
  account: Account,
  id: string,
  { messages }: FetchScope
) {
  const answer = yield* account.client.read(getConversation(id))
  if (yield* isGone(title, answer)) return null
  const detail = Either.flatMap(parseJson(answer.text), decodeDetail)
  // Where the vendor has no such filter, what only a row shows is not compared. An answer that is no list may hide a row.
  const sought = yield* (
    Either.isLeft(detail) ? Effect.succeed(noRow) : rowOf(account.client, detail.right)
  ).pipe(
    Effect.catchTag("Rejected", () => Effect.succeed(noRow)),
    Effect.catchTag("Malformed", (error) =>
      Effect.succeed<SoughtRow>({
        row: null,
        fault: { path: "$", reason: error.detail, payload: payloadOf(error) }
      })
    )
  )
  const item = yield* detailItem(account, { id, row: sought.row, messages }, answer)
  return page({
    exchange: answer.exchange,
    items: [sought.fault === null ? item : withoutRow(item, id, sought.fault)]
  })
})

/** A listed row, of which little is read before it is known to be news. */
interface Listed {
  readonly id: string | null
  readonly startedAt: Timestamp | null
  readonly entry: Written
  /** What is stored of it; left out: nothing. */
  readonly known: Known | undefined
  readonly prints: Prints
  /** Its text alone shows that it is as it is stored. */
  readonly isRecognised: boolean
}

const leadingId = /^\{\s*"id"\s*:\s*"([^"\\]+)"/

/** The id, mostly without reading the row: it is the first field as the vendor writes it, and comes once. */
const likelyId = (entry: Written): string | null => leadingId.exec(entry.text)?.[1] ?? writtenId(entry, "id")

/** The same texts by themselves: a part of a text keeps the whole of it in memory, and ids are remembered. */
const apart = (ids: ReadonlyArray<string | null>): ReadonlyArray<string | null> =>
  JSON.parse(JSON.stringify(ids)) as ReadonlyArray<string | null>

/** Whether it shows what is stored, by its text alone: then it is the conversation that is stored under its likely id. */
const showsStored = (scope: Pick<PullScope, "since" | "until" | "covered">, known: Known, prints: Prints) =>
  known.startedAt !== undefined &&
  scope.since === null &&
  scope.until === null &&
  scope.covered.length === 0 &&
  isStoredAs(known, prints)

/** The rows of a list, with what is stored of them. */
const lookUp = <E>({ scope }: Scan<E>, rows: ReadonlyArray<Written>) =>
  Effect.gen(function* () {
    const likely = apart(rows.map(likelyId))
    const shownAs = (id: string) =>
      rows.filter((_, index) => likely[index] === id).map((entry) => printsOf(scope, entry, undefined).wanted)
    const find = (ids: ReadonlyArray<string>) =>
      ids.length === 0
        ? Effect.succeed<ReadonlyMap<string, Known>>(new Map())
        : scope.known(ids, { newestMessageIds: false, shownAs })
    const found = yield* find(likely.flatMap((id) => id ?? []))
    const listed: Array<Listed> = []
    for (const [index, entry] of rows.entries()) {
      const guess = likely[index] ?? null
      const known = guess === null ? undefined : found.get(guess)
      const prints = printsOf(scope, entry, known)
      if (known !== undefined && showsStored(scope, known, prints)) {
        const startedAt = known.startedAt ?? null
        listed.push({ id: guess, startedAt, entry, known, prints, isRecognised: true })
        continue
      }
      const id = writtenId(entry, "id")
      const startedAt = Either.getOrNull(decoded(entry, decodeBeginning))?.created_at ?? null
      const other = id === null || id === guess ? known : (yield* find([id])).get(id)
      listed.push({
        id,
        startedAt,
        entry,
        known: other,
        isRecognised: false,
        prints: other === known ? prints : printsOf(scope, entry, other)
      })
    }
    return listed
  })

interface Scan<E> extends Account {
  readonly scope: PullScope<E>
  readonly walk: PageWalk
  /** Left out: all conversations. */
  readonly filter?: Pick<ListOptions, "leadId" | "status">
  /** Of each row that was dealt with, the fingerprint it had. */
  readonly handled: Map<string, string>
}

type DetailTask = Asking<Page, ProviderError>

/** A listed conversation's details, in a page of their own. @param total of the list, which comes with the first of them */
const detailPage = <E>(
  scan: Scan<E>,
  id: string,
  row: ReadRow,
  listed: Exchange,
  total: number | null
): DetailTask =>
  asking(
    scan.client,
    getConversation(id),
    (answer) => {
      if (!isMissing(answer)) {
        return mapKnown(detailItem(scan, { id, row, messages: true }, answer), (item) =>
          page({ exchange: answer.exchange, items: [item], soughtById: oneFound, total })
        )
      }
      const item = toSighting(row.value, { row, detail: null, messages: null }, scan.map)
      const exchange = datedBy(answer.exchange, [listed])
      return Exit.succeed(page({ exchange, items: [item], soughtById: { found: 0, missing: [id] }, total }))
    },
    (error) => {
      const fault = { path: "$", reason: `requested by its id, it came as ${error.detail}` }
      const exchange = { ...listed, bytes: 0 }
      const items = [withoutDetail(scan, { id, row }, payloadOf(error), fault)]
      return page({ exchange, items, soughtById: oneFound, total })
    }
  )

interface Prints {
  /** Of the row as it is listed. */
  readonly shown: string
  /** The one that is stored with it. */
  readonly wanted: string
}

const printsOf = (
  { messages }: Pick<PullScope, "messages">,
  entry: Written,
  known: Known | undefined
): Prints => {
  // As vendors write JSON, mostly, and then nothing needs to be read or serialized.
  const asWritten = digest(entry.text)
  const shown =
    known?.fingerprint?.endsWith(asWritten) === true ? asWritten : fingerprintOfWritten(entry, asWritten)
  return { shown, wanted: messages ? shown : withoutMessages(shown) }
}

const isStoredAs = (known: Known | undefined, { shown, wanted }: Prints): boolean =>
  known !== undefined && !known.deleted && (known.fingerprint === wanted || known.fingerprint === shown)

/** What is to be done for a row: an item of the list's page, a request for details, or nothing. */
const dealWith = <E>(
  scan: Scan<E>,
  listed: Listed,
  step: Step,
  again: boolean,
  exchange: Exchange,
  total: number | null
): Item | DetailTask | null => {
  const { scope } = scan
  const { entry, id, isRecognised, known, prints, startedAt } = listed
  if (isRecognised && id !== null && !scope.refetch) {
    return again ? null : { _tag: "Unchanged", providerId: id, key: known?.key }
  }
  const key = id ?? prints.wanted
  if (scan.handled.get(key) === prints.wanted) {
    return again || id === null ? null : { _tag: "Unchanged", providerId: id, key: known?.key }
  }
  scan.handled.set(key, prints.wanted)
  // A resumed scan's further passes meet what its first part has fetched.
  const mayRefetch = !isStoredByScan(scope, known) && (scope.cursor === null || step.cursor !== null)
  const isNeeded = !isStoredAs(known, prints) || (scope.refetch && mayRefetch)
  // What is stored was readable.
  if (id !== null && !isNeeded && !isOutside(startedAt, scope)) {
    return { _tag: "Unchanged", providerId: id, key: known?.key }
  }
  const providerId = id ?? ""
  const raw = rawPayload("conversation", providerId, providerId, entry.text)
  const read = readAs(raw, entry.value, decodeRow)
  if (Either.isLeft(read)) return unreadableItem({ ...raw, providerId: id, conversationId: id }, read.left)
  const row: ReadRow = { ...read.right, fingerprint: prints.shown }
  if (isOutside(row.value.created_at, scope)) return { _tag: "Filtered", providerId }
  if (scope.messages) return detailPage(scan, providerId, row, exchange, total)
  return {
    ...toSighting(row.value, { row, detail: null, messages: null }, scan.map),
    fingerprint: prints.wanted
  }
}

const askList = (client: ProviderClient, ask: Ask, filter: ListOptions = {}) =>
  Effect.gen(function* () {
    const answer = yield* client.read(listConversations({ ...filter, page: ask.page, size: ask.size }))
    if (isMissing(answer)) return { answer, conversations: [], total: null, size: null }
    return { answer, ...(yield* readList(answer)) }
  })

const endless = (detail: string): Malformed =>
  malformed(title, "list conversations", `the list does not end: ${detail}`)

/** One page of the list: first the requests for details, in the list's order, then the page itself. */
const listPage = <E>(scan: Scan<E>) =>
  Effect.gen(function* () {
    const { answer, conversations, total, size } = yield* askList(scan.client, scan.walk.next(), scan.filter)
    const listed = yield* lookUp(scan, conversations)
    const step = scan.walk.received({
      rows: listed.map(({ id, known, startedAt }) => ({ id, startedAt, stored: known !== undefined })),
      total,
      size
    })
    const tasks: Array<Task<Page, ProviderError>> = []
    const items: Array<Item> = []
    listed.forEach((entry, index) => {
      const outcome = dealWith(scan, entry, step, step.again[index] ?? false, answer.exchange, total)
      if (outcome instanceof Asking) tasks.push(outcome)
      else if (outcome !== null) items.push(outcome)
    })
    const cursor = step.cursor === null ? null : JSON.stringify(step.cursor)
    const isAwaited = tasks.length > 0
    const { exchange } = answer
    tasks.push(Effect.succeed(page({ exchange, items, cursor, end: step.end, total, isAwaited })))
    if (step.endless !== null) tasks.push(Effect.fail(endless(step.endless)))
    const more = step.end === null && step.endless === null
    return [Chunk.unsafeFromArray(tasks), more ? Option.some(null) : Option.none<null>()] as const
  })

/**
 * What a webhook named: the first page of the list that the vendor filters by it, and the details of what is not stored as
 * it is listed. It enumerates nothing.
 */
export const scanHinted = <E>(account: Account, subject: HintSubject, scope: PullScope<E>) =>
  Effect.gen(function* () {
    if (subject._tag === "Conversation") {
      const found = yield* fetchOne(account, subject.id, scope)
      return found === null ? [] : [found]
    }
    const filter =
      subject._tag === "Contact" ? { leadId: subject.id } : { status: subject.word as ConversationStatus }
    const walk = pageWalk({ largest: largestPage, from: null })
    const [tasks] = yield* listPage({ ...account, scope, walk, filter, handled: new Map() })
    const pages = inOrder<Page, ProviderError, never>(Stream.fromChunk(tasks), scope.concurrency)
    return Chunk.toReadonlyArray(yield* Stream.runCollect(pages)).map(withoutPlace)
  })

/**
 * Every conversation of the account. The list has no filter by time and no documented order, so each scan reads all of
 * it, and asks for the details of what shows another row than before. The cursor counts the rows that were read, and
 * names the last of them.
 */
export const scan = <E>(account: Account, scope: PullScope<E>): Stream.Stream<Page, ProviderError | E> =>
  Stream.suspend(() => {
    const walk = pageWalk({ largest: largestPage, from: readPlace(scope.cursor) })
    const state: Scan<E> = { ...account, scope, walk, handled: new Map() }
    return inOrder<Page, ProviderError, ProviderError | E>(
      Stream.paginateChunkEffect(null, () => listPage(state)),
      scope.concurrency,
      { stopping: scope.stopping, afterGap: withoutPlace }
    )
  })
