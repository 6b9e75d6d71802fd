import { Args, Options } from "@effect/cli"
import { Clock, Effect, Option } from "effect"
import { storeLayer } from "../layers.ts"
import { type ChangeRefused, Outbox, type OutboxChange } from "../store/Outbox.ts"
import type { StoreError } from "../store/StoreError.ts"
import { ask, toUsage } from "./asking.ts"
import { mirrorPath, readingMirror } from "./configuration.ts"
import { UsageError } from "./errors.ts"
import { exitCodes } from "./exitCodes.ts"
import { Globals } from "./globals.ts"
import { askedDocument, askedText, changeDocument, changesTable, storyText } from "./render/changes.ts"
import { Output } from "./render/Output.ts"
import { group, verb } from "./verb.ts"

const id = Args.integer({ name: "ID" }).pipe(Args.withDescription("Of the change, as listed."))

const usage = <A, R>(effect: Effect.Effect<A, ChangeRefused | StoreError, R>) =>
  Effect.mapError(effect, (error) => (error._tag === "ChangeRefused" ? toUsage(error) : error))

/** Runs an effect on the outbox, in the mirror opened for writing. */
const writingOutbox = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.flatMap(mirrorPath, (path) => Effect.provide(effect, storeLayer(path)))

/** Shows a result as a document or as text. */
const show = Effect.fn("changes.output")(function* (document: unknown, text: string) {
  const output = yield* Output
  const { json } = yield* Globals
  yield* json ? output.document(document) : output.result(text)
  return exitCodes.complete
})

const list = verb(
  {
    name: "list",
    description: "Changes that are open, and those that ended rejected or in conflict and wait for somebody.",
    config: {
      all: Options.boolean("all").pipe(Options.withDescription("Those as well that ended and need nobody.")),
      connection: Options.text("connection").pipe(
        Options.withPseudoName("NAME"),
        Options.withDescription("Only of this connection."),
        Options.optional
      ),
      limit: Options.integer("limit").pipe(
        Options.withPseudoName("N"),
        Options.withDescription("How many to list, the newest first. Default: 50."),
        Options.withDefault(50)
      )
    }
  },
  ({ all, connection, limit }) =>
    Effect.gen(function* () {
      const outbox = yield* Outbox
      const output = yield* Output
      const changes = yield* outbox.list({ all, connection: Option.getOrNull(connection), limit })
      const at = yield* Clock.currentTimeMillis
      const text =
        changes.length === 0
          ? "No change is open, and none waits for a decision."
          : changesTable(changes, at, yield* output.resultColumns)
      return yield* show({ changes: changes.map(changeDocument) }, text)
    }).pipe(Effect.provide(Outbox.Default), readingMirror)
)

const story = verb(
  {
    name: "show",
    description: "The whole story of one change: every step with its time and the provider's words.",
    config: { id }
  },
  (input) =>
    Effect.gen(function* () {
      const outbox = yield* Outbox
      const change = yield* usage(outbox.change(input.id))
      const events = yield* outbox.events(input.id)
      const document = {
        ...changeDocument(change),
        found: change.found,
        events: events.map(({ at, detail, runId, state }) => ({ at, state, detail, run_id: runId }))
      }
      return yield* show(document, storyText(change, events))
    }).pipe(Effect.provide(Outbox.Default), readingMirror)
)

const cancel = verb(
  {
    name: "cancel",
    description: "Takes back a wish that has not left.",
    config: { id }
  },
  (input) =>
    Effect.gen(function* () {
      const outbox = yield* Outbox
      yield* usage(outbox.cancel(input.id))
      const change = yield* usage(outbox.change(input.id))
      return yield* show(changeDocument(change), `change ${change.id} is cancelled`)
    }).pipe(writingOutbox)
)

/** Asks for the same again, on what the mirror holds now. */
const again = Effect.fn("changes.again")(function* (change: OutboxChange, by: string) {
  const outbox = yield* Outbox
  const { asked } = yield* ask(change.conversationId, change.wish, `${by} ${change.id}`)
  yield* usage(outbox.markResolved(change.id, `asked for again by ${by}`))
  return yield* show(askedDocument(asked), askedText(asked))
})

const retry = verb(
  {
    name: "retry",
    description:
      "Lets an open change be tried with the next push, however long it was to wait; asks again for one that was rejected, in conflict or cancelled.",
    config: { id }
  },
  (input) =>
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
)

const resolve = verb(
  {
    name: "resolve",
    description: "Decides a conflict: the provider's status stays, or the wish made here is asked for again.",
    config: {
      id,
      keep: Options.choice("keep", ["remote", "local"]).pipe(
        Options.withDescription("remote: the provider's status stays. local: the wish is a new change.")
      )
    },
    examples: ["parley changes resolve 12 --keep remote", "parley changes resolve 12 --keep local"]
  },
  (input) =>
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
)

export const changes = group(
  {
    name: "changes",
    description: "The outbox: what is on its way to the providers, and what was refused or is in conflict.",
    otherwise: "list",
    examples: ["parley changes", "parley changes show 12", "parley changes resolve 12 --keep local"]
  },
  [list, story, retry, cancel, resolve]
)
