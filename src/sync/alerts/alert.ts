import { createHash } from "node:crypto"
import { hostname } from "node:os"
import { Cause, Clock, Effect, Redacted } from "effect"
import type { NotifyTarget } from "../../config/notify.ts"
import { now, toMillis } from "../../domain/Timestamp.ts"
import { Db, type Session } from "../../store/Db.ts"
import {
  type AlertTarget,
  type DueAlert,
  recordStanding,
  type Standing,
  settleDue,
  takeDue
} from "../../store/ledger/alertStates.ts"
import { connectionNames } from "../../store/read/findConversation.ts"
import { makeLastRuns } from "../../store/read/health/lastRuns.ts"
import { type ConnectionFacts, statusFacts } from "../../store/read/statusFacts.ts"
import type { ConnectionReport, RunReport } from "../run.ts"
import { deliver } from "./deliver.ts"
import { type AlertFacts, alertDocument } from "./messages.ts"

/** Kinds of fault that are states of their own, or none at all: another run was at it, or a provider asked to wait. */
const brakes = new Set(["brake", "delete_brake"])
const notFailed = new Set([...brakes, "quarantined", "busy", "rate_limited", "queued"])

/**
 * How a connection stands after a run.
 * @param faults kinds of fault by which its last push and its last pull ended: a run that pushes does not end what a pull met
 * @param staleMillis the shortest that any target counts as stale
 */
const standingOf = (
  { error, outcome }: Pick<ConnectionReport, "error" | "outcome">,
  facts: Pick<ConnectionFacts, "changes_failed" | "quarantined" | "last_complete_sync_at">,
  faults: ReadonlyArray<string>,
  at: number,
  staleMillis: number
): Standing => {
  // Another run has it: that one will know.
  const isKnown = outcome !== "held"
  const kinds = error === null ? faults : [error.kind, ...faults]
  const { changes_failed, last_complete_sync_at, quarantined } = facts
  return {
    failed: isKnown ? kinds.some((kind) => !notFailed.has(kind)) : null,
    brake: isKnown ? kinds.some((kind) => brakes.has(kind)) : null,
    stale: last_complete_sync_at === null ? null : at - toMillis(last_complete_sync_at) > staleMillis,
    conflict: changes_failed > 0,
    quarantine: quarantined > 0
  }
}

const keyOf = ({ to }: NotifyTarget): string =>
  createHash("sha256")
    .update(to._tag === "Command" ? JSON.stringify(to.words) : Redacted.value(to.url))
    .digest("hex")
    .slice(0, 16)

const targetOf = (target: NotifyTarget): AlertTarget => ({
  key: keyOf(target),
  wants: (state, phase) => target.on.has(phase === "began" ? state : "recovered") && target.on.has(state)
})

const factsOf = (facts: ConnectionFacts, report: RunReport): AlertFacts => ({
  ...facts,
  errorKind: report.connections.find(({ name }) => name === facts.name)?.error?.kind ?? null,
  runId: report.run_id
})

/** Kinds of fault by which the last push and the last pull of each connection ended. */
const faultsIn = (session: Session): ReadonlyMap<string, ReadonlyArray<string>> => {
  const lastRuns = makeLastRuns(session)
  return new Map(
    connectionNames(session).map((name) => [
      name,
      lastRuns(name).flatMap(({ error_kind }) => error_kind ?? [])
    ])
  )
}

const notifyTargets = Effect.fn("alert")(function* (notify: ReadonlyArray<NotifyTarget>, report: RunReport) {
  const db = yield* Db
  const at = yield* Clock.currentTimeMillis
  const { facts, faults } = yield* db.use("alert.facts", (session) => ({
    facts: statusFacts(session, now(at)),
    faults: faultsIn(session)
  }))
  const staleMillis = Math.min(...notify.map((target) => target.staleMillis))
  const standings = new Map(
    report.connections.flatMap((connection) => {
      const found = facts.find(({ name }) => name === connection.name)
      if (found === undefined) return []
      const standing = standingOf(connection, found, faults.get(connection.name) ?? [], at, staleMillis)
      return [[connection.name, standing] as const]
    })
  )
  const due = yield* db.transaction("alert.due", (session) => {
    recordStanding(session, standings, now(at))
    return takeDue(session, notify.map(targetOf), now(at))
  })
  const send = (one: DueAlert) =>
    Effect.gen(function* () {
      const target = notify.find((candidate) => keyOf(candidate) === one.target)
      const about = facts.find(({ name }) => name === one.connection)
      if (target === undefined || about === undefined) return
      const isDelivered = yield* deliver(target, alertDocument(one, factsOf(about, report), hostname()))
      yield* db.transaction("alert.settle", (session) => settleDue(session, one, isDelivered))
    })
  yield* Effect.forEach(due, send, { concurrency: 4, discard: true })
})

/** Sends an alert for each state that began or ended with a run. A failure to do so is logged and never fails the run. */
export const alert = (
  notify: ReadonlyArray<NotifyTarget>,
  report: RunReport
): Effect.Effect<void, never, Db> =>
  notify.length === 0
    ? Effect.void
    : notifyTargets(notify, report).pipe(
        Effect.catchAllCause((cause) =>
          Cause.isInterruptedOnly(cause)
            ? Effect.interrupt
            : Effect.logWarning(`notify: no alert could be sent: ${Cause.squash(cause)}`)
        )
      )
