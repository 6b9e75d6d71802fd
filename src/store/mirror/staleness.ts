/**
 * One reading of a record: the vendor's own time of its last change where it has one, and between which instants of our
 * clock it was read. All UTC, ISO 8601. A reading that was put together from several answers begins with the request that
 * said the status and ends with the last answer: so it claims to be no newer than what decides.
 */
export interface Reading {
  readonly updatedAt: string | null
  readonly requestedAt: string
  readonly answeredAt: string
}

/** How a row says when it was read; `answered_at` null: that was not recorded. */
export interface StoredTimes {
  readonly updated_at: string | null
  readonly observed_at: string
  readonly answered_at: string | null
}

/**
 * How far a time may lie ahead of ours, milliseconds. Others write while a commit waits for the file, and clocks of
 * vendors differ by seconds; a later time is of a clock that was ahead, and would hold until the present gets there.
 */
const mostAhead = 60_000

/** The latest time that is believed at `now`, both UTC, ISO 8601: later ones count as none. */
export const latestBelieved = (now: string): string => new Date(Date.parse(now) + mostAhead).toISOString()

/** A vendor that writes some times in seconds and others in milliseconds means the same by both, within a second. */
const inSeconds = (time: string): boolean => time.endsWith(".000Z")

/** Negative: the first is earlier; 0: unknown. Times that are missing or not believed decide nothing. */
const vendorOrder = (one: string | null, other: string | null, believed: string): number => {
  if (one === null || other === null || one > believed || other > believed) return 0
  const [left, right] =
    inSeconds(one) || inSeconds(other) ? [one.slice(0, 19), other.slice(0, 19)] : [one, other]
  return left === right ? 0 : left < right ? -1 : 1
}

/**
 * Whether an incoming reading is older than the one that is stored. What was requested after the other one was answered is
 * newer, whatever the vendor's times say: they go back after a restored backup, at the end of daylight saving, or once a
 * wrong clock is put right. Of two that overlapped, the vendor's times decide; where they do not decide, the later request does.
 */
export const isStale = (incoming: Reading, stored: Reading, believed: string): boolean => {
  if (incoming.requestedAt >= stored.answeredAt) return false
  if (incoming.answeredAt <= stored.requestedAt) return true
  const order = vendorOrder(incoming.updatedAt, stored.updatedAt, believed)
  return order === 0 ? incoming.requestedAt < stored.requestedAt : order < 0
}

/** Between which instants something was read, UTC, ISO 8601. */
export type Span = Pick<Reading, "requestedAt" | "answeredAt">

/** Before every other. */
const never: Span = { requestedAt: "", answeredAt: "" }

/** A span by a clock that may have been set meanwhile: it never ends before it begins. */
export const spanOf = (requestedAt: string, answeredAt: string): Span =>
  answeredAt < requestedAt ? { requestedAt: answeredAt, answeredAt } : { requestedAt, answeredAt }

/** When a row was read, as far as that is believed. */
export const storedSpan = (
  { answered_at, observed_at }: Omit<StoredTimes, "updated_at">,
  believed: string
): Span => {
  if (observed_at > believed) return never
  const isKnown = answered_at !== null && answered_at >= observed_at && answered_at <= believed
  return { requestedAt: observed_at, answeredAt: isKnown ? answered_at : observed_at }
}

/** The reading that a row shows, as far as its times are believed. */
export const storedReading = (row: StoredTimes, believed: string): Reading => ({
  updatedAt: row.updated_at,
  ...storedSpan(row, believed)
})

/** A conversation's key, or any text for another row. */
type RowName = number | string

/** How many of the latest readings are remembered, at least; at most twice as many. */
const remembered = 25_000

/**
 * When rows were last read as they are stored. Such a reading writes nothing, and yet an answer to a request that was
 * sent before it, and that arrives after it, must not count as news. Answers overtake each other by seconds, so the
 * latest few rows are enough, and this process's memory is the place.
 */
export class RecentReadings {
  private latestSpans = new Map<RowName, Span>()
  /** Those before, forgotten all at once: to take the oldest out of a Map one by one costs more the more were taken. */
  private earlierSpans = new Map<RowName, Span>()

  private spanOf(row: RowName): Span | undefined {
    return this.latestSpans.get(row) ?? this.earlierSpans.get(row)
  }

  /** @param believed the latest time that is believed: see `latestBelieved` */
  note(row: RowName, span: Span, believed: string): void {
    const before = this.spanOf(row)?.requestedAt
    if (before !== undefined && before >= span.requestedAt && before <= believed) return
    this.latestSpans.set(row, span)
    if (this.latestSpans.size < remembered) return
    this.earlierSpans = this.latestSpans
    this.latestSpans = new Map()
  }

  /** The later of the stored reading (see `storedSpan`) and the one remembered for the row, as far as that is believed. */
  latest(row: RowName, stored: Span, believed: string): Span {
    const recent = this.spanOf(row)
    return recent !== undefined && recent.requestedAt > stored.requestedAt && recent.requestedAt <= believed
      ? recent
      : stored
  }
}
