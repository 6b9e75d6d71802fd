import { Clock, Context, Effect, Layer } from "effect"
import type { RecordCounts } from "../domain/RecordCounts.ts"
import type { ClientEvent, Lane } from "../http/contract.ts"

/** What one commit did. */
export interface Committed extends Omit<RecordCounts, "pages"> {
  /** When the commit was requested, epoch milliseconds. */
  readonly startedAt: number
}

/** A run that has begun. */
export interface StartedRun {
  readonly runId: number
  readonly command: string
  /** The names of its connections. */
  readonly connections: ReadonlyArray<string>
}

/**
 * The events of a run, as they happen. `cli/terminal` draws them; nothing depends on what becomes of them.
 * `name` is the connection's.
 */
export class Progress extends Context.Tag("parley/Progress")<
  Progress,
  {
    readonly runStarted: (run: StartedRun) => Effect.Effect<void>
    readonly connectionStarted: (name: string, provider: string, lane: Lane) => Effect.Effect<void>
    /** About how many conversations the connection will list in all, where that can be known. */
    readonly expected: (name: string, conversations: number) => Effect.Effect<void>
    /** Called for each request, more than once: at once, and cheap. */
    readonly clientEvent: (name: string, event: ClientEvent) => void
    readonly committed: (name: string, committed: Committed) => Effect.Effect<void>
    /** Something the user should read, once: a degraded capability, an odd answer. */
    readonly notice: (name: string, message: string, hint: string) => Effect.Effect<void>
    readonly connectionFinished: (
      name: string,
      lane: Lane,
      outcome: "complete" | "partial" | "failed" | "held",
      message: string | null
    ) => Effect.Effect<void>
    readonly runFinished: (
      runId: number,
      outcome: "complete" | "partial" | "failed" | "held" | "interrupted"
    ) => Effect.Effect<void>
  }
>() {}

/** No one is told of anything. */
export const noProgress: Progress["Type"] = {
  runStarted: () => Effect.void,
  connectionStarted: () => Effect.void,
  expected: () => Effect.void,
  clientEvent: () => {},
  committed: () => Effect.void,
  notice: () => Effect.void,
  connectionFinished: () => Effect.void,
  runFinished: () => Effect.void
}

export const silent: Layer.Layer<Progress> = Layer.succeed(Progress, noProgress)

/** Commits, and reports progress. `name` is the connection's. */
export const tellingCommit = <A extends Omit<Committed, "startedAt">, E, R>(
  name: string,
  commit: Effect.Effect<A, E, R>
): Effect.Effect<A, E, R | Progress> =>
  Effect.gen(function* () {
    const progress = yield* Progress
    const startedAt = yield* Clock.currentTimeMillis
    const totals = yield* commit
    yield* progress.committed(name, { ...totals, startedAt })
    return totals
  })
