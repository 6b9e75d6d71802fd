import type { OutboxChange } from "../../store/outbox/Outbox.ts"

/*
 * Which changes a run may send. It is decided once, over one reading of the outbox: what is requested later waits for the
 * next run, so that no more leaves than was counted.
 */

/** Why nothing of a connection is sent. */
export interface Braked {
  /** How many would have been sent. */
  readonly waiting: number
  /** How many may be. */
  readonly brake: number
}

interface Admission {
  /** Ids of the changes that may be sent. */
  readonly admitted: ReadonlySet<number>
  /** Null: they are few enough, or were confirmed. */
  readonly braked: Braked | null
}

interface AdmissionRules {
  /** The most changes that are sent unconfirmed. */
  readonly brake: number
  /** The confirmed number; left out: none. */
  readonly confirmed?: number
  /** Pending changes of all connections of the run: this number may be confirmed as well as one connection's. */
  readonly pendingInAll: number
  /** Only these may be sent, however many: the caller has counted them. Left out: all. */
  readonly only?: ReadonlySet<number>
}

/** Whether so many changes may be sent. */
export const isWithin = (waiting: number, { brake, confirmed, pendingInAll }: AdmissionRules): boolean =>
  waiting <= brake || confirmed === waiting || confirmed === pendingInAll

/** @param open every open change of the connection */
export const admit = (open: ReadonlyArray<OutboxChange>, rules: AdmissionRules): Admission => {
  const { only } = rules
  const wanted = only === undefined ? open : open.filter(({ id }) => only.has(id))
  // One that is on its way was counted by the run that sent it.
  const waiting = wanted.filter(({ state }) => state === "pending").length
  return only !== undefined || isWithin(waiting, rules)
    ? { admitted: new Set(wanted.map(({ id }) => id)), braked: null }
    : { admitted: new Set(), braked: { waiting, brake: rules.brake } }
}
