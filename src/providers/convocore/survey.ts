import { Effect, Either } from "effect"
import { atLeast, exactly, type Interval } from "../../domain/Interval.ts"
import type { ProviderError } from "../../domain/ProviderError.ts"
import { type Timestamp, toMillis } from "../../domain/Timestamp.ts"
import { isMissing } from "../kit/answer.ts"
import { countOf, isSettled, mostLooks, orderOf, type SeenRow, workedOut } from "../kit/listSampling.ts"
import { isOutside } from "../kit/page.ts"
import { walkRequests } from "../kit/pageWalk.ts"
import type { PullCosts, PullScope, Survey, SurveyScope } from "../Provider.ts"
import { idWithAgent } from "./address.ts"
import { makeNewestFirst, type RowTimes } from "./agentList.ts"
import { agentsOf, type Source } from "./agents.ts"
import { mostSelected, selectedLesson } from "./exports.ts"
import { title } from "./facts.ts"
import {
  exportConversation,
  exportConversations,
  getConversation,
  type ListOptions,
  largestCursorPage,
  largestPage,
  listConversations
} from "./requests.ts"
import { identify, isCurrent, type Listed, readList, readListed } from "./rows.ts"
import type { Conversation } from "./wire.ts"

/** What was seen of an agent's conversations, newest first. */
interface AgentLook {
  readonly agentId: string
  readonly rows: ReadonlyArray<SeenRow>
  /** Nothing that is requested follows. */
  readonly isEnd: boolean
  /** What to ask for to see more. */
  readonly next: ListOptions
}

const newLook = (agentId: string): AgentLook => ({
  agentId,
  rows: [],
  isEnd: false,
  next: { page: 1, limit: largestCursorPage }
})

const isByCursor = ({ next }: AgentLook): boolean => "cursor" in next

/** What a row's `ts` is, the list does not say; sorted by the last message, it shows all that has changed first. */
const updateOf = ({ lastMessageTS, state, ts }: Conversation): Timestamp | null =>
  ts !== null &&
  lastMessageTS !== null &&
  state === null &&
  Math.abs(toMillis(ts) - toMillis(lastMessageTS)) <= 1_000
    ? ts
    : null

const rowsOf = <E>(scope: SurveyScope<E>, agentId: string, listed: ReadonlyArray<Listed>) =>
  Effect.gen(function* () {
    const known = yield* scope.known(
      listed.flatMap(({ id }) => (id === null ? [] : [id, idWithAgent(id, agentId)]))
    )
    const owners = { owners: new Map<string, string>() }
    const stateOf = ({ id, mark }: Listed, startedAt: Timestamp | null): SeenRow["state"] => {
      if (isOutside(startedAt, scope)) return "outside"
      const held = id === null ? null : identify(owners, agentId, id, known).known
      if (held === null || held.deleted) return "missing"
      return !scope.refetch && isCurrent(held, mark) ? "current" : "changed"
    }
    return listed.map((row): SeenRow => {
      const wire = Either.getOrNull(row.shown)?.wire ?? null
      const startedAt = wire?.firstMessageTS ?? wire?.ts ?? null
      return {
        state: stateOf(row, startedAt),
        updatedAt: wire === null ? null : updateOf(wire),
        startedAt
      }
    })
  })

/** The next answer of an agent's list. It goes on until it ends, or until the window that is requested begins. */
const lookOn = <E>({ client }: Source, scope: SurveyScope<E>, before: AgentLook) =>
  Effect.gen(function* () {
    const { agentId, next } = before
    const answer = yield* client.read(listConversations(agentId, next))
    if (isMissing(answer)) return { ...before, isEnd: true }
    const { rows: written, hasMore, nextCursor } = yield* readList(answer)
    const listed = written.map((row) => readListed(agentId, row))
    const rows = yield* rowsOf(scope, agentId, listed)
    const isBefore = makeNewestFirst(scope.since)(
      listed.map(({ shown }): RowTimes => {
        const wire = Either.getOrNull(shown)?.wire
        return { ts: wire?.ts ?? null, startedAt: wire?.firstMessageTS ?? wire?.ts ?? null }
      })
    )
    const byCursor = nextCursor !== null && nextCursor !== ""
    const isShort = !byCursor && (rows.length < next.limit || rows.length === 0)
    const isFirst = "page" in next && next.page === 1
    const seen = isFirst ? [] : before.rows
    const look: AgentLook = {
      agentId,
      rows: [...seen, ...rows],
      isEnd: hasMore === false || isShort || isBefore,
      next: byCursor
        ? { cursor: nextCursor, limit: largestCursorPage }
        : // By number, larger pages are given.
          { page: "page" in next && next.limit === largestPage ? next.page + 1 : 1, limit: largestPage }
    }
    return look
  })

/** Whether nothing that has changed, or nothing that is new, follows what was seen. */
const hasAllChanges = ({ isWhole }: SurveyScope<unknown>, { isEnd, rows }: AgentLook): boolean =>
  isEnd || (isWhole && isSettled(rows))
const hasAllNews = ({ isWhole }: SurveyScope<unknown>, { isEnd, rows }: AgentLook): boolean =>
  isEnd ||
  (isWhole && orderOf(rows) !== null && ["current", "changed"].includes(rows.at(-1)?.state ?? "missing"))

/** Looks into the agents' lists, into each at least once, until that is enough or too many. */
const lookAround = <E>(source: Source, scope: SurveyScope<E>, ids: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const looks: Array<AgentLook> = []
    for (const id of ids.slice(0, mostLooks)) looks.push(yield* lookOn(source, scope, newLook(id)))
    for (let left = mostLooks - looks.length; left > 0; left -= 1) {
      // All are fetched anyway, and the mirror shows how many there are.
      const isEnough = scope.refetch && scope.isWhole ? hasAllNews : hasAllChanges
      const open = looks.filter((look) => !isEnough(scope, look))
      // Where the least is known.
      const next = open.toSorted((one, other) => one.rows.length - other.rows.length)[0]
      if (next === undefined) break
      looks[looks.indexOf(next)] = yield* lookOn(source, scope, next)
    }
    return looks
  })

/** How many of what is held have changed: what was seen, and of the rest as many or fewer. */
const changedIn = <E>(scope: SurveyScope<E>, looks: ReadonlyArray<AgentLook>): Interval => {
  const rows = looks.flatMap((look) => look.rows)
  const changed = countOf(rows, "changed")
  if (looks.every((look) => hasAllChanges(scope, look))) return exactly(changed)
  const unseen = Math.max(0, scope.held - changed - countOf(rows, "current"))
  return workedOut({
    looks: [{ from: 0, rows: rows.length, found: changed }],
    total: rows.length + unseen,
    isSorted: false
  })
}

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

/** Neither agents nor lists say how many conversations there are: the newest are looked at. */
export const survey = <E>(source: Source, scope: SurveyScope<E>): Effect.Effect<Survey, ProviderError | E> =>
  Effect.gen(function* () {
    const { ids } = yield* agentsOf(source)
    const looks = yield* lookAround(source, scope, ids)
    const isUnseen = ids.length > looks.length
    const rows = looks.flatMap((look) => look.rows)
    const count = (number: number, isAll: (look: AgentLook) => boolean): Interval =>
      !isUnseen && looks.every(isAll) ? exactly(number) : atLeast(number)
    const isWhole = (look: AgentLook) => look.isEnd
    const seen = count(rows.length, isWhole)
    const listed = seen.high === null ? atLeast(rows.length + 1) : seen
    const changed = changedIn(scope, looks)
    return {
      costs: costs(scope, {
        agents: ids.length,
        asksForAgents: source.agents === null,
        byCursor: looks.some(isByCursor),
        selects: !scope.learned.has(selectedLesson)
      }),
      listed,
      inside: count(rows.length - countOf(rows, "outside"), isWhole),
      missing: count(countOf(rows, "missing"), (look) => hasAllNews(scope, look)),
      changed: isUnseen ? { ...changed, high: null } : changed,
      listMillis: null,
      unsure: listed.high === null ? `${title}'s lists do not say how many conversations they hold` : null
    }
  })
