import { Effect, Option } from "effect"
import type { ConnectionConfig } from "../../../config/Config.ts"
import { Outbox, type Undoable } from "../../../store/outbox/Outbox.ts"
import { openConnection } from "../../../sync/connection.ts"
import { pushLane } from "../../../sync/lanes.ts"
import { existingStoreLayer, talkingLayer } from "../../../sync/layers.ts"
import { type PlannedChange, planPush } from "../../../sync/push/plan.ts"
import { run } from "../../../sync/run.ts"
import { ask } from "../../asking.ts"
import { loadConfiguration, readingMirror, selectConnections } from "../../configuration.ts"
import { UsageError } from "../../errors.ts"
import { type ExitCode, exitCodes } from "../../exitCodes.ts"
import { Globals } from "../../globals.ts"
import { maxWaitMillis } from "../../options.ts"
import { runAndReport } from "../../running.ts"
import { counted } from "../../terminal/numbers.ts"
import { Output } from "../../terminal/Output.ts"
import { runReportText } from "../../terminal/runReport.ts"
import { askedText, planDocument, planTable } from "../changes/text.ts"
import type { PushInput } from "./index.ts"

interface ConnectionPlan {
  readonly config: ConnectionConfig
  readonly planned: ReadonlyArray<PlannedChange>
}

/** What a push of these connections would do, read live: old and new of each change. Nothing is written anywhere. */
export const planOf = (connections: ReadonlyArray<ConnectionConfig>, maxWaitMillis: number) =>
  Effect.forEach(
    connections,
    (config) =>
      openConnection(config, "push", { maxWaitMillis, observe: () => {} }).pipe(
        Effect.flatMap(planPush),
        Effect.scoped,
        Effect.map((planned): ConnectionPlan => ({ config, planned }))
      ),
    { concurrency: "unbounded" }
  ).pipe(Effect.provide(talkingLayer), Effect.provide(Outbox.Default), readingMirror)

/** The plan's part of a JSON document. */
export const plansDocument = (plans: ReadonlyArray<ConnectionPlan>) =>
  plans.map(({ config, planned }) => ({
    name: config.name,
    provider: config.provider,
    changes: planned.map(planDocument)
  }))

/** The plan for a person. */
export const plansText = (plans: ReadonlyArray<ConnectionPlan>, room: number | null): string => {
  const planned = plans.flatMap((plan) => plan.planned)
  if (planned.length === 0) return "No change is open: a push would send nothing."
  const sent = planned.filter(({ action }) => action === "send").length
  return `${planTable(planned, room)}\n\n${counted(planned.length, "open change")}; a push would send ${sent}. Nothing was written.`
}

const showPlan = Effect.fn("push.plan")(function* (
  connections: ReadonlyArray<ConnectionConfig>,
  waitMillis: number
) {
  const output = yield* Output
  const { json } = yield* Globals
  const plans = yield* planOf(connections, waitMillis)
  yield* json
    ? output.document({ command: "push", plan: true, connections: plansDocument(plans) })
    : output.result(plansText(plans, yield* output.resultColumns))
  return exitCodes.complete satisfies ExitCode
})

const whyText = ({ conversationId, why }: Undoable): ReadonlyArray<string> =>
  why.map((reason) => `${conversationId} stays as it is: ${reason}`)

const isPossible = ({ status, title }: Undoable): boolean => status !== null || title !== null

const undoText = (undoable: Undoable): string =>
  `${undoable.conversationId} back to ${[undoable.status ?? [], undoable.title === null ? [] : `title "${undoable.title}"`].flat().join(", ")}`

const undoDocument = (undoable: Undoable) => ({
  conversation_id: undoable.conversationId,
  change_id: undoable.change.id,
  status: undoable.status,
  title: undoable.title,
  stays: undoable.why
})

/** Asks for what each conversation held before a run, and pushes; with `plan` it only says what it would ask for. */
const undo = Effect.fn("push.undo")(function* (
  runId: number,
  connections: ReadonlyArray<ConnectionConfig>,
  options: { readonly plan: boolean; readonly waitMillis: number }
) {
  const outbox = yield* Outbox
  const output = yield* Output
  const { json } = yield* Globals
  const wanted = new Set(connections.map(({ name }) => name))
  const undoable = (yield* outbox.undoable(runId)).filter(({ connection }) => wanted.has(connection))
  if (undoable.length === 0) {
    return yield* new UsageError({
      message: `run ${runId} changed nothing at these providers`,
      hint: "`parley changes list --all` shows what was changed; `parley runs` lists the runs"
    })
  }
  const possible = undoable.filter(isPossible)
  const stays = undoable.flatMap(whyText)
  const document = { undo: runId, undone: undoable.map(undoDocument) }
  if (!json && stays.length > 0) yield* output.result(stays.join("\n"))
  if (options.plan || possible.length === 0) {
    yield* json
      ? output.document(document)
      : output.result(possible.map(undoText).join("\n") || "Nothing can be put back.")
    return exitCodes.complete satisfies ExitCode
  }
  for (const { conversationId, status, title } of possible) {
    const wish = { status, title, category: null, summary: null, tags: [] }
    const { asked } = yield* ask(conversationId, wish, `push --undo ${runId}`)
    if (!json) yield* output.result(askedText(asked))
  }
  const touched = new Set(possible.map(({ connection }) => connection))
  const { exitCode, report } = yield* run({
    command: "push",
    connections: connections.filter(({ name }) => touched.has(name)),
    maxWaitMillis: options.waitMillis,
    lanes: [pushLane]
  }).pipe(Effect.provide(talkingLayer))
  yield* json
    ? output.document({ ...report, ...document })
    : output.result(runReportText(report, yield* output.resultColumns))
  return exitCode satisfies ExitCode
})

export const push = Effect.fn("push")(function* (input: PushInput) {
  const waitMillis = yield* maxWaitMillis(input.maxWait)
  const config = yield* loadConfiguration
  const connections = yield* selectConnections(config, input.names)
  if (Option.isSome(input.undo)) {
    return yield* undo(input.undo.value, connections, { plan: input.plan, waitMillis }).pipe(
      Effect.provide(existingStoreLayer(config.database))
    )
  }
  if (input.plan) return yield* showPlan(connections, waitMillis)
  return yield* runAndReport(existingStoreLayer(config.database), {
    command: "push",
    connections,
    maxWaitMillis: waitMillis,
    lanes: [pushLane]
  })
})
