import { Clock, Effect, Either, Option, Stream } from "effect"
import type { Malformed, ProviderError } from "../../domain/ProviderError.ts"
import type { StatusMap } from "../../domain/Status.ts"
import type { Answer, Exchange, ProviderClient } from "../../http/client.ts"
import { isMissing } from "../kit/answer.ts"
import { datedBy, isOutside, isStoredByScan, lessonOf, page, pages } from "../kit/page.ts"
import { inOrder } from "../kit/parallel.ts"
import { type Written, writtenId } from "../kit/written.ts"
import type { Item, Known, Notice, Page, PullScope, RawPayload } from "../Provider.ts"
import { makeWalk, mostContactResponses, readList } from "./list.ts"
import { asUnreadable, type Gathered, gather, withMessages, withoutReadableMessages } from "./messages.ts"
import { contactPayload, coversMessages, readContact } from "./normalize.ts"
import { contactsLimit, getContact, listContacts } from "./requests.ts"

/** Whether contacts can be asked for their messages: `unknown` until one answers. `off`: the user wants none. */
type MessageList = "off" | "unknown" | "present" | "absent" | "forbidden" | "refused"

/** What `Page.learned` calls it. */
export const lessonName = "message-list"

/** So many contacts must have no list of messages, or be refused it, before that is taken to hold for all. */
const enoughProbes = 3

interface Listed {
  readonly contact: RawPayload
  readonly known: Known | null
}

/** One enumeration of the workspace, from the first request to the last. */
interface Scan<E> {
  readonly client: ProviderClient
  readonly map: StatusMap
  readonly scope: PullScope<E>
  readonly walk: ReturnType<typeof makeWalk>
  messageList: MessageList
  /** Contacts that exist and have no list of messages, and contacts whose list was refused. */
  probes: number
  refusals: number
  /** The vendor's words for the last refusal. */
  refusal: string
  cursor: string | null
  /** The answer at `cursor`, where it was requested already. */
  ahead: Answer | null
  finished: boolean
}

/** What is said where messages cannot be had. */
export const lacks = {
  absent: "Aelyst gives no list of messages for this workspace (404)",
  forbidden: "Aelyst forbids this token to list messages (403)",
  refused: "Aelyst refuses to list messages"
} as const

const hints: Readonly<Record<keyof typeof lacks, string>> = {
  absent: "it is asked again once a day; `messages: off` on this connection stops that",
  forbidden: "use a token that may read messages, or set `messages: off` on this connection",
  refused: "see the vendor's words; `messages: off` on this connection syncs without them on purpose"
}

/** Why messages are missing; null: they are not, or not for all. */
const lackOf = <E>({ finished, messageList, probes, refusals }: Scan<E>): keyof typeof lacks | null => {
  if (messageList === "absent" || messageList === "forbidden" || messageList === "refused") return messageList
  if (!finished || messageList !== "unknown") return null
  return refusals > 0 ? "refused" : probes > 0 ? "absent" : null
}

const inWords = <E>(scan: Scan<E>, lack: keyof typeof lacks): string => {
  const said = lack === "refused" && scan.refusal !== "" ? `: ${scan.refusal}` : ""
  return `${lacks[lack]}${said}: contacts and their status are synced without`
}

const noticesOf = <E>(scan: Scan<E>): ReadonlyArray<Notice> => {
  const lack = lackOf(scan)
  return lack === null
    ? []
    : [{ code: `message-list-${lack}`, message: inWords(scan, lack), hint: hints[lack] }]
}

const endOf = <E>(scan: Scan<E>): Page["end"] => {
  const lack = lackOf(scan)
  return scan.finished ? { complete: true, reason: lack === null ? null : inWords(scan, lack) } : null
}

/** Reported once it is known, and again only if it is new or was looked up again. */
const learnedBy = <E>(scan: Scan<E>): Page["learned"] => {
  const before = scan.scope.learned.get(lessonName)?.value
  if (scan.messageList === "absent" && scan.probes > 0) return { [lessonName]: "absent" }
  return scan.messageList === "present" && before !== undefined && before !== "present"
    ? { [lessonName]: "present" }
    : {}
}

const toItem = (result: ReturnType<typeof withMessages>, { known }: Listed, refetch: boolean): Item => {
  if (!("_tag" in result)) return { _tag: "Unreadable", unreadable: result }
  const isStored =
    !refetch &&
    known !== null &&
    !known.deleted &&
    result.fingerprint !== null &&
    known.fingerprint === result.fingerprint
  return isStored ? { _tag: "Unchanged", providerId: known.providerId, key: known.key } : result
}

/** What asking for a contact's messages came to; `Gone`: there is no such contact by its id. */
type Asked =
  | {
      readonly _tag: "Gathered"
      readonly gathered: Gathered
    }
  | { readonly _tag: "Garbled"; readonly error: Malformed }
  | { readonly _tag: "None" }
  | { readonly _tag: "Gone" }

const ask = <E>(scan: Scan<E>, { contact, known }: Listed): Effect.Effect<Asked, ProviderError> =>
  gather(scan.client, contact.providerId, known, scan.scope.refetch).pipe(
    Effect.flatMap((gathered): Effect.Effect<Asked, ProviderError> => {
      if (gathered === null) return probed(scan, { contact, known })
      scan.messageList = "present"
      return Effect.succeed({ _tag: "Gathered", gathered })
    }),
    Effect.catchTags({
      Malformed: (error) => Effect.succeed<Asked>({ _tag: "Garbled", error }),
      // A refused list takes only its messages with it.
      Rejected: (error): Effect.Effect<Asked> => {
        if (scan.messageList !== "unknown")
          return Effect.succeed({ _tag: "Garbled", error: asUnreadable(error) })
        scan.refusals += 1
        scan.refusal = error.message
        if (scan.refusals >= enoughProbes) scan.messageList = "refused"
        return Effect.succeed({ _tag: "None" })
      },
      Unauthorized: (error) => {
        if (error.status !== 403) return Effect.fail(error)
        // One contact's are forbidden, and others' are not.
        if (scan.messageList === "present")
          return Effect.succeed<Asked>({ _tag: "Garbled", error: asUnreadable(error) })
        if (scan.messageList === "unknown") scan.messageList = "forbidden"
        return Effect.succeed<Asked>({ _tag: "None" })
      }
    })
  )

/**
 * A 404 can mean the contact or the list: the contact's own page shows which. One that is stored as it is listed was
 * looked at then.
 */
const probed = <E>(scan: Scan<E>, listed: Listed): Effect.Effect<Asked, ProviderError> => {
  const isLearned = scan.messageList !== "unknown"
  if (isLearned && plain(scan, listed).item._tag === "Unchanged") return Effect.succeed({ _tag: "None" })
  return Effect.map(scan.client.read(getContact(listed.contact.providerId)), (answer): Asked => {
    if (isMissing(answer)) return { _tag: "Gone" }
    if (isLearned) return { _tag: "None" }
    scan.probes += 1
    if (scan.probes >= enoughProbes) scan.messageList = "absent"
    return { _tag: "None" }
  })
}

interface Outcome {
  readonly item: Item
  /** Of the request for messages; null: none was answered. */
  readonly exchange: Exchange | null
  /** Whether the contact exists by its id; null: it was not asked. */
  readonly exists: boolean | null
}

const isAsked = <E>({ messageList }: Scan<E>): boolean =>
  messageList === "unknown" || messageList === "present"

/** What a contact comes to where its messages are not requested, or where there are none to be had. */
const plain = <E>({ map, scope }: Scan<E>, listed: Listed): Outcome => ({
  item: toItem(withMessages(listed.contact, null, map), listed, scope.refetch),
  exchange: null,
  exists: null
})

const outcomeOf = <E>(scan: Scan<E>, listed: Listed): Effect.Effect<Outcome, ProviderError> =>
  Effect.map(ask(scan, listed), (asked): Outcome => {
    const { map, scope } = scan
    switch (asked._tag) {
      case "Gone": {
        const { item } = plain(scan, listed)
        const kept = item._tag === "Sighting" ? { ...item, fingerprint: null } : item
        return { item: kept, exchange: null, exists: false }
      }
      case "None":
        return { ...plain(scan, listed), exists: true }
      case "Garbled": {
        const sighting = withoutReadableMessages(listed.contact, asked.error, map)
        return { item: toItem(sighting, listed, scope.refetch), exchange: null, exists: true }
      }
      case "Gathered": {
        const sighting = withMessages(listed.contact, asked.gathered, map)
        const { exchange } = asked.gathered
        return { item: toItem(sighting, listed, scope.refetch), exchange, exists: true }
      }
    }
  })

/** Until it is known whether messages can be listed, contacts are asked one after the other; then side by side. */
const outcomes = <E>(scan: Scan<E>, listed: ReadonlyArray<Listed>) => {
  const waiting = [...listed]
  const first = Stream.repeatEffectOption(
    Effect.suspend(() => {
      const one = scan.messageList === "unknown" ? waiting.shift() : undefined
      return one === undefined
        ? Effect.fail(Option.none<ProviderError>())
        : Effect.mapError(outcomeOf(scan, one), Option.some)
    })
  )
  const rest = Stream.suspend(() => {
    if (!isAsked(scan)) return Stream.fromIterable(waiting.map((one) => plain(scan, one)))
    const tasks = Stream.fromIterable(waiting.map((one) => outcomeOf(scan, one)))
    return inOrder(tasks, scan.scope.concurrency, { stopping: scan.scope.stopping })
  })
  return Stream.concat(first, rest)
}

interface Sorted {
  /** What the list alone decides. */
  readonly decided: ReadonlyArray<Item>
  readonly open: ReadonlyArray<RawPayload>
}

const sortOut = <E>(scope: PullScope<E>, contacts: ReadonlyArray<Written>): Sorted => {
  const decided: Array<Item> = []
  const open: Array<RawPayload> = []
  for (const contact of contacts) {
    const wire = readContact(contact)
    if (!("custom_fields" in wire)) decided.push({ _tag: "Unreadable", unreadable: wire })
    else if (isOutside(wire.created_at, scope)) decided.push({ _tag: "Filtered", providerId: wire.id })
    else open.push(contactPayload(wire.id, contact.text))
  }
  return { decided, open }
}

const lastIdOf = (items: ReadonlyArray<Written>): string | null => {
  const last = items.at(-1)
  return last === undefined ? null : writtenId(last, "id")
}

/** The next answer of the list. */
const askList = <E>(scan: Scan<E>): Effect.Effect<Answer, ProviderError> =>
  Effect.suspend(() => {
    const { ahead, client, cursor } = scan
    scan.ahead = null
    const paging = cursor === null ? {} : { cursorId: cursor }
    return ahead === null
      ? client.read(listContacts({ limit: contactsLimit, ...paging }))
      : Effect.succeed(ahead)
  })

/**
 * The list names no next page: whether it goes on behind its last contact all the same. Where it does, the answer is kept
 * for the next turn. A list that refuses to go on there has ended, as it said.
 * @returns the cursor to go on with; null: the list has ended
 */
const askBehind = <E>(scan: Scan<E>, last: string | null): Effect.Effect<string | null, ProviderError> =>
  last === null
    ? Effect.succeed(null)
    : Effect.gen(function* () {
        const answer = yield* scan.client.read(listContacts({ limit: contactsLimit, cursorId: last }))
        const { items } = yield* readList(answer)
        if (!scan.walk.isNews(items, "id")) return null
        scan.ahead = answer
        return last
      }).pipe(Effect.catchTag("Rejected", () => Effect.succeed(null)))

/** Where the list goes on after an answer; null: it has ended. */
const onward = <E>(scan: Scan<E>, named: string | null, last: string | null) =>
  Effect.tap(named === null ? askBehind(scan, last) : Effect.succeed(named), (next) =>
    next === null ? Effect.void : scan.walk.goOn(next)
  )

/**
 * The pages of one response of the list. Contacts with news of their messages come each in a page of their own, before
 * the page of all the others: with that one's cursor, everything up to it is stored.
 */
const responsePages = <E>(scan: Scan<E>): Stream.Stream<Page, ProviderError | E> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const { scope, walk } = scan
      const answer = yield* askList(scan)
      const { items, next: named } = yield* readList(answer)
      const contacts = walk.fresh(items, "id")
      const { decided, open } = sortOut(scope, contacts)
      const lastId = contacts.length === 0 ? null : lastIdOf(items)
      // What came is stored before a list that cannot be read on ends the scan.
      const following = yield* Effect.either(onward(scan, named, lastId))
      const next = Either.getOrElse(following, () => null)
      scan.finished = Either.isRight(following) && next === null
      scan.cursor = next
      const ids = open.map(({ providerId }) => providerId)
      const known =
        ids.length === 0 ? new Map<string, Known>() : yield* scope.known(ids, { newestMessageIds: true })
      const others: Array<Item> = [...decided]
      const listed: Array<Listed> = []
      for (const contact of open) {
        const { providerId } = contact
        const stored = known.get(providerId) ?? null
        // Before it was interrupted, this scan has asked for its messages already.
        const isStored =
          isStoredByScan(scope, stored) && coversMessages(stored?.fingerprint ?? null, contact.payload)
        if (isStored) others.push({ _tag: "Unchanged", providerId, key: stored?.key })
        else listed.push({ contact, known: stored })
      }
      let found = 0
      // The contact's status was seen when the list was requested, however much later its messages were.
      const details = outcomes(scan, listed).pipe(
        Stream.filterMap(({ exchange, exists, item }) => {
          if (exists === true) found += 1
          if (exists === false && item._tag === "Sighting") {
            const soughtById = { found: 0, missing: [item.conversation.providerId] }
            return Option.some(
              page({ exchange: { ...answer.exchange, bytes: 0 }, items: [item], soughtById })
            )
          }
          if (exchange !== null && item._tag === "Sighting") {
            return Option.some(page({ exchange: datedBy(exchange, [answer.exchange]), items: [item] }))
          }
          others.push(item)
          return Option.none()
        })
      )
      const last = Stream.suspend(() =>
        // Contacts may be missing before it.
        scope.stopping?.now() === true
          ? Stream.empty
          : Stream.fromIterable(
              pages({
                exchange: answer.exchange,
                items: others,
                cursor: next,
                end: endOf(scan),
                notices: noticesOf(scan),
                learned: learnedBy(scan),
                soughtById: { found, missing: [] }
              })
            )
      )
      const made = Stream.concat(details, last)
      return Either.isRight(following) ? made : Stream.concat(made, Stream.fail(following.left))
    })
  )

const newScan = <E>(client: ProviderClient, map: StatusMap, messages: boolean, scope: PullScope<E>) =>
  Effect.map(Clock.currentTimeMillis, (now): Scan<E> => {
    const isAbsent = lessonOf(scope, lessonName, now) === "absent"
    const messageList = isAbsent ? "absent" : "unknown"
    return {
      client,
      map,
      scope,
      walk: makeWalk("list contacts", mostContactResponses),
      messageList: messages && scope.messages ? messageList : "off",
      probes: 0,
      refusals: 0,
      refusal: "",
      cursor: scope.cursor,
      ahead: null,
      finished: false
    }
  })

/**
 * Every contact of the workspace. The list says neither how many there are nor, reliably, where it ends. It counts as
 * complete where it names no next page and asking for what follows its last contact brings no other. There is no time of
 * a contact's last change: each scan reads the whole list and asks every contact for its newest messages once.
 * @param messages false: the user has turned them off for this vendor
 */
export const scan = <E>(
  client: ProviderClient,
  map: StatusMap,
  messages: boolean,
  scope: PullScope<E>
): Stream.Stream<Page, ProviderError | E> =>
  Stream.unwrap(
    Effect.map(newScan(client, map, messages, scope), (state) =>
      Stream.repeatEffectOption(
        Effect.suspend(() =>
          state.finished ? Effect.fail(Option.none<never>()) : Effect.succeed(responsePages(state))
        )
      ).pipe(Stream.flatten())
    )
  )
