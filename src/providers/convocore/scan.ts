import { Chunk, Clock, Effect, Either, Option, Schema, Stream } from "effect"
import type { Json } from "../../domain/Conversation.ts"
import type { ProviderError } from "../../domain/ProviderError.ts"
import { toMillis } from "../../domain/Timestamp.ts"
import type { Answer, Exchange, ProviderClient } from "../../http/client.ts"
import { decodeAnswer, isMissing, malformed } from "../answer.ts"
import { inOrder } from "../inOrder.ts"
import type { Item, Known, Notice, Page, PullScope, Unreadable } from "../Provider.ts"
import { idOf, isOutside, page, unreadable } from "../page.ts"
import { type AgentList, agentList, type Place, type Step } from "./agentList.ts"
import { type Agents, readAgents } from "./agents.ts"
import { type Account, type Element, load, pagesOf, type Wanted } from "./details.ts"
import { exportOne, newExporter, selectedLesson, title } from "./exports.ts"
import { marksIn, noMessagesMark, type Reading, rawPayload, rowMark, type Shown } from "./normalize.ts"
import { largestCursorPage, largestPage, listConversations } from "./requests.ts"
import { decodeConversation, decodeList } from "./wire.ts"

/** What `Page.learned` calls the largest page that is given, and after how long, in milliseconds, lessons are forgotten. */
const limitLesson = "list-limit"
const lessonHolds = 24 * 60 * 60_000

/** Which account is read, and how. */
export interface Source {
  readonly client: ProviderClient
  readonly reading: Reading
  /** Null: every agent of the workspace. */
  readonly agents: ReadonlyArray<string> | null
}

const CursorText = Schema.parseJson(
  Schema.Struct({
    /** Agents that were read to the end. */
    done: Schema.Array(Schema.String),
    /** The agent that is being read, and how far. */
    agent: Schema.optional(Schema.String),
    rows: Schema.optional(Schema.Number),
    cursor: Schema.optional(Schema.String)
  })
)
type Cursor = typeof CursorText.Type

const readCursor = (text: string | null): Cursor =>
  text === null ? { done: [] } : Either.getOrElse(Schema.decodeEither(CursorText)(text), () => ({ done: [] }))

const placeIn = ({ rows, cursor }: Cursor): Place | null => {
  if (cursor !== undefined) return { cursor }
  return rows === undefined ? null : { rows }
}

interface Scan<E> extends Account {
  readonly scope: PullScope<E>
  /** Of each row that was dealt with, by agent and id, the mark it had. */
  readonly handled: Map<string, string>
  /** Which agent's conversation goes by the vendor's id alone. */
  readonly owners: Map<string, string>
  readonly done: Array<string>
  largest: number
  /** Why not everything was enumerated. */
  readonly gaps: Array<string>
}

/** One agent's list, while it is read. */
interface Reader {
  readonly agentId: string
  readonly list: AgentList
  readonly isLast: boolean
}

/** A listed row, whether it decodes or not. */
interface Listed {
  readonly id: string | null
  readonly mark: string
  readonly key: string
  readonly shown: Either.Either<Omit<Shown, "raw">, Unreadable>
  readonly value: Json
}

const readListed = (agentId: string, value: Json): Listed => {
  const id = idOf(value, "ID") ?? idOf(value, "id")
  const mark = rowMark(value)
  const shown = Either.mapBoth(decodeConversation(value), {
    onLeft: (fault) => {
      const providerId = id === null ? null : `${agentId}/${id}`
      const payload = JSON.stringify(value)
      return unreadable({ kind: "conversation", providerId, conversationId: id, payload }, fault)
    },
    onRight: ({ wire }) => ({ value, wire })
  })
  return { id, mark, key: `${agentId}/${id ?? mark}`, shown, value }
}

const idWithAgent = (id: string, agentId: string): string => `${id}@${agentId}`

/** The id that the mirror holds it by: the vendor's, unless another agent's conversation has it already. */
const identify = <E>(
  { owners }: Scan<E>,
  agentId: string,
  id: string,
  known: ReadonlyMap<string, Known>
): { readonly providerId: string; readonly known: Known | null } => {
  const longer = idWithAgent(id, agentId)
  const [plain, other] = [known.get(id), known.get(longer)]
  const owner = owners.get(id) ?? plain?.agentId ?? agentId
  if (other !== undefined || owner !== agentId) return { providerId: longer, known: other ?? null }
  owners.set(id, agentId)
  return { providerId: id, known: plain ?? null }
}

const isCurrent = (known: Known | null, mark: string): boolean =>
  known?.fingerprint !== null &&
  known?.fingerprint !== undefined &&
  !known.deleted &&
  marksIn(known.fingerprint).row === mark

/**
 * Whether a conversation that looks as it is stored lacks messages that can be had now. Where nothing is known of the
 * permission to export, one export is tried before many details are asked for in vain.
 */
const lacksMessages = <E>(scan: Scan<E>, agentId: string, id: string, known: Known | null) =>
  Effect.gen(function* () {
    const { exporter, scope } = scan
    if (!scope.messages || marksIn(known?.fingerprint ?? "").messages !== noMessagesMark) return false
    if (exporter.permission === "unknown") {
      yield* exportOne(exporter, agentId, id).pipe(Effect.catchTag("Malformed", () => Effect.void))
    }
    return exporter.permission !== "refused"
  })

type Task = Effect.Effect<Element, ProviderError>
type Outcome = { readonly item: Item } | { readonly task: Task } | null

/** What is to be done for a row. @param again it was asked for once more, to see whether it is still the same */
const dealWith = <E>(
  scan: Scan<E>,
  agentId: string,
  { id, mark, key, shown, value }: Listed,
  { providerId, known }: ReturnType<typeof identify>,
  again: boolean,
  step: Step,
  exchange: Exchange
): Effect.Effect<Outcome, ProviderError> =>
  Effect.gen(function* () {
    const { scope } = scan
    if (scan.handled.get(key) === mark) {
      return again || id === null ? null : { item: { _tag: "Unchanged", providerId } as const }
    }
    scan.handled.set(key, mark)
    if (Either.isLeft(shown)) return { item: { _tag: "Unreadable", unreadable: shown.left } as const }
    if (id === null) return null
    const { wire } = shown.right
    if (isOutside(wire.firstMessageTS ?? wire.ts, scope)) {
      return { item: { _tag: "Filtered", providerId } as const }
    }
    // A resumed scan's further looks meet what its first part has fetched.
    const refetch = scope.refetch && (scope.cursor === null || step.place !== null)
    if (!refetch && isCurrent(known, mark) && !(yield* lacksMessages(scan, agentId, id, known))) {
      return { item: { _tag: "Unchanged", providerId } as const }
    }
    const raw = rawPayload("conversation", agentId, id, providerId, value)
    const row: Shown = { raw, value, wire }
    const wanted: Wanted = { agentId, id, providerId, row, known, refetch, messages: scope.messages }
    return { task: load(scan, wanted, exchange) }
  })

/** Refusals after which the list may be asked for in another way. */
const refusals = [400, 404, 410, 413, 422]

/** The next page of the list; null: ask again, in another way. */
const askList = <E>(scan: Scan<E>, { agentId, list }: Reader): Effect.Effect<Answer | null, ProviderError> =>
  Effect.gen(function* () {
    const options = list.next()
    const answer = yield* scan.client.read(listConversations(agentId, options))
    return isMissing(answer) && "cursor" in options && list.refused() ? null : answer
  }).pipe(
    Effect.catchTag("Rejected", (error) =>
      refusals.includes(error.status) && list.refused() ? Effect.succeed(null) : Effect.fail(error)
    )
  )

const cursorText = <E>(scan: Scan<E>, agentId: string, { place, end }: Step): string | null => {
  if (end !== null) return JSON.stringify({ done: [...scan.done, agentId] } satisfies Cursor)
  return place === null
    ? null
    : JSON.stringify({ done: scan.done, agent: agentId, ...place } satisfies Cursor)
}

const ending = <E>({ gaps }: Scan<E>, isLast: boolean): Page["end"] =>
  isLast ? { complete: gaps.length === 0, reason: gaps.length === 0 ? null : gaps.join("; ") } : null

const finished = (made: Page): Task => Effect.succeed({ _tag: "Finished", page: made })

/** An agent that does not exist is left out; the others are read. */
const agentIsMissing = <E>(scan: Scan<E>, { agentId, isLast }: Reader, exchange: Exchange): Task => {
  scan.gaps.push(`agent "${agentId}" does not exist`)
  const notice: Notice = {
    code: `agent-missing-${agentId}`,
    message: `${title} has no agent "${agentId}" for this token (404): its conversations are not read`,
    hint: "check agents of this connection, and that the token is the workspace's"
  }
  const end = ending(scan, isLast)
  scan.done.push(agentId)
  const cursor = JSON.stringify({ done: scan.done } satisfies Cursor)
  return finished(page({ exchange, items: [], notices: [notice], cursor, end }))
}

const lessons = <E>(scan: Scan<E>, rows: number, limit: number | undefined): Page["learned"] => {
  if (limit !== largestCursorPage || scan.largest === largestCursorPage || rows === 0) return {}
  scan.largest = largestCursorPage
  return { [limitLesson]: String(largestCursorPage) }
}

/** One page of an agent's list: first the requests for details, in the list's order, then the page itself. */
const listPage = <E>(scan: Scan<E>, reader: Reader) =>
  Effect.gen(function* () {
    const { agentId, list, isLast } = reader
    const answer = yield* askList(scan, reader)
    if (answer === null) return [Chunk.empty<Task>(), Option.some(null)] as const
    const { exchange } = answer
    if (isMissing(answer))
      return [Chunk.of(agentIsMissing(scan, reader, exchange)), Option.none<null>()] as const
    const { data, hasMore, nextCursor, limit } = yield* decodeAnswer(title, answer, decodeList)
    const listed = (data as ReadonlyArray<Json>).map((value) => readListed(agentId, value))
    const ids = listed.flatMap(({ id }) => (id === null ? [] : [id, idWithAgent(id, agentId)]))
    const known = ids.length === 0 ? new Map<string, Known>() : yield* scan.scope.known(ids)
    const identities = listed.map(({ id, mark }) => identify(scan, agentId, id ?? mark, known))
    const step = list.received({
      rows: listed.map(({ id, key, mark, shown }, index) => {
        const stored = identities[index]?.known ?? null
        const wire = Either.getOrNull(shown)?.wire
        return {
          id,
          startedAt: wire?.firstMessageTS ?? wire?.ts ?? null,
          stored: stored !== null,
          isNews: scan.handled.get(key) !== mark && !isCurrent(stored, mark)
        }
      }),
      hasMore,
      nextCursor,
      limit
    })
    const tasks: Array<Effect.Effect<Element, ProviderError>> = []
    const items: Array<Item> = []
    for (const [index, entry] of listed.entries()) {
      const identity = identities[index]
      if (identity === undefined) continue
      const again = step.again[index] ?? false
      const outcome = yield* dealWith(scan, agentId, entry, identity, again, step, exchange)
      if (outcome === null) continue
      if ("task" in outcome) tasks.push(outcome.task)
      else items.push(outcome.item)
    }
    if (step.end?.complete === false) scan.gaps.push(`agent "${agentId}": ${step.end.reason}`)
    const cursor = cursorText(scan, agentId, step)
    const end = step.end === null ? null : ending(scan, isLast)
    if (step.end !== null) scan.done.push(agentId)
    tasks.push(
      finished(
        page({ exchange, items, cursor, end, learned: lessons(scan, data.length, limit ?? undefined) })
      )
    )
    if (step.endless !== null) {
      tasks.push(
        Effect.fail(malformed(title, "list conversations", `the list does not end: ${step.endless}`))
      )
    }
    const more = step.end === null && step.endless === null
    return [Chunk.unsafeFromArray(tasks), more ? Option.some(null) : Option.none<null>()] as const
  })

const agentTasks = <E>(scan: Scan<E>, agentId: string, from: Place | null, isLast: boolean) =>
  Stream.suspend(() => {
    const reader: Reader = { agentId, isLast, list: agentList({ from, largest: scan.largest }) }
    return Stream.paginateChunkEffect(null, () => listPage(scan, reader))
  })

const newScan = <E>(source: Source, scope: PullScope<E>, done: ReadonlyArray<string>) =>
  Effect.map(Clock.currentTimeMillis, (now): Scan<E> => {
    const lesson = (name: string) => {
      const learned = scope.learned.get(name)
      return learned !== undefined && now - toMillis(learned.at) < lessonHolds ? learned.value : null
    }
    return {
      client: source.client,
      reading: source.reading,
      exporter: newExporter(source.client, lesson(selectedLesson) === null),
      scope,
      handled: new Map(),
      owners: new Map(),
      done: [...done],
      largest: lesson(limitLesson) === null ? largestPage : largestCursorPage,
      gaps: []
    }
  })

/** The agents to read, in an order of their own: those of the configuration, or all there are. */
export const agentsOf = ({ client, agents }: Source): Effect.Effect<Agents, ProviderError> =>
  agents === null
    ? readAgents(client)
    : Effect.succeed({ ids: [...new Set(agents)], nameless: 0, exchange: null })

const namelessNotice: Notice = {
  code: "agent-unreadable",
  message: `${title} lists an agent without an id that could be read: its conversations are not read`,
  hint: "write the agents of this connection under agents"
}

/**
 * Every conversation of every agent. The list can filter by nothing, so each scan reads all of it; a row that shows
 * something else than before has its details fetched, and its messages exported where they have changed.
 */
export const scan = <E>(source: Source, scope: PullScope<E>): Stream.Stream<Page, ProviderError | E> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const from = readCursor(scope.cursor)
      const { ids, nameless, exchange } = yield* agentsOf(source)
      const state = yield* newScan(source, scope, from.done)
      if (nameless > 0) state.gaps.push("an agent has no id")
      if (ids.length === 0 && exchange !== null) {
        return Stream.make(page({ exchange, items: [], end: ending(state, true) }))
      }
      const left = ids.filter((id) => !from.done.includes(id))
      // Interrupted between its last page and its end: the last agent is read once more.
      const agents = left.length === 0 ? ids.slice(-1) : left
      const tasks = Stream.fromIterable(agents.entries()).pipe(
        Stream.flatMap(([index, agentId]) =>
          agentTasks(
            state,
            agentId,
            agentId === from.agent ? placeIn(from) : null,
            index === agents.length - 1
          )
        )
      )
      const pages = pagesOf(state, inOrder(tasks, scope.concurrency))
      if (nameless === 0) return pages
      return Stream.map(pages, (one) =>
        one.end === null ? one : { ...one, notices: [...one.notices, namelessNotice] }
      )
    })
  )
