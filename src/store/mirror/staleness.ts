/** When something was observed: the vendor's own time where it has one, and when we sent the request (UTC, ISO 8601). */
export interface Observation {
  readonly updatedAt: string | null
  readonly observedAt: string
}

/**
 * Whether an incoming sighting is older than the one that is stored. The vendor's time of its last change decides;
 * where it is equal or missing on either side, the time at which we asked.
 */
export const isStale = (incoming: Observation, stored: Observation): boolean =>
  incoming.updatedAt !== null && stored.updatedAt !== null && incoming.updatedAt !== stored.updatedAt
    ? incoming.updatedAt < stored.updatedAt
    : incoming.observedAt < stored.observedAt

/**
 * How far a stored time may lie ahead of a commit's own, milliseconds. Others observe while a commit waits for the file;
 * a later time is of a clock that was ahead, and would make every sighting stale until the clock gets there.
 */
const mostAhead = 60_000

/** The latest time that is believed where it is compared with `now`, both UTC, ISO 8601: later ones count as none. */
export const latestBelieved = (now: string): string => new Date(Date.parse(now) + mostAhead).toISOString()

/** A conversation's key, or any text for another row. */
type RowName = number | string

/** How many of the latest observations are remembered, at least; at most twice as many. */
const remembered = 25_000

/**
 * When rows were last seen as they are stored. Such a sighting writes nothing, and yet an answer to a request that was
 * sent before it, and that arrives after it, must not count as news. Answers overtake each other by seconds, so the
 * latest few rows are enough, and this process's memory is the place.
 */
export class RecentObservations {
  private latestTimes = new Map<RowName, string>()
  /** Those before, forgotten all at once: to take the oldest out of a Map one by one costs more the more were taken. */
  private earlierTimes = new Map<RowName, string>()

  private timeOf(row: RowName): string | undefined {
    return this.latestTimes.get(row) ?? this.earlierTimes.get(row)
  }

  /** @param believed the latest time that is believed: see `latestBelieved` */
  note(row: RowName, observedAt: string, believed: string): void {
    const before = this.timeOf(row)
    if (before !== undefined && before >= observedAt && before <= believed) return
    this.latestTimes.set(row, observedAt)
    if (this.latestTimes.size < remembered) return
    this.earlierTimes = this.latestTimes
    this.latestTimes = new Map()
  }

  /** The later of the stored time and the one remembered for the row, of those that are believed; empty: none is. */
  latest(row: RowName, stored: string, believed: string): string {
    const recent = this.timeOf(row)
    const held = stored <= believed ? stored : ""
    return recent !== undefined && recent > held && recent <= believed ? recent : held
  }
}
