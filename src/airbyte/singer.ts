import { Clock, Effect, Either, Schema } from "effect"
import type { Timestamp } from "../domain/Timestamp.ts"
import { type Feed, type FeedRow, type FeedTable, feedTables, openFeed } from "../store/read/feed.ts"
import { line } from "./protocol.ts"
import { sendingRows } from "./read/reading.ts"
import { sourceStreams } from "./read/streams.ts"

/*
 * The rows of a mirror as a Singer tap prints them: SCHEMA, RECORD and STATE, one JSON document a line. A state holds, of
 * each stream, the commit up to which all is sent.
 */

const State = Schema.Struct({
  /** The mirror's identity: another one's commits mean something else. */
  mirror: Schema.String,
  bookmarks: Schema.Record({
    key: Schema.String,
    value: Schema.Struct({
      change_seq: Schema.Number,
      /** When that commit was made. Older states do not say. */
      at: Schema.optional(Schema.NullOr(Schema.String))
    })
  })
})
type State = typeof State.Type
type Bookmark = State["bookmarks"][string]

/** A target may hand back its state inside of a message. */
const decodeState = Schema.decodeUnknownEither(Schema.Union(State, Schema.Struct({ value: State })))

/** Null: it is not one that a tap of this version wrote. */
export const readState = (given: unknown): State | null =>
  Either.match(decodeState(given), {
    onLeft: () => null,
    onRight: (state) => ("value" in state ? state.value : state)
  })

/** Rows between two states. */
const stateEvery = 10_000

/** Characters that are collected before they are written. */
const chunkLength = 65_536

export const singerCatalog = (): string =>
  JSON.stringify(
    {
      streams: sourceStreams.map(({ name, schema }) => ({
        tap_stream_id: name,
        stream: name,
        schema,
        metadata: [
          {
            breadcrumb: [],
            metadata: {
              selected: true,
              inclusion: "available",
              "table-key-properties": ["id"],
              "forced-replication-method": "INCREMENTAL",
              "valid-replication-keys": ["change_seq"]
            }
          }
        ]
      }))
    },
    null,
    2
  )

interface TapOptions {
  readonly tables: ReadonlyArray<FeedTable>
  /** Null: everything is sent. */
  readonly state: State | null
  readonly write: (lines: string) => Effect.Effect<void>
}

const sendTable = Effect.fn("tap.table")(function* (
  feed: Feed,
  table: FeedTable,
  bookmarks: Record<string, Bookmark>,
  write: TapOptions["write"],
  rows: Iterable<FeedRow>
) {
  const extracted = new Date(yield* Clock.currentTimeMillis).toISOString()
  const bookmark = (seq: number): void => {
    bookmarks[table] = { change_seq: seq, at: feed.committedAt(seq) }
  }
  const stateLine = () => line({ type: "STATE", value: { mirror: feed.mirror, bookmarks } })
  let chunk = ""
  let count = 0
  let reached = bookmarks[table]?.change_seq ?? 0
  for (const row of rows) {
    // Rows of one commit belong together.
    if (row.change_seq > reached && count >= stateEvery) {
      bookmark(reached)
      chunk += stateLine()
      count = 0
    }
    reached = Math.max(reached, row.change_seq)
    count += 1
    chunk += line({ type: "RECORD", stream: table, record: row, time_extracted: extracted })
    if (chunk.length < chunkLength) continue
    yield* write(chunk)
    chunk = ""
  }
  bookmark(reached)
  yield* write(chunk + stateLine())
})

/** Sends what changed since the state. @param path of the mirror */
export const tap = Effect.fn("tap")(function* (path: string, { state, tables, write }: TapOptions) {
  const feed = yield* openFeed(path)
  const isOfThis = state !== null && state.mirror === feed.mirror
  const bookmarks: Record<string, Bookmark> = { ...(isOfThis ? state.bookmarks : {}) }
  let isPutBack = false
  for (const { at, change_seq: seq } of Object.values(bookmarks)) {
    if (at !== undefined && at !== null) isPutBack ||= yield* feed.lacks({ seq, at: at as Timestamp })
  }
  if (isPutBack) for (const table of Object.keys(bookmarks)) delete bookmarks[table]
  const selected = feedTables.filter((table) => tables.length === 0 || tables.includes(table))
  yield* feed.inSnapshot(
    Effect.forEach(
      selected,
      (table) =>
        Effect.gen(function* () {
          const schema = sourceStreams.find(({ name }) => name === table)?.schema
          yield* write(
            line({
              type: "SCHEMA",
              stream: table,
              schema,
              key_properties: ["id"],
              bookmark_properties: ["change_seq"]
            })
          )
          const rows = feed.rows(table, bookmarks[table]?.change_seq ?? 0)
          yield* sendingRows(feed, sendTable(feed, table, bookmarks, write, rows))
        }),
      { discard: true }
    )
  )
  return { isOfAnother: state !== null && !isOfThis, isPutBack }
}, Effect.scoped)
