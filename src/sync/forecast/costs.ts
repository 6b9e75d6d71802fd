import { exactly, type Interval, plus } from "../../domain/Interval.ts"
import type { RequestCost, Survey } from "../../providers/Provider.ts"
import type { PastPull } from "../../store/read/forecastFacts.ts"
import type { Load } from "./replay.ts"

/** How many conversations a pull has to do with. */
export interface Amounts {
  readonly listed: Interval
  readonly inside: Interval
  readonly fetched: Interval
}

/** Requests for each conversation, of all kinds. */
export const perConversation = (costs: ReadonlyArray<RequestCost>): Interval =>
  costs.map((cost) => cost.perConversation).reduce(plus, exactly(0))

/** Conversations that an earlier pull fetched, from its requests and from what listing took. */
export const fetchedBy = (pull: PastPull, { costs }: Survey, login: number): number => {
  const perFetch = perConversation(costs.fetched).likely ?? 0
  const inside = pull.listed * (perConversation(costs.inside).likely ?? 0)
  const beyond = pull.requests - login - costs.once - costs.list.requests(pull.listed) - inside
  return perFetch === 0 ? 0 : Math.max(0, beyond / perFetch)
}

/** The requests of a pull. @param pick which value of each interval to use @returns null: one of them is not known */
export const loadsOf = (
  { costs }: Survey,
  { fetched, inside, listed }: Amounts,
  pick: (interval: Interval) => number | null
): ReadonlyArray<Load> | null => {
  const [toList, within, toFetch] = [pick(listed), pick(inside), pick(fetched)]
  if (toList === null || within === null || toFetch === null) return null
  const forEach =
    (amount: number) =>
    ({ request, perConversation: each }: RequestCost): Load => ({
      request,
      count: amount * (pick(each) ?? each.low),
      isList: false
    })
  return [
    { request: costs.list.request, count: costs.list.requests(toList), isList: true },
    ...costs.inside.map(forEach(within)),
    ...costs.fetched.map(forEach(toFetch))
  ]
}
