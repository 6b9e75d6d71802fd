import { Effect } from "effect"
import type { RequestedChange } from "../../src/domain/StatusChange.ts"
import type { ClientEvent } from "../../src/http/contract.ts"
import { Db } from "../../src/store/Db.ts"
import { Outbox } from "../../src/store/outbox/Outbox.ts"
import type { ConflictPolicy } from "../../src/sync/push/decide.ts"
import { planPush } from "../../src/sync/push/plan.ts"
import { type PushOptions, type PushStep, push } from "../../src/sync/push/push.ts"
import { makeLeapingClock } from "./leapingClock.ts"
import { addConnection, addConversation } from "./outboxMirror.ts"
import { makeTwin, type TwinOptions } from "./vendorTwin.ts"

/** Milliseconds. */
export const minute = 60_000

export interface Setting extends Partial<TwinOptions> {
  readonly conflict?: ConflictPolicy
  readonly conversations?: number
  readonly pushBrake?: number
  readonly maxWaitMillis?: number
}

/** A vendor and a mirror that agree: conversations c-1, c-2, … are all being chatted by the AI. */
export const setUp = Effect.fn(function* (setting: Setting = {}) {
  const leaping = makeLeapingClock(Date.UTC(2026, 2, 7, 10))
  const twin = makeTwin({ versioned: true, echo: true, delay: 0, ...setting })
  const runId = yield* addConnection("desk")
  for (let number = 1; number <= (setting.conversations ?? 1); number += 1) {
    yield* addConversation("desk", `c-${number}`, "active", "ai-chatting")
    twin.add(`c-${number}`, "ai-chatting")
  }
  const outbox = yield* Outbox
  const steps: Array<PushStep> = []
  const events: Array<ClientEvent> = []
  /** Happens at the vendor while changes wait. */
  const meanwhile: Array<() => void> = []
  const target = {
    config: { name: "desk", conflict: setting.conflict ?? "manual", pushBrake: setting.pushBrake ?? 100 },
    provider: twin.provider,
    options: {
      maxWaitMillis: setting.maxWaitMillis ?? 60 * minute,
      observe: (event: ClientEvent): void => {
        events.push(event)
        if (event._tag === "Waiting") for (const happens of meanwhile.splice(0)) happens()
      }
    }
  }
  const observe = (step: PushStep) => Effect.sync(() => void steps.push(step))
  const timed = Effect.withClock(leaping.clock)
  const requestChange = (
    number: number,
    status: RequestedChange["status"],
    more: Partial<RequestedChange> = {}
  ) =>
    timed(
      outbox.ask({
        id: `desk:c-${number}`,
        requested: { status, category: null, summary: null, title: null, tags: [], ...more },
        requestedBy: "a test",
        refuse: twin.provider.refuse
      })
    )
  return {
    leaping,
    twin,
    runId,
    outbox,
    steps,
    events,
    meanwhile,
    target,
    requestChange,
    run: timed(push(target, { runId, observe })),
    runWith: (more: Partial<PushOptions>) => timed(push(target, { runId, observe, ...more })),
    plan: timed(planPush(target))
  }
})

export const none = { confirmed: 0, queued: 0, rejected: 0, conflict: 0, pending: 0 }

/** Another run that pushes a connection. */
export const addRun = Effect.fn(function* (connection: string) {
  const db = yield* Db
  return yield* db.transaction("test.addRun", ({ prepare }) => {
    const at = "2026-03-07T10:00:00.000Z"
    const run = prepare(
      "INSERT INTO runs (command, started_at, host, pid) VALUES ('push', ?, 'here', 1)"
    ).run(at)
    prepare(
      "INSERT INTO run_connections (run_id, connection, lane, started_at) VALUES (?, ?, 'push', ?)"
    ).run(run.lastInsertRowid, connection, at)
    return Number(run.lastInsertRowid)
  })
})
