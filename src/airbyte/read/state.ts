import { Either, Schema } from "effect"
import type { FeedTable } from "../../store/read/feed.ts"
import type { GivenStates } from "../protocol.ts"
import { WrittenLevel } from "./memory.ts"

/*
 * What a stream's state says. `n` counts states, so that no two are equal; `seq` is the highest `change_seq` that was sent.
 */

const Numbers = { v: Schema.Literal(1), n: Schema.Number, seq: Schema.Number }

const MirrorState = Schema.Struct({
  ...Numbers,
  mode: Schema.Literal("mirror"),
  /** The mirror's identity. */
  mirror: Schema.String,
  /** The only connection whose rows are sent; null: all are. Older states do not say. */
  connection: Schema.optional(Schema.NullOr(Schema.String)),
  /** When the commit `seq` was made; null: it is not known. Older states do not say. */
  at: Schema.optional(Schema.NullOr(Schema.String)),
  /** Everything there was has been sent. */
  done: Schema.Boolean
})
export type MirrorState = typeof MirrorState.Type

/** Where a walk over the provider's list was interrupted. */
const Walk = Schema.Struct({
  id: Schema.String,
  startedAt: Schema.String,
  scope: Schema.String,
  cursor: Schema.NullOr(Schema.String)
})
export type Walk = typeof Walk.Type

const Learned = Schema.Struct({ name: Schema.String, value: Schema.String, at: Schema.String })

const DirectState = Schema.Struct({
  ...Numbers,
  mode: Schema.Literal("direct"),
  /** Stands for the account and what of it is wanted: another one has other conversations. */
  subject: Schema.String,
  /** Null: the last walk came to its end. */
  walk: Schema.NullOr(Walk),
  learned: Schema.Array(Learned),
  levels: Schema.Array(WrittenLevel)
})
export type DirectState = typeof DirectState.Type

export type StreamState = MirrorState | DirectState

const decodeState = Schema.decodeUnknownEither(Schema.Union(MirrorState, DirectState))

interface ReadStates {
  readonly states: ReadonlyMap<string, StreamState>
  /** Streams whose state is not one that is written here. */
  readonly unreadable: ReadonlyArray<string>
}

const isEmpty = (state: unknown): boolean =>
  state === null || state === undefined || (typeof state === "object" && Object.keys(state).length === 0)

/** The states of these streams among those that were given back. */
export const readStates = (given: GivenStates, streams: ReadonlyArray<FeedTable>): ReadStates => {
  const states = new Map<string, StreamState>()
  const unreadable: Array<string> = []
  for (const { stream } of given) {
    const name = stream?.stream_descriptor.name
    const state = stream?.stream_state
    if (name === undefined || isEmpty(state) || !streams.some((known) => known === name)) continue
    const decoded = decodeState(state)
    if (Either.isRight(decoded)) states.set(name, decoded.right)
    else unreadable.push(name)
  }
  return { states, unreadable }
}
