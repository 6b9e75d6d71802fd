import { Effect } from "effect"
import { spellDuration } from "../config/units.ts"
import { always, type TimeRange } from "../domain/TimeRange.ts"
import { quotaFile } from "../http/limits/shared/quotaStore.ts"
import { later } from "../store/copies/restored.ts"
import { claimPush } from "../store/ledger/pushers.ts"
import { Mirror } from "../store/mirror/Mirror.ts"
import { Outbox } from "../store/outbox/Outbox.ts"
import { subjectOf } from "./connection.ts"
import { Progress } from "./progress.ts"
import { pull } from "./pull.ts"
import type { Braked } from "./push/admission.ts"
import { type PushOptions, push } from "./push/push.ts"
import { type Fault, faultOf, type LaneWork } from "./run.ts"

/*
 * What a run does with each connection, as lanes: changes go out, then what changed comes in.
 */

const brakeFault = (name: string, { brake, waiting }: Braked): Fault => ({
  kind: "brake",
  message: `${waiting} status changes are pending, more than the ${brake} that a run sends unconfirmed (pushBrake): none was sent`,
  hint: `\`parley push ${name} --plan\` shows them; \`parley push ${name} --confirm ${waiting}\` sends them, \`parley changes cancel --all --connection ${name}\` takes them back`
})

const copyFault = (name: string): Fault => ({
  kind: "busy",
  message: `another copy of this mirror is pushing ${name} right now`,
  hint: "use one of them only: both would send the same changes. Run again once it has ended"
})

/** The outbox of the connection. */
export const pushLaneWith = (
  options: Omit<PushOptions, "runId" | "observe" | "elsewhere">
): LaneWork<Outbox | Progress> => ({
  lane: "push",
  work: (connection, runId) =>
    Effect.gen(function* () {
      const outbox = yield* Outbox
      const { name } = connection.config
      // Without open changes nothing is sent, and nothing is reported.
      const isIdle = (yield* outbox.open(name)).length === 0
      const claim = isIdle
        ? null
        : yield* claimPush(
            { meeting: quotaFile(), mirror: yield* outbox.identity, connection: name, file: outbox.file },
            { has: outbox.hasEvent, last: outbox.lastEvent }
          )
      if (claim?._tag === "CopyIsPushing") return { fault: copyFault(name) }
      const elsewhere = claim?.elsewhere ?? null
      if (elsewhere !== null) {
        const progress = yield* Progress
        yield* progress.notice(
          name,
          `another copy of this mirror, or a newer state of it, pushed ${name} at ${elsewhere}`,
          "where it was moved or restored, all is well from now on; where two copies are in use, push from one only: both would send the same changes"
        )
      }
      const until = later(elsewhere, yield* outbox.restoredUntil(quotaFile()))
      const seen = until === null ? {} : { elsewhere: until }
      const { braked, cancelled, changes, error } = yield* push(connection, { ...options, ...seen, runId })
      if (cancelled > 0) {
        const progress = yield* Progress
        yield* progress.notice(
          name,
          `${cancelled} of the requested status changes ended cancelled, since the provider's status had changed and wins here (conflict: remote-wins)`,
          "`parley changes list --all` shows them"
        )
      }
      if (error !== null) return { fault: faultOf(error), changes }
      return { fault: braked === null ? null : brakeFault(name, braked), changes }
    }).pipe(Effect.scoped)
})

export const pushLane: LaneWork<Outbox | Progress> = pushLaneWith({})

/** Everything that changed at the provider; with `full`, everything. */
export const syncLane = (options: { readonly full: boolean }): LaneWork<Mirror | Progress> => ({
  lane: "sync",
  work: (connection, runId) =>
    Effect.gen(function* () {
      const fault = yield* pull(connection, { runId, ranges: [always], full: options.full })
      const { isFollowed, text } = connection.privacy
      const isFetched = options.full && fault === null && !isFollowed
      if (isFetched) yield* (yield* Mirror).noteFollowed(connection.config.name, text, "fetched")
      return { fault }
    })
})

interface SyncParts {
  /** Send no status changes. */
  readonly pullOnly: boolean
  /** Pull nothing. */
  readonly pushOnly: boolean
  /** Fetch every conversation's details again, changed or not. */
  readonly full: boolean
}

/** A sync: changes go out first, so that what comes in shows them. */
export const syncLanes = (parts: SyncParts): ReadonlyArray<LaneWork<Mirror | Outbox | Progress>> => [
  ...(parts.pullOnly ? [] : [pushLane]),
  ...(parts.pushOnly ? [] : [syncLane({ full: parts.full })])
]

interface BackfillOptions {
  /** Also what was listed whole before. */
  readonly again?: boolean
  /** Milliseconds after which it stops, and goes on with the next one; left out: it goes on to its end. */
  readonly deadlineMillis?: number
}

const tooLate = (millis: number): Fault => ({
  kind: "deadline",
  message: `not all of it came within ${spellDuration(millis)}`,
  hint: "what came is stored; the next `parley backfill` resumes from there"
})

/**
 * Full history within a half-open window, as far as it was not listed whole before. What is stored as it is listed is not
 * fetched again, so that a backfill which was interrupted, or which a sync has overtaken, costs only what is missing.
 */
export const backfillLane = (
  window: TimeRange,
  { again = false, deadlineMillis }: BackfillOptions = {}
): LaneWork<Mirror | Progress> => ({
  lane: "backfill",
  work: Effect.fn("backfill.work")(function* (connection, runId) {
    const mirror = yield* Mirror
    const progress = yield* Progress
    const { config } = connection
    // Under the lease: another run may be at it.
    if (again) {
      yield* mirror.dropScan(config.name, "backfill")
      yield* mirror.uncover(config.name, subjectOf(config), window)
    }
    const [first, ...others] = yield* mirror.gaps(config.name, subjectOf(config), window)
    if (first === undefined) {
      yield* progress.notice(
        config.name,
        "all of it was listed before; nothing to request",
        "`parley sync` keeps it current; `parley backfill --restart` lists it again"
      )
      return { fault: null }
    }
    const all = pull(connection, {
      runId,
      ranges: [first, ...others],
      full: false,
      overwrites: again
    })
    const fault =
      deadlineMillis === undefined
        ? yield* all
        : yield* Effect.timeoutTo(all, {
            duration: deadlineMillis,
            onTimeout: () => tooLate(deadlineMillis),
            onSuccess: (shortfall) => shortfall
          })
    return { fault }
  })
})
