import { Effect } from "effect"
import type { ProviderError } from "../../domain/ProviderError.ts"
import type { ChangeCounters } from "../../store/ledger/Ledger.ts"
import { Outbox } from "../../store/outbox/Outbox.ts"
import { admit, type Braked } from "./admission.ts"
import { settle } from "./deliver.ts"
import { noRow } from "./refusals.ts"
import { judgeHeld } from "./refused.ts"
import type { Learned, Push, PushOptions, PushTarget } from "./steps.ts"

export type { PushAccount, PushOptions, PushStep, PushTarget } from "./steps.ts"

/*
 * The outward flow: each change of the outbox is read, decided upon, sent and verified. What is known is written down
 * before each request leaves, so that a run that dies anywhere is taken up by the next one.
 */

interface PushReport {
  /** `confirmed`, `rejected` and `conflict` ended in this run; `queued` and `pending` are open now that it is over. */
  readonly changes: ChangeCounters
  /** Ended in this run because the provider's status wins (`conflict: remote-wins`). */
  readonly cancelled: number
  /** Why nothing was sent, though the provider could be asked; null: all that was due was tried. */
  readonly braked: Braked | null
  /** Why the connection was not worked through to its end; null: it was. */
  readonly error: ProviderError | null
}

/** Changes worked on at once, each of another conversation. */
const concurrency = 4

/** Works through one conversation's changes in the order in which they were requested. */
const attend = Effect.fn("push.attend")(function* (push: Push, conversationId: string) {
  while (push.learned.stopped === null) {
    const change = yield* push.outbox.dueChange(conversationId)
    if (change === null || (change.state === "pending" && !push.admitted.has(change.id))) return
    yield* settle(push, change)
    const after = yield* push.outbox.current(change.id)
    if (after === null || after.endedAt === null) return
  }
})

/**
 * Carries a connection's open changes to the provider. Nothing is sent twice without a read in between that shows it was
 * not applied; one change's trouble does not stop the others. Whoever calls holds the connection's `push` lease: there
 * is one pusher at a time. Fails only where the mirror's file does.
 */
export const push = Effect.fn("push")(function* (target: PushTarget, options: PushOptions) {
  const outbox = yield* Outbox
  const learned: Learned = {
    confirmed: 0,
    rejected: 0,
    conflict: 0,
    cancelled: 0,
    failures: 0,
    waiting: { count: 0, since: 0 },
    answered: false,
    lastError: null,
    rateLimited: null,
    held: [],
    rows: { read: noRow, write: noRow },
    sequence: 0,
    stopped: null
  }
  const { name, pushBrake } = target.config
  const { connections = [name], confirmed: confirmedByHand, only } = options
  const { admitted, braked } = admit(yield* outbox.open(name), {
    brake: pushBrake,
    pendingInAll: yield* outbox.pendingIn(connections),
    ...(confirmedByHand === undefined ? {} : { confirmed: confirmedByHand }),
    ...(only === undefined ? {} : { only })
  })
  const running: Push = { ...target, ...options, outbox, learned, admitted }
  const conversations = yield* outbox.dueConversations(name)
  yield* Effect.forEach(conversations, (id) => attend(running, id), { concurrency, discard: true })
  yield* judgeHeld(running)
  const { cancelled, confirmed, rejected, conflict } = learned
  const open = yield* outbox.openChanges(name)
  const report: PushReport = {
    changes: { confirmed, queued: open.queued, rejected, conflict, pending: open.pending },
    cancelled,
    braked,
    error: learned.stopped ?? learned.rateLimited ?? (learned.answered ? null : learned.lastError)
  }
  return report
})
