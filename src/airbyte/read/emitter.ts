import { Clock, Effect } from "effect"
import type { FeedRow, FeedTable } from "../../store/read/feed.ts"
import { type LogLevel, log, record, streamState, streamStatus } from "../protocol.ts"
import { Sink } from "../stdio.ts"

/*
 * What a read has sent of each stream: statuses in their order, records, and states that never repeat.
 */

/** Characters that are collected before they are written. */
const chunkLength = 65_536

/** A wait that is shorter is not worth a word, in milliseconds. */
const shortestWait = 10_000

/** Platforms end a source that sends neither a record nor a state for so long; some wait for hours only. Milliseconds. */
const beatEvery = 5 * 60_000

interface StreamProgress {
  readonly name: FeedTable
  /** Records since its last state. */
  pending: number
  isRunning: boolean
  /** When its last state was sent, epoch milliseconds. */
  statedAt: number
}

interface EmitterOptions {
  readonly streams: ReadonlyArray<FeedTable>
  /** Milliseconds between two states of a stream, but for the last. */
  readonly stateEvery: number
  /** The state of a stream as it is now, JSON text: another one at every call. */
  readonly stateOf: (stream: FeedTable) => string
}

/** @returns what to call while records come; nothing of it overlaps */
export const makeEmitter = Effect.fn("airbyte.emitter")(function* (options: EmitterOptions) {
  const sink = yield* Sink
  const oneAtATime = yield* Effect.makeSemaphore(1)
  const began = yield* Clock.currentTimeMillis
  const streams: ReadonlyArray<StreamProgress> = options.streams.map((name) => ({
    name,
    pending: 0,
    isRunning: false,
    statedAt: began
  }))
  let sentAt = began
  let limitedUntil = 0

  const statuses = (status: "STARTED" | "COMPLETE" | "INCOMPLETE") =>
    Effect.flatMap(Clock.currentTimeMillis, (at) =>
      sink.write(streams.map(({ name }) => streamStatus(name, status, at)).join(""))
    )

  const running = (stream: StreamProgress, at: number): string => {
    if (stream.isRunning) return ""
    stream.isRunning = true
    return streamStatus(stream.name, "RUNNING", at)
  }

  const states = Effect.gen(function* () {
    const at = yield* Clock.currentTimeMillis
    for (const stream of streams) {
      const text =
        running(stream, at) + streamState(stream.name, options.stateOf(stream.name), stream.pending)
      stream.pending = 0
      stream.statedAt = at
      yield* sink.write(text)
    }
    sentAt = at
  })

  const isDue = Effect.map(Clock.currentTimeMillis, (at) =>
    streams.some(({ statedAt }) => at - statedAt >= options.stateEvery)
  )

  const checkpoint = Effect.if(isDue, { onTrue: () => states, onFalse: () => Effect.void })

  /** Sends the rows of one stream. */
  const rows = Effect.fn("airbyte.rows")(function* (name: FeedTable, found: Iterable<FeedRow>) {
    const stream = streams.find((candidate) => candidate.name === name)
    if (stream === undefined) return
    const at = yield* Clock.currentTimeMillis
    let chunk = ""
    for (const row of found) {
      chunk += running(stream, at) + record(name, row, at)
      stream.pending += 1
      if (chunk.length < chunkLength) continue
      yield* sink.write(chunk)
      chunk = ""
      yield* checkpoint
    }
    if (chunk !== "") yield* sink.write(chunk)
    if (stream.pending > 0) sentAt = yield* Clock.currentTimeMillis
  })

  /** Sends states while nothing else is sent. Never ends. */
  const beat = Effect.forever(
    Effect.gen(function* () {
      const at = yield* Clock.currentTimeMillis
      const quiet = at - sentAt
      if (quiet >= beatEvery) yield* oneAtATime.withPermits(1)(states)
      yield* Effect.sleep(Math.max(1_000, beatEvery - (quiet % beatEvery)))
    })
  )

  return {
    /** Says that the streams begin, and that they go on for as long as the scope. @param startOver streams whose state cannot be read */
    begin: (startOver: Iterable<string>) =>
      Effect.gen(function* () {
        yield* statuses("STARTED")
        yield* Effect.forkScoped(beat)
        for (const stream of startOver) {
          yield* sink.write(
            log("WARN", `${stream}: its state is not one of this version: everything is sent again`)
          )
        }
      }),
    rows,
    /** Work that sends rows and what belongs to them, with states behind it where they are due. */
    sending: <A, E, R>(work: Effect.Effect<A, E, R>) =>
      oneAtATime.withPermits(1)(Effect.tap(work, () => checkpoint)),
    /** The last states, and how it ended. */
    finished: (status: "COMPLETE" | "INCOMPLETE") =>
      oneAtATime.withPermits(1)(Effect.zipRight(states, statuses(status))),
    /** The last states, where nothing can be said of how it ends. */
    stopped: oneAtATime.withPermits(1)(states),
    /** @param until epoch milliseconds */
    waiting: (since: number, until: number) =>
      Effect.gen(function* () {
        if (until - since < shortestWait || until <= limitedUntil) return
        limitedUntil = until
        yield* sink.write(streams.map(({ name }) => streamStatus(name, "RUNNING", since, until)).join(""))
      }),
    log: (level: LogLevel, message: string) => sink.write(log(level, message))
  } as const
})

export type Emitter = Effect.Effect.Success<ReturnType<typeof makeEmitter>>
