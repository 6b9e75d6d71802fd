import { Effect } from "effect"
import type { ProviderError } from "../domain/ProviderError.ts"
import type { Provider } from "../providers/Provider.ts"
import type { MergeCandidate } from "../store/mirror/merges.ts"
import type { StoreError } from "../store/StoreError.ts"

/**
 * The conversation that one which no longer exists was merged into: one whose contact has the same e-mail address or phone
 * number, and to which that address or number leads at the provider now. Null: the conversation is gone. Only where there
 * is such a conversation in the mirror is the provider asked, once or twice.
 */
export const mergedInto = (
  { findByContact }: Pick<Provider, "findByContact">,
  candidates: Effect.Effect<ReadonlyArray<MergeCandidate>, StoreError>
): Effect.Effect<string | null, ProviderError | StoreError> =>
  Effect.gen(function* () {
    if (findByContact === undefined) return null
    const all = yield* candidates
    for (const kind of ["email", "phone"] as const) {
      const value = all.find((one) => one[kind] !== null)?.[kind] ?? null
      if (value === null) continue
      const found = yield* findByContact(kind, value)
      if (found !== null && all.some(({ providerId }) => providerId === found)) return found
    }
    return null
  })
