import { Schema } from "effect"
import { GrowingSet, type ReadSet, readSet, type WrittenSet } from "./seen.ts"

/*
 * What a stream's state remembers of the conversations that were delivered: one set for each walk over the provider's list
 * that is not superseded yet, the newest first. A walk that ends makes the older ones superfluous. A conversation that
 * was wrongly taken for delivered counts as delivered from then on, until it changes: another walk has another seed, and errs
 * on others.
 */

export const WrittenLevel = Schema.Struct({
  /** The walk that it belongs to. */
  walk: Schema.String,
  seed: Schema.String,
  size: Schema.Number,
  width: Schema.optional(Schema.Number),
  bits: Schema.String
})
export type WrittenLevel = typeof WrittenLevel.Type

/** All levels of one state, as JSON. A state may have 512 KiB, and holds little else. */
export const mostLevelBytes = 500_000

/** So many entries fit, at 13.6 bits each and four characters for three bytes, with a little room. */
const mostEntries = Math.floor((mostLevelBytes * 6) / 13.8)

const shown = (providerId: string, listedAs: string): string => `${providerId}\n${listedAs}`

/** Stands for: delivered as something else than an older level says. */
const superseded = (providerId: string): string => providerId

/** The levels of one state, to be asked. */
export interface Past {
  readonly levels: ReadonlyArray<WrittenLevel>
  readonly has: (providerId: string, listedAs: string) => boolean
}

/** Levels that cannot be read count as absent, and so do all older ones. */
export const readPast = (levels: ReadonlyArray<WrittenLevel>): Past => {
  const sets: Array<ReadSet> = []
  for (const level of levels) {
    const set = readSet(level)
    if (set === null) break
    sets.push(set)
  }
  return {
    levels: levels.slice(0, sets.length),
    has: (providerId, listedAs) => {
      for (const set of sets) {
        if (set.has(shown(providerId, listedAs))) return true
        if (set.has(superseded(providerId))) return false
      }
      return false
    }
  }
}

/** What the walk under way adds. */
export class Present {
  readonly #set = new GrowingSet(mostEntries)
  readonly #walk: string
  readonly #hasPast: boolean

  constructor(walk: string, hasPast: boolean) {
    this.#walk = walk
    this.#hasPast = hasPast
  }

  /** There are too many conversations for a state to remember. */
  get isTooMuch(): boolean {
    return this.#set.isFull
  }

  /** Whether this walk has delivered the conversation. */
  has(providerId: string): boolean {
    return this.#hasPast && this.#set.has(superseded(providerId))
  }

  unchanged(providerId: string, listedAs: string): void {
    this.#set.add(shown(providerId, listedAs))
  }

  /** @param listedAs null: nothing shows whether it will be the same */
  delivered(providerId: string, listedAs: string | null): void {
    if (listedAs !== null) this.#set.add(shown(providerId, listedAs))
    if (this.#hasPast) this.#set.add(superseded(providerId))
  }

  /** This walk's level before the older ones, as many of them as a state may hold. */
  levels(older: ReadonlyArray<WrittenLevel>): ReadonlyArray<WrittenLevel> {
    if (this.isTooMuch) return []
    const own: WrittenSet | null = this.#set.write()
    const all = own === null ? older : [{ walk: this.#walk, ...own }, ...older]
    let room = mostLevelBytes
    const end = all.findIndex((level) => {
      room -= JSON.stringify(level).length + 1
      return room < 0
    })
    return end === -1 ? all : all.slice(0, end)
  }
}
