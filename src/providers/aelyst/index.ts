import { Effect, Either, Schema, Stream } from "effect"
import { Malformed, type ProviderError } from "../../domain/ProviderError.ts"
import type { StatusMap } from "../../domain/Status.ts"
import type { RequestedChange, StatusChange } from "../../domain/StatusChange.ts"
import type { ProviderClient } from "../../http/client.ts"
import type { Limit } from "../../http/contract.ts"
import {
  type AnswerForm,
  anyExists,
  clockOf,
  decodeAnswer,
  finding,
  idsListed,
  isGone,
  isMissing,
  malformed,
  unlessFailed,
  untried
} from "../kit/answer.ts"
import { type Fault, filled, only, parseJson } from "../kit/decode.ts"
import { fixedCredential } from "../kit/facts.ts"
import { page, unreadableItem } from "../kit/page.ts"
import { refuseUnsupported, requireWord, withOverrides } from "../kit/statusMap.ts"
import { writtenId } from "../kit/written.ts"
import type {
  FetchScope,
  Known,
  Likeness,
  Page,
  Provider,
  ProviderDefinition,
  PullScope,
  Refusal,
  WriteOutcome
} from "../Provider.ts"
import { contract } from "./contract.ts"
import { facts, personal, title } from "./facts.ts"
import { hints } from "./hints.ts"
import { readList } from "./list.ts"
import { asUnreadable, gather, withMessages, withoutReadableMessages } from "./messages.ts"
import { columns, contactPayload, interpret, statusMap, toRemoteState } from "./normalize.ts"
import {
  contactsLimit,
  findContact,
  getContact,
  listContacts,
  listMessages,
  messagesLimit,
  updateConversationStatus
} from "./requests.ts"
import { lacks, scan } from "./scan.ts"
import { survey } from "./survey.ts"
import { decodeContact, decodeLikeness, decodeState, decodeStatusUpdated } from "./wire.ts"

/** https://developers.aelyst.ai/: a token of the workspace, from Settings > Integrations > Developer API. */
const Settings = Schema.Struct({
  token: Schema.Redacted(Schema.String),
  /** `off`: never ask for messages. */
  messageList: Schema.optionalWith(Schema.Literal("auto", "off"), { default: () => "auto" as const })
})
type Settings = typeof Settings.Type

const limits = (): ReadonlyArray<Limit> => {
  const { is } = facts.rates.path
  return [{ name: `${is.requests} a second for each path`, ...is, scope: "path" }]
}

/** A contact by its id is the answer itself. */
const recordForm: AnswerForm = { record: "id" }

/** Whose contact it is, by what of it can be read; a fault where none of what is there can. */
const likenessIn = (json: unknown): Either.Either<Likeness, Fault> => {
  const startedAt = Either.map(decodeLikeness.startedAt(json), ({ created_at }) => created_at)
  const phone = Either.map(decodeLikeness.phone(json), (read) => read.phone)
  const email = Either.map(decodeLikeness.email(json), (read) => read.email)
  const likeness = {
    startedAt: Either.getOrNull(startedAt),
    phone: Either.getOrNull(phone),
    email: Either.getOrNull(email)
  }
  const fault = [startedAt, phone, email].find(Either.isLeft)
  const isAnyRead = Object.values(likeness).some((value) => value !== null)
  return fault === undefined || isAnyRead ? Either.right(likeness) : Either.left(fault.left)
}

const readStatus = (client: ProviderClient, map: StatusMap): Provider["readStatus"] =>
  Effect.fn("aelyst.readStatus")(function* ({ providerId }: StatusChange) {
    const answer = yield* client.read(getContact(providerId))
    if (yield* isGone(title, answer)) return null
    const read = yield* decodeAnswer(title, answer, only(decodeState, providerId, "contact"), recordForm)
    const likeness = yield* decodeAnswer(title, answer, likenessIn, recordForm)
    return { ...toRemoteState(read, map), ...clockOf(answer), likeness }
  })

/** What is no identifier to the vendor leads nowhere. */
const findByContact = (client: ProviderClient): NonNullable<Provider["findByContact"]> =>
  Effect.fn("aelyst.findByContact")(function* (kind, value) {
    const answer = yield* client
      .read(findContact(kind, value))
      .pipe(Effect.catchTag("Rejected", () => Effect.succeed(null)))
    if (answer === null || isMissing(answer)) return null
    return (yield* decodeAnswer(title, answer, decodeState, recordForm)).id
  })

/** One contact with its messages. What was asked of them later is dated by when the contact was requested. */
const fetch = (client: ProviderClient, map: StatusMap, isOffered: boolean): Provider["fetch"] =>
  Effect.fn("aelyst.fetch")(function* (providerId: string, known: Known | null, scope: FetchScope) {
    const answer = yield* client.read(getContact(providerId))
    if (yield* isGone(title, answer)) return null
    yield* unlessFailed(title, answer, recordForm)
    const { exchange, text } = answer
    const contact = Either.flatMap(parseJson(text), only(decodeContact, providerId, "contact"))
    if (Either.isLeft(contact)) {
      const record = { kind: "contact", providerId, conversationId: providerId, payload: text }
      return page({ exchange, items: [unreadableItem(record, contact.left)] })
    }
    const payload = contactPayload(providerId, text.trim())
    const isAsked = isOffered && scope.messages
    const sighting = yield* (isAsked ? gather(client, providerId, known) : Effect.succeed(null)).pipe(
      Effect.catchTag("Unauthorized", (error) => (error.status === 403 ? Effect.succeed(null) : error)),
      Effect.map((gathered) => withMessages(payload, gathered, map)),
      Effect.catchTags({
        Malformed: (error) => Effect.succeed(withoutReadableMessages(payload, error, map)),
        Rejected: (error) => Effect.succeed(withoutReadableMessages(payload, asUnreadable(error), map))
      })
    )
    const item = "_tag" in sighting ? sighting : ({ _tag: "Unreadable", unreadable: sighting } as const)
    const found: Page = page({ exchange, items: [item] })
    return found
  })

/** What a webhook named: the contact and its newest messages. */
const hinted = <E>(
  fetchOne: Provider["fetch"],
  id: string,
  scope: PullScope<E>
): Stream.Stream<Page, ProviderError | E> =>
  Stream.fromIterableEffect(
    Effect.gen(function* () {
      const known = (yield* scope.known([id], { newestMessageIds: true })).get(id) ?? null
      const found = yield* fetchOne(id, known, scope)
      return found === null ? [] : [found]
    })
  )

const length = (text: string | null): number => (text === null ? 0 : [...text].length)

const refuse =
  (write: StatusMap["write"]) =>
  (requested: RequestedChange): Refusal | null => {
    const unsupported = refuseUnsupported(requested, { title, write, fields: ["category", "summary"] })
    if (unsupported !== null) return unsupported
    const { category, status, summary } = requested
    if (length(summary) > 0 && length(category) === 0) {
      return {
        message: "Aelyst takes a summary only beside a category",
        hint: "add --category, the name of a closing note"
      }
    }
    if (length(category) > 0 && status !== "completed") {
      return {
        message: "Aelyst takes a category only when a conversation is closed",
        hint: "leave it out, or request completed"
      }
    }
    if (length(category) > facts.sizes.category.is) {
      return {
        message: `the category has ${length(category)} characters, Aelyst takes ${facts.sizes.category.is}`,
        hint: "it is the name of a closing note: use one that the workspace has"
      }
    }
    return length(summary) > facts.sizes.summary.is
      ? {
          message: `the summary has ${length(summary)} characters, Aelyst takes ${facts.sizes.summary.is}`,
          hint: "shorten it"
        }
      : null
  }

/** The answer names the contact and nothing else, so that what it now holds must be read. */
const setStatus = (client: ProviderClient, map: StatusMap): Provider["setStatus"] =>
  Effect.fn("aelyst.setStatus")(function* ({ providerId, requested }: StatusChange) {
    const word = yield* requireWord(title, map, requested)
    const update = { status: word, category: filled(requested.category), summary: filled(requested.summary) }
    const answer = yield* client.write(updateConversationStatus(providerId, update))
    const { contactId } = yield* decodeAnswer(title, answer, decodeStatusUpdated)
    if (contactId !== null && contactId !== providerId) {
      return yield* malformed(title, answer.exchange.operation, "it names another contact")
    }
    const outcome: WriteOutcome = { state: null }
    return outcome
  })

const messagesMissing = (operation: string): Malformed =>
  new Malformed({
    message: `${lacks.absent}: contacts and their status are synced without`,
    hint: "`messages: off` on this connection says that this is meant",
    where: operation,
    detail: "a 404"
  })

/** Asks as `pull` does, limits included: what is refused there is refused here. */
const check =
  (client: ProviderClient, isOffered: boolean): Provider["check"] =>
  ({ messages }) =>
    Effect.gen(function* () {
      let listed: ReadonlyArray<string> = []
      const first = client.read(listContacts({ limit: contactsLimit }))
      const contacts = yield* finding(
        "list contacts",
        Effect.gen(function* () {
          const { items } = yield* readList(yield* first)
          listed = yield* idsListed(title, items, (item) => writtenId(item, "id"))
          return items.length === 0 ? "allowed; the workspace holds none" : "allowed"
        })
      )
      const findings = [contacts]
      const [contactId] = listed
      if (contactId !== undefined && messages && isOffered) {
        const request = listMessages(contactId, { limit: messagesLimit })
        const list = Effect.gen(function* () {
          const answer = yield* client.read(request)
          if (!isMissing(answer)) return yield* Effect.as(readList(answer), "allowed")
          // It can mean the list, or that there are no such contacts.
          yield* anyExists(title, listed, (id) => client.read(getContact(id)), recordForm)
          return yield* messagesMissing(answer.exchange.operation)
        })
        findings.push(yield* finding("list messages", list))
      }
      if (contacts.ok) {
        findings.push(untried("open or close a conversation", "; the token has no permissions of its own"))
      }
      return findings
    })

const make = (
  settings: Settings & { readonly statusMap: Readonly<Record<string, string>> },
  client: ProviderClient
): Provider => {
  const map = withOverrides(statusMap, settings.statusMap)
  const messages = settings.messageList === "auto"
  return {
    pull: (scope) =>
      scope.subject?._tag === "Conversation"
        ? hinted(fetch(client, map, messages), scope.subject.id, scope)
        : scan(client, map, messages, scope),
    survey: (scope) => survey(client, messages, scope),
    fetch: fetch(client, map, messages),
    interpret: (payloads) => interpret(payloads, map),
    findByContact: findByContact(client),
    readStatus: readStatus(client, map),
    refuse: refuse(map.write),
    setStatus: setStatus(client, map),
    check: check(client, messages),
    contract: contract(client),
    statusMap: map,
    idsAreCounted: true
  }
}

export const aelyst: ProviderDefinition<Settings, typeof Settings.Encoded> = {
  id: "aelyst",
  title,
  docs: "https://developers.aelyst.ai",
  exampleName: "inbox",
  settings: Settings,
  baseUrl: () => "https://api.aelyst.ai/v1",
  get limits() {
    return limits()
  },
  statusMap,
  columns,
  personal,
  hints,
  authorize: ({ token }) => fixedCredential(facts.credential, token, "token"),
  make
}
