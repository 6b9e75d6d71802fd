import { Either, Schema } from "effect"
import { type Timestamp, toMillis } from "../../domain/Timestamp.ts"
import { complete, type ListedRow, pageWalk, WalkMark, type WalkPlace } from "../kit/pageWalk.ts"
import { type ListOptions, largestCursorPage, largestPage } from "./requests.ts"

/*
 * One agent's conversations, newest first. What counts as its end: `hasMore: false`; by cursor, an answer without a next
 * one that does not say that more follows; by number, where nothing is said, a page that brings nothing new. An answer
 * that says that more follows is never the end, however empty it is: the list goes on, or ends incomplete. Two ways of paging were seen: by number, until a page brings nothing new,
 * and by cursor, at most 20 rows at a time. The first answer shows which it is. Pure, so that it can be tried against
 * any server one can imagine.
 */

/** Where a listing goes on that is interrupted. */
export type Place = WalkPlace | { readonly cursor: string }

export interface Row extends ListedRow {
  /** This scan has not dealt with it as it is, and the mirror does not hold it as it is. */
  readonly isNews: boolean
}

export interface Listed {
  readonly rows: ReadonlyArray<Row>
  readonly hasMore: boolean | null
  readonly nextCursor: string | null
  /** The page size that the vendor says it used. */
  readonly limit: number | null
}

export interface Step {
  /** For each row: it was seen before in this scan, and comes again only because we asked so. */
  readonly again: ReadonlyArray<boolean>
  /** Null: at an earlier page's place. */
  readonly place: Place | null
  /** The list had been read to its end, and this looks for what has moved in it meanwhile. */
  readonly isFurther: boolean
  /** Set once nothing more is to be asked. */
  readonly end: { readonly complete: boolean; readonly reason: string | null } | null
  /** Set where the list does not end: what shows it. */
  readonly endless: string | null
}

export interface AgentList {
  readonly next: () => ListOptions
  /** Takes the answer to the last `next`. */
  readonly received: (listed: Listed) => Step
  /** The last `next` was refused. Returns whether there is another way: then ask `next` again. */
  readonly refused: () => boolean
}

interface AgentListOptions {
  readonly from: Place | null
  /** The largest page to try; left out: 100. */
  readonly largest?: number
  /** After how many of the largest pages a list is taken to have no end; left out: 20,000, of two million rows. */
  readonly mostPages?: number
}

/** How often a listing is restarted because its cursor is no longer accepted. */
const mostRestarts = 2

/** Pages in a row that may bring nothing new, since rows without essential data are left out after the pages were cut. */
const barrenPages = 100

const partial = (why: string): Step["end"] => ({
  complete: false,
  reason: `the list says that more follows, but ${why}: some may be missing`
})

/** Reads by cursor to the end, then from the front as far as there is news: what moved ahead meanwhile is there. */
const cursorWalk = (from: string | null, mostLargePages: number) => {
  const mostPages = (mostLargePages * largestPage) / largestCursorPage
  let cursor = from
  let restarts = 0
  let pages = 0
  /** Pages in a row without a row that this reading of the list has not shown yet. */
  let barren = 0
  /** Not all of the list has been read by this walk, one page after the other. */
  let patched = from !== null
  let phase: "forward" | "front" = "forward"
  const used = new Set<string>()
  /** Of each row, in which reading of the list it was last shown. */
  const seen = new Map<string, number>()
  let reading = 0

  const startOver = (next: typeof phase): void => {
    reading++
    barren = 0
    phase = next
    patched = true
    cursor = null
    used.clear()
  }

  const step = (again: Step["again"], parts: Partial<Step>): Step => ({
    again,
    place: null,
    isFurther: false,
    end: null,
    endless: null,
    ...parts
  })

  const entered = ({ rows, hasMore, nextCursor }: Listed): Step => {
    const isAgain = phase === "front" || restarts > 0
    const again = rows.map(({ id }) => isAgain && id !== null && seen.has(id))
    const isBarren = rows.every(({ id }) => id !== null && seen.get(id) === reading)
    for (const { id } of rows) if (id !== null) seen.set(id, reading)
    pages++
    if (pages > mostPages) return step(again, { endless: `it went on after ${mostPages} pages` })
    barren = isBarren ? barren + 1 : 0
    if (barren >= barrenPages) {
      return step(again, { end: partial(`${barren} pages in a row brought nothing new`) })
    }
    if (hasMore === true && (nextCursor === null || nextCursor === "")) {
      return step(again, { end: partial("it gives no cursor to go on with") })
    }
    const goesOn = nextCursor !== null && nextCursor !== "" && hasMore !== false
    if (phase === "front" && !rows.some(({ isNews }) => isNews)) return step(again, { end: complete })
    if (goesOn) {
      if (used.has(nextCursor)) return step(again, { endless: "its cursor comes again" })
      used.add(nextCursor)
      cursor = nextCursor
      return step(again, { place: phase === "forward" ? { cursor } : null })
    }
    if (phase === "front" || (pages === 1 && !patched)) return step(again, { end: complete })
    startOver("front")
    return step(again, {})
  }

  const received = (listed: Listed): Step => {
    const isFurther = phase === "front"
    return { ...entered(listed), isFurther }
  }

  return {
    next: (): ListOptions =>
      cursor === null ? { page: 1, limit: largestCursorPage } : { cursor, limit: largestCursorPage },
    received,
    refused: (): boolean => {
      if (cursor === null || restarts === mostRestarts) return false
      restarts++
      startOver("forward")
      return true
    }
  }
}

/** One scan of one agent's list. Holds its place: ask, answer, ask, answer. */
export const agentList = (options: AgentListOptions): AgentList => {
  const { from, mostPages = 20_000 } = options
  let largest = options.largest ?? largestPage
  let numberedFrom = from !== null && "rows" in from ? from : null
  const numbered = () => pageWalk({ largest, from: numberedFrom, mostPages })
  let walk = numbered()
  let byCursor = from !== null && "cursor" in from ? cursorWalk(from.cursor, mostPages) : null
  let answers = 0

  const next = (): ListOptions => {
    if (byCursor !== null) return byCursor.next()
    const { page, size } = walk.next()
    return { page, limit: size }
  }

  const received = (listed: Listed): Step => {
    answers++
    if (byCursor === null && answers === 1 && listed.nextCursor !== null && listed.nextCursor !== "") {
      byCursor = cursorWalk(null, mostPages)
    }
    if (byCursor !== null) return byCursor.received(listed)
    const { again, cursor, end, endless } = walk.received({
      rows: listed.rows,
      total: null,
      size: listed.limit,
      last: listed.hasMore === false,
      more: listed.hasMore === true
    })
    return { again, place: cursor, isFurther: cursor === null, end, endless }
  }

  const refused = (): boolean => {
    if (byCursor !== null) return byCursor.refused()
    if (answers > 0) return false
    // It takes no page but the first without a cursor, or the page is too large for it.
    if (numberedFrom !== null) numberedFrom = null
    else if (largest > largestCursorPage) largest = largestCursorPage
    else return false
    walk = numbered()
    return true
  }

  return { next, received, refused }
}

/** Where a scan of several agents goes on that was interrupted, as text. */
const CursorText = Schema.parseJson(
  Schema.Struct({
    /** Agents that were read to the end. */
    done: Schema.Array(Schema.String),
    /** The agent that is being read, and how far. */
    agent: Schema.optional(Schema.String),
    rows: Schema.optional(Schema.Number),
    mark: Schema.optional(Schema.NullOr(WalkMark)),
    cursor: Schema.optional(Schema.String)
  })
)
export type Cursor = typeof CursorText.Type

/** A text that is no cursor of ours is the beginning. */
export const readCursor = (text: string | null): Cursor =>
  text === null ? { done: [] } : Either.getOrElse(Schema.decodeEither(CursorText)(text), () => ({ done: [] }))

/** How far the agent was read. */
export const placeIn = ({ rows, mark = null, cursor }: Cursor): Place | null => {
  if (cursor !== undefined) return { cursor }
  return rows === undefined ? null : { rows, mark }
}

export const writeCursor = (cursor: Cursor): string => JSON.stringify(cursor)

/** The times of a listed row; null: it shows none. */
export interface RowTimes {
  /** What the list is sorted by. */
  readonly ts: Timestamp | null
  readonly startedAt: Timestamp | null
}

/** The vendor writes some times in seconds and others in milliseconds: so much, in milliseconds, they may differ. */
const rounding = 1_000

/**
 * Tells when the rest of a list can hold nothing that began at `since` or later. The vendor says that its lists are
 * sorted by `ts`, newest first, and not what `ts` is; so each page must be in that order, and no conversation may
 * have begun after its `ts`. Once that was not so, nothing is concluded any more.
 * https://docs.convocore.ai/api-reference/v3/conversations/get
 */
export const makeNewestFirst = (since: Timestamp | null) => {
  let holds = true

  const holdsFor = ({ startedAt, ts }: RowTimes, before: RowTimes | undefined): boolean =>
    ts !== null &&
    (startedAt === null || toMillis(startedAt) < toMillis(ts) + rounding) &&
    (before === undefined || before.ts === null || toMillis(ts) < toMillis(before.ts) + rounding)

  /** @param page the rows of the newest answer, in its order */
  return (page: ReadonlyArray<RowTimes>): boolean => {
    holds &&= page.every((row, index) => holdsFor(row, page[index - 1]))
    if (!holds || since === null || page.length === 0) return false
    const before = toMillis(since) - rounding
    return page.every(({ ts }) => ts !== null && toMillis(ts) < before)
  }
}
