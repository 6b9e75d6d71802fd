import { Chunk, Clock, Effect, Either, Option, Stream } from "effect"
import type { ProviderError } from "../../domain/ProviderError.ts"
import type { Answer, Exchange, ProviderClient } from "../../http/client.ts"
import { isMissing, malformed } from "../kit/answer.ts"
import { lessonOf, page } from "../kit/page.ts"
import { inOrder, type Task as TaskOf } from "../kit/parallel.ts"
import type { Item, Known, Notice, Page, PullScope } from "../Provider.ts"
import { idWithAgent } from "./address.ts"
import {
  type AgentList,
  agentList,
  makeNewestFirst,
  type Place,
  placeIn,
  type RowTimes,
  readCursor,
  type Step,
  writeCursor
} from "./agentList.ts"
import { agentsOf, type Source } from "./agents.ts"
import { pagesOf } from "./batches.ts"
import { type Element, withoutItsPlace } from "./details.ts"
import { newExporter, selectedLesson, zoneLesson } from "./exports.ts"
import { title } from "./facts.ts"
import { fingerprintOf, listedMark, noMessagesMark } from "./normalize.ts"
import { largestCursorPage, largestPage, listConversations } from "./requests.ts"
import { dealWith, identify, isCurrent, type Lookout, readList, readListed } from "./rows.ts"

/** What `Page.learned` calls the largest page that is given. */
const limitLesson = "list-limit"

interface Scan<E> extends Lookout<E> {
  /** Agents that were read to the end. */
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
  /** Whether what follows a page lies before the window that is requested. */
  readonly isBefore: ReturnType<typeof makeNewestFirst>
}

/** Refusals after which the list may be requested in another way. */
const refusals = [400, 404, 410, 413, 422]

/** The next page of the list; null: ask again, in another way. */
export const askList = (
  client: ProviderClient,
  { agentId, list }: Pick<Reader, "agentId" | "list">
): Effect.Effect<Answer | null, ProviderError> =>
  Effect.gen(function* () {
    const options = list.next()
    const answer = yield* client.read(listConversations(agentId, options))
    return isMissing(answer) && "cursor" in options && list.refused() ? null : answer
  }).pipe(
    Effect.catchTag("Rejected", (error) =>
      refusals.includes(error.status) && list.refused() ? Effect.succeed(null) : Effect.fail(error)
    )
  )

const cursorText = <E>(scan: Scan<E>, agentId: string, { place, end }: Step): string | null => {
  if (end !== null) return writeCursor({ done: [...scan.done, agentId] })
  return place === null ? null : writeCursor({ done: scan.done, agent: agentId, ...place })
}

const ending = <E>({ gaps }: Scan<E>, isLast: boolean): Page["end"] =>
  isLast ? { complete: gaps.length === 0, reason: gaps.length === 0 ? null : gaps.join("; ") } : null

type Task = TaskOf<Element, ProviderError>

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
  const cursor = writeCursor({ done: scan.done })
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
    const answer = yield* askList(scan.client, reader)
    if (answer === null) return [Chunk.empty<Task>(), Option.some(null)] as const
    const { exchange } = answer
    if (isMissing(answer))
      return [Chunk.of(agentIsMissing(scan, reader, exchange)), Option.none<null>()] as const
    const { rows, hasMore, nextCursor, limit } = yield* readList(answer)
    const listed = rows.map((row) => readListed(agentId, row))
    const times = listed.map(({ shown }): RowTimes => {
      const wire = Either.getOrNull(shown)?.wire
      return { ts: wire?.ts ?? null, startedAt: wire?.firstMessageTS ?? wire?.ts ?? null }
    })
    const isDone = reader.isBefore(times)
    const ids = listed.flatMap(({ id }) => (id === null ? [] : [id, idWithAgent(id, agentId)]))
    const shownAs = (id: string) =>
      listed
        .filter((row) => row.id === id || (row.id !== null && idWithAgent(row.id, agentId) === id))
        .flatMap(({ mark }) =>
          [listedMark, noMessagesMark].map((messages) => fingerprintOf(mark, messages, ""))
        )
    const known =
      ids.length === 0
        ? new Map<string, Known>()
        : yield* scan.scope.known(ids, { newestMessageIds: false, shownAs })
    const identities = listed.map(({ id, mark }) => identify(scan, agentId, id ?? mark, known))
    const step = list.received({
      rows: listed.map(({ id, key, mark }, index) => {
        const stored = identities[index]?.known ?? null
        return {
          id,
          startedAt: times[index]?.startedAt ?? null,
          stored: stored !== null,
          isNews: scan.handled.get(key) !== mark && !isCurrent(stored, mark)
        }
      }),
      hasMore: isDone ? false : hasMore,
      nextCursor: isDone ? null : nextCursor,
      limit
    })
    const tasks: Array<Task> = []
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
    const learned = lessons(scan, rows.length, limit ?? undefined)
    tasks.push(finished(page({ exchange, items, cursor, end, learned, isAwaited: tasks.length > 0 })))
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
    const reader: Reader = {
      agentId,
      isLast,
      list: agentList({ from, largest: scan.largest }),
      isBefore: makeNewestFirst(scan.scope.since)
    }
    return Stream.paginateChunkEffect(null, () => listPage(scan, reader))
  })

const newScan = <E>(source: Source, scope: PullScope<E>, done: ReadonlyArray<string>) =>
  Effect.map(Clock.currentTimeMillis, (now): Scan<E> => {
    const lesson = (name: string) => lessonOf(scope, name, now)
    return {
      client: source.client,
      reading: source.reading,
      exporter: {
        ...newExporter(source.client, lesson(selectedLesson) === null),
        zoneBefore: scope.learned.get(zoneLesson)?.value ?? null
      },
      scope,
      handled: new Map(),
      owners: new Map(),
      done: [...done],
      largest: lesson(limitLesson) === null ? largestPage : largestCursorPage,
      gaps: []
    }
  })

const namelessNotice: Notice = {
  code: "agent-unreadable",
  message: `${title} lists an agent without an id that could be read: its conversations are not read`,
  hint: "write the agents of this connection under agents"
}

/**
 * Every conversation of every agent. The list can filter by nothing, so each scan reads it to its end, or to where the
 * window that is requested begins; a row that shows something else than before has its details fetched, and its messages
 * exported where they have changed.
 */
export const scan = <E>(source: Source, scope: PullScope<E>): Stream.Stream<Page, ProviderError | E> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const from = readCursor(scope.cursor)
      const { ids, nameless, isCut, exchange } = yield* agentsOf(source)
      const state = yield* newScan(source, scope, from.done)
      if (nameless > 0) state.gaps.push("an agent has no id")
      if (isCut) state.gaps.push("the list of agents says that more follow, and does not bring them")
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
      const pages = pagesOf(
        { ...state, stopping: scope.stopping },
        inOrder<Element, ProviderError, ProviderError | E>(tasks, scope.concurrency, {
          stopping: scope.stopping,
          afterGap: withoutItsPlace
        })
      )
      if (nameless === 0) return pages
      return Stream.map(pages, (one) =>
        one.end === null ? one : { ...one, notices: [...one.notices, namelessNotice] }
      )
    })
  )
