import { Effect } from "effect"
import type { Mirror } from "../../../store/mirror/Mirror.ts"
import { existingStoreLayer, talkingLayer } from "../../../sync/layers.ts"
import type { Progress } from "../../../sync/progress.ts"
import { retryQuarantine } from "../../../sync/rebuild.ts"
import { type Fault, type LaneWork, run } from "../../../sync/run.ts"
import { loadConfiguration, selectConnections } from "../../configuration.ts"
import { answer } from "../../terminal/answer.ts"
import { counted, grouped } from "../../terminal/numbers.ts"
import type { RetryInput } from "./retry.ts"

interface Retried {
  readonly tried: number
  readonly resolved: number
  /** Of those that still cannot be read. */
  readonly dismissed: number
}

const sentence = (name: string, { resolved, tried }: Retried): string =>
  tried === 0
    ? `${name}: nothing is in quarantine`
    : `${name}: ${grouped(resolved)} of ${counted(tried, "record")} can be read now and ${resolved === 1 ? "is" : "are"} stored; ${grouped(tried - resolved)} ${tried - resolved === 1 ? "stays" : "stay"}`

const unread = ({ dismissed, resolved, tried }: Retried): Fault | null => {
  const left = tried - resolved - dismissed
  if (left <= 0) return null
  return {
    kind: "quarantined",
    message: `${counted(left, "record")} still cannot be read and ${left === 1 ? "stays" : "stay"} in quarantine`,
    hint: "`parley quarantine list` shows them and why"
  }
}

export const retry = Effect.fn("quarantine.retry")(function* (input: RetryInput) {
  const config = yield* loadConfiguration
  const connections = yield* selectConnections(config, input.names)
  const outcomes = new Map<string, Retried>()
  const lane: LaneWork<Mirror | Progress> = {
    lane: "verify",
    work: (connection, runId) =>
      Effect.map(retryQuarantine(connection, runId), (outcome) => {
        outcomes.set(connection.config.name, outcome)
        return { fault: unread(outcome) }
      })
  }
  const { exitCode, report } = yield* run({
    command: "quarantine retry",
    connections,
    maxWaitMillis: 0,
    lanes: [lane]
  }).pipe(Effect.provide([existingStoreLayer(config.database), talkingLayer]))
  const lines = report.connections.map(({ error, name }) => {
    const outcome = outcomes.get(name)
    return outcome === undefined ? `${name}: ${error?.message}` : sentence(name, outcome)
  })
  yield* answer({ ...report, retried: Object.fromEntries(outcomes) }, lines.join("\n"))
  return exitCode
})
