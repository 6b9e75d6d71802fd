import { Effect, Stream } from "effect"
import type { Item, Known, Provider, PullScope } from "../providers/Provider.ts"
import { knownAsShown } from "../store/read/lookup.ts"

/*
 * A pull into an empty mirror that still fetches only what changed: what an earlier pull has delivered elsewhere is told
 * by something smaller than a mirror, which can say of a fingerprint whether it was seen.
 */

/** What an earlier pull has seen. */
export interface Memory {
  /** Whether the conversation was delivered as it is shown now. May err for very few, which then stay unsent until they change. */
  readonly has: (providerId: string, listedAs: string) => boolean
  /** Told of each conversation that is shown as it was delivered. */
  readonly unchanged: (providerId: string, listedAs: string) => void
  /** Nothing was delivered yet: only then are details requested that no list shows to have changed. */
  readonly isEmpty: boolean
}

/** The provider as a pull should see it that goes by a memory. The mirror comes first, where it holds a conversation. */
export const remembering = (provider: Provider, memory: Memory): Provider => {
  const { listedAs = (fingerprint: string) => fingerprint } = provider

  const lookUp =
    <E>(known: PullScope<E>["known"]): PullScope<E>["known"] =>
    (ids, wanted) =>
      Effect.map(known(ids, wanted), (stored) => {
        if (wanted?.shownAs === undefined) return stored
        const found = new Map<string, Known>(stored)
        for (const providerId of ids) {
          if (found.has(providerId)) continue
          const fingerprint = wanted.shownAs(providerId).find((shown) => memory.has(providerId, shown))
          if (fingerprint === undefined) continue
          memory.unchanged(providerId, fingerprint)
          found.set(providerId, knownAsShown(providerId, fingerprint))
        }
        return found
      })

  const unlessSeen = (item: Item): Item => {
    if (item._tag !== "Sighting" || item.fingerprint === null || item.unreadable.length > 0) return item
    const { providerId } = item.conversation
    const shown = listedAs(item.fingerprint)
    if (!memory.has(providerId, shown)) return item
    memory.unchanged(providerId, shown)
    return { _tag: "Unchanged", providerId }
  }

  return {
    ...provider,
    pull: (scope) =>
      Stream.map(
        provider.pull({
          ...scope,
          known: lookUp(scope.known),
          reconcile: scope.reconcile && memory.isEmpty
        }),
        (page) => ({ ...page, items: page.items.map(unlessSeen) })
      )
  }
}
