/** How long things are kept, milliseconds; null: for ever. */
export interface Retention {
  readonly messages: number | null
  /** Payloads as they came. */
  readonly raw: number | null
  /** What is recorded of runs and requests. */
  readonly ledger: number | null
}
