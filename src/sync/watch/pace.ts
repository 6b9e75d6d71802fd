import type { Limit } from "../../http/contract.ts"

/*
 * How often a connection can be synced at most: its runs may take half of the time, and half of what its limits let
 * through, so that changes, webhooks and other programs find room.
 */

/** What a run took that did its work. */
export interface Effort {
  readonly millis: number
  readonly requests: number
}

const most = 0.5

/** Of so many runs, the least effort counts: a first run, or one that looks behind the list, is no measure. */
export const remembered = 2

/**
 * Requests a millisecond that a connection may send by the limits that all of its requests share; null: none is known.
 * @param quota the share of the limits that the connection may use at all
 */
export const sharedRate = (limits: ReadonlyArray<Limit>, quota: number): number | null => {
  const rates = limits
    .filter(({ applies, scope }) => scope !== "path" && applies === undefined)
    .map(({ perMillis, requests }) => requests / perMillis)
  return rates.length === 0 ? null : quota * Math.min(...rates)
}

/**
 * The least milliseconds from the start of a run to that of the next; 0: too little is known.
 * @param efforts of the last runs @param rate see `sharedRate`
 */
export const paceOf = (efforts: ReadonlyArray<Effort>, rate: number | null): number => {
  if (efforts.length < remembered) return 0
  const millis = Math.min(...efforts.map((effort) => effort.millis))
  const requests = Math.min(...efforts.map((effort) => effort.requests))
  return Math.ceil(Math.max(millis, rate === null ? 0 : requests / rate) / most)
}
