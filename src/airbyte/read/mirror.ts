import { resolve } from "node:path"
import { Effect, Runtime } from "effect"
import type { ConnectionConfig } from "../../config/Config.ts"
import type { Timestamp } from "../../domain/Timestamp.ts"
import type { ConnectionFault } from "../../store/ledger/Ledger.ts"
import { type Feed, type FeedRow, type FeedTable, openFeed } from "../../store/read/feed.ts"
import { syncLane } from "../../sync/lanes.ts"
import { storeLayer } from "../../sync/layers.ts"
import { run } from "../../sync/run.ts"
import { ConnectorFailure, failureOf, storeFailure } from "../failure.ts"
import { type Emitter, makeEmitter } from "./emitter.ts"
import { checkpointMillis, maxWaitMillis, progressOf, type ReadInput, sendingRows } from "./reading.ts"
import type { MirrorState, StreamState } from "./state.ts"

/* Rows of a mirror that lives on this machine, by commit. */

/** Pulls what changed into the mirror. Null: all of it came. */
const syncFirst = Effect.fn("airbyte.syncFirst")(function* (
  path: string,
  connection: ConnectionConfig,
  input: ReadInput,
  emitter: Emitter
) {
  const fork = Runtime.runFork(yield* Effect.runtime<never>())
  const { report } = yield* run({
    command: "airbyte read",
    connections: [connection],
    maxWaitMillis: maxWaitMillis(input.keys),
    lanes: [syncLane({ full: false })]
  }).pipe(Effect.provide(progressOf(emitter, fork, Effect.void)), Effect.provide(storeLayer(path)))
  const error = report.connections[0]?.error ?? null
  return error?.kind === "quarantined" ? null : error
})

/** The rows of one connection, or of all; notes how far they have been given. */
const counted = function* (
  rows: Iterable<FeedRow>,
  connection: string | null,
  reached: (seq: number) => void
): Generator<FeedRow> {
  let current = 0
  for (const row of rows) {
    // Rows of one commit belong together.
    if (row.change_seq > current) {
      reached(current)
      current = row.change_seq
    }
    if (connection === null || row.connection === connection) yield row
  }
  reached(current)
}

/** Of what else a state is, after which a read cannot go on here; null: it can. */
const whyNot = Effect.fnUntraced(function* (open: Feed, only: string | null, state: StreamState) {
  if (state.mode !== "mirror" || state.mirror !== open.mirror) return "another mirror"
  const { at, connection, seq } = state
  if (connection !== undefined && connection !== only) return "another choice of connections"
  if (at === undefined || at === null || !(yield* open.lacks({ seq, at: at as Timestamp }))) return null
  return "this mirror before an older state of it was put back (clear the destination's data, where it may hold newer rows)"
})

export const readMirror = Effect.fn("airbyte.readMirror")(function* (
  file: string,
  connection: ConnectionConfig | null,
  input: ReadInput
) {
  const { keys, selected, startOver, states } = input
  const path = resolve(file)
  const only = keys.connection ?? null
  const after = new Map<FeedTable, number>()
  let feed: Feed | null = null
  let isDone = false
  let n = Math.max(0, ...[...states.values()].map((state) => state.n))
  const emitter = yield* makeEmitter({
    streams: selected.map(({ name }) => name),
    stateEvery: checkpointMillis(keys),
    stateOf: (name) => {
      n += 1
      const before = states.get(name)
      if (feed === null && before !== undefined) return JSON.stringify({ ...before, n })
      const seq = after.get(name) ?? 0
      const state: MirrorState = {
        v: 1,
        mode: "mirror",
        n,
        mirror: feed?.mirror ?? "",
        connection: only,
        seq,
        at: feed?.committedAt(seq) ?? null,
        done: isDone
      }
      return JSON.stringify(state)
    }
  })
  yield* emitter.begin(startOver)

  const sendAll = Effect.gen(function* () {
    const fault: ConnectionFault | null =
      keys.mirror_sync === true && connection !== null
        ? yield* syncFirst(path, connection, input, emitter)
        : null
    const open = yield* openFeed(path)
    feed = open
    const held = yield* open.connections
    if (only !== null && !held.has(only)) {
      return yield* new ConnectorFailure({
        type: "config_error",
        message: `the mirror ${path} has no connection "${only}"; it has ${[...held.keys()].join(", ") || "none"}`
      })
    }
    for (const { name, syncMode } of selected) {
      const state = states.get(name)
      const why = state === undefined ? null : yield* whyNot(open, only, state)
      if (why !== null)
        yield* emitter.log("WARN", `${name}: its state is of ${why}: everything is sent again`)
      const isOver = syncMode === "full_refresh" && state?.mode === "mirror" && state.done
      after.set(name, why === null && !isOver ? (state?.seq ?? 0) : 0)
    }
    yield* open.inSnapshot(
      emitter.sending(
        Effect.forEach(selected, ({ name }) => {
          const from = after.get(name) ?? 0
          const reached = (seq: number) => after.set(name, Math.max(seq, from))
          return sendingRows(open, emitter.rows(name, counted(open.rows(name, from), only, reached)))
        })
      )
    )
    return fault
  })
  const fault = yield* sendAll.pipe(
    Effect.catchTag("StoreError", (error) => storeFailure(error)),
    Effect.tapError(() => emitter.finished("INCOMPLETE")),
    Effect.onInterrupt(() => emitter.stopped)
  )
  isDone = fault === null
  yield* emitter.finished(isDone ? "COMPLETE" : "INCOMPLETE")
  if (fault !== null) return yield* failureOf(fault)
}, Effect.scoped)
