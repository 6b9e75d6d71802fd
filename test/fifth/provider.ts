import { Effect, Either, Option, Redacted, Schema, Stream } from "effect"
import type { Message } from "../../src/domain/Conversation.ts"
import type { ProviderError } from "../../src/domain/ProviderError.ts"

import type { Answer, ProviderClient } from "../../src/http/client.ts"
import { decodeAnswer, finding, isMissing } from "../../src/providers/kit/answer.ts"
import { decoder, epochTime, id, optional, parseJson, text, word } from "../../src/providers/kit/decode.ts"
import { idOf, page, unreadable } from "../../src/providers/kit/page.ts"
import { refuseUnsupported, statusMap, withOverrides } from "../../src/providers/kit/statusMap.ts"
import type {
  CommonSettings,
  Item,
  Provider,
  ProviderDefinition,
  RawPayload,
  RemoteState,
  Sighting,
  Unreadable
} from "../../src/providers/Provider.ts"

/*
 * Harbor, a vendor that does not exist: what a newcomer writes to add a fifth one, in one file. It lists threads whole,
 * ten at a time, each with its messages.
 */

const Settings = Schema.Struct({ token: Schema.Redacted(Schema.NonEmptyString) })
type Settings = typeof Settings.Type

const Note = Schema.Struct({
  id,
  by: optional(word("guest", "crew")),
  text: optional(text),
  at: optional(epochTime)
})
const Thread = Schema.Struct({
  id,
  state: optional(word("open", "done")),
  guest: optional(text),
  changed: optional(epochTime),
  notes: optional(Schema.Array(Schema.Unknown))
})
const List = Schema.Struct({ threads: Schema.Array(Schema.Unknown), after: optional(text) })

const decodeNote = decoder(Note)
const decodeThread = decoder(Thread)
const decodeList = decoder(List)

const words = statusMap({ open: "active", done: "completed" }, { active: "open", completed: "done" })
const title = "Harbor"

const toMessage = ({ right: note }: { readonly right: typeof Note.Type }): Message => ({
  messageId: note.id,
  providerId: note.id,
  role: note.by === "guest" ? "customer" : "agent",
  providerRole: note.by,
  type: "text",
  content: note.text,
  sentAt: note.at,
  sentAtSource: note.at === null ? null : "at",
  attributes: {}
})

const interpret = (payloads: ReadonlyArray<RawPayload>, status = words): Sighting | Unreadable => {
  const [raw] = payloads
  if (raw === undefined) throw new Error("no payload")
  const decoded = Either.flatMap(parseJson(raw.payload), decodeThread)
  if (Either.isLeft(decoded)) return unreadable(raw, decoded.left)
  const thread = decoded.right
  const written = thread.notes ?? []
  const notes = written.map((note) => decodeNote(note))
  const faults = notes.flatMap((note, index) =>
    Either.isRight(note)
      ? []
      : [
          unreadable(
            {
              kind: "note",
              payload: JSON.stringify(written[index]),
              providerId: idOf(written[index] as never, "id"),
              conversationId: thread.id
            },
            note.left
          )
        ]
  )
  return {
    _tag: "Sighting",
    conversation: {
      providerId: thread.id,
      contactId: thread.guest,
      channel: "web",
      providerChannel: null,
      status: status.read(thread.state),
      providerStatus: thread.state,
      agentId: null,
      campaignId: null,
      title: null,
      summary: null,
      qualified: null,
      qualificationReason: null,
      tags: [],
      attributes: {},
      declaredMessages: thread.notes?.length ?? null,
      startedAt: null,
      lastMessageAt: null,
      updatedAt: thread.changed
    },
    contact:
      thread.guest === null
        ? null
        : { providerId: thread.guest, name: thread.guest, email: null, phone: null, attributes: {} },
    messages:
      thread.notes === null ? null : { extent: "whole", items: notes.filter(Either.isRight).map(toMessage) },
    unreadable: faults,
    raw: [raw],
    fingerprint: raw.payload
  }
}

const make = (settings: Settings & CommonSettings, client: ProviderClient): Provider => {
  const map = withOverrides(words, settings.statusMap)
  /** @param messages false: the user wants none, so that none is kept */
  const payloadOf = (thread: unknown, messages: boolean): RawPayload => {
    const threadId = idOf(thread as never, "id") ?? "?"
    const { notes: _, ...rest } = thread as { readonly notes?: unknown }
    const payload = JSON.stringify(messages ? thread : rest)
    return { kind: "thread", providerId: threadId, conversationId: threadId, payload }
  }
  const stateOf = (answer: Answer): Effect.Effect<RemoteState, ProviderError> =>
    Effect.map(decodeAnswer(title, answer, decodeThread), (thread) => ({
      status: map.read(thread.state),
      providerStatus: thread.state,
      updatedAt: thread.changed,
      title: null,
      tags: []
    }))
  const get = (threadId: string) =>
    client.read({
      operation: "read thread",
      method: "GET",
      path: `/threads/${encodeURIComponent(threadId)}`,
      mayBeMissing: true
    })
  const list = (after: string | null) =>
    client.read({
      operation: "list threads",
      method: "GET",
      path: "/threads",
      query: { after: after ?? undefined }
    })
  const itemOf = (raw: RawPayload): Item => {
    const read = interpret([raw], map)
    return "_tag" in read ? read : { _tag: "Unreadable", unreadable: read }
  }

  return {
    pull: (scope) =>
      Stream.paginateEffect(scope.cursor as string | null, (cursor) =>
        Effect.gen(function* () {
          const answer = yield* list(cursor)
          const { after, threads } = yield* decodeAnswer(title, answer, decodeList)
          const payloads = threads.map((thread) => payloadOf(thread, scope.messages))
          const known = yield* scope.known(payloads.map(({ providerId }) => providerId))
          const items = payloads.map(
            (raw): Item =>
              !scope.refetch && known.get(raw.providerId)?.fingerprint === raw.payload
                ? { _tag: "Unchanged", providerId: raw.providerId }
                : itemOf(raw)
          )
          const end = after === null ? { complete: true, reason: null } : null
          return [
            page({ exchange: answer.exchange, items, cursor: after, end }),
            Option.map(Option.fromNullable(after), (next): string | null => next)
          ] as const
        })
      ),
    fetch: (providerId, _known, { messages }) =>
      Effect.map(get(providerId), (answer) =>
        isMissing(answer)
          ? null
          : page({ exchange: answer.exchange, items: [itemOf(payloadOf(JSON.parse(answer.text), messages))] })
      ),
    interpret: (payloads) => interpret(payloads, map),
    readStatus: ({ providerId }) =>
      Effect.flatMap(get(providerId), (answer) =>
        isMissing(answer) ? Effect.succeed(null) : stateOf(answer)
      ),
    refuse: (requested) => refuseUnsupported(requested, { title, write: map.write, fields: [] }),
    setStatus: ({ providerId, requested }) =>
      client
        .write({
          operation: "set state",
          method: "PUT",
          path: `/threads/${encodeURIComponent(providerId)}`,
          body: { state: map.write[requested.status ?? "completed"] }
        })
        .pipe(
          Effect.flatMap(stateOf),
          Effect.map((state) => ({ state }))
        ),
    check: () =>
      Effect.map(finding("list threads", Effect.as(list(null), "threads can be listed")), (one) => [one]),
    statusMap: map
  }
}

export const harbor: ProviderDefinition<Settings, typeof Settings.Encoded> = {
  id: "harbor",
  title,
  docs: "https://harbor.example/docs",
  exampleName: "pier",
  settings: Settings,
  baseUrl: () => "https://api.harbor.example",
  limits: [{ name: "harbor", requests: 600, perMillis: 60_000, scope: "connection" }],
  statusMap: words,
  columns: {
    "conversations.provider_id": "$.id",
    "conversations.contact_id": "$.guest",
    "conversations.provider_status": "$.state",
    "messages.content": "$.notes[*].text",
    "messages.sent_at": "$.notes[*].at"
  },
  personal: {
    threads: "within",
    after: "keep",
    id: "keep",
    state: "keep",
    guest: "contact",
    changed: "keep",
    notes: "within",
    by: "keep",
    text: "text",
    at: "keep"
  },
  authorize: ({ token }) => ({
    _tag: "Fixed",
    headers: { authorization: Redacted.make(`Bearer ${Redacted.value(token)}`) },
    credential: token,
    setting: "token"
  }),
  make
}
