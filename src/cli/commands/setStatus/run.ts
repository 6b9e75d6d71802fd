import { Effect, Option } from "effect"
import { suggestion } from "../../../config/nearest.ts"
import { isWantedStatus, type WantedStatus } from "../../../domain/Status.ts"
import { pushLane } from "../../../sync/lanes.ts"
import { existingStoreLayer, talkingLayer } from "../../../sync/layers.ts"
import { run } from "../../../sync/run.ts"
import { ask } from "../../asking.ts"
import { loadConfiguration } from "../../configuration.ts"
import { UsageError } from "../../errors.ts"
import { exitCodes } from "../../exitCodes.ts"
import { Globals } from "../../globals.ts"
import { maxWaitMillis } from "../../options.ts"
import { Output } from "../../terminal/Output.ts"
import { runReportText } from "../../terminal/runReport.ts"
import { askedDocument, askedText } from "../changes/text.ts"
import { type SetStatusInput, statuses } from "./index.ts"

const wantedStatus = (word: string): Effect.Effect<WantedStatus, UsageError> =>
  isWantedStatus(word)
    ? Effect.succeed(word)
    : Effect.fail(
        new UsageError({
          message: `there is no status "${word}"${suggestion(word, statuses)}`,
          hint: "name one of: active, handed_off, completed, abandoned"
        })
      )

export const setStatus = Effect.fn("set-status")(function* (input: SetStatusInput) {
  const output = yield* Output
  const { json } = yield* Globals
  const status = yield* wantedStatus(input.status)
  const waitMillis = yield* maxWaitMillis(input.maxWait)
  const { database } = yield* loadConfiguration
  const requested = {
    status,
    category: Option.getOrNull(input.category),
    summary: Option.getOrNull(input.summary),
    title: Option.getOrNull(input.title),
    tags: [...new Set(input.tags)]
  }
  return yield* Effect.gen(function* () {
    const { asked, config } = yield* ask(input.id, requested, "set-status")
    if (!json) yield* output.result(askedText(asked))
    if (!input.push || asked._tag === "NothingToDo") {
      if (json) yield* output.document(askedDocument(asked))
      else if (asked._tag === "Asked") yield* output.note("`parley push` sends it; so does the next sync")
      return exitCodes.complete
    }
    const { exitCode, report } = yield* run({
      command: "set-status",
      connections: [config],
      maxWaitMillis: waitMillis,
      lanes: [pushLane]
    }).pipe(Effect.provide(talkingLayer))
    yield* json
      ? output.document({ ...askedDocument(asked), run: report })
      : output.result(runReportText(report, yield* output.resultColumns))
    return exitCode
  }).pipe(Effect.provide(existingStoreLayer(database)))
})
