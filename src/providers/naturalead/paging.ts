import { facts } from "./facts.ts"

/*
 * The list's page documents no paging, the vendor's overview leaves room for it: the first request asks for everything,
 * and only an answer that looks cut is followed by requests with `skip` and `limit`. A list is complete where an envelope
 * says how long it is and that many were shown; where a bare list has no round number of rows, and nothing around it says
 * that more follows; where asking on brings an
 * empty list; and where asking on brings the same list again, if asking for one status at a time (`scan.ts`) then shows
 * no other conversation. Pure, so that it can be tried
 * against any server one can imagine.
 */

/** Where a walk through the list stands. `skip` and `limit` null: everything is requested, without parameters. */
export interface Walk {
  readonly skip: number | null
  readonly limit: number | null
  /** A walk is repeated where the list moved under it. */
  readonly pass: number
  /** Elements of the very first response, and what it said the list's length is. */
  readonly firstElements: number
  readonly firstTotal: number | null
  /** What the list said its length is, at this pass's last response. */
  readonly total: number | null
  /** It said last that more follows. */
  readonly more: boolean
  /** The list got shorter during this pass, so that elements may have moved to where we had already looked. */
  readonly shrunk: boolean
  /** Conversations this pass showed that no response had shown before. */
  readonly freshInPass: number
  /** What is requested begins at the last row of the response before: found there again, nothing slipped through. */
  readonly overlaps: boolean
  /** In this pass it was not found there. */
  readonly slipped: boolean
}

export interface Response {
  readonly elements: number
  /** How many of them no response of this scan had shown before. */
  readonly fresh: number
  /** Of this pass's responses, each conversation counted once: what an earlier one showed may be gone. */
  readonly unique: number
  /** What the envelope says the list's length is; null: there is none, or it does not say. */
  readonly total: number | null
  /** Whether the envelope says that more follows. */
  readonly more: boolean
  /** Whether it begins with the last row of the response before; only asked where the walk `overlaps`. */
  readonly isAnchored: boolean
}

export type Next =
  | { readonly _tag: "Ask"; readonly walk: Walk & { readonly skip: number } }
  | {
      readonly _tag: "Done"
      readonly complete: boolean
      readonly reason: string | null
      /** The server gives the same list whatever is requested. */
      readonly ignoresSkip: boolean
    }

export const start: Walk = {
  skip: null,
  limit: null,
  pass: 1,
  firstElements: 0,
  firstTotal: null,
  total: null,
  more: false,
  shrunk: false,
  freshInPass: 0,
  overlaps: false,
  slipped: false
}

/** The sizes of a page that one would choose: a bare list of just so many rows may be cut. */
const smallCaps = [10, 20, 25]
const capStep = 50
const largestCap = 10_000

/** Whether a bare list may be cut: nothing else would show it. */
export const looksCut = (elements: number): boolean =>
  smallCaps.includes(elements) || (elements > 0 && elements % capStep === 0 && elements <= largestCap)

const passes = 3

/** A list that did not say how long it is may have this many elements; one that did, twice as many as it said and these. */
const mostElements = 2_000_000
const leeway = 5_000

const complete: Next = { _tag: "Done", complete: true, reason: null, ignoresSkip: false }
const incomplete = (reason: string): Next => ({ _tag: "Done", complete: false, reason, ignoresSkip: false })

/** What to do after a response. @param mayProbe whether a bare list that only looks cut is worth another request */
export const next = (walk: Walk, response: Response, mayProbe: boolean): Next =>
  endlessness(walk, response) ??
  (response.total === null
    ? afterBareList(walk, response, mayProbe)
    : afterEnvelope(walk, response, response.total))

/** The end of a walk through a list that goes on and on; null: it may well end. */
const endlessness = ({ firstTotal, skip }: Walk, { elements }: Response): Next | null => {
  if (skip === null) return null
  const reached = skip + elements
  const most = firstTotal === null ? mostElements : 2 * firstTotal + leeway
  const said = firstTotal === null ? "" : `, although it said that it holds ${firstTotal}`
  return reached <= most
    ? null
    : incomplete(`the list does not end: it went on after ${reached} conversations${said}`)
}

/** @param overlaps ask for the last row once more */
const onward = (walk: Walk, response: Response, overlaps = false): Next => ({
  _tag: "Ask",
  walk: {
    ...walk,
    overlaps,
    skip: (walk.skip ?? 0) + response.elements - (overlaps ? 1 : 0),
    // The largest page documented for any of the vendor's lists.
    limit: walk.skip === null ? facts.sizes.page.is : walk.limit,
    firstElements: walk.skip === null ? response.elements : walk.firstElements,
    firstTotal: walk.skip === null ? response.total : walk.firstTotal,
    total: response.total,
    more: response.more,
    freshInPass: walk.freshInPass + response.fresh
  }
})

const afterBareList = (walk: Walk, response: Response, mayProbe: boolean): Next => {
  const { elements, fresh, more } = response
  if (walk.skip === null) {
    return more || (looksCut(elements) && mayProbe) ? onward(walk, response) : complete
  }
  if (more && fresh === 0) return incomplete("the list says that more follows, and does not bring it")
  if (elements === 0) return complete
  if (fresh > 0) return onward(walk, response)
  return elements === walk.firstElements
    ? { _tag: "Done", complete: true, reason: null, ignoresSkip: true }
    : incomplete("the list repeats itself whatever is skipped, and may be cut")
}

const afterEnvelope = (walk: Walk, response: Response, total: number): Next => {
  const reached = (walk.skip ?? 0) + response.elements
  const shrunk = walk.shrunk || (walk.total !== null && total < walk.total)
  const slipped = walk.slipped || (walk.overlaps && !response.isAnchored)
  const counts = `the list says that it holds ${total} conversations and showed ${response.unique} of them`
  if (walk.skip === null && response.elements >= total) return complete
  if (response.elements > 0 && reached < total) {
    const isStuck = response.fresh === 0 && walk.pass === 1
    return isStuck
      ? incomplete(counts)
      : onward({ ...walk, shrunk, slipped }, response, response.elements > 1)
  }
  if (!shrunk && !slipped && response.unique >= total) return complete
  const moved = walk.freshInPass + response.fresh > 0 || shrunk || slipped || reached > response.unique
  if (walk.pass === passes || !moved) return incomplete(counts)
  return {
    _tag: "Ask",
    walk: {
      ...walk,
      skip: 0,
      pass: walk.pass + 1,
      total,
      shrunk: false,
      freshInPass: 0,
      overlaps: false,
      slipped: false
    }
  }
}
