import { Effect } from "effect"
import type { Timestamp } from "./domain/Timestamp.ts"
import type { Progress } from "./progress.ts"
import { pull } from "./pull.ts"
import { push } from "./push.ts"
import { faultOf, type LaneWork } from "./run.ts"
import type { Mirror } from "./store/Mirror.ts"
import type { Outbox } from "./store/Outbox.ts"

/*
 * What a run does with each connection, as lanes: changes go out, then what changed comes in.
 */

/** The outbox of the connection. */
export const pushLane: LaneWork<Outbox> = {
  lane: "push",
  work: (connection, runId) =>
    Effect.map(push(connection, { runId }), ({ changes, error }) => ({
      fault: error === null ? null : faultOf(error),
      changes
    }))
}

/** Everything that changed at the provider; with `full`, everything. */
export const syncLane = (options: { readonly full: boolean }): LaneWork<Mirror | Progress> => ({
  lane: "sync",
  work: (connection, runId) =>
    Effect.map(pull(connection, { runId, since: null, until: null, full: options.full }), (fault) => ({
      fault
    }))
})

/**
 * Full history within a half-open window (UTC; null: without bound). What is stored as it is listed is not fetched
 * again, so that a backfill which was interrupted, or which a sync has overtaken, costs only what is missing.
 */
export const backfillLane = (window: {
  readonly since: Timestamp | null
  readonly until: Timestamp | null
}): LaneWork<Mirror | Progress> => ({
  lane: "backfill",
  work: (connection, runId) =>
    Effect.map(pull(connection, { runId, ...window, full: false }), (fault) => ({ fault }))
})
