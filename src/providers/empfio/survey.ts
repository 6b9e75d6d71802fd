import { Effect, Either } from "effect"
import type { Json } from "../../domain/Conversation.ts"
import { atLeast, exactly, type Interval } from "../../domain/Interval.ts"
import type { ProviderError } from "../../domain/ProviderError.ts"
import { decodeAnswer, isMissing } from "../answer.ts"
import type { PullCosts, PullScope, Survey } from "../Provider.ts"
import { isOutside } from "../page.ts"
import { walkRequests } from "../pageWalk.ts"
import { fingerprintOf, fingerprintWithoutMessages } from "./normalize.ts"
import { getConversation, largestPage, listConversations } from "./requests.ts"
import { type Account, title } from "./scan.ts"
import { decodeList, decodeRow } from "./wire.ts"

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

interface Look {
  readonly rows: number
  readonly inside: number
  readonly missing: number
  readonly changed: number
  readonly total: number | null
}

/** One page of the list, and what of it would be asked for. */
const look = <E>({ client }: Account, scope: PullScope<E>, page: number) =>
  Effect.gen(function* () {
    const answer = yield* client.read(listConversations({ page, size: largestPage }))
    if (isMissing(answer)) return { rows: 0, inside: 0, missing: 0, changed: 0, total: null } satisfies Look
    const { conversations, total } = yield* decodeAnswer(title, answer, decodeList)
    const rows = (conversations as ReadonlyArray<Json>).flatMap((entry) =>
      Either.match(decodeRow(entry), {
        onLeft: () => [],
        onRight: (row) => [{ row, payload: JSON.stringify(entry) }]
      })
    )
    const inside = rows.filter(({ row }) => !isOutside(row.created_at, scope))
    const known = yield* scope.known(inside.map(({ row }) => row.id))
    const isHeld = (id: string) => known.get(id)?.deleted === false
    const changed = inside.filter(({ payload, row }) => {
      if (!isHeld(row.id)) return false
      const current = [
        fingerprintOf(payload),
        ...(scope.messages ? [] : [fingerprintWithoutMessages(payload)])
      ]
      return scope.refetch || !current.includes(known.get(row.id)?.fingerprint ?? "")
    })
    const found: Look = {
      rows: conversations.length,
      inside: inside.length,
      missing: inside.filter(({ row }) => !isHeld(row.id)).length,
      changed: changed.length,
      total
    }
    return found
  })

/** What of the whole list lies inside of the scope, from what was seen of it. */
const insideOf = (looks: ReadonlyArray<Look>, total: number, isWindow: boolean): Interval => {
  if (!isWindow) return exactly(total)
  const rows = looks.reduce((sum, one) => sum + one.rows, 0)
  const inside = looks.reduce((sum, one) => sum + one.inside, 0)
  if (rows >= total) return exactly(Math.min(inside, total))
  return {
    low: inside,
    likely: Math.round((total * inside) / Math.max(1, rows)),
    high: total - (rows - inside)
  }
}

/** The list says how many conversations there are. A window cannot be asked for: two more looks tell what lies in it. */
export const survey = <E>(account: Account, scope: PullScope<E>): Effect.Effect<Survey, ProviderError | E> =>
  Effect.gen(function* () {
    const first = yield* look(account, scope, 1)
    const { total } = first
    const isWindow = scope.since !== null || scope.until !== null || scope.covered.length > 0
    const lastPage = Math.ceil((total ?? 0) / largestPage)
    const further = isWindow
      ? [...new Set([Math.ceil(lastPage / 2), lastPage])].filter((page) => page > 1)
      : []
    const looks = [first, ...(yield* Effect.forEach(further, (page) => look(account, scope, page)))]
    const isAll = total === null && first.rows < largestPage
    const sum = (of: (one: Look) => number) => looks.reduce((count, one) => count + of(one), 0)
    return {
      costs: costs(scope, total !== null),
      listed: total !== null ? exactly(total) : isAll ? exactly(first.rows) : atLeast(first.rows),
      inside:
        total !== null
          ? insideOf(looks, total, isWindow)
          : isAll
            ? exactly(first.inside)
            : atLeast(first.inside),
      seen: {
        inside: sum(({ inside }) => inside),
        missing: sum(({ missing }) => missing),
        changed: sum(({ changed }) => changed),
        isAll: isAll || (total !== null && sum(({ rows }) => rows) >= total)
      },
      listMillis: null,
      unsure: total === null && !isAll ? `${title}'s list does not say how many conversations it holds` : null
    }
  })
