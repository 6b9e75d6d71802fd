import { Either, Schema } from "effect"
import { WalkMark } from "../kit/pageWalk.ts"
import type { Place } from "./agentList.ts"

/** Where a scan of several agents goes on that was interrupted, as text. */
const CursorText = Schema.parseJson(
  Schema.Struct({
    /** Agents that were read to the end. */
    done: Schema.Array(Schema.String),
    /** The agent that is being read, and how far. */
    agent: Schema.optional(Schema.String),
    rows: Schema.optional(Schema.Number),
    mark: Schema.optional(Schema.NullOr(WalkMark)),
    cursor: Schema.optional(Schema.String)
  })
)
export type Cursor = typeof CursorText.Type

/** A text that is no cursor of ours is the beginning. */
export const readCursor = (text: string | null): Cursor =>
  text === null ? { done: [] } : Either.getOrElse(Schema.decodeEither(CursorText)(text), () => ({ done: [] }))

/** How far the agent was read. */
export const placeIn = ({ rows, mark = null, cursor }: Cursor): Place | null => {
  if (cursor !== undefined) return { cursor }
  return rows === undefined ? null : { rows, mark }
}

export const writeCursor = (cursor: Cursor): string => JSON.stringify(cursor)
