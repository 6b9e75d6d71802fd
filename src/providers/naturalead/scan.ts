import { Clock, Effect, Mailbox, Option, Stream } from "effect"
import type { ProviderError, Rejected } from "../../domain/ProviderError.ts"
import type { StatusMap } from "../../domain/Status.ts"
import type { Timestamp } from "../../domain/Timestamp.ts"
import { clockAhead } from "../../http/answer/retryAfter.ts"
import type { Exchange, ProviderClient, ProviderRequest } from "../../http/client.ts"
import { type AnswerForm, isGone, payloadOf, unlessFailed } from "../kit/answer.ts"
import { notRequested } from "../kit/decode.ts"
import { isBehind } from "../kit/order.ts"
import { isOutside, lessonOf, oneFound, page, pages, unreadable, unreadableItem } from "../kit/page.ts"
import { inOrder } from "../kit/parallel.ts"
import { withoutField, written, writtenId } from "../kit/written.ts"
import type { AccountCheck, Item, Known, Page, PullScope, Sighting } from "../Provider.ts"
import { type Batch, batchesOf } from "./batches.ts"
import { facts, title } from "./facts.ts"
import { fingerprintOf, interpretPayload, isShort, kind } from "./normalize.ts"
import { type Next, next, start, type Walk } from "./paging.ts"
import { getConversation, listConversations } from "./requests.ts"
import { type Recognise, utf8 } from "./splitter.ts"

/** What `Page.learned` calls it. */
const skipLesson = "list-skip"

/** A conversation that is requested by its id: the list cut its messages short, or shows it though it was said to be gone. */
interface Short {
  readonly id: string
  readonly fingerprint: string
  /** The vendor's word for its status in the list. */
  readonly status: string | null
  /** When the list says that it last changed. */
  readonly updatedAt: Timestamp | null
  /** What the list showed of it, for where it cannot be had by its id; null: that would be too much to hold. */
  readonly listed: Uint8Array | null
}

/** Bytes of cut conversations that may wait for their details. */
const mostHeldBytes = 64 << 20

/** What a response showed of a conversation. */
interface Shown {
  readonly fingerprint: string
  readonly bytes: number
}

/** One enumeration of the account, from the first request to the last. */
interface Scan<E> {
  readonly client: ProviderClient
  readonly account: AccountCheck
  readonly scope: PullScope<E>
  readonly map: StatusMap
  readonly mayProbe: boolean
  walk: Walk
  /** Statuses that are still to be requested one at a time; null: there is no reason to. */
  statusesLeft: Array<string> | null
  /** Conversations that only showed under their status. */
  heldBack: number
  /** The end of the walk; null while there are more responses to ask for. */
  done: Extract<Next, { readonly _tag: "Done" }> | null
  /** By id, what earlier responses showed; of the first response only as much as a cut one can hold. */
  readonly seen: Map<string, Shown>
  /** Elements that were recognised as what an earlier response showed. */
  readonly recognised: WeakMap<Uint8Array, { readonly id: string; readonly fingerprint: string }>
  /** Shown, but not remembered in `seen`. */
  unremembered: number
  fresh: number
  /** What the present pass showed, from the second one on. */
  readonly shown: Set<string>
  /** The first row of the present response, and the last row so far. */
  firstKey: string | null
  lastKey: string | null
  /** The present response begins with the last row of the one before. */
  isAnchored: boolean
  readonly short: Map<string, Short>
  heldBytes: number
  /** The newest response's exchange, and whether a page has carried `end`. */
  exchange: Exchange | null
  ended: boolean
}

/** A first response with more elements than this is no page of a larger list, so that what it showed need not be kept. */
const remembered = 10_000

/**
 * Whose account the records are: each says so. https://docs.naturalead.ai/api-reference/conversations/list-conversations
 * Tells the check; null and repeated ones are no news to it.
 */
export const checkAccounts = (
  account: AccountCheck,
  ...found: ReadonlyArray<string | null>
): Effect.Effect<void, ProviderError> =>
  Effect.forEach(new Set(found), (id) => (id === null ? Effect.void : account(id, "record")), {
    discard: true
  })

/** Of a payload that need not decode otherwise; null: it does not say. */
export const accountIn = (payload: string): string | null => writtenId(written(payload), "accountId")

/** Whose an item is that was looked at; null: it does not say, or is as it is stored. */
export const accountOf = (item: Item): string | null => {
  if (item._tag === "Unreadable") return accountIn(item.unreadable.payload)
  if (item._tag !== "Sighting") return null
  const { accountId } = item.conversation.attributes
  return typeof accountId === "string" && accountId !== "" ? accountId : null
}

const leadingId = /^\{\s*"_id"\s*:\s*"([^"\\]+)"/

/** The id where it is the first field, as the vendor writes it. */
const idAt = (piece: Uint8Array, from: number): string | undefined =>
  leadingId.exec(utf8(piece.subarray(from, from + 128)))?.[1]

/** The id, mostly without parsing. */
const idIn = (element: Uint8Array): string | null =>
  idAt(element, 0) ?? writtenId(written(utf8(element)), "_id")

interface Listed {
  readonly id: string | null
  readonly fingerprint: string
  readonly element: Uint8Array
  /** This scan has shown the very same before. */
  readonly isRepeat: boolean
}

/** An element that is byte for byte what an earlier response showed ends where that one ended. */
const recogniseIn =
  <E>({ recognised, scope, seen }: Scan<E>): Recognise =>
  (piece, from) => {
    const id = idAt(piece, from) ?? ""
    const shown = seen.get(id)
    if (shown === undefined || from + shown.bytes > piece.length) return null
    const element = piece.subarray(from, from + shown.bytes)
    if (fingerprintOf(element, scope.messages) !== shown.fingerprint) return null
    recognised.set(element, { id, fingerprint: shown.fingerprint })
    return element
  }

/** Whether this scan has shown the very same before; counts what is new to it. */
const isRepeat = <E>(scan: Scan<E>, id: string | null, { fingerprint, bytes }: Shown): boolean => {
  const key = id ?? fingerprint
  if (scan.firstKey === null) {
    scan.firstKey = key
    scan.isAnchored = key === scan.lastKey
  }
  scan.lastKey = key
  const before = scan.seen.get(key)
  if (before === undefined) scan.fresh += 1
  if (scan.walk.pass > 1) scan.shown.add(key)
  if (scan.walk.skip === null && scan.seen.size >= remembered) scan.unremembered += 1
  else if (before?.fingerprint !== fingerprint) scan.seen.set(key, { fingerprint, bytes })
  return before?.fingerprint === fingerprint
}

const toListed = <E>(scan: Scan<E>, element: Uint8Array): Listed => {
  const { id, fingerprint } = scan.recognised.get(element) ?? {
    id: idIn(element),
    fingerprint: fingerprintOf(element, scan.scope.messages)
  }
  return { id, fingerprint, element, isRepeat: isRepeat(scan, id, { fingerprint, bytes: element.length }) }
}

/** What a listed conversation comes to; null: its messages must be requested first. `accounts` are whose it is. */
const toItem = <E>(
  scan: Scan<E>,
  listed: Listed,
  known: Known | undefined,
  accounts: Set<string | null>
): Item | null => {
  const { scope } = scan
  const { id, fingerprint, isRepeat } = listed
  const isStored = !scope.refetch && known?.fingerprint === fingerprint && !known.deleted
  if ((isRepeat || isStored) && id !== null)
    return { _tag: "Unchanged", providerId: id, key: known?.key, isRepeat }
  const text = utf8(listed.element)
  const payload = scope.messages ? text : withoutField(text, "messages")
  const sighting = interpretPayload(payload, scan.map, fingerprint)
  if (!("_tag" in sighting)) {
    const item: Item = { _tag: "Unreadable", unreadable: sighting }
    accounts.add(accountOf(item))
    return item
  }
  accounts.add(accountOf(sighting))
  const { providerId, startedAt } = sighting.conversation
  if (isOutside(startedAt, scope)) return { _tag: "Filtered", providerId }
  if (known?.deleted !== true && (!scope.messages || !isShort(sighting))) return sighting
  const isHeld = scan.heldBytes + listed.element.length <= mostHeldBytes
  if (isHeld) scan.heldBytes += listed.element.length
  scan.short.set(providerId, {
    id: providerId,
    fingerprint,
    status: sighting.conversation.providerStatus,
    updatedAt: sighting.conversation.updatedAt,
    listed: isHeld ? Uint8Array.from(listed.element) : null
  })
  return null
}

const listedItems = <E>(scan: Scan<E>, batch: Batch) =>
  Effect.gen(function* () {
    // The first record says whose it is before anything is looked up, also where it is as it was stored.
    const [first] = scan.exchange === null ? batch.elements : []
    if (first !== undefined) yield* checkAccounts(scan.account, accountIn(utf8(first)))
    const listed = batch.elements.map((element) => toListed(scan, element))
    // Of a repeat nothing need be known.
    const ids = listed.flatMap(({ id, isRepeat }) => (id === null || isRepeat ? [] : [id]))
    const shownAs = (id: string) =>
      listed.filter((entry) => entry.id === id).map(({ fingerprint }) => fingerprint)
    const known = ids.length === 0 ? null : yield* scan.scope.known(ids, { newestMessageIds: false, shownAs })
    const accounts = new Set<string | null>()
    const items = listed.flatMap(
      (entry) => toItem(scan, entry, entry.id === null ? undefined : known?.get(entry.id), accounts) ?? []
    )
    yield* checkAccounts(scan.account, ...accounts)
    return items
  })

const pathOf = (request: ProviderRequest): string => {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(request.query ?? {})) {
    if (value !== undefined) query.append(name, String(value))
  }
  return query.size === 0 ? request.path : `${request.path}?${query}`
}

/**
 * Asked for one status at a time, a list that gives the same whatever is skipped shows whether it holds others back.
 * @param shown conversations that the answer for one status showed first; none: there was no such answer
 */
const advanceByStatus = <E>(scan: Scan<E>, left: Array<string>, shown: number): void => {
  left.shift()
  scan.heldBack += shown
  scan.fresh = 0
  if (left.length > 0) return
  const { heldBack } = scan
  scan.done =
    heldBack === 0
      ? { _tag: "Done", complete: true, reason: null, ignoresSkip: true }
      : {
          _tag: "Done",
          complete: false,
          reason: `the list is cut: requested by status, it showed ${heldBack} more; others may be missing`,
          ignoresSkip: false
        }
}

/** Notes what a whole response showed, and so what is asked next. */
const advance = <E>(scan: Scan<E>, end: NonNullable<Batch["end"]>): void => {
  if (scan.statusesLeft !== null) {
    advanceByStatus(scan, scan.statusesLeft, scan.fresh)
    return
  }
  const { pass } = scan.walk
  const unique = pass === 1 ? scan.seen.size + scan.unremembered : scan.shown.size
  const step = next(
    scan.walk,
    { ...end, fresh: scan.fresh, unique, isAnchored: scan.isAnchored },
    scan.mayProbe
  )
  scan.fresh = 0
  scan.firstKey = null
  scan.isAnchored = false
  if (step._tag === "Ask") scan.walk = step.walk
  else if (step.ignoresSkip) scan.statusesLeft = [...facts.words["conversation.status"].is]
  else scan.done = step
  if (scan.walk.pass !== pass) scan.shown.clear()
}

/** What a scan's last page says. */
const ending = <E>({ done }: Scan<E>): Pick<Page, "end" | "learned"> => ({
  end: done === null ? null : { complete: done.complete, reason: done.reason },
  learned: done?.ignoresSkip === true ? { [skipLesson]: "ignored" } : {}
})

/** A server that refuses `limit`, or even `skip`, does not page: what it gave is what it has, unless it said otherwise. */
const afterRefusal = <E>(scan: Scan<E>, error: Rejected): Effect.Effect<void, ProviderError> =>
  Effect.suspend(() => {
    const { statusesLeft, walk } = scan
    if (statusesLeft !== null) {
      advanceByStatus(scan, statusesLeft, 0)
      return Effect.void
    }
    if (walk.skip === null) return Effect.fail(error)
    if (walk.limit !== null) scan.walk = { ...walk, limit: null }
    else if (walk.total === null && !walk.more) scan.statusesLeft = [...facts.words["conversation.status"].is]
    else
      scan.done = {
        _tag: "Done",
        complete: false,
        reason: `the list is cut: ${error.message}`,
        ignoresSkip: false
      }
    return Effect.void
  })

/** Like `Stream.interruptWhen`, which starts several fibers for each piece. */
const untilStopped = <A, E>(body: Stream.Stream<A, E>, stopped: Effect.Effect<void>): Stream.Stream<A, E> =>
  Stream.unwrapScoped(
    Effect.gen(function* () {
      const arrived = yield* Mailbox.make<A, E>(1)
      const arriving = Stream.runForEachChunk(body, (pieces) => arrived.offerAll(pieces))
      yield* Effect.forkScoped(Mailbox.into(arriving, arrived))
      yield* Effect.forkScoped(Effect.zipRight(stopped, arrived.end))
      return Mailbox.toStream(arrived)
    })
  )

/** The pages of one response, while it arrives. `end` is on its last one where nothing is left to be fetched. */
const responsePages = <E>(scan: Scan<E>, request: ProviderRequest) =>
  Stream.unwrap(
    Effect.gen(function* () {
      const requestedAt = yield* Clock.currentTimeMillis
      const answer = yield* scan.client
        .stream(request)
        .pipe(Effect.catchTag("Rejected", (error) => Effect.as(afterRefusal(scan, error), null)))
      if (answer === null) return Stream.empty
      const toPages = (batch: Batch) =>
        Effect.gen(function* () {
          const items = yield* listedItems(scan, batch)
          if (batch.end !== null) advance(scan, batch.end)
          const exchange: Exchange = {
            operation: request.operation,
            method: request.method,
            path: pathOf(request),
            status: answer.status,
            requestedAt,
            receivedAt: yield* Clock.currentTimeMillis,
            bytes: batch.bytes,
            ...clockAhead(answer.headers, requestedAt)
          }
          scan.exchange = exchange
          scan.ended = scan.done !== null && scan.short.size === 0
          return pages({ exchange, items, ...(scan.ended ? ending(scan) : {}) })
        })
      const { stopping } = scan.scope
      // What has arrived is kept; a list that ends before it is whole says so by itself.
      const body = stopping === undefined ? answer.body : untilStopped(answer.body, stopping.requested)
      const isFirst = scan.exchange === null
      return batchesOf({ ...answer, body }, isFirst ? undefined : recogniseIn(scan)).pipe(
        Stream.mapEffect(toPages),
        Stream.flattenIterables
      )
    })
  )

const askList = <E>(scan: Scan<E>): Stream.Stream<Page, ProviderError | E> =>
  Stream.suspend(() => {
    const { skip, limit } = scan.walk
    const [status] = scan.statusesLeft ?? []
    if (status !== undefined) return responsePages(scan, listConversations({ status }))
    const paging = { ...(skip === null ? {} : { skip }), ...(limit === null ? {} : { limit }) }
    return responsePages(scan, listConversations(paging))
  })

interface DetailOptions {
  readonly account: AccountCheck
  /** False: the user wants none. */
  readonly messages: boolean
  /** What it is known by from now on; left out: what was received. */
  readonly fingerprint?: string
}

/** A conversation by its id is the answer itself. */
export const recordForm: AnswerForm = { record: "_id" }

/** A conversation by its id, as an item; null: it does not exist. */
export const readDetail = (
  client: ProviderClient,
  map: StatusMap,
  id: string,
  { account, fingerprint, messages }: DetailOptions
): Effect.Effect<Page | null, ProviderError> =>
  Effect.gen(function* () {
    const answer = yield* client.read(getConversation(id))
    if (yield* isGone(title, answer)) return null
    yield* unlessFailed(title, answer, recordForm)
    const { exchange, text } = answer
    yield* checkAccounts(account, accountIn(text))
    const payload = messages ? text : withoutField(text, "messages")
    const sighting = interpretPayload(payload, map, fingerprint ?? fingerprintOf(text, messages))
    if (!("_tag" in sighting)) {
      const record = { ...sighting, providerId: id, conversationId: id }
      return page({ exchange, items: [{ _tag: "Unreadable", unreadable: record }] })
    }
    if (sighting.conversation.providerId === id) return page({ exchange, items: [sighting] })
    const record = { kind, providerId: id, conversationId: id, payload }
    return page({ exchange, items: [unreadableItem(record, notRequested("$._id"))] })
  })

/** What the list showed of a conversation whose details cannot be had: it is requested again with the next list. */
const asListed = <E>({ map, scope }: Scan<E>, { listed }: Short): Sighting | null => {
  if (listed === null) return null
  const text = utf8(listed)
  const sighting = interpretPayload(scope.messages ? text : withoutField(text, "messages"), map)
  return "_tag" in sighting ? { ...sighting, fingerprint: null } : null
}

/** The same, with what came instead of the details. */
const withFault = <E>(scan: Scan<E>, short: Short, reason: string, payload: string): Item => {
  const record = { kind, providerId: short.id, conversationId: short.id, payload }
  const fault = { path: "$", reason }
  const sighting = asListed(scan, short)
  return sighting === null
    ? unreadableItem(record, fault)
    : { ...sighting, unreadable: [...sighting.unreadable, unreadable(record, fault)] }
}

/** A row that says another status than the detail will say so again, and one that is newer: neither tells that nothing has changed. */
const unlessDisputed = (found: Page, { status, updatedAt }: Short): Page => ({
  ...found,
  items: found.items.map((item) =>
    item._tag === "Sighting" &&
    (item.conversation.providerStatus !== status ||
      isBehind(item.conversation.updatedAt, updatedAt, found.exchange.requestedAt))
      ? { ...item, fingerprint: null }
      : item
  )
})

/** One that the list cut short. What cannot be answered for it, or is refused, is its own fault and stops no other. */
const shortPage = <E>(scan: Scan<E>, short: Short, exchange: Exchange) => {
  const listed = { ...exchange, bytes: 0 }
  const stored = (reason: string, payload = "null") =>
    Effect.succeed(
      page({ exchange: listed, items: [withFault(scan, short, reason, payload)], soughtById: oneFound })
    )
  const missing = (): Page => {
    const sighting = asListed(scan, short)
    return page({
      exchange: listed,
      items: sighting === null ? [] : [sighting],
      soughtById: { found: 0, missing: [short.id] }
    })
  }
  return readDetail(scan.client, scan.map, short.id, {
    account: scan.account,
    fingerprint: short.fingerprint,
    messages: scan.scope.messages
  }).pipe(
    Effect.map((found) =>
      found === null ? missing() : { ...unlessDisputed(found, short), soughtById: oneFound }
    ),
    Effect.catchTags({
      Malformed: (error) => stored(`requested by its id, it came as ${error.detail}`, payloadOf(error)),
      Rejected: ({ message }) => stored(`requested by its id: ${message}`),
      Unauthorized: (error) =>
        error.status === 403 ? stored(`requested by its id: ${error.message}`) : Effect.fail(error)
    })
  )
}

const newScan = <E>(client: ProviderClient, map: StatusMap, scope: PullScope<E>, account: AccountCheck) =>
  Effect.map(Clock.currentTimeMillis, (now): Scan<E> => {
    return {
      client,
      account,
      scope,
      map,
      mayProbe: lessonOf(scope, skipLesson, now) !== "ignored",
      walk: start,
      statusesLeft: null,
      heldBack: 0,
      done: null,
      seen: new Map(),
      recognised: new WeakMap(),
      unremembered: 0,
      fresh: 0,
      shown: new Set(),
      firstKey: null,
      lastKey: null,
      isAnchored: false,
      short: new Map(),
      heldBytes: 0,
      exchange: null,
      ended: false
    }
  })

/**
 * Every conversation of the account. The vendor can filter by no time, so each scan reads the whole list; what shows
 * the same bytes as before is not looked at again. What the list cut short is requested by id after the list has been
 * read, since an answer that arrives must not be kept waiting.
 */
export const scan = <E>(
  client: ProviderClient,
  map: StatusMap,
  scope: PullScope<E>,
  account: AccountCheck
): Stream.Stream<Page, ProviderError | E> =>
  Stream.unwrap(
    Effect.map(newScan(client, map, scope, account), (state) => {
      const lists = Stream.repeatEffectOption(
        Effect.suspend(() =>
          state.done === null ? Effect.succeed(askList(state)) : Effect.fail(Option.none<never>())
        )
      ).pipe(Stream.flatten())
      const details = Stream.suspend(() => {
        const { exchange } = state
        if (exchange === null) return Stream.empty
        const tasks = [...state.short.values()].map((short) => shortPage(state, short, exchange))
        return inOrder(Stream.fromIterable(tasks), scope.concurrency, { stopping: scope.stopping })
      })
      const closing = Stream.suspend(() => {
        const { ended, exchange } = state
        if (ended || exchange === null || scope.stopping?.now() === true) return Stream.empty
        return Stream.make(page({ exchange: { ...exchange, bytes: 0 }, items: [], ...ending(state) }))
      })
      return lists.pipe(Stream.concat(details), Stream.concat(closing))
    })
  )
