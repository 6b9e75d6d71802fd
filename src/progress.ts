import { Context, Effect, Layer } from "effect"
import type { ClientEvent, Lane } from "./http/contract.ts"

/** What one commit added to what a person sees. */
export interface Committed {
  readonly received: number
  readonly conversations: number
  readonly messages: number
  readonly quarantined: number
}

/**
 * What a run tells whoever is watching, as it happens. `cli/render` draws it; nothing depends on what becomes of it.
 * `name` is the connection's.
 */
export class Progress extends Context.Tag("parley/Progress")<
  Progress,
  {
    readonly connectionStarted: (name: string, provider: string, lane: Lane) => Effect.Effect<void>
    /** About how many conversations the connection will list in all, where that can be known. */
    readonly expected: (name: string, conversations: number) => Effect.Effect<void>
    readonly clientEvent: (name: string, event: ClientEvent) => Effect.Effect<void>
    readonly committed: (name: string, committed: Committed) => Effect.Effect<void>
    /** Something the user should read, once: a degraded capability, an odd answer. */
    readonly notice: (name: string, message: string, hint: string) => Effect.Effect<void>
    readonly connectionFinished: (
      name: string,
      lane: Lane,
      outcome: "complete" | "partial" | "failed",
      message: string | null
    ) => Effect.Effect<void>
  }
>() {}

export const silent: Layer.Layer<Progress> = Layer.succeed(Progress, {
  connectionStarted: () => Effect.void,
  expected: () => Effect.void,
  clientEvent: () => Effect.void,
  committed: () => Effect.void,
  notice: () => Effect.void,
  connectionFinished: () => Effect.void
})
