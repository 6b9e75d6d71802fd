import { lanesInOrder } from "../contract.ts"
import type { MemberUse } from "./shared/sharedState.ts"

/** Why nothing may leave. Times are epoch milliseconds. */
export interface Blocked {
  /** When something will be free, as far as is known. */
  readonly until: number
  /** When to look again: others may give something back before. */
  readonly again: number
  readonly reason: string
}

export const blockedUntil = (until: number, reason: string, again = until): Blocked => ({
  until: Math.ceil(until),
  again: Math.ceil(again),
  reason
})

export const isBlocked = (result: object): result is Blocked => "again" in result

/** One request's place within a limit. */
export interface Taken {
  readonly at: number
  /** How much of the limit had been sent by then, this one included. */
  readonly nth: number
  /** As how many requests it counts. */
  readonly cost: number
  /** It alone finds out whether a refusal is over. */
  readonly isProbe: boolean
}

/** The end of a request. Epoch milliseconds. */
export interface Completion {
  readonly now: number
  /** When the vendor must have had it. */
  readonly arrivedBy: number
}

/** What waits, and what of it could leave at once. */
export interface Demand {
  /** By lane, the best first. */
  readonly waiting: MemberUse["demand"]
  /** Requests that could be in flight soon, this one included. */
  readonly most: number
}

export const noDemand: Demand = { waiting: lanesInOrder.map(() => 0), most: 1 }

/** How soon (milliseconds) it is worth looking again whether others gave something back. */
export const look = 50

export const evenly = "requests are spread evenly"

/** Milliseconds by which a request that is spread evenly may be late without being lost. */
export const lateness = 40
