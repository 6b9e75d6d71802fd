import { Chunk, Clock, Effect, Stream } from "effect"
import type { ConnectionConfig } from "../config/Config.ts"
import { always } from "../domain/TimeRange.ts"
import { now, toMillis } from "../domain/Timestamp.ts"
import type { PullScope } from "../providers/Provider.ts"
import { type HintOutcome, Hints, type PendingHint, type StoredShows } from "../store/hints/Hints.ts"
import { Mirror } from "../store/mirror/Mirror.ts"
import { StoreError } from "../store/StoreError.ts"
import { commitPages } from "../sync/commitPages.ts"
import type { OpenConnection } from "../sync/connection.ts"
import type { Progress } from "../sync/progress.ts"
import { scopeOf } from "../sync/pull.ts"
import { withListed } from "../sync/refetch.ts"
import type { LaneWork } from "../sync/run.ts"
import { ceilingOf, full, take } from "./budget.ts"

/*
 * What webhooks named is read, as a scheduled run would read it. What they said is not believed: it decides what is read
 * next, and whether that can be spared.
 */

/** Webhooks for one conversation that come within so many milliseconds are one. */
const mergeMillis = 2_000

/** A run ends once no webhook has come for so long, and goes on for so long at most, milliseconds. */
const quietMillis = 10 * 60_000
const longestRun = 60 * 60_000

const atOnce = 4
const lookedAt = 100

/** Told of each webhook that was written down. */
export interface Arrivals {
  /** From now on. */
  readonly expect: Effect.Effect<void>
  /** Completes with the first one since `expect`, or after so many milliseconds. */
  readonly wait: (millis: number) => Effect.Effect<void>
}

/** Whether all that it says is what is stored, and all that it counts. */
const isStored = (
  { declares, shows: { messages, providerStatus } }: PendingHint,
  stored: StoredShows | null
): boolean =>
  stored !== null &&
  (declares === null || stored.complete === 1) &&
  (messages !== null || providerStatus !== null) &&
  (messages === null || messages === stored.messages) &&
  (providerStatus === null || providerStatus === stored.providerStatus)

/** Milliseconds in which a change of ours comes back as a webhook. */
const echoWithin = 60_000

/** Whether a change of ours has caused it, which was read back. */
const isEcho = (
  { declares, kind, lastAt }: PendingHint,
  stored: StoredShows | null,
  causedByStatus: ReadonlyArray<string>
): boolean =>
  declares === null &&
  stored !== null &&
  stored.changedAt !== null &&
  causedByStatus.includes(kind) &&
  toMillis(lastAt) - toMillis(stored.changedAt) < echoWithin

/** Whether what is stored of the conversation is as new as the webhook. */
const isUseless = Effect.fn("hints.isUseless")(function* (
  { definition, name: connection }: ConnectionConfig,
  hint: PendingHint
) {
  const { lastAt, subject } = hint
  if (subject._tag !== "Conversation") return false
  const mirror = yield* Mirror
  const hints = yield* Hints
  const known = (yield* mirror.known(connection, [subject.id])).get(subject.id)
  // Another agent's conversation may have the same id.
  if (known === undefined || (subject.agentId !== null && known.agentId !== subject.agentId)) return false
  if (known.deleted) return false
  if (known.observedAt !== undefined && known.observedAt > lastAt) return true
  const stored = yield* hints.stored(connection, subject.id)
  return isStored(hint, stored) || isEcho(hint, stored, definition.hints?.causedByStatus ?? [])
})

const read = Effect.fn("hints.read")(function* (
  connection: OpenConnection,
  runId: number,
  hint: PendingHint
) {
  const mirror = yield* Mirror
  const { config, provider } = connection
  const { name } = config
  const learned = yield* mirror.learned(name)
  const at = yield* Clock.currentTimeMillis
  const lookedUp = new Map<string, string>()
  const scope: PullScope<StoreError> = {
    ...scopeOf(config, { ranges: [always], full: false }, learned, at),
    subject: hint.subject,
    reconcile: false,
    cursor: null,
    known: (ids, wanted) =>
      Effect.tap(mirror.known(name, ids, wanted), (found) =>
        Effect.sync(() => {
          for (const { observedAt, providerId } of found.values()) {
            if (observedAt !== undefined) lookedUp.set(providerId, observedAt)
          }
        })
      )
  }
  const found = Chunk.toReadonlyArray(yield* Stream.runCollect(provider.pull(scope)))
  const pages = yield* Effect.forEach(found, (page) => withListed(connection, page))
  if (pages.length === 0) return
  yield* commitPages(connection, runId, pages, { lookedUp })
})

/** Reads what webhooks of a connection have named, until none has come for a while. */
export const hintLane = (arrivals: Arrivals): LaneWork<Hints | Mirror | Progress> => ({
  lane: "hints",
  work: Effect.fn("hints.work")(function* (connection, runId) {
    const hints = yield* Hints
    const mirror = yield* Mirror
    const { config } = connection
    const { name } = config
    const requests = config.definition.hints?.requests ?? 1
    const ceiling = ceilingOf(config.limits, config.quota)
    const began = yield* Clock.currentTimeMillis
    let budget = full(ceiling, began)

    /** Waits for its part of the limits. */
    const permitted = Effect.flatMap(Clock.currentTimeMillis, (at) => {
      const taken = take(budget, ceiling, requests, at)
      budget = taken.budget
      return taken.waitMillis === 0 ? Effect.void : Effect.sleep(taken.waitMillis)
    })

    /** Keeps what it counts beside what is stored by now. */
    const count = ({ declares, subject }: PendingHint) =>
      declares === null || subject._tag !== "Conversation"
        ? Effect.void
        : hints.declare({ connection: name, providerId: subject.id, ...declares })

    const follow = (hint: PendingHint) =>
      Effect.gen(function* () {
        yield* count(hint)
        if (yield* isUseless(config, hint)) return yield* hints.settle(name, hint, "useless")
        yield* permitted
        const outcome: HintOutcome = yield* Effect.as(read(connection, runId, hint), "fetched" as const).pipe(
          Effect.catchTags({
            Rejected: () => Effect.succeed("failed" as const),
            Malformed: () => Effect.succeed("failed" as const)
          }),
          // One that Parley itself cannot cope with must not be in the way of the others.
          Effect.catchAllDefect((defect) =>
            defect instanceof StoreError
              ? Effect.die(defect)
              : Effect.as(
                  Effect.logError(`${name}: a webhook's conversation could not be read: ${defect}`),
                  "failed" as const
                )
          )
        )
        yield* count(hint)
        yield* hints.settle(name, hint, outcome)
      })

    let quietSince = began
    const binding = yield* mirror.accountBinding(name)
    for (;;) {
      const at = yield* Clock.currentTimeMillis
      if (at - began >= longestRun || at - quietSince >= quietMillis) return { fault: null }
      yield* arrivals.expect
      const due = yield* hints.due(name, now(at - mergeMillis), lookedAt)
      if (due.length === 0) {
        const earliest = yield* hints.earliest(name)
        yield* earliest === null
          ? arrivals.wait(quietSince + quietMillis - at)
          : Effect.sleep(Math.max(1, toMillis(earliest) + mergeMillis - at))
        continue
      }
      // A person may have accepted another account meanwhile: the next run is checked against that.
      const bound = yield* mirror.accountBinding(name)
      if (binding !== null && bound?.boundAt !== binding.boundAt) return { fault: null }
      yield* Effect.forEach(due, follow, { concurrency: atOnce, discard: true })
      quietSince = yield* Clock.currentTimeMillis
    }
  })
})
