import { Args, Options } from "@effect/cli"
import { Effect, Option } from "effect"
import { suggestion } from "../config/nearest.ts"
import { isWantedStatus, type WantedStatus } from "../domain/Status.ts"
import { storeLayer, talkingLayer } from "../layers.ts"
import { run } from "../run.ts"
import { pushLane } from "../sync.ts"
import { ask } from "./asking.ts"
import { loadConfiguration } from "./configuration.ts"
import { UsageError } from "./errors.ts"
import { exitCodes } from "./exitCodes.ts"
import { Globals } from "./globals.ts"
import { maxWait, maxWaitMillis } from "./options.ts"
import { askedDocument, askedText } from "./render/changes.ts"
import { Output } from "./render/Output.ts"
import { runReportText } from "./render/runReport.ts"
import { verb } from "./verb.ts"

const statuses = ["active", "handed_off", "completed", "abandoned"]

const wantedStatus = (word: string): Effect.Effect<WantedStatus, UsageError> =>
  isWantedStatus(word)
    ? Effect.succeed(word)
    : Effect.fail(
        new UsageError({
          message: `there is no status "${word}"${suggestion(word, statuses)}`,
          hint: "name one of: active, handed_off, completed, abandoned"
        })
      )

const text = (name: string, pseudoName: string, description: string) =>
  Options.text(name).pipe(
    Options.withPseudoName(pseudoName),
    Options.withDescription(description),
    Options.optional
  )

export const setStatus = verb(
  {
    name: "set-status",
    description:
      "Asks for a conversation's status. The next sync or push carries it to the provider; --push does so at once.",
    config: {
      id: Args.text({ name: "ID" }).pipe(
        Args.withDescription(
          "The conversation, <connection>:<the provider's id>; or <connection>:email:<address>, <connection>:phone:<number> where that names one."
        )
      ),
      status: Args.text({ name: "STATUS" }).pipe(Args.withDescription(statuses.join(", "))),
      category: text("category", "NAME", "Aelyst: the name of a closing note, at most 128 characters."),
      summary: text("summary", "TEXT", "Aelyst: at most 512 characters, beside a category."),
      title: text("title", "TEXT", "Convocore: the conversation's title."),
      tags: Options.text("tag").pipe(
        Options.withPseudoName("TAG"),
        Options.withDescription("Convocore: a tag more; may be given again. The provider never removes one."),
        Options.repeated
      ),
      push: Options.boolean("push").pipe(
        Options.withDescription("Send what this connection has pending, at once.")
      ),
      maxWait
    },
    examples: [
      "parley set-status leads:66f2c0de completed --push",
      'parley set-status inbox:email:someone@example.com completed --category Spam --summary "A bot"',
      "parley set-status support:c-42 handed_off --tag billing"
    ]
  },
  Effect.fn("set-status")(function* (input) {
    const output = yield* Output
    const { json } = yield* Globals
    const status = yield* wantedStatus(input.status)
    const waitMillis = yield* maxWaitMillis(input.maxWait)
    const { database } = yield* loadConfiguration
    const wish = {
      status,
      category: Option.getOrNull(input.category),
      summary: Option.getOrNull(input.summary),
      title: Option.getOrNull(input.title),
      tags: [...new Set(input.tags)]
    }
    return yield* Effect.gen(function* () {
      const { asked, config } = yield* ask(input.id, wish, "set-status")
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
    }).pipe(Effect.provide(storeLayer(database)))
  })
)
