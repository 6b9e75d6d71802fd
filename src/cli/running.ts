import { Effect } from "effect"
import type { Config } from "../config/Config.ts"
import { alert } from "../sync/alerts/alert.ts"
import { type storeLayer, talkingLayer } from "../sync/layers.ts"
import { type RunOptions, run } from "../sync/run.ts"
import { answer } from "./terminal/answer.ts"
import { runReportText } from "./terminal/runReport.ts"

/**
 * Runs connections against the mirror, reports what happened, and ends with the run's exit code.
 * @param store the mirror's file, open for writing
 * @param notify who is told of what began or ended with it
 */
export const runAndReport = <R>(
  store: ReturnType<typeof storeLayer>,
  { notify }: Pick<Config, "notify">,
  options: RunOptions<R>
) =>
  Effect.gen(function* () {
    const { report, exitCode } = yield* run(options).pipe(Effect.provide(talkingLayer))
    yield* answer(report, (room) => runReportText(report, room))
    yield* alert(notify, report)
    return exitCode
  }).pipe(Effect.provide(store))
