import { randomUUID } from "node:crypto"
import { Clock, Effect, Either, Layer } from "effect"
import packageFile from "../../package.json" with { type: "json" }
import { Progress } from "../sync/progress.ts"
import type { Environment } from "./asked.ts"
import { makeExporter } from "./exporter.ts"
import { Recorder } from "./Recorder.ts"
import { readSettings } from "./settings.ts"

/** Receives the events of runs, makes spans and metrics of them, and passes them on unchanged. */
const observing = (recorder: Recorder, added: () => void, progress: Progress["Type"]): Progress["Type"] => {
  /** The run that a connection is in: runs side by side have no connection in common. */
  const runOf = new Map<string, number>()
  const record = <R>(write: (now: number) => void, next: Effect.Effect<void, never, R>) =>
    Effect.clockWith((clock) => {
      write(clock.unsafeCurrentTimeMillis())
      added()
      return next
    })
  return {
    ...progress,
    runStarted: (run) =>
      record((now) => {
        for (const name of run.connections) runOf.set(name, run.runId)
        recorder.runStarted(run, now)
      }, progress.runStarted(run)),
    connectionStarted: (name, provider, lane) =>
      record(
        (now) => recorder.connectionStarted(runOf.get(name) ?? 0, name, provider, lane, now),
        progress.connectionStarted(name, provider, lane)
      ),
    clientEvent: (name, event) => {
      recorder.clientEvent(name, event)
      added()
      progress.clientEvent(name, event)
    },
    committed: (name, committed) =>
      record((now) => recorder.committed(name, committed, now), progress.committed(name, committed)),
    connectionFinished: (name, lane, outcome, message) =>
      record(
        (now) => recorder.connectionFinished(name, outcome, now),
        progress.connectionFinished(name, lane, outcome, message)
      ),
    runFinished: (runId, outcome) =>
      record((now) => recorder.runFinished(runId, outcome, now), progress.runFinished(runId, outcome))
  }
}

/**
 * Sends traces and metrics of runs to the collector that the environment names, over HTTP as OTLP's JSON. Whatever
 * becomes of that changes nothing for the run.
 */
export const telemetryLayer = (environment: Environment): Layer.Layer<Progress, never, Progress> =>
  Layer.scoped(
    Progress,
    Effect.gen(function* () {
      const progress = yield* Progress
      const settings = readSettings(environment)
      if (Either.isLeft(settings)) {
        yield* Effect.logWarning(`no traces and metrics are sent: ${settings.left}`)
        return progress
      }
      const { version } = packageFile
      const resource = {
        "service.version": version,
        "service.instance.id": randomUUID(),
        ...settings.right.resource
      }
      const recorder = new Recorder(yield* Clock.currentTimeMillis)
      const { added } = yield* makeExporter(settings.right, { resource, version }, recorder)
      return observing(recorder, added, progress)
    })
  )
