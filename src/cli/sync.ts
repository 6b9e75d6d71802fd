import { Effect } from "effect"
import type { ConnectionConfig } from "../config/Config.ts"
import { syncLanes } from "../sync.ts"
import { loadConfiguration, selectConnections } from "./configuration.ts"
import { UsageError } from "./errors.ts"
import { type ExitCode, exitCodes } from "./exitCodes.ts"
import { Globals } from "./globals.ts"
import { maxWaitMillis } from "./options.ts"
import { planOf, plansDocument, plansText } from "./push.ts"
import { Output } from "./render/Output.ts"
import { runAndReport } from "./running.ts"
import type { SyncInput } from "./verbs/sync.ts"

/** What would be sent, read live; what would be pulled is only known once it is listed. */
const showPlan = Effect.fn("sync.plan")(function* (
  connections: ReadonlyArray<ConnectionConfig>,
  waitMillis: number
) {
  const output = yield* Output
  const { json } = yield* Globals
  const plans = yield* planOf(connections, waitMillis)
  const pulled = connections.map(({ name }) => name)
  yield* json
    ? output.document({ command: "sync", plan: true, connections: plansDocument(plans), pull: pulled })
    : output.result(
        `${plansText(plans, yield* output.resultColumns)}\nThen it would pull what has changed at ${pulled.join(", ")}.`
      )
  return exitCodes.complete satisfies ExitCode
})

export const sync = Effect.fn("sync")(function* (input: SyncInput) {
  if (input.pullOnly && input.pushOnly) {
    return yield* new UsageError({
      message: "--pull-only and --push-only leave nothing to do",
      hint: "give one of them, or neither"
    })
  }
  const waitMillis = yield* maxWaitMillis(input.maxWait)
  const config = yield* loadConfiguration
  const connections = yield* selectConnections(config, input.names)
  if (input.plan) return yield* showPlan(input.pullOnly ? [] : connections, waitMillis)
  return yield* runAndReport(config.database, {
    command: "sync",
    connections,
    maxWaitMillis: waitMillis,
    lanes: syncLanes(input)
  })
})
