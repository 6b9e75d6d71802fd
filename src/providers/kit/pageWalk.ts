import { Either, Schema } from "effect"
import { fromIso, type Timestamp } from "../../domain/Timestamp.ts"

/*
 * Reading a list by page number while it moves. Rows that are inserted or removed before the place one has reached
 * shift what follows, so that rows come twice or never. Each page is therefore asked for so that it begins at or before
 * the last row of the one before it: where that row is found again, nothing slipped through between them. A list that
 * was seen to move is read again, until a pass shows no row that should have been seen before. A list that was not is
 * asked for its first page once more: a row that moved ahead of the place one had reached is most likely there. A walk
 * that was interrupted knows the last row it read, and how many there were: where both are as they were, it goes on.
 */

/** A page to ask for, counted from 1. */
export interface Ask {
  readonly page: number
  readonly size: number
}

export interface ListedRow {
  /** Null where it could not be read. */
  readonly id: string | null
  readonly startedAt: Timestamp | null
  /** Whether the mirror held it before. */
  readonly stored: boolean
}

interface ListedPage {
  readonly rows: ReadonlyArray<ListedRow>
  /** How many rows the vendor says there are; null where it does not say. */
  readonly total: number | null
  /** The page size that the vendor says it used; null where it does not say. */
  readonly size: number | null
  /** The vendor says that nothing follows. */
  readonly last?: boolean
  /** The vendor says that more follows, whatever this page brought: it may have left out all that would be on it. */
  readonly more?: boolean
}

/** What shows whether a list is still as it was. */
export const WalkMark = Schema.Struct({
  /** The id of the last row that was read. */
  last: Schema.String,
  /** Rows so far with an id of their own, and those whose id could not be read. */
  distinct: Schema.Number,
  nameless: Schema.Number,
  /** How many rows the vendor said there are; null: it does not say. */
  total: Schema.NullOr(Schema.Number),
  /** The page size that the vendor gives. */
  size: Schema.Number,
  /** When the newest of the conversations began; UTC. */
  newest: Schema.NullOr(
    Schema.String.pipe(Schema.filter((text): text is Timestamp => fromIso(text) === text))
  )
})
export type WalkMark = typeof WalkMark.Type

/** Where an interrupted walk resumes: so many rows were read. `mark` null: the list moved, or it is unknown. */
const WalkPlace = Schema.Struct({
  rows: Schema.NonNegativeInt,
  mark: Schema.optionalWith(Schema.NullOr(WalkMark), { default: () => null })
})
export type WalkPlace = typeof WalkPlace.Type

const decodePlace = Schema.decodeUnknownEither(
  Schema.parseJson(Schema.Union(WalkPlace, Schema.NonNegativeInt))
)

/** A place written as JSON, or the number of rows alone, as earlier versions wrote it. Any other text is the beginning. */
export const readPlace = (text: string | null): WalkPlace | null => {
  if (text === null) return null
  const place = Either.getOrNull(decodePlace(text))
  return typeof place === "number" ? { rows: place, mark: null } : place
}

export interface Step {
  /** For each row: it was seen before in this scan, and comes again only because we asked so. */
  readonly again: ReadonlyArray<boolean>
  /** Where a scan goes on that is interrupted after this page; null: at an earlier one. */
  readonly cursor: WalkPlace | null
  /** Set once nothing more is to be asked. */
  readonly end: { readonly complete: boolean; readonly reason: string | null } | null
  /** Set where the list does not end: what shows it. */
  readonly endless: string | null
}

export interface PageWalk {
  readonly next: () => Ask
  /** Takes the answer to the last `next`. */
  readonly received: (page: ListedPage) => Step
}

interface PageWalkOptions {
  /** The largest page that may be requested. */
  readonly largest: number
  /**
   * A `Step.cursor`, or null. Where its mark is found where it was, the walk goes on as if it had never stopped; where
   * not, the list is read once more. Without a mark it is taken up one page earlier.
   */
  readonly from: WalkPlace | null
  /** How many pages a pass may have where the vendor does not say how many rows there are; left out: 20,000. */
  readonly mostPages?: number
}

/** Pages in a row that are said to be followed by more and bring nothing, after which the rest is taken not to come. */
const barrenPages = 20

/** Pages in a row without a new row, after which a list that should go on is taken to turn in a circle. */
const idlePages = 3

/** Pages in a row without a new row that are the end of a list which does not say how long it is: one may be in its middle. */
const lastPages = 2

/** How often a list may be read in all. */
const mostPasses = 4

export const complete = { complete: true, reason: null } as const

/** The page that begins at or before the row `end - 1` (counted from 0) and reaches furthest beyond it. */
export const overlapping = (end: number, largest: number): Ask => {
  let best: Ask = { page: Math.floor(end / largest) + 1, size: largest }
  let reach = end
  for (let size = largest; size > largest / 2; size--) {
    const page = Math.floor((end - 1) / size) + 1
    if (page * size > reach) {
      reach = page * size
      best = { page, size }
    }
  }
  return best
}

/** What one pass has shown. */
interface Pass {
  readonly number: number
  readonly fromStart: boolean
  /** Rows before this position have been requested. */
  end: number
  pages: number
  /** Pages with rows. */
  filled: number
  /** Rows that came, those that came again included. */
  rows: number
  idle: number
  /** Rows with an id of their own, and rows whose id could not be read. */
  distinct: number
  nameless: number
  firstTotal: number | null
  /** The last row that was read, and where. */
  anchor: { readonly id: string; readonly position: number } | null
  /** Rows came twice, or the total changed. */
  shifted: boolean
  /** The anchor was not where the next page should have shown it: rows may have slipped through. */
  gap: boolean
  /** Two pages did not overlap, so that nothing can be said. */
  unanchored: boolean
  /** Rows that earlier passes should have shown and did not. */
  surprises: number
}

const newPass = (number: number, end: number): Pass => ({
  number,
  fromStart: end === 0,
  end,
  pages: 0,
  filled: 0,
  rows: 0,
  idle: 0,
  distinct: 0,
  nameless: 0,
  firstTotal: null,
  anchor: null,
  shifted: false,
  gap: false,
  unanchored: false,
  surprises: 0
})

/** The first pass, from its beginning or from where it was interrupted. */
const firstPass = (from: WalkPlace | null, largest: number): Pass => {
  if (from === null || from.rows <= 0) return newPass(1, 0)
  const { mark, rows } = from
  if (mark === null) return newPass(1, Math.max(0, rows - largest))
  return {
    ...newPass(1, rows),
    fromStart: true,
    pages: Math.ceil(rows / mark.size),
    filled: Math.ceil(rows / mark.size),
    rows,
    distinct: mark.distinct,
    nameless: mark.nameless,
    firstTotal: mark.total,
    anchor: { id: mark.last, position: rows - 1 }
  }
}

/** One scan of one list. Holds its place: ask, answer, ask, answer. */
export const pageWalk = (options: PageWalkOptions): PageWalk => {
  const { largest, from, mostPages = 20_000 } = options
  const mark = from?.mark ?? null
  /** Rows before this position were read before the walk was interrupted. */
  const readBefore = mark === null ? 0 : (from?.rows ?? 0)
  const isResumed = from !== null && from.rows > 0
  /** Each id's last pass. */
  const seen = new Map<string, number>()
  let size = Math.min(largest, mark?.size ?? largest)
  /** Positions follow from page and size. False: the vendor gives pages of its own size. */
  let exact = true
  let hadFullPage = mark !== null
  let total: number | null = mark?.total ?? null
  /** The vendor gave more rows than it says there are. */
  let totalIsWrong = false
  /** The row at the very beginning, when it was last seen. */
  let firstId: string | null = null
  let newest: Timestamp | null = mark?.newest ?? null
  let newestBefore: Timestamp | null = null
  let pass = firstPass(from, largest)
  /** A pass without a fault lies behind us, and its first page is requested once more. */
  let confirming = false
  let asked: Ask = { page: 1, size }

  const next = (): Ask => {
    if (pass.end === 0) asked = { page: 1, size }
    else asked = exact ? overlapping(pass.end, size) : { page: Math.floor(pass.end / size) + 1, size }
    return asked
  }

  const isSurprise = ({ startedAt, stored }: ListedRow): boolean =>
    pass.number > 1 &&
    !(startedAt !== null && newestBefore !== null && startedAt > newestBefore) &&
    !(stored && isResumed)

  /** Enters the rows of a page that begins at `start`. Returns which of them we requested again, and how many are new. */
  const enter = (rows: ReadonlyArray<ListedRow>, start: number) => {
    let fresh = 0
    pass.rows += rows.length
    const again = rows.map((row, index) => {
      const overlap = start + index < pass.end
      if (row.id === null) {
        if (!overlap) pass.nameless++
        return overlap
      }
      if (row.startedAt !== null && (newest === null || row.startedAt > newest)) newest = row.startedAt
      const before = seen.get(row.id)
      seen.set(row.id, pass.number)
      if (before === pass.number) {
        if (!overlap) pass.shifted = true
        return overlap
      }
      // Counted before the interruption. It is dealt with again, since it may no longer be the same row.
      if (pass.number === 1 && start + index < readBefore) return false
      fresh++
      if (before === undefined && isSurprise(row)) pass.surprises++
      return before !== undefined
    })
    pass.distinct += fresh
    return { again, fresh }
  }

  const checkAnchor = (rows: ReadonlyArray<ListedRow>, start: number): void => {
    if (pass.pages === 0) return
    const { anchor } = pass
    if (anchor === null || !exact || anchor.position < start) {
      if (rows.length > 0) pass.unanchored = true
      return
    }
    const index = rows.findIndex(({ id }) => id === anchor.id)
    // Nothing at all: the list got shorter, or the vendor's pages are larger than ours. Another pass shows which.
    if (rows.length === 0) pass.shifted = true
    else if (index === -1) pass.gap = true
    else if (index !== anchor.position - start) pass.shifted = true
  }

  const learnSize = (page: ListedPage): void => {
    const count = page.rows.length
    if (page.size !== null && page.size > 0) {
      // Larger than asked: the size is the vendor's own, and positions computed from ours do not hold.
      if (page.size > asked.size) exact = false
      else if (page.size < asked.size) size = page.size
      // Fewer rows than it says that it gives, and more are said to follow: it may give pages of another size.
      const due = page.total === null ? 0 : Math.min(page.size, page.total - (asked.page - 1) * page.size)
      if (count > 0 && count < due) exact = false
      return
    }
    if (count === asked.size) hadFullPage = true
    const atTheEnd = page.total !== null && (asked.page - 1) * asked.size + count >= page.total
    if (count > asked.size || (count > 0 && !hadFullPage && !atTheEnd)) exact = false
  }

  const isLast = (page: ListedPage): boolean => {
    if (page.last === true) return true
    if (page.more === true) return false
    const knownTotal = totalIsWrong ? null : page.total
    if (knownTotal === null || !exact)
      return pass.idle >= lastPages || (knownTotal !== null && pass.distinct >= knownTotal)
    return pass.end >= knownTotal || (page.rows.length === 0 && pass.idle >= idlePages)
  }

  /** More is said to follow, and does not come. */
  const isBarren = (page: ListedPage): boolean => page.more === true && pass.idle >= barrenPages

  const endlessness = (page: ListedPage): string | null => {
    // Pages may be empty where rows are left out; rows that were shown before are a circle all the same.
    if (page.more === true && page.rows.length === 0) return null

    const { firstTotal } = pass
    // A vendor may give smaller pages than it says.
    const rowsPerPage = pass.rows === 0 ? size : Math.min(size, pass.rows / pass.pages)
    const allowed = firstTotal === null ? mostPages : Math.ceil((2 * firstTotal) / rowsPerPage) + 50
    if (pass.pages > allowed) {
      const said = firstTotal === null ? "" : `, although it said that it holds ${firstTotal}`
      return `it went on after ${pass.pages} pages${said}`
    }
    return pass.idle >= idlePages ? `${pass.idle} pages in a row brought the same conversations again` : null
  }

  /**
   * As many rows as were requested, all known, and from the beginning again. Without a total, nothing else would show that
   * whatever is requested, no other page comes.
   */
  const isFirstAgain = ({ rows, total }: ListedPage, start: number, fresh: number): boolean => {
    const isSame = firstId !== null && rows[0]?.id === firstId
    if (start === 0) firstId = rows[0]?.id ?? null
    return exact && total === null && start > 0 && fresh === 0 && rows.length === asked.size && isSame
  }

  const nextPass = (): null => {
    newestBefore = newest
    pass = newPass(pass.number + 1, 0)
    return null
  }

  const finishPass = (): Step["end"] => {
    const { firstTotal, nameless } = pass
    if (!totalIsWrong && total !== null && pass.distinct + nameless !== total) pass.shifted = true
    if (pass.fromStart && !pass.shifted && !pass.gap && !pass.unanchored) {
      if (pass.filled < 2) return complete
      confirming = true
      return nextPass()
    }
    const known = seen.size + nameless
    const short = !totalIsWrong && firstTotal !== null && known < Math.min(firstTotal, total ?? firstTotal)
    if (pass.number > 1 && pass.surprises === 0 && !pass.gap && !short) return complete
    if (pass.number < mostPasses) return nextPass()
    const what = short ? `shows ${known} conversations of the ${firstTotal} it says it holds` : "kept moving"
    return {
      complete: false,
      reason: `the list ${what}, though it was read ${mostPasses} times: some may be missing`
    }
  }

  /** Where a walk goes on after the row before position `end`, and what it can be sure of there. */
  const placeAfter = (end: number): WalkPlace => {
    const { anchor, distinct, nameless } = pass
    const isSure = pass.fromStart && exact && !pass.shifted && !pass.gap && !pass.unanchored && !totalIsWrong
    if (!isSure || anchor?.position !== end - 1) return { rows: pass.end, mark: null }
    return { rows: end, mark: { last: anchor.id, distinct, nameless, total, size, newest } }
  }

  const received = (page: ListedPage): Step => {
    learnSize(page)
    const { rows } = page
    const given = page.size !== null && page.size > 0 ? page.size : asked.size
    const start = (asked.page - 1) * given
    if (start > pass.end) {
      // The vendor counted in larger pages than we requested: this one lies beyond a hole. Ask again in its size.
      size = given
      pass.unanchored = true
      pass.pages++
      return { again: enter(rows, start).again, cursor: null, end: null, endless: endlessness(page) }
    }
    // Rows are left out after the pages were cut: positions do not follow from page and size.
    if (rows.length === 0 && page.more === true) exact = false
    checkAnchor(rows, start)
    const { again, fresh } = enter(rows, start)
    if (isFirstAgain(page, start, fresh)) {
      return {
        again,
        cursor: null,
        end: null,
        endless: "whatever page is requested, the first one comes again"
      }
    }
    if (pass.firstTotal === null) pass.firstTotal = page.total
    else if (page.total !== pass.firstTotal) pass.shifted = true
    total = page.total
    if (total !== null && start + rows.length > total) totalIsWrong = true
    pass.pages++
    if (rows.length > 0) pass.filled++
    pass.idle = fresh === 0 ? pass.idle + 1 : 0
    pass.end = Math.max(pass.end, start + Math.max(given, rows.length))
    rows.forEach(({ id }, index) => {
      if (id !== null) pass.anchor = { id, position: start + index }
    })
    // After an empty page it goes on behind the last row all the same.
    const cursor = pass.number === 1 && rows.length > 0 ? placeAfter(start + rows.length) : null
    if (confirming) {
      confirming = false
      if (pass.surprises === 0 && rows.length > 0)
        return { again, cursor: null, end: complete, endless: null }
    }
    if (isBarren(page)) {
      const reason = `the list says that more follows, but ${pass.idle} pages in a row brought nothing: some may be missing`
      return { again, cursor: null, end: { complete: false, reason }, endless: null }
    }
    if (isLast(page)) return { again, cursor, end: finishPass(), endless: null }
    return { again, cursor, end: null, endless: endlessness(page) }
  }

  return { next, received }
}

/** Beyond so many rows their number is worked out from a part of them. */
const workedOut = 100_000

/**
 * Requests that a walk sends for a list of so many rows that stays as it is. @param saysTotal each page says how many rows
 * there are
 */
export const walkRequests = (rows: number, largest: number, saysTotal: boolean): number => {
  if (rows > workedOut) return Math.ceil((walkRequests(workedOut, largest, saysTotal) * rows) / workedOut)
  const walk = pageWalk({ largest, from: null })
  for (let requests = 1; ; requests += 1) {
    const { page, size } = walk.next()
    const start = Math.min(rows, (page - 1) * size)
    const { end, endless } = walk.received({
      rows: Array.from({ length: Math.min(rows - start, size) }, (_, index) => ({
        id: String(start + index),
        startedAt: null,
        stored: false
      })),
      total: saysTotal ? rows : null,
      size: saysTotal ? size : null
    })
    if (end !== null || endless !== null) return requests
  }
}
