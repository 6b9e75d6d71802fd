import { Effect } from "effect"
import type { ConnectionConfig } from "../../../config/Config.ts"
import { present } from "../../../domain/present.ts"
import { changeDocument } from "../../../store/outbox/changeDocument.ts"
import { type ChangedByRun, Outbox, type OutboxChange } from "../../../store/outbox/Outbox.ts"
import { pushLaneWith } from "../../../sync/lanes.ts"
import { talkingLayer } from "../../../sync/layers.ts"
import { isWithin } from "../../../sync/push/admission.ts"
import { type Undo, undoWords } from "../../../sync/push/undo.ts"
import { requestUndo, undoAmount, undoParts } from "../../../sync/push/undoRun.ts"
import { run } from "../../../sync/run.ts"
import { toUsage, UsageError } from "../../errors.ts"
import { exitCodes } from "../../exitCodes.ts"
import { Globals } from "../../globals.ts"
import { answer } from "../../terminal/answer.ts"
import { counted } from "../../terminal/numbers.ts"
import { Output } from "../../terminal/Output.ts"
import { runReportText } from "../../terminal/runReport.ts"
import { requestText } from "../changes/text.ts"

interface UndoOptions {
  readonly plan: boolean
  /** Also cancel what was requested before the run ended, and is pending. */
  readonly cancelPending: boolean
  /** The number of changes that were confirmed; left out: none. */
  readonly confirmed?: number
  readonly waitMillis: number
}

const runOf = Effect.fn("push.undo.run")(function* (text: string, names: ReadonlyArray<string>) {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text)
  if (text !== "last") {
    return yield* new UsageError({
      message: `--undo: "${text}" is not a run`,
      hint: "write a run's number, as `parley runs` lists it, or last"
    })
  }
  const outbox = yield* Outbox
  const last = yield* outbox.lastSender(names)
  return (
    last ?? (yield* new UsageError({ message: "no run has sent a change", hint: "there is nothing to undo" }))
  )
})

/** As if what is pending of the run were cancelled. */
const withoutPending = ({ changed, ...others }: ChangedByRun): ChangedByRun => {
  const pending = new Set(others.pending.map(({ id }) => id))
  return {
    ...others,
    changed: changed.map((one) => ({
      ...one,
      open: one.open !== null && pending.has(one.open.id) ? null : one.open
    }))
  }
}

const lineOf = (change: OutboxChange): string =>
  `change ${change.id} (${change.conversationId} -> ${requestText(change)})`

/** What is open beside what is undone, for a person. */
const besideLines = (
  runId: number,
  { onTheirWay, pending }: ChangedByRun,
  othersPending: number,
  isCancelled: boolean
): ReadonlyArray<string> =>
  present(
    ...onTheirWay.map(
      (change) =>
        `${lineOf(change)} is on its way (${change.state}): undo run ${runId} again once it has ended`
    ),
    pending.length > 0 && [
      isCancelled
        ? `${counted(pending.length, "change")} of run ${runId} that had not been sent, cancelled:`
        : `${counted(pending.length, "change")} of run ${runId} still pending, which an undo does not send (--cancel-pending cancels):`,
      ...pending.map((change) => `  ${lineOf(change)}`)
    ],
    othersPending > 0 &&
      `${counted(othersPending, "other change")} pending here, which an undo neither sends nor cancels`
  )

const documentOf = ({ changed, isForEver, stays, requested }: Undo) => ({
  conversation_id: changed.conversationId,
  change_id: changed.changes.at(-1)?.id,
  status: requested?.status ?? null,
  provider_status: requested?.providerStatus ?? null,
  title: requested?.title ?? null,
  stays,
  never: isForEver
})

const cancelAll = Effect.fn("push.undo.cancel")(function* (pending: ReadonlyArray<OutboxChange>) {
  const outbox = yield* Outbox
  // One that left in this moment is no longer pending, and stays.
  for (const { id } of pending) {
    yield* outbox.cancel(id).pipe(Effect.catchTag("ChangeRefused", () => Effect.void))
  }
})

/** Asks for what each conversation held before a run, and sends that; with `plan` it only says what it would ask for. */
export const undo = Effect.fn("push.undo")(function* (
  text: string,
  connections: ReadonlyArray<ConnectionConfig>,
  options: UndoOptions
) {
  const outbox = yield* Outbox
  const output = yield* Output
  const { json } = yield* Globals
  const names = connections.map(({ name }) => name)
  const runId = yield* runOf(text, names)
  const found = yield* outbox.changedBy(runId, names)
  const byRun = options.cancelPending ? withoutPending(found) : found
  const { onTheirWay, pending } = byRun
  if (byRun.changed.length + onTheirWay.length + (options.cancelPending ? pending.length : 0) === 0) {
    const hint = "`parley changes list --all` shows what was changed; `parley runs` lists the runs"
    return yield* new UsageError({ message: `run ${runId} changed nothing at these providers`, hint })
  }
  const parts = yield* undoParts(connections, byRun)
  const undos = parts.flatMap((part) => part.undos)
  const othersPending = (yield* outbox.pendingIn(names)) - pending.length
  const total = parts.reduce((sum, part) => sum + undoAmount(part), 0)
  const rules = (config: ConnectionConfig) => ({
    brake: config.pushBrake,
    pendingInAll: total,
    ...(options.confirmed === undefined ? {} : { confirmed: options.confirmed })
  })
  const braked = parts.filter((part) => !isWithin(undoAmount(part), rules(part.config)))
  const isOnlySaid = options.plan || braked.length > 0
  const isCancelled = options.cancelPending && !isOnlySaid
  const never = undos.filter(({ isForEver }) => isForEver).length
  const document = {
    undo: runId,
    undone: undos.map(documentOf),
    on_their_way: onTheirWay.map(changeDocument),
    pending_of_run: pending.map(changeDocument),
    pending_cancelled: isCancelled,
    others_pending: othersPending,
    braked: braked.map((part) => ({
      name: part.config.name,
      changes: undoAmount(part),
      push_brake: part.config.pushBrake
    }))
  }
  const brakeLines = braked.map(
    (part) =>
      `${part.config.name}: ${undoAmount(part)} changes are more than the ${part.config.pushBrake} that a run sends unconfirmed (pushBrake): add --confirm ${total}`
  )
  const lines = present(
    text === "last" && `run ${runId} is the last that sent changes here`,
    ...undos.flatMap(({ changed, stays }) =>
      stays.map((why) => `${changed.conversationId} stays as it is: ${why}`)
    ),
    never > 0 && `${counted(never, "conversation")} can never be put back as before`,
    ...besideLines(runId, byRun, othersPending, isCancelled),
    ...undos.flatMap(({ changed, requested }) =>
      requested === null ? [] : [`${changed.conversationId} back to ${undoWords(requested)}`]
    ),
    ...brakeLines,
    total === 0 && "Nothing can be put back.",
    isOnlySaid && "Nothing was written."
  )
  if (!json) yield* output.result(lines.join("\n"))
  if (isOnlySaid) {
    if (json) yield* output.document(document)
    return options.plan ? exitCodes.complete : exitCodes.partial
  }
  if (options.cancelPending) yield* cancelAll(pending)
  const requested = requestUndo(parts, `push --undo ${runId}`)
  const only = yield* Effect.catchTag(requested, "ChangeRefused", toUsage)
  if (only.size === 0) {
    if (json) yield* output.document(document)
    return exitCodes.complete
  }
  const { exitCode, report } = yield* run({
    command: "push",
    connections: parts.filter((part) => undoAmount(part) > 0).map(({ config }) => config),
    maxWaitMillis: options.waitMillis,
    lanes: [pushLaneWith({ only })]
  }).pipe(Effect.provide(talkingLayer))
  yield* answer({ ...report, ...document }, (room) => runReportText(report, room))
  return exitCode
})
