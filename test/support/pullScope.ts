import { Effect } from "effect"
import type { Timestamp } from "../../src/domain/Timestamp.ts"
import type { Item, Known, Page, PullScope, Sighting, Unreadable } from "../../src/providers/Provider.ts"

/** What is asked of `pull` in a test: everything, of a mirror that holds `known`. */
export const pullScope = (
  chosen: Partial<Omit<PullScope, "known" | "learned">> & {
    readonly known?: ReadonlyArray<Known>
    readonly learned?: Readonly<Record<string, { readonly value: string; readonly at: Timestamp }>>
  } = {}
): PullScope => {
  const { known = [], learned = {}, ...rest } = chosen
  return {
    cursor: null,
    since: null,
    until: null,
    covered: [],
    refetch: false,
    reconcile: false,
    messages: true,
    concurrency: 4,
    known: (ids) =>
      Effect.succeed(
        new Map(known.filter((one) => ids.includes(one.providerId)).map((one) => [one.providerId, one]))
      ),
    learned: new Map(Object.entries(learned)),
    ...rest
  }
}

/** What a mirror that stored these pages would answer to `known`. */
export const knownFrom = (pages: Iterable<Page>): ReadonlyArray<Known> =>
  sightingsIn(pages).map(({ conversation, messages, fingerprint }) => ({
    providerId: conversation.providerId,
    fingerprint,
    agentId: conversation.agentId,
    storedMessages: messages?.items.length ?? 0,
    newestMessageIds: (messages?.items ?? [])
      .slice(-10)
      .reverse()
      .map(({ messageId }) => messageId),
    startedAt: conversation.startedAt,
    updatedAt: conversation.updatedAt,
    deleted: false
  }))

export const itemsIn = (pages: Iterable<Page>): ReadonlyArray<Item> =>
  [...pages].flatMap(({ items }) => items)

export const sightingsIn = (pages: Iterable<Page>): ReadonlyArray<Sighting> =>
  itemsIn(pages).flatMap((item) => (item._tag === "Sighting" ? [item] : []))

/** Everything that was put aside, whole records and parts of them. */
export const unreadablesIn = (pages: Iterable<Page>): ReadonlyArray<Unreadable> =>
  itemsIn(pages).flatMap((item) => {
    if (item._tag === "Unreadable") return [item.unreadable]
    return item._tag === "Sighting" ? item.unreadable : []
  })

/** How many items of each kind there are. */
export const countsOf = (pages: Iterable<Page>): Readonly<Record<Item["_tag"], number>> => {
  const counts = { Sighting: 0, Unchanged: 0, Filtered: 0, Unreadable: 0 }
  for (const { _tag } of itemsIn(pages)) counts[_tag] += 1
  return counts
}
