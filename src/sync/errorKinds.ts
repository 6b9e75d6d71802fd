import type { ProviderError } from "../domain/ProviderError.ts"
import type { Busy } from "../store/ledger/Leases.ts"
import type { StoreError } from "../store/StoreError.ts"

/** What each error is called where it is reported: in the ledger, in documents and in events. */
export const errorKinds: Readonly<Record<(ProviderError | StoreError | Busy)["_tag"], string>> = {
  RateLimited: "rate_limited",
  Queued: "queued",
  Unavailable: "unavailable",
  Unauthorized: "unauthorized",
  Rejected: "rejected",
  Malformed: "malformed",
  WrongAccount: "account",
  StoreError: "store",
  Busy: "busy"
}
