import { HttpApiBuilder } from "@effect/platform"
import { Clock, Effect } from "effect"
import type { Session } from "../../store/Db.ts"
import {
  type ConversationFilter,
  type ListPlace,
  listConversations,
  makeRowOf
} from "../../store/read/conversationList.ts"
import { findConversation } from "../../store/read/findConversation.ts"
import { searchMessages } from "../../store/read/searchMessages.ts"
import { transcriptHead, transcriptPage, transcriptPayloads } from "../../store/read/transcript.ts"
import { whyFacts } from "../../store/read/whyFacts.ts"
import { Api, type Filter, Invalid, Missing } from "../api.ts"
import { findConversations } from "../find.ts"
import { reading } from "../Serving.ts"
import { connectionNamed, given, instant, statusNamed } from "./parameters.ts"

/** What a request's filter says. Searches, where it names words. */
export const readFilter = Effect.fn("serve.filter")(function* (asked: Filter) {
  const words = given(asked.q)
  const since = yield* instant("since", asked.since)
  const until = yield* instant("until", asked.until)
  const connection = yield* connectionNamed(asked.connection)
  const status = yield* statusNamed(asked.status)
  const among =
    words === null ? null : yield* reading((session) => findConversations(session, words, connection))
  const filter: ConversationFilter = {
    connection,
    status,
    channel: given(asked.channel),
    waiting: given(asked.waiting) !== null && asked.waiting !== "0",
    among: among === null ? null : among.map(({ id }) => id),
    since,
    until
  }
  return { filter, excerpts: new Map(among?.map(({ excerpt, id }) => [id, excerpt])) }
})

const placeText = ({ at, id }: ListPlace): string =>
  Buffer.from(JSON.stringify([at, id])).toString("base64url")

const badCursor = new Invalid({
  message: "that cursor is none of this list's",
  hint: "leave it out to begin at the start"
})

const readPlace = (text: string | undefined): Effect.Effect<ListPlace | null, Invalid> =>
  Effect.suspend(() => {
    if (given(text) === null) return Effect.succeed(null)
    try {
      const [at, id] = JSON.parse(Buffer.from(text ?? "", "base64url").toString("utf8")) as [unknown, unknown]
      return typeof id === "string" && (at === null || typeof at === "string")
        ? Effect.succeed({ at, id })
        : badCursor
    } catch {
      return badCursor
    }
  })

const readWindow = (cursor: string | undefined, limit: number) => {
  const [, side, position] = /^(before|after):(-?\d{1,15})$/.exec(cursor ?? "") ?? []
  if (given(cursor) !== null && side === undefined) return badCursor
  return Effect.succeed({ limit, ...(side === undefined ? {} : { [side]: Number(position) }) })
}

const missing = (id: string) =>
  new Missing({ message: `there is no conversation \`${id}\` in the mirror`, hint: "" })

const found = <A>(id: string, value: A | null): Effect.Effect<A, Missing> =>
  value === null ? missing(id) : Effect.succeed(value)

/** A conversation that paused for a day or was opened again, in its parts. */
const sessionsOf = ({ prepare }: Session, id: string): ReadonlyArray<Record<string, unknown>> =>
  prepare(
    `SELECT number, started_at, ended_at, messages, first_answer_seconds, first_answer_by FROM sessions
     WHERE conversation_id = ? ORDER BY number LIMIT 100`
  ).all(id) as ReadonlyArray<Record<string, unknown>>

/** Each time that it was handed to a person, as far as that is known. */
const handoffsOf = ({ prepare }: Session, id: string): ReadonlyArray<Record<string, unknown>> =>
  prepare(
    `SELECT requested_at, accepted_at, completed_at, accepted_by, evidence FROM handoffs
     WHERE conversation_id = ? ORDER BY coalesce(requested_at, accepted_at, completed_at) LIMIT 100`
  ).all(id) as ReadonlyArray<Record<string, unknown>>

export const conversations = HttpApiBuilder.group(Api, "conversations", (handlers) =>
  handlers
    .handle("list", ({ urlParams }) =>
      Effect.gen(function* () {
        const { excerpts, filter } = yield* readFilter(urlParams)
        const after = yield* readPlace(urlParams.cursor)
        const { items, next } = yield* reading((session) =>
          listConversations(session, filter, after, urlParams.limit)
        )
        return {
          items: items.map((item) => ({ ...item, last_words: excerpts.get(item.id) ?? item.last_words })),
          next: next === null ? null : placeText(next)
        }
      })
    )
    .handle("one", ({ path: { id } }) =>
      Effect.gen(function* () {
        const known = yield* reading((session) => {
          const conversation = findConversation(session, id)
          const head = "message" in conversation ? null : transcriptHead(session, conversation.id)
          if (head === null) return { head: null, hint: "hint" in conversation ? conversation.hint : "" }
          const { id: own } = head
          return {
            head: { ...head, sessions: sessionsOf(session, own), handoffs: handoffsOf(session, own) },
            hint: ""
          }
        })
        if (known.head !== null) return { ...known.head }
        return yield* new Missing({ message: missing(id).message, hint: known.hint })
      })
    )
    .handle("messages", ({ path: { id }, urlParams }) =>
      Effect.gen(function* () {
        const window = yield* readWindow(urlParams.cursor, urlParams.limit)
        const page = yield* Effect.flatMap(
          reading((session) =>
            makeRowOf(session)(id) === null ? null : transcriptPage(session, id, window)
          ),
          (value) => found(id, value)
        )
        return {
          items: page.messages,
          earlier: page.earlier === null ? null : `before:${page.earlier}`,
          later: page.later === null ? null : `after:${page.later}`
        }
      })
    )
    .handle("why", ({ path: { id } }) =>
      Effect.gen(function* () {
        const at = yield* Clock.currentTimeMillis
        const connection = id.slice(0, Math.max(0, id.indexOf(":")))
        const providerId = id.slice(connection.length + 1)
        const facts = yield* reading((session) => whyFacts(session, { id, connection, providerId }, at))
        return { ...(yield* found(id, facts)) }
      })
    )
    .handle("raw", ({ path: { id } }) =>
      Effect.gen(function* () {
        const payloads = yield* reading((session) => {
          const head = transcriptHead(session, id)
          return head === null ? null : transcriptPayloads(session, head)
        })
        return { items: (yield* found(id, payloads)).map((payload) => ({ ...payload })) }
      })
    )
    .handle("search", ({ urlParams: { connection: named, limit, q } }) =>
      Effect.map(
        Effect.flatMap(connectionNamed(named), (connection) =>
          reading((session) => {
            const rowOf = makeRowOf(session)
            return searchMessages(session, {
              words: q,
              connection,
              limit
            }).flatMap((hit) => {
              const row = rowOf(hit.conversationId)
              return row === null
                ? []
                : {
                    conversation_id: hit.conversationId,
                    message_id: hit.messageId,
                    position: hit.position,
                    role: hit.role,
                    sent_at: hit.sentAt,
                    connection: row.connection,
                    title: row.title,
                    name: row.contact?.name ?? null,
                    excerpt: hit.excerpt
                  }
            })
          })
        ),
        (items) => ({ items })
      )
    )
)
