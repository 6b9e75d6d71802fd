import { Clock, Effect, Either } from "effect"
import type { ConnectionConfig } from "../../config/Config.ts"
import { present } from "../../domain/present.ts"
import { isWantedStatus } from "../../domain/Status.ts"
import { now, type Timestamp } from "../../domain/Timestamp.ts"
import { quotaFile } from "../../http/limits/shared/quotaStore.ts"
import { restoringWord, wordFor as wordToSend } from "../../providers/kit/statusMap.ts"
import type { RemoteState } from "../../providers/Provider.ts"
import { later } from "../../store/copies/restored.ts"
import { Db } from "../../store/Db.ts"
import { lastPushedElsewhere } from "../../store/ledger/pushers.ts"
import { Outbox, type OutboxChange } from "../../store/outbox/Outbox.ts"
import { accountListener, knownAccount, whoseAccount } from "../account/whoseAccount.ts"
import { openConnection } from "../connection.ts"
import { decide, hasStatus, inWords } from "./decide.ts"
import type { PushAccount } from "./push.ts"

/** What a push would do about a change. */
type PlannedAction =
  | "send"
  | "confirm"
  /** It is at the provider already, and shows later. */
  | "wait"
  | "reject"
  | "conflict"
  | "cancel"
  /** Another change of the same conversation goes first. */
  | "hold back"
  /** The provider could not be asked, or answers for another account. */
  | "unknown"

/** One field of a conversation, as it is and as the change wants it. Null: empty. */
interface PlannedField {
  readonly field: "status" | "title" | "tags"
  readonly from: string | null
  readonly to: string | null
}

export interface PlannedChange {
  readonly change: OutboxChange
  readonly action: PlannedAction
  readonly reason: string
  /** What a push would change, old and new in the provider's own words; empty where it would send nothing. */
  readonly fields: ReadonlyArray<PlannedField>
  /** Only where a status would be sent: `push --undo` could put the old one back, in the provider's own word. */
  readonly canBePutBack?: boolean
}

/** Changes read for at once. */
const concurrency = 4

const actions = { rejected: "reject", conflict: "conflict", cancelled: "cancel" } as const

/** The word that the provider would be asked with. */
const wordFor = ({ provider }: PushAccount, { requested }: OutboxChange): string | null =>
  wordToSend(provider.statusMap, requested) ?? requested.status

const fieldsOf = (
  target: PushAccount,
  change: OutboxChange,
  state: RemoteState
): ReadonlyArray<PlannedField> => {
  const { requested } = change
  const added = requested.tags.filter((tag) => !state.tags.includes(tag))
  return present(
    !hasStatus(requested, state) && {
      field: "status" as const,
      from: state.providerStatus ?? state.status,
      to: wordFor(target, change)
    },
    ...(requested.title === null || requested.title === state.title
      ? []
      : [{ field: "title" as const, from: state.title, to: requested.title }]),
    added.length > 0 && {
      field: "tags" as const,
      from: state.tags.join(", ") || null,
      to: [...state.tags, ...added].join(", ")
    }
  )
}

/** Whether the provider can be asked to show this status again. */
const canRestore = ({ provider }: PushAccount, { providerStatus, status }: RemoteState): boolean =>
  isWantedStatus(status) &&
  providerStatus !== null &&
  restoringWord(provider.statusMap, providerStatus) !== null

const planOne = Effect.fn("planPush.change")(function* (
  target: PushAccount,
  change: OutboxChange,
  elsewhere: Timestamp | null
) {
  const read = yield* Effect.either(target.provider.readStatus(change))
  if (Either.isLeft(read)) {
    const planned: PlannedChange = { change, action: "unknown", reason: read.left.message, fields: [] }
    return planned
  }
  const state = read.right
  const at = yield* Clock.currentTimeMillis
  const decision = decide(change, state, target.config.conflict, now(at), elsewhere)
  const waits = change.notBefore !== null && change.notBefore > now(at) ? `, from ${change.notBefore} on` : ""
  switch (decision._tag) {
    case "Send": {
      const fields = state === null ? [] : fieldsOf(target, change, state)
      const canBePutBack = state !== null && canRestore(target, state)
      const isStatus = fields.some(({ field }) => field === "status")
      const reason = `${decision.reason}${waits}`
      return {
        ...{ change, action: "send", reason, fields },
        ...(isStatus ? { canBePutBack } : {})
      } satisfies PlannedChange
    }
    case "Confirm":
      return { change, action: "confirm", reason: decision.reason, fields: [] } satisfies PlannedChange
    case "Wait":
      return { change, action: "wait", reason: decision.reason, fields: [] } satisfies PlannedChange
    case "End":
      return {
        change,
        action: actions[decision.state],
        reason: decision.reason,
        fields: []
      } satisfies PlannedChange
  }
})

/** What a push would do about each open change of a connection, read live. Nothing is sent and nothing is written. */
export const planPush = Effect.fn("planPush")(function* (target: PushAccount) {
  const outbox = yield* Outbox
  const { name } = target.config
  const open = yield* outbox.open(name)
  if (open.length === 0) return []
  const elsewhere = later(
    yield* lastPushedElsewhere(
      { meeting: quotaFile(), mirror: yield* outbox.identity, connection: name, file: outbox.file },
      { has: outbox.hasEvent }
    ),
    yield* outbox.restoredUntil(quotaFile())
  )
  return yield* Effect.forEach(
    open,
    (change, index): Effect.Effect<PlannedChange> => {
      const before = open[index - 1]
      if (before?.conversationId !== change.conversationId) return planOne(target, change, elsewhere)
      const wants = change.requested.status ?? "title and tags"
      const reason = `change ${before.id} is on its way; then ${inWords(wants, wordFor(target, change))}`
      return Effect.succeed({ change, action: "hold back", reason, fields: [] })
    },
    { concurrency }
  )
})

/**
 * The same for a configured connection, by a client of its own. Where the credential is of another account than the
 * mirror's, a push would send nothing, and what was read is of strangers.
 */
export const planConnection = (config: ConnectionConfig, maxWaitMillis: number) =>
  Effect.gen(function* () {
    const listener = accountListener()
    const options = { maxWaitMillis, observe: () => {} }
    const opened = yield* openConnection(config, "push", options, listener.listen)
    const planned = yield* planPush(opened)
    if (planned.every(({ action }) => action === "unknown" || action === "hold back")) return planned
    const known = yield* knownAccount(yield* Db, config.name)
    const account = yield* Effect.orElseSucceed(
      whoseAccount(config, opened.provider, known, listener),
      () => null
    )
    if (account === null || account.ok) return planned
    return planned.map(
      ({ change }): PlannedChange => ({
        change,
        action: "unknown",
        reason: `it may be another account: ${account.detail}`,
        fields: []
      })
    )
  }).pipe(Effect.scoped)
