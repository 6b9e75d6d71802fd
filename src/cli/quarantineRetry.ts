import { Effect } from "effect"
import { storeLayer, talkingLayer } from "../layers.ts"
import type { Progress } from "../progress.ts"
import { retryQuarantine } from "../rebuild.ts"
import { type LaneWork, run } from "../run.ts"
import type { Mirror } from "../store/Mirror.ts"
import { loadConfiguration, selectConnections } from "./configuration.ts"
import { exitCodes } from "./exitCodes.ts"
import { Globals } from "./globals.ts"
import { counted, grouped } from "./render/numbers.ts"
import { Output } from "./render/Output.ts"
import type { RetryInput } from "./verbs/quarantineRetry.ts"

interface Retried {
  readonly tried: number
  readonly resolved: number
}

const sentence = (name: string, { resolved, tried }: Retried): string =>
  tried === 0
    ? `${name}: nothing is in quarantine`
    : `${name}: ${grouped(resolved)} of ${counted(tried, "record")} can be read now and ${resolved === 1 ? "is" : "are"} stored; ${grouped(tried - resolved)} stay`

export const retry = Effect.fn("quarantine.retry")(function* (input: RetryInput) {
  const output = yield* Output
  const { json } = yield* Globals
  const config = yield* loadConfiguration
  const connections = yield* selectConnections(config, input.names)
  const outcomes = new Map<string, Retried>()
  const lane: LaneWork<Mirror | Progress> = {
    lane: "verify",
    work: (connection, runId) =>
      Effect.map(retryQuarantine(connection, runId), (outcome) => {
        outcomes.set(connection.config.name, outcome)
        return { fault: null }
      })
  }
  const { exitCode, report } = yield* run({
    command: "quarantine retry",
    connections,
    maxWaitMillis: 0,
    lanes: [lane]
  }).pipe(Effect.provide([storeLayer(config.database), talkingLayer]))
  if (json) yield* output.document({ ...report, retried: Object.fromEntries(outcomes) })
  else {
    for (const { error, name } of report.connections) {
      const outcome = outcomes.get(name)
      yield* output.result(outcome === undefined ? `${name}: ${error?.message}` : sentence(name, outcome))
    }
  }
  // What still cannot be read was known before.
  return outcomes.size === connections.length ? exitCodes.complete : exitCode
})
