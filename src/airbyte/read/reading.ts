import { Effect, type Fiber, Layer } from "effect"
import type { Feed, FeedTable } from "../../store/read/feed.ts"
import type { StoreError } from "../../store/StoreError.ts"
import { noProgress, Progress } from "../../sync/progress.ts"
import type { SourceKeys } from "../settings.ts"
import type { Emitter } from "./emitter.ts"
import type { StreamState } from "./state.ts"
import type { SyncMode } from "./streams.ts"

/* What both ways of reading have in common. */

/** A stream that is read, and how. */
export interface Selected {
  readonly name: FeedTable
  readonly syncMode: SyncMode
}

/** What a read works with. */
export interface ReadInput {
  readonly keys: SourceKeys
  readonly selected: ReadonlyArray<Selected>
  readonly states: ReadonlyMap<string, StreamState>
  /** Streams that start over because their state could not be read. */
  readonly startOver: ReadonlyArray<string>
}

export const checkpointMillis = ({ checkpoint_seconds }: SourceKeys): number =>
  (checkpoint_seconds ?? 60) * 1_000

export const maxWaitMillis = ({
  max_wait_seconds
}: {
  readonly max_wait_seconds?: number | undefined
}): number => (max_wait_seconds ?? 3_600) * 1_000

/** Turns what reading the mirror throws in the middle into a failure. */
export const sendingRows = <A, E, R>(feed: Feed, sent: Effect.Effect<A, E, R>) =>
  Effect.catchAllDefect(sent, (cause): Effect.Effect<A, StoreError> => {
    const error = feed.faultOf(cause)
    return error === null ? Effect.die(cause) : Effect.fail(error)
  })

type Fork = (effect: Effect.Effect<void>) => Fiber.RuntimeFiber<void>

/** A run's events, as far as a platform wants to know of them. */
export const progressOf = (
  { log, waiting }: Pick<Emitter, "log" | "waiting">,
  fork: Fork,
  committed: Effect.Effect<void>
): Layer.Layer<Progress> =>
  Layer.succeed(Progress, {
    ...noProgress,
    clientEvent: (_name, event) => {
      if (event._tag === "Waiting") fork(waiting(event.since, event.until))
    },
    committed: () => committed,
    notice: (_name, message, hint) => log("WARN", hint === "" ? message : `${message}; ${hint}`)
  })
