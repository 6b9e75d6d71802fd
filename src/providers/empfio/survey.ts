import { Effect, Either } from "effect"
import { atLeast, exactly, rounded } from "../../domain/Interval.ts"
import type { ProviderError } from "../../domain/ProviderError.ts"
import { isMissing } from "../kit/answer.ts"
import { isSettled, mostLooks, nextLook, orderOf, type SeenRow, workedOut } from "../kit/listSampling.ts"
import { isOutside } from "../kit/page.ts"
import { walkRequests } from "../kit/pageWalk.ts"
import { decoded } from "../kit/written.ts"
import type { PullCosts, PullScope, Survey, SurveyScope } from "../Provider.ts"
import { title } from "./facts.ts"
import { readList } from "./list.ts"
import { fingerprintOf, withoutMessages } from "./normalize.ts"
import { getConversation, largestPage, listConversations } from "./requests.ts"
import type { Account } from "./scan.ts"
import { decodeRow } from "./wire.ts"

/** Conversations whose messages do not fit into their details cost a little more: at most this, on average. */
const furtherMessages = 0.05

const costs = (scope: Pick<PullScope, "messages">, saysTotal: boolean): PullCosts => ({
  once: 0,
  list: {
    request: listConversations({ page: 1, size: largestPage }),
    requests: (rows) => walkRequests(rows, largestPage, saysTotal)
  },
  inside: [],
  fetched: scope.messages
    ? [
        {
          request: getConversation("any"),
          perConversation: { low: 1, likely: 1, high: 1 + furtherMessages }
        }
      ]
    : []
})

/** One page of the list, and what of it would be requested. */
interface Page {
  readonly from: number
  readonly rows: ReadonlyArray<SeenRow>
  readonly total: number | null
}

const readPage = <E>({ client }: Account, scope: PullScope<E>, page: number) =>
  Effect.gen(function* () {
    const from = (page - 1) * largestPage
    const answer = yield* client.read(listConversations({ page, size: largestPage }))
    if (isMissing(answer)) return { from, rows: [], total: null } satisfies Page
    const { conversations, total } = yield* readList(answer)
    const listed = conversations.flatMap((entry) =>
      Either.match(decoded(entry, decodeRow), {
        onLeft: () => [],
        onRight: (row) => [{ row, print: fingerprintOf(Either.getOrNull(entry.value)) }]
      })
    )
    const known = yield* scope.known(listed.map(({ row }) => row.id))
    const stateOf = ({ print, row }: (typeof listed)[number]): SeenRow["state"] => {
      if (isOutside(row.created_at, scope)) return "outside"
      const held = known.get(row.id)
      if (held === undefined || held.deleted) return "missing"
      const current = [print, ...(scope.messages ? [] : [withoutMessages(print)])]
      return !scope.refetch && current.includes(held.fingerprint ?? "") ? "current" : "changed"
    }
    const found: Page = {
      from,
      rows: listed.map((one) => ({
        state: stateOf(one),
        updatedAt: one.row.updated_at,
        startedAt: one.row.created_at
      })),
      total
    }
    return found
  })

/** What is not known before the whole list is read, and what samples of it show. */
const listsOf = (pages: ReadonlyArray<Page>, total: number, isWhole: boolean) => {
  const rows = pages.flatMap((page) => page.rows)
  const list = (isOfKind: (row: SeenRow) => boolean, isSorted: boolean, upTo = total) => ({
    looks: pages
      .filter(({ from }) => from < upTo)
      .map((page) => ({
        from: page.from,
        rows: page.rows.length,
        found: page.rows.filter(isOfKind).length
      })),
    total: upTo,
    isSorted
  })
  // Sorted by update, all that is new or has changed comes before what is held as it is.
  const settled = pages.findIndex(
    (_, index) => isWhole && isSettled(pages.slice(0, index + 1).flatMap((one) => one.rows))
  )
  const last = pages[settled]
  const newsUpTo = last === undefined ? total : last.from + last.rows.length
  return {
    inside: list(({ state }) => state !== "outside", orderOf(rows) === "started"),
    missing: list(({ state }) => state === "missing", false, newsUpTo),
    changed: list(({ state }) => state === "changed", false, newsUpTo)
  }
}

/** Samples the list where that helps most, until it is enough or too many. */
const lookAround = <E>(account: Account, scope: SurveyScope<E>, first: Page, total: number) =>
  Effect.gen(function* () {
    const isWindow = scope.since !== null || scope.until !== null || scope.covered.length > 0
    const asksForChanges = scope.held > 0 && scope.messages && !scope.refetch
    let pages: ReadonlyArray<Page> = [first]
    while (pages.length < mostLooks) {
      const lists = listsOf(pages, total, scope.isWhole)
      const position =
        (isWindow ? nextLook(lists.inside) : null) ?? (asksForChanges ? nextLook(lists.changed) : null)
      if (position === null) break
      const page = Math.floor((pages.length === 1 ? total - 1 : position) / largestPage) + 1
      if (pages.some(({ from }) => from === (page - 1) * largestPage)) break
      const next = yield* readPage(account, scope, page)
      pages = [...pages, next].toSorted((left, right) => left.from - right.from)
    }
    const lists = listsOf(pages, total, scope.isWhole)
    return {
      inside: isWindow ? rounded(workedOut(lists.inside)) : exactly(total),
      missing: workedOut(lists.missing),
      changed: workedOut(lists.changed)
    }
  })

/** The list says how many conversations there are; samples of it show which of them are requested. */
export const survey = <E>(
  account: Account,
  scope: SurveyScope<E>
): Effect.Effect<Survey, ProviderError | E> =>
  Effect.gen(function* () {
    const first = yield* readPage(account, scope, 1)
    const { rows, total } = first
    const isAll = total === null && rows.length < largestPage
    const count = (isOfKind: (row: SeenRow) => boolean) => {
      const found = rows.filter(isOfKind).length
      return isAll ? exactly(found) : atLeast(found)
    }
    const amounts =
      total === null
        ? {
            inside: count(({ state }) => state !== "outside"),
            missing: count(({ state }) => state === "missing"),
            changed: count(({ state }) => state === "changed")
          }
        : yield* lookAround(account, scope, first, total)
    return {
      costs: costs(scope, total !== null),
      listed: total !== null ? exactly(total) : count(() => true),
      ...amounts,
      listMillis: null,
      unsure: total === null && !isAll ? `${title}'s list does not say how many conversations it holds` : null
    }
  })
