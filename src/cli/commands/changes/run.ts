import { Clock, Effect } from "effect"
import { present } from "../../../domain/present.ts"
import { changeDocument } from "../../../store/outbox/changeDocument.ts"
import { type ChangeRefused, Outbox, type OutboxChange } from "../../../store/outbox/Outbox.ts"
import { existingStoreLayer } from "../../../sync/layers.ts"
import { ask } from "../../asking.ts"
import { knownConnection, mirrorPath, readingMirror } from "../../configuration.ts"
import { toUsage, UsageError } from "../../errors.ts"
import { exitCodes } from "../../exitCodes.ts"
import type { Failure } from "../../failure.ts"
import { atLeastOne } from "../../options.ts"
import { answer } from "../../terminal/answer.ts"
import type { ListInput, OneInput, ResolveInput, SeveralInput } from "./index.ts"
import { adviceLines, askedDocument, askedText, changesTable, storyText, undecided } from "./text.ts"

const usage = <A, R>(effect: Effect.Effect<A, ChangeRefused | Failure, R>) =>
  Effect.catchTag(effect, "ChangeRefused", toUsage)

/** Runs an effect on the outbox, in the mirror opened for writing. */
const writingOutbox = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.flatMap(mirrorPath, (path) => Effect.provide(effect, existingStoreLayer(path)))

const advice = (waiting: ReadonlyArray<OutboxChange>): ReadonlyArray<string> =>
  waiting.length === 0 ? [] : ["", ...adviceLines(waiting)]

export const list = ({ all, connection, limit }: ListInput) =>
  Effect.gen(function* () {
    yield* atLeastOne("--limit", limit)
    const outbox = yield* Outbox
    yield* knownConnection(connection)
    const { changes, total } = yield* outbox.list({ all, connection, limit })
    const at = yield* Clock.currentTimeMillis
    return yield* answer({ total, changes: changes.map(changeDocument) }, (room) =>
      changes.length === 0
        ? "No change is open, and none waits for a decision."
        : present(
            changesTable(changes, at, room),
            total > changes.length && [
              "",
              `the newest ${changes.length} of ${total}; --limit ${total} shows them all`
            ],
            ...advice(undecided(changes))
          ).join("\n")
    )
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
    const { changes: listed } = yield* outbox.list({ all: false, connection, limit: Number.MAX_SAFE_INTEGER })
    const isUndecided = undecided(listed).some(({ id }) => id === change.id)
    return yield* answer(document, storyText(change, events, isUndecided))
  }).pipe(Effect.provide(Outbox.Default), readingMirror)

/** What became of one change: as a document, and in words. */
interface Done {
  readonly document: unknown
  readonly text: string
}

/** Which changes are meant by `--all`, in words, and what is said of those that were handled. */
interface How {
  readonly states: ReadonlyArray<OutboxChange["state"]>
  readonly state: string
  readonly done: string
}

/** The selected changes: those named, or all in these states of the open ones and those that need a decision. */
const meant = Effect.fn("changes.meant")(function* ({ all, connection, ids }: SeveralInput, { states }: How) {
  if (all === ids.length > 0) {
    return yield* new UsageError({
      message: all ? "--all and numbers of changes do not go together" : "no change is named",
      hint: "write the numbers that `parley changes` shows, or --all"
    })
  }
  yield* knownConnection(connection)
  if (!all) return [...new Set(ids)]
  const outbox = yield* Outbox
  const { changes } = yield* outbox.list({ all: false, connection, limit: Number.MAX_SAFE_INTEGER })
  return changes
    .filter(({ state }) => states.includes(state))
    .map(({ id }) => id)
    .reverse()
})

/** More changes than these are summed up. */
const mostLines = 20

/** Applies `act` to each selected change. A single refused change is an error; of several, the others are still handled. */
const each = <R>(
  input: SeveralInput,
  how: How,
  act: (outbox: Outbox, id: number) => Effect.Effect<Done, ChangeRefused | Failure, R>
) =>
  Effect.gen(function* () {
    const outbox = yield* Outbox
    const actOn = (id: number) => usage(act(outbox, id))
    const ids = yield* meant(input, how)
    const [only] = ids
    if (!input.all && only !== undefined && ids.length === 1) {
      const { document, text } = yield* actOn(only)
      return yield* answer(document, text)
    }
    const refused: Array<{ readonly id: number; readonly message: string; readonly hint: string }> = []
    const done: Array<Done> = []
    for (const id of ids) {
      const result = yield* actOn(id).pipe(
        Effect.catchIf(
          (error): error is UsageError => error instanceof UsageError,
          ({ hint, message }) => Effect.succeed({ id, message, hint })
        )
      )
      if ("text" in result) done.push(result)
      else refused.push(result)
    }
    const lines = present(
      done.length <= mostLines && done.map(({ text }) => text),
      ...refused.slice(0, mostLines).map(({ hint, message }) => `${message}; ${hint}`),
      refused.length > mostLines && `and ${refused.length - mostLines} others that were refused`,
      input.all && ids.length === 0
        ? `no change is ${how.state}`
        : `${done.length} of ${ids.length} ${how.done}`
    )
    yield* answer({ changes: done.map(({ document }) => document), refused }, lines.join("\n"))
    return refused.length === 0 ? exitCodes.complete : exitCodes.usage
  }).pipe(writingOutbox)

const doneTo = (change: OutboxChange, what: string): Done => ({
  document: changeDocument(change),
  text: `change ${change.id} is ${what}`
})

export const cancel = (input: SeveralInput) =>
  each(input, { states: ["pending"], state: "pending", done: "cancelled" }, (outbox, id) =>
    Effect.map(outbox.cancel(id), (change) => doneTo(change, "cancelled"))
  )

export const approve = (input: SeveralInput) =>
  each(input, { states: ["proposed"], state: "proposed", done: "approved" }, (outbox, id) =>
    Effect.map(outbox.approve(id), (change) => doneTo(change, "approved: the next push sends it"))
  )

/** Asks for the same again, on what the mirror holds now. */
const again = Effect.fn("changes.again")(function* (change: OutboxChange, by: string) {
  const outbox = yield* Outbox
  const { asked } = yield* ask(change.conversationId, change.requested, `${by} ${change.id}`)
  yield* outbox.markResolved(change.id, `requested again by ${by}`)
  return { document: askedDocument(asked), text: askedText(asked) }
})

export const retry = (input: SeveralInput) =>
  each(
    input,
    { states: ["rejected"], state: "rejected", done: "requested again or tried with the next push" },
    Effect.fn("changes.retry")(function* (outbox: Outbox, id: number) {
      const change = yield* outbox.change(id)
      if (change.state === "confirmed") {
        return yield* new UsageError({
          message: `change ${change.id} is confirmed: the provider held it at ${change.endedAt}`,
          hint: "request another status with `parley set-status`"
        })
      }
      if (change.endedAt !== null) return yield* again(change, "changes retry")
      return doneTo(yield* outbox.hurry(change.id), "tried with the next push")
    })
  )

export const resolve = (input: ResolveInput) =>
  each(
    input,
    { states: ["conflict", "rejected"], state: "in conflict or rejected", done: "resolved" },
    Effect.fn("changes.resolve")(function* (outbox: Outbox, id: number) {
      const change = yield* outbox.change(id)
      if (change.state !== "conflict" && change.state !== "rejected") {
        return yield* new UsageError({
          message: `change ${change.id} is neither in conflict nor rejected: it is ${change.state}`,
          hint: "`parley changes list` shows those that are"
        })
      }
      if (input.keep === "local") return yield* again(change, "changes resolve")
      const what = "resolved: the provider's status stays"
      return doneTo(yield* outbox.markResolved(change.id, what), what)
    })
  )
