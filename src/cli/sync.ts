import { Options } from "@effect/cli"
import { Effect } from "effect"
import { storeLayer, talkingLayer } from "../layers.ts"
import type { Progress } from "../progress.ts"
import { type LaneWork, type RunOptions, run } from "../run.ts"
import type { Mirror } from "../store/Mirror.ts"
import type { Outbox } from "../store/Outbox.ts"
import { pushLane, syncLane } from "../sync.ts"
import { loadConfiguration, selectConnections } from "./configuration.ts"
import { UsageError } from "./errors.ts"
import type { ExitCode } from "./exitCodes.ts"
import { Globals } from "./globals.ts"
import { maxWait, maxWaitMillis, names } from "./options.ts"
import { Output } from "./render/Output.ts"
import { runReportText } from "./render/runReport.ts"
import { verb } from "./verb.ts"

/** Runs connections against the mirror's file, tells what happened, and ends with the run's exit code. */
export const runAndReport = <R>(database: string, options: RunOptions<R>) =>
  Effect.gen(function* () {
    const output = yield* Output
    const { json } = yield* Globals
    const { report, exitCode } = yield* run(options).pipe(Effect.provide(talkingLayer))
    yield* json ? output.document(report) : output.result(runReportText(report, yield* output.resultColumns))
    return exitCode satisfies ExitCode
  }).pipe(Effect.provide(storeLayer(database)))

export const sync = verb(
  {
    name: "sync",
    description: "Sends pending status changes, then pulls what changed at the providers into the mirror.",
    config: {
      names,
      pullOnly: Options.boolean("pull-only").pipe(Options.withDescription("Send no status changes.")),
      pushOnly: Options.boolean("push-only").pipe(
        Options.withDescription("Send status changes, pull nothing.")
      ),
      full: Options.boolean("full").pipe(
        Options.withDescription("Fetch every conversation's details again, changed or not.")
      ),
      maxWait
    },
    examples: ["parley sync", "parley sync support --full", "parley sync --json --max-wait 5m"]
  },
  Effect.fn("sync")(function* (input) {
    if (input.pullOnly && input.pushOnly) {
      return yield* new UsageError({
        message: "--pull-only and --push-only leave nothing to do",
        hint: "give one of them, or neither"
      })
    }
    const waitMillis = yield* maxWaitMillis(input.maxWait)
    const config = yield* loadConfiguration
    const connections = yield* selectConnections(config, input.names)
    const lanes: ReadonlyArray<LaneWork<Mirror | Outbox | Progress>> = [
      ...(input.pullOnly ? [] : [pushLane]),
      ...(input.pushOnly ? [] : [syncLane({ full: input.full })])
    ]
    return yield* runAndReport(config.database, {
      command: "sync",
      connections,
      maxWaitMillis: waitMillis,
      lanes
    })
  })
)
