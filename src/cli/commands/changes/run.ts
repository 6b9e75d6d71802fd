import { Clock, Effect, Option } from "effect"
import { type ChangeRefused, Outbox, type OutboxChange } from "../../../store/outbox/Outbox.ts"
import type { StoreError } from "../../../store/StoreError.ts"
import { existingStoreLayer } from "../../../sync/layers.ts"
import { ask, toUsage } from "../../asking.ts"
import { knownConnection, mirrorPath, readingMirror } from "../../configuration.ts"
import { UsageError } from "../../errors.ts"
import { exitCodes } from "../../exitCodes.ts"
import { Globals } from "../../globals.ts"
import { atLeastOne } from "../../options.ts"
import { Output } from "../../terminal/Output.ts"
import type { ListInput, OneInput, ResolveInput } from "./index.ts"
import {
  adviceLines,
  askedDocument,
  askedText,
  changeDocument,
  changesTable,
  storyText,
  undecided
} from "./text.ts"

const usage = <A, R>(effect: Effect.Effect<A, ChangeRefused | StoreError, R>) =>
  Effect.mapError(effect, (error) => (error._tag === "ChangeRefused" ? toUsage(error) : error))

/** Runs an effect on the outbox, in the mirror opened for writing. */
const writingOutbox = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.flatMap(mirrorPath, (path) => Effect.provide(effect, existingStoreLayer(path)))

/** Shows a result as a document or as text. */
const show = Effect.fn("changes.output")(function* (document: unknown, text: string) {
  const output = yield* Output
  const { json } = yield* Globals
  yield* json ? output.document(document) : output.result(text)
  return exitCodes.complete
})

const advice = (waiting: ReadonlyArray<OutboxChange>): ReadonlyArray<string> =>
  waiting.length === 0 ? [] : ["", ...adviceLines(waiting)]

export const list = ({ all, connection, limit }: ListInput) =>
  Effect.gen(function* () {
    yield* atLeastOne("--limit", limit)
    const outbox = yield* Outbox
    const output = yield* Output
    if (Option.isSome(connection)) yield* knownConnection(connection.value)
    const changes = yield* outbox.list({ all, connection: Option.getOrNull(connection), limit })
    const at = yield* Clock.currentTimeMillis
    const text =
      changes.length === 0
        ? "No change is open, and none waits for a decision."
        : [changesTable(changes, at, yield* output.resultColumns), ...advice(undecided(changes))].join("\n")
    return yield* show({ changes: changes.map(changeDocument) }, text)
  }).pipe(Effect.provide(Outbox.Default), readingMirror)

export const story = (input: OneInput) =>
  Effect.gen(function* () {
    const outbox = yield* Outbox
    const change = yield* usage(outbox.change(input.id))
    const events = yield* outbox.events(input.id)
    const document = {
      ...changeDocument(change),
      found: change.found,
      events: events.map(({ at, detail, runId, state }) => ({ at, state, detail, run_id: runId }))
    }
    const { connection } = change
    const listed = yield* outbox.list({ all: false, connection, limit: Number.MAX_SAFE_INTEGER })
    const isUndecided = undecided(listed).some(({ id }) => id === change.id)
    return yield* show(document, storyText(change, events, isUndecided))
  }).pipe(Effect.provide(Outbox.Default), readingMirror)

export const cancel = (input: OneInput) =>
  Effect.gen(function* () {
    const outbox = yield* Outbox
    yield* usage(outbox.cancel(input.id))
    const change = yield* usage(outbox.change(input.id))
    return yield* show(changeDocument(change), `change ${change.id} is cancelled`)
  }).pipe(writingOutbox)

/** Asks for the same again, on what the mirror holds now. */
const again = Effect.fn("changes.again")(function* (change: OutboxChange, by: string) {
  const outbox = yield* Outbox
  const { asked } = yield* ask(change.conversationId, change.wish, `${by} ${change.id}`)
  yield* usage(outbox.markResolved(change.id, `asked for again by ${by}`))
  return yield* show(askedDocument(asked), askedText(asked))
})

export const retry = (input: OneInput) =>
  Effect.gen(function* () {
    const outbox = yield* Outbox
    const change = yield* usage(outbox.change(input.id))
    if (change.state === "confirmed") {
      return yield* new UsageError({
        message: `change ${change.id} is confirmed: the provider held it at ${change.endedAt}`,
        hint: "ask for another status with `parley set-status`"
      })
    }
    if (change.endedAt !== null) return yield* again(change, "changes retry")
    const hurried = yield* usage(outbox.hurry(change.id))
    return yield* show(changeDocument(hurried), `change ${change.id} is tried with the next push`)
  }).pipe(writingOutbox)

export const resolve = (input: ResolveInput) =>
  Effect.gen(function* () {
    const outbox = yield* Outbox
    const change = yield* usage(outbox.change(input.id))
    if (change.state !== "conflict") {
      return yield* new UsageError({
        message: `change ${change.id} is not in conflict: it is ${change.state}`,
        hint:
          change.state === "rejected"
            ? `\`parley changes retry ${change.id}\` asks for it again`
            : "`parley changes list` shows those that are"
      })
    }
    if (input.keep === "local") return yield* again(change, "changes resolve")
    const resolved = yield* usage(outbox.markResolved(change.id, "resolved: the provider's status stays"))
    return yield* show(
      changeDocument(resolved),
      `change ${change.id} is resolved: the provider's status stays`
    )
  }).pipe(writingOutbox)
