import type { Interval } from "../../domain/Interval.ts"
import type { Survey } from "../../providers/Provider.ts"
import type { ForecastFacts } from "../../store/read/forecastFacts.ts"
import type { Pace } from "./replay.ts"

/** How much of one limit a pull takes: 1 is all that it allows for as long as the pull lasts. */
export interface LimitShare {
  readonly limit: string
  readonly share: Interval
}

/** What a forecast rests on: what the provider says, earlier pulls, or nothing but a look at the beginning. */
export type Basis = "total" | "earlier-runs" | "look"

/** What a pull will cost. Every number is an interval that holds it in at least nine of ten cases, retries left out. */
export interface Forecast {
  /** Conversations that will be listed, and those that will be fetched as new or changed. */
  readonly listed: Interval
  readonly fetched: Interval
  readonly requests: Interval
  /** Milliseconds. */
  readonly duration: Interval
  readonly shares: ReadonlyArray<LimitShare>
  readonly basis: Basis
  /** In plain words, how unsure it is and why. */
  readonly doubts: ReadonlyArray<string>
}

/** What is known before a pull begins. */
export interface ForecastInput {
  /** Null: the provider cannot be asked. */
  readonly survey: Survey | null
  readonly facts: ForecastFacts
  readonly pace: Pace
  /** The shortest answer that was measured, milliseconds: the whole pull may be as quick. */
  readonly quickestAnswer: number
  /** Requests before any other: a login. */
  readonly login: number
  /** Every conversation's details are wanted, changed or not. */
  readonly refetch: boolean
  /** The window reaches into the present, so that it holds what is new. */
  readonly untilNow: boolean
  /** Epoch milliseconds. */
  readonly now: number
}
