import { Effect, Either } from "effect"
import type { Json } from "../../domain/Conversation.ts"
import { atLeast, exactly, type Interval, plus } from "../../domain/Interval.ts"
import type { ProviderError } from "../../domain/ProviderError.ts"
import { decodeAnswer, isMissing } from "../answer.ts"
import type { PullCosts, PullScope, Survey } from "../Provider.ts"
import { isOutside } from "../page.ts"
import { walkRequests } from "../pageWalk.ts"
import { agentsOf, type Source } from "./agents.ts"
import { mostSelected, selectedLesson, title } from "./exports.ts"
import { makeNewestFirst, type RowTimes } from "./newestFirst.ts"
import {
  exportConversation,
  exportConversations,
  getConversation,
  largestCursorPage,
  largestPage,
  listConversations
} from "./requests.ts"
import { identify, isCurrent, readListed } from "./rows.ts"
import { decodeList } from "./wire.ts"

/** Agents whose lists are looked into. */
const mostAgents = 2

interface Look {
  readonly listed: Interval
  readonly inside: Interval
  readonly seen: number
  readonly missing: number
  readonly changed: number
  readonly isAll: boolean
  readonly byCursor: boolean
}

/** An agent's newest conversations. The list goes on until it ends, or until the window that is asked for begins. */
const look = <E>({ client }: Source, scope: PullScope<E>, agentId: string) =>
  Effect.gen(function* () {
    const answer = yield* client.read(listConversations(agentId, { page: 1, limit: largestCursorPage }))
    const nothing: Look = {
      listed: exactly(0),
      inside: exactly(0),
      seen: 0,
      missing: 0,
      changed: 0,
      isAll: true,
      byCursor: false
    }
    if (isMissing(answer)) return nothing
    const { data, hasMore, nextCursor } = yield* decodeAnswer(title, answer, decodeList)
    const rows = (data as ReadonlyArray<Json>).map((value) => readListed(agentId, value))
    const times = rows.map(({ shown }): RowTimes => {
      const wire = Either.getOrNull(shown)?.wire
      return { ts: wire?.ts ?? null, startedAt: wire?.firstMessageTS ?? wire?.ts ?? null }
    })
    const inside = rows.filter((_, index) => !isOutside(times[index]?.startedAt ?? null, scope))
    const known = yield* scope.known(
      inside.flatMap(({ id }) => (id === null ? [] : [id, `${id}@${agentId}`]))
    )
    const owners = { owners: new Map<string, string>() }
    const stored = inside.map(({ id }) => (id === null ? null : identify(owners, agentId, id, known).known))
    const changed = inside.filter(({ mark }, index) => {
      const held = stored[index] ?? null
      return held !== null && !held.deleted && (scope.refetch || !isCurrent(held, mark))
    })
    const byCursor = nextCursor !== null && nextCursor !== ""
    const isEnd = byCursor ? hasMore === false : hasMore === false || rows.length < largestCursorPage
    const isAll = isEnd || makeNewestFirst(scope.since)(times)
    const found: Look = {
      listed: isAll ? exactly(rows.length) : atLeast(rows.length + 1),
      inside: isAll ? exactly(inside.length) : atLeast(inside.length),
      seen: inside.length,
      missing: stored.filter((held) => held === null || held.deleted).length,
      changed: changed.length,
      isAll,
      byCursor
    }
    return found
  })

const costs = <E>(
  scope: PullScope<E>,
  options: {
    readonly agents: number
    readonly asksForAgents: boolean
    readonly byCursor: boolean
    readonly selects: boolean
  }
): PullCosts => {
  const agents = Math.max(1, options.agents)
  const listOfOne = (rows: number): number => {
    if (!options.byCursor) return walkRequests(rows, largestPage, false)
    const pages = Math.max(1, Math.ceil(rows / largestCursorPage))
    return pages === 1 ? 1 : pages + 1
  }
  const detail = { request: getConversation("any", "any"), perConversation: exactly(1) }
  const exported = options.selects
    ? {
        request: exportConversations("any", { convoIds: ["any"] }),
        perConversation: { low: 1 / mostSelected, likely: 1.1 / mostSelected, high: 1.6 / mostSelected }
      }
    : { request: exportConversation("any", "any"), perConversation: exactly(1) }
  return {
    once: options.asksForAgents ? 1 : 0,
    list: {
      request: listConversations("any", { page: 1, limit: largestCursorPage }),
      requests: (rows) => agents * listOfOne(Math.ceil(rows / agents))
    },
    inside: scope.reconcile ? [detail] : [],
    fetched: [...(scope.reconcile ? [] : [detail]), ...(scope.messages ? [exported] : [])]
  }
}

/** Neither agents nor lists say how many conversations there are: the newest of two agents are looked at. */
export const survey = <E>(source: Source, scope: PullScope<E>): Effect.Effect<Survey, ProviderError | E> =>
  Effect.gen(function* () {
    const { ids } = yield* agentsOf(source)
    const looks = yield* Effect.forEach(ids.slice(0, mostAgents), (id) => look(source, scope, id))
    const unseen = ids.length - looks.length
    const sum = (of: (one: Look) => Interval): Interval => {
      const seen = looks.map(of).reduce(plus, exactly(0))
      return unseen === 0 ? seen : atLeast(seen.low)
    }
    const total = (of: (one: Look) => number) => looks.reduce((count, one) => count + of(one), 0)
    const listed = sum((one) => one.listed)
    return {
      costs: costs(scope, {
        agents: ids.length,
        asksForAgents: source.agents === null,
        byCursor: looks.some((one) => one.byCursor),
        selects: !scope.learned.has(selectedLesson)
      }),
      listed,
      inside: sum((one) => one.inside),
      seen: {
        inside: total(({ seen }) => seen),
        missing: total(({ missing }) => missing),
        changed: total(({ changed }) => changed),
        isAll: unseen === 0 && looks.every((one) => one.isAll)
      },
      listMillis: null,
      unsure: listed.high === null ? `${title}'s lists do not say how many conversations they hold` : null
    }
  })
