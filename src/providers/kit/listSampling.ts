import type { Interval } from "../../domain/Interval.ts"

/*
 * How many rows of a list are of some kind, worked out from a few looks into it.
 */

/** Requests for a list that a survey sends at most. */
export const mostLooks = 6

/** One answer of a list, and how many of its rows are of the kind that is counted. */
export interface Look {
  /** The position of its first row, counted from 0. */
  readonly from: number
  readonly rows: number
  readonly found: number
}

/** Rows between two looks, or behind the last. */
interface Gap {
  readonly from: number
  readonly rows: number
  readonly likely: number
  /** How far the number found may lie from that: because the samples beside it differ, and by chance (a variance). */
  readonly apart: number
  readonly chance: number
}

interface ListLooks {
  /** In the list's order; they do not overlap. */
  readonly looks: ReadonlyArray<Look>
  /** Rows of the whole list. */
  readonly total: number
  /** The list's order puts all rows of the kind together, so that looks that agree answer for what lies between. */
  readonly isSorted: boolean
}

const end = ({ from, rows }: Look): number => from + rows

const shareOf = ({ found, rows }: Look): number => found / Math.max(1, rows)

const gapBetween = (left: Look, right: Look | undefined, to: number, isSorted: boolean): Gap => {
  const rows = to - end(left)
  const beside = right === undefined ? [left] : [left, right]
  // Behind the last look the kind may go on as in it, or end there.
  const [near, far] = [shareOf(left), right === undefined ? 0 : shareOf(right)]
  const seen = beside.reduce((sum, one) => sum + one.rows, 0)
  const share = (beside.reduce((sum, one) => sum + one.found, 0) + 1) / (seen + 2)
  const isSettled = isSorted && near === far && (near === 0 || near === 1)
  return {
    from: end(left),
    rows,
    likely: (rows * (near + far)) / 2,
    apart: (rows * Math.abs(near - far)) / 2,
    chance: isSettled ? 0 : rows * share * (1 - share) * (1 + rows / seen)
  }
}

const gapsOf = ({ isSorted, looks, total }: ListLooks): ReadonlyArray<Gap> =>
  looks.flatMap((look, index) => {
    const right = looks[index + 1]
    const gap = gapBetween(look, right, right?.from ?? total, isSorted)
    return gap.rows > 0 ? [gap] : []
  })

/** How far a number may lie from what is likely, at 95 in 100. */
const spread = (variance: number): number => 2 * Math.sqrt(variance)

/** How many rows of the whole list are of the kind. */
export const workedOut = (list: ListLooks): Interval => {
  const seen = list.looks.reduce((sum, { found }) => sum + found, 0)
  const unseen = list.total - list.looks.reduce((sum, { rows }) => sum + rows, 0)
  const gaps = gapsOf(list)
  const sum = (of: (gap: Gap) => number) => gaps.reduce((all, gap) => all + of(gap), 0)
  const likely = seen + sum((gap) => gap.likely)
  const around = sum(({ apart }) => apart) + spread(sum(({ chance }) => chance))
  return {
    low: Math.max(seen, likely - around),
    likely,
    high: Math.max(likely, Math.min(seen + unseen, likely + around))
  }
}

/** Where to look next: the middle of what is least certain; null: another sample would add nothing. */
export const nextLook = (list: ListLooks): number | null => {
  const doubtOf = ({ apart, chance }: Gap): number => apart + spread(chance)
  const worst = gapsOf(list).toSorted((left, right) => doubtOf(right) - doubtOf(left))[0]
  return worst === undefined || doubtOf(worst) === 0 ? null : worst.from + Math.floor(worst.rows / 2)
}

/** A listed row, as a survey sees it. */
export interface SeenRow {
  /** Outside of the scope, not held by the mirror, held otherwise, or held as it is listed. */
  readonly state: "outside" | "missing" | "changed" | "current"
  /** When it was updated last, as far as the list can be sorted by it. */
  readonly updatedAt: string | null
  readonly startedAt: string | null
}

export const countOf = (rows: ReadonlyArray<SeenRow>, state: SeenRow["state"]): number =>
  rows.filter((row) => row.state === state).length

const falls = (times: ReadonlyArray<string | null>): boolean =>
  times.every((time, index) => {
    const before = times[index - 1]
    return time !== null && (before === undefined || before === null || time <= before)
  })

/** Fewer rows may be in some order by chance. */
const tellingRows = 20

/** What a list is sorted by, newest first, as these rows of it show, in their order; null: unknown. */
export const orderOf = (rows: ReadonlyArray<SeenRow>): "updated" | "started" | null => {
  if (rows.length < tellingRows) return null
  const byUpdate = falls(rows.map(({ updatedAt }) => updatedAt))
  const byStart = falls(rows.map(({ startedAt }) => startedAt))
  if (byUpdate === byStart) return null
  return byUpdate ? "updated" : "started"
}

/**
 * Whether a list that is sorted by update holds nothing new or changed behind these rows: it would come before the last
 * of them, which is held as it is listed.
 */
export const isSettled = (rows: ReadonlyArray<SeenRow>): boolean =>
  orderOf(rows) === "updated" && rows.at(-1)?.state === "current"
