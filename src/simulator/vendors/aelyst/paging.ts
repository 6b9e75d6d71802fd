import { facts } from "../../../providers/aelyst/facts.ts"
import { integer, type ParsedRequest } from "../../http.ts"
import type { AelystOptions } from "./world.ts"

export interface Page<A> {
  readonly items: ReadonlyArray<A>
  readonly pagination: { readonly next: string; readonly previous: string }
}

/** Where the rows of a page begin, in rows sorted up or down by id. */
const startOf = <A>(
  rows: ReadonlyArray<A>,
  idOf: (row: A) => number,
  cursor: number,
  inclusive: boolean
): number => {
  const mark = Math.abs(cursor)
  if (mark === 0) return 0
  const down = rows.length > 1 && idOf(rows[0] as A) > idOf(rows[1] as A)
  let low = 0
  let high = rows.length
  while (low < high) {
    const middle = (low + high) >> 1
    const id = idOf(rows[middle] as A)
    const before = down ? id > mark : id < mark
    if (before || (cursor > 0 && !inclusive && id === mark)) low = middle + 1
    else high = middle
  }
  return low
}

/**
 * One page of a list: `limit` and `cursorId` from the query, links to the next page and the one before, whose cursor is
 * negative. Null where the query is refused, such as for a `limit` above the `largest`. `version`: whether the links carry `/v1`.
 */
export const pageOf = <A>(
  request: ParsedRequest,
  rows: ReadonlyArray<A>,
  idOf: (row: A) => number,
  options: AelystOptions,
  version: boolean,
  largest = options.largestLimit ?? facts.sizes.contacts.is
): Page<A> | null => {
  const limit = integer(request.query.get("limit"), 10)
  const cursor = integer(request.query.get("cursorId"), 0)
  if (!(limit >= 1 && limit <= largest) || Number.isNaN(cursor)) return null
  const inclusive = options.cursor === "inclusive"
  const found = startOf(rows, idOf, cursor, inclusive)
  const start = cursor < 0 ? Math.max(0, found - limit) : found
  const items = rows.slice(start, start + limit)
  const path = version ? request.path : request.path.replace("/v1", "")
  const link = (id: number) => `${request.origin}${path}?limit=${limit}&cursorId=${id}`
  const first = items[0]
  const last = items.at(-1)
  const following = rows[start + items.length]
  const mark = inclusive ? following : last
  return {
    items,
    pagination: {
      next: following === undefined || mark === undefined ? "" : link(idOf(mark)),
      previous: start === 0 || first === undefined ? "" : link(-idOf(first))
    }
  }
}
