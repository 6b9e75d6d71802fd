import { Effect } from "effect"
import type { ConnectionConfig } from "../../../config/Config.ts"
import { present } from "../../../domain/present.ts"
import { Outbox } from "../../../store/outbox/Outbox.ts"
import { pushLaneWith } from "../../../sync/lanes.ts"
import { existingStoreLayer, talkingLayer } from "../../../sync/layers.ts"
import { type PlannedChange, planConnection } from "../../../sync/push/plan.ts"
import { loadConfiguration, readingMirror, selectConnections } from "../../configuration.ts"
import { UsageError } from "../../errors.ts"
import { exitCodes } from "../../exitCodes.ts"
import { atLeastOne, maxWaitMillis } from "../../options.ts"
import { runAndReport } from "../../running.ts"
import { answer } from "../../terminal/answer.ts"
import { counted } from "../../terminal/numbers.ts"
import { planDocument, planTable } from "../changes/text.ts"
import type { PushInput } from "./index.ts"
import { undo } from "./undo.ts"

interface ConnectionPlan {
  readonly config: ConnectionConfig
  readonly planned: ReadonlyArray<PlannedChange>
}

/** What a push of these connections would do, read live: old and new of each change. Nothing is written anywhere. */
export const planOf = (connections: ReadonlyArray<ConnectionConfig>, maxWaitMillis: number) =>
  Effect.forEach(
    connections,
    (config) =>
      Effect.map(planConnection(config, maxWaitMillis), (planned): ConnectionPlan => ({ config, planned })),
    { concurrency: "unbounded" }
  ).pipe(Effect.provide(talkingLayer), Effect.provide(Outbox.Default), readingMirror)

const pendingOf = (planned: ReadonlyArray<PlannedChange>) =>
  planned.filter(({ change }) => change.state === "pending")

/** Whether a push would send nothing of the connection, because no one confirmed that many changes. */
const isBraked = ({ config, planned }: ConnectionPlan): boolean =>
  pendingOf(planned).length > config.pushBrake

/** Changes whose old status the provider does not accept. */
const neverPutBack = (planned: ReadonlyArray<PlannedChange>) =>
  planned.filter(({ action, canBePutBack }) => action === "send" && canBePutBack === false)

/** What a person should know of a connection's plan before it is sent. */
const warnings = (plan: ConnectionPlan): ReadonlyArray<string> => {
  const { config, planned } = plan
  const waiting = pendingOf(planned).length
  const never = neverPutBack(planned)
  const words = [
    ...new Set(never.flatMap(({ fields }) => fields.find(({ field }) => field === "status")?.from ?? []))
  ]
  return present(
    isBraked(plan) &&
      `${config.name}: ${waiting} changes are pending, more than pushBrake (${config.pushBrake}): only \`parley push ${config.name} --confirm ${waiting}\` sends them`,
    never.length > 0 &&
      `${config.name}: ${counted(never.length, "change")} can never be restored: ${config.definition.title} does not accept ${words.map((word) => `\`${word}\``).join(", ")}`
  )
}

/** Whether it is known of each change what a push would do. */
export const isWhole = (plans: ReadonlyArray<ConnectionPlan>): boolean =>
  plans.every(({ planned }) => planned.every(({ action }) => action !== "unknown"))

/** The plan's part of a JSON document. */
export const plansDocument = (plans: ReadonlyArray<ConnectionPlan>) =>
  plans.map(({ config, planned }) => ({
    name: config.name,
    provider: config.provider,
    push_brake: config.pushBrake,
    braked: isBraked({ config, planned }),
    never_put_back: neverPutBack(planned).length,
    changes: planned.map(planDocument)
  }))

/** The plan for a person. */
export const plansText = (plans: ReadonlyArray<ConnectionPlan>, room: number | null): string => {
  const planned = plans.flatMap((plan) => plan.planned)
  if (planned.length === 0) return "No change is open: a push would send nothing."
  const sent = plans
    .filter((plan) => !isBraked(plan))
    .flatMap((plan) => plan.planned.filter(({ action }) => action === "send")).length
  return [
    planTable(planned, room),
    "",
    ...plans.flatMap(warnings),
    `${counted(planned.length, "open change")}; a push would send ${sent}. Nothing was written.`
  ].join("\n")
}

const showPlan = Effect.fn("push.plan")(function* (
  connections: ReadonlyArray<ConnectionConfig>,
  waitMillis: number
) {
  const plans = yield* planOf(connections, waitMillis)
  yield* answer({ command: "push", plan: true, connections: plansDocument(plans) }, (room) =>
    plansText(plans, room)
  )
  return isWhole(plans) ? exitCodes.complete : exitCodes.partial
})

export const push = Effect.fn("push")(function* (input: PushInput) {
  const waitMillis = yield* maxWaitMillis(input.maxWait)
  const config = yield* loadConfiguration
  const connections = yield* selectConnections(config, input.names)
  yield* atLeastOne("--confirm", input.confirm)
  const confirmed = input.confirm === null ? {} : { confirmed: input.confirm }
  if (input.undo !== null) {
    const options = { plan: input.plan, cancelPending: input.cancelPending, waitMillis, ...confirmed }
    return yield* undo(input.undo, connections, options).pipe(
      Effect.provide(existingStoreLayer(config.database))
    )
  }
  if (input.cancelPending) {
    return yield* new UsageError({
      message: "--cancel-pending goes with --undo RUN",
      hint: "`parley changes cancel --all` takes back everything that is pending"
    })
  }
  if (input.plan) return yield* showPlan(connections, waitMillis)
  return yield* runAndReport(existingStoreLayer(config.database), config, {
    command: "push",
    connections,
    maxWaitMillis: waitMillis,
    lanes: [pushLaneWith({ connections: connections.map(({ name }) => name), ...confirmed })]
  })
})
