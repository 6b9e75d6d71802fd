import { HttpApiBuilder } from "@effect/platform"
import { Effect } from "effect"
import { isWantedStatus, WantedStatus } from "../../domain/Status.ts"
import type { RequestedChange } from "../../domain/StatusChange.ts"
import { changeDocument } from "../../store/outbox/changeDocument.ts"
import { type ChangeRefused, Outbox, type OutboxChange } from "../../store/outbox/Outbox.ts"
import { listIds } from "../../store/read/conversationList.ts"
import { selectWhere } from "../../store/read/selectWhere.ts"
import type { StoreError } from "../../store/StoreError.ts"
import { type BulkPlan, planChanges, requestChanges } from "../../sync/push/bulk.ts"
import { undoWords } from "../../sync/push/undo.ts"
import { requestUndo, undoAmount, undoParts } from "../../sync/push/undoRun.ts"
import { Api, Invalid, Refused, toBroken, toInvalid } from "../api.ts"
import { reading, Serving, writing } from "../Serving.ts"
import { readFilter } from "./conversations.ts"
import { connectionNamed } from "./parameters.ts"

/** Conversations that one request may change. */
const mostAtOnce = 10_000

/** What the outbox and the file say, for whoever asked. */
const answered = <A, E, R>(effect: Effect.Effect<A, E | ChangeRefused | StoreError, R>) =>
  Effect.mapError(effect, (error) => {
    const tagged = error as ChangeRefused | StoreError
    if (tagged._tag === "ChangeRefused") return new Refused({ message: tagged.message, hint: tagged.hint })
    return tagged._tag === "StoreError" ? toBroken(tagged) : (error as Exclude<E, ChangeRefused | StoreError>)
  })

const onOutbox = <A, E, R>(f: (outbox: Outbox) => Effect.Effect<A, E | ChangeRefused | StoreError, R>) =>
  answered(writing(Effect.flatMap(Outbox, f)))

const readingOutbox = Effect.flatMap(Serving, ({ reader }) =>
  Outbox.pipe(Effect.provide(Outbox.Default), Effect.provide(reader))
)

interface Asked {
  readonly status: string | null
  readonly category?: string | undefined
  readonly summary?: string | undefined
}

const filled = (text: string | undefined): string | null =>
  text === undefined || text.trim() === "" ? null : text

const toRequested = ({ category, status, summary }: Asked): Effect.Effect<RequestedChange, Invalid> =>
  status !== null && isWantedStatus(status)
    ? Effect.succeed({ status, category: filled(category), summary: filled(summary), title: null, tags: [] })
    : new Invalid({
        message: `there is no status "${status}"`,
        hint: `name one of: ${WantedStatus.literals.join(", ")}`
      })

const total = ({ connections }: BulkPlan): number =>
  connections.reduce((sum, { changes }) => sum + changes, 0)

const over = (plan: BulkPlan) => plan.connections.filter(({ changes, push_brake }) => changes > push_brake)

/** Fails where a connection gets more changes than are sent unconfirmed, and this number was not confirmed. */
const braked = (plan: BulkPlan, confirm: number | undefined): Effect.Effect<void, Refused> => {
  const [first] = over(plan)
  if (first === undefined || confirm === total(plan)) return Effect.void
  return new Refused({
    message: `${first.name}: ${first.changes} changes are more than the ${first.push_brake} that are sent unconfirmed`,
    hint: `confirm that you mean ${total(plan)}`
  })
}

const planDocument = (plan: BulkPlan) => ({
  total: total(plan),
  connections: plan.connections,
  faults: plan.faults.map(({ hint, ids, message }) => ({
    message,
    hint,
    count: ids.length,
    ids: ids.slice(0, 20)
  })),
  confirm: over(plan).length === 0 ? null : total(plan)
})

const tooMany = new Invalid({
  message: `more than ${mostAtOnce} conversations are meant`,
  hint: "narrow the filter, or use `parley set-status --where`"
})

/** Sends changes that are in the outbox. */
const sendAll = (ids: ReadonlyArray<number>) =>
  Effect.gen(function* () {
    const { runs } = yield* Serving
    const changes = yield* onOutbox((outbox) => Effect.forEach(ids, (id) => outbox.current(id)))
    yield* runs.push(changes.flatMap((change) => change ?? []))
  })

/** Requests again what a change requested, on what the mirror holds now. */
const again = Effect.fn("serve.again")(function* (change: OutboxChange, by: string) {
  const { connections } = yield* Serving
  const wanted = {
    ids: [change.conversationId],
    requested: change.requested,
    requestedBy: `${by} ${change.id}`
  }
  const { change_ids, faults } = yield* answered(writing(requestChanges(wanted, connections)))
  const [fault] = faults
  if (fault !== undefined) return yield* new Refused({ message: fault.message, hint: fault.hint })
  yield* onOutbox((outbox) => outbox.markResolved(change.id, `requested again by ${by}`))
  yield* sendAll(change_ids)
})

export const changes = HttpApiBuilder.group(Api, "changes", (handlers) =>
  handlers
    .handle("list", ({ urlParams }) =>
      Effect.gen(function* () {
        const outbox = yield* readingOutbox
        const listed = yield* answered(
          outbox.list({
            all: urlParams.all !== undefined && urlParams.all !== "0",
            connection: yield* connectionNamed(urlParams.connection),
            limit: urlParams.limit
          })
        )
        return { items: listed.changes.map(changeDocument), total: listed.total }
      })
    )
    .handle("one", ({ path: { id } }) =>
      Effect.gen(function* () {
        const outbox = yield* readingOutbox
        const change = yield* answered(outbox.change(id))
        const events = yield* answered(outbox.events(id))
        return { ...changeDocument(change), events }
      })
    )
    .handle("request", ({ payload }) =>
      Effect.gen(function* () {
        const { connections, queryProgram, reader } = yield* Serving
        const requested = yield* toRequested(payload)
        const named = [payload.ids, payload.where, payload.filter].filter((one) => one !== undefined)
        if (named.length !== 1) {
          return yield* new Invalid({
            message: "which conversations are meant is not said, or said twice",
            hint: "send one of ids, where and filter"
          })
        }
        let ids = payload.ids ?? []
        if (payload.filter !== undefined) {
          const { filter } = yield* readFilter(payload.filter)
          ids = yield* reading((session) => listIds(session, filter, mostAtOnce + 1))
        } else if (payload.where !== undefined) {
          ids = yield* selectWhere(queryProgram, payload.where).pipe(
            Effect.provide(reader),
            Effect.mapError((error) => (error._tag === "SqlFault" ? toInvalid(error) : toBroken(error)))
          )
        }
        if (ids.length > mostAtOnce) return yield* tooMany
        const wanted = { ids, requested, requestedBy: "page" }
        const plan = yield* answered(writing(planChanges(wanted, connections)))
        if (payload.plan) return planDocument(plan)
        const [fault] = plan.faults
        if (fault !== undefined) return yield* new Refused({ message: fault.message, hint: fault.hint })
        yield* braked(plan, payload.confirm)
        const result = yield* answered(writing(requestChanges(wanted, connections)))
        yield* sendAll(result.change_ids)
        return { ...planDocument(result), change_ids: result.change_ids }
      })
    )
    .handle("undo", ({ payload: { confirm, plan, run } }) =>
      Effect.gen(function* () {
        const { connections } = yield* Serving
        const names = connections.map(({ name }) => name)
        const byRun = yield* onOutbox((outbox) => outbox.changedBy(run, names))
        const parts = yield* answered(writing(undoParts(connections, byRun)))
        const undos = parts.flatMap((part) => part.undos)
        const wanted = parts.reduce((sum, part) => sum + undoAmount(part), 0)
        const isOver = parts.some((part) => undoAmount(part) > part.config.pushBrake)
        const document = {
          run,
          total: wanted,
          confirm: isOver ? wanted : null,
          on_their_way: byRun.onTheirWay.length,
          undone: undos.map(({ changed, isForEver, requested, stays }) => ({
            conversation_id: changed.conversationId,
            to: requested === null ? null : undoWords(requested),
            stays,
            never: isForEver
          }))
        }
        if (plan) return document
        if (wanted === 0) {
          return yield* new Refused({
            message: `nothing of run ${run} can be put back`,
            hint: undos[0]?.stays[0] ?? "it changed nothing at these providers"
          })
        }
        if (isOver && confirm !== wanted) {
          return yield* new Refused({
            message: `${wanted} changes are more than are sent unconfirmed`,
            hint: `confirm that you mean ${wanted}`
          })
        }
        const ids = yield* answered(writing(requestUndo(parts, `page undo ${run}`)))
        yield* sendAll([...ids])
        return { ...document, change_ids: [...ids] }
      })
    )
    .handle("act", ({ path: { action, id }, payload: { keep } }) =>
      Effect.gen(function* () {
        const change = yield* onOutbox((outbox) => outbox.change(id))
        switch (action) {
          case "cancel":
            yield* onOutbox((outbox) => outbox.cancel(id))
            break
          case "approve":
            yield* onOutbox((outbox) => outbox.approve(id))
            break
          case "retry":
            if (change.state === "confirmed" || change.state === "cancelled") {
              return yield* new Refused({
                message: `change ${id} is ${change.state}`,
                hint: "request another status instead"
              })
            }
            if (change.endedAt !== null) yield* again(change, "page retry")
            else {
              yield* onOutbox((outbox) => outbox.hurry(id))
              yield* sendAll([id])
            }
            break
          case "resolve":
            if (change.state !== "conflict" && change.state !== "rejected") {
              return yield* new Refused({
                message: `change ${id} is not in conflict: it is ${change.state}`,
                hint: ""
              })
            }
            if (keep === "local") yield* again(change, "page resolve")
            else yield* onOutbox((outbox) => outbox.markResolved(id, "resolved: the provider's status stays"))
        }
        return changeDocument(yield* onOutbox((outbox) => outbox.change(id)))
      })
    )
)
