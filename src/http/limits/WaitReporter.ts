import type { ClientEvent, Lane } from "../contract.ts"
import type { Blocked } from "./take.ts"
import type { Timer } from "./timer.ts"

/** A wait shorter than this (milliseconds) is not worth a line. */
const worthReporting = 1000

/** One client of an account: what it has under way, and which waits to report to its user. */
export class WaitReporter {
  readonly lane: Lane
  readonly maxWaitMillis: number
  private readonly timer: Pick<Timer, "wall">
  private readonly report: (event: ClientEvent) => void
  private inFlight = 0
  private since: number | null = null
  private reported: { readonly until: number; readonly reason: string } | null = null

  /** @param timer for the times of reports: those that the machine's clock shows */
  constructor(
    lane: Lane,
    maxWaitMillis: number,
    timer: Pick<Timer, "wall">,
    report: (event: ClientEvent) => void
  ) {
    this.lane = lane
    this.maxWaitMillis = maxWaitMillis
    this.timer = timer
    this.report = report
  }

  /** A request leaves: whatever was waited for is over. */
  sends(now: number): void {
    this.inFlight += 1
    this.ends(now)
  }

  completes(): void {
    this.inFlight -= 1
  }

  /** Something of this client has to wait. Reported only if none of its requests moves, and once for all that wait. */
  waits(now: number, blocked: Blocked): void {
    if (this.inFlight > 0) return
    this.since ??= now
    const { until, reason } = blocked
    if (until - now < worthReporting) return
    if (
      this.reported !== null &&
      this.reported.reason === reason &&
      Math.abs(this.reported.until - until) < worthReporting
    )
      return
    this.reported = { until, reason }
    const { timer } = this
    this.report({ _tag: "Waiting", since: timer.wall(this.since), until: timer.wall(until), reason })
  }

  /** Nothing waits any more. */
  ends(now: number): void {
    if (this.since === null) return
    const millis = now - this.since
    this.since = null
    this.reported = null
    if (millis > 0) this.report({ _tag: "Waited", millis })
  }

  get isIdle(): boolean {
    return this.inFlight === 0
  }
}
