import { Schema } from "effect"

/** The canonical words. What a vendor calls them is that vendor's business: see `providers/<name>/normalize.ts`. */
export const Status = Schema.Literal("active", "handed_off", "completed", "abandoned", "unknown")
export type Status = typeof Status.Type

/** The statuses that can be requested. `unknown` only describes a reading. */
export const WantedStatus = Schema.Literal("active", "handed_off", "completed", "abandoned")
export type WantedStatus = typeof WantedStatus.Type

export const isWantedStatus = Schema.is(WantedStatus)

/**
 * Both directions of one vendor's words. `read` takes the vendor's word as it came (null when it sent none) and
 * never fails; `write` names what to send, and lacks the words that vendor cannot take.
 */
export interface StatusMap {
  readonly read: (vendorWord: string | null) => Status
  readonly write: Readonly<Partial<Record<WantedStatus, string>>>
  /** What `read` can answer beside `unknown`: where a vendor has no word for a status, its rate is not known. */
  readonly means: ReadonlyArray<WantedStatus>
  /**
   * Words that can be shown again though `write` does not have them as they are read: the vendor's word as it is read,
   * and what to send for it. Left out: there are none.
   */
  readonly restores?: Readonly<Record<string, string>>
}
