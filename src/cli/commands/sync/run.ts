import { existsSync } from "node:fs"
import { Effect } from "effect"
import type { Config, ConnectionConfig } from "../../../config/Config.ts"
import { present } from "../../../domain/present.ts"
import { always } from "../../../domain/TimeRange.ts"
import { syncLanes } from "../../../sync/lanes.ts"
import { storeLayer } from "../../../sync/layers.ts"
import { loadConfiguration, selectConnections } from "../../configuration.ts"
import { UsageError } from "../../errors.ts"
import { exitCodes } from "../../exitCodes.ts"
import { pullPlans } from "../../forecasts.ts"
import { maxWaitMillis } from "../../options.ts"
import { runAndReport } from "../../running.ts"
import { answer } from "../../terminal/answer.ts"
import { forecastDocument, forecastText } from "../../terminal/forecast.ts"
import { isWhole, planOf, plansDocument, plansText } from "../push/run.ts"
import type { SyncInput } from "./index.ts"

/** What would be sent, read live, and about how much would be pulled. */
const showPlan = Effect.fn("sync.plan")(function* (
  config: Config,
  connections: ReadonlyArray<ConnectionConfig>,
  input: SyncInput,
  waitMillis: number
) {
  const hasMirror = existsSync(config.database)
  const pushes = input.pullOnly || !hasMirror ? [] : yield* planOf(connections, waitMillis)
  const pulls = input.pushOnly
    ? []
    : yield* pullPlans(config, connections, {
        lane: "sync",
        window: always,
        again: true,
        full: input.full,
        maxWaitMillis: waitMillis
      })
  const document = {
    command: "sync",
    plan: true,
    connections: plansDocument(pushes),
    pull: pulls.map(forecastDocument)
  }
  yield* answer(document, (room) =>
    present(
      !input.pullOnly && plansText(pushes, room),
      !input.pushOnly && `A pull of what has changed would take about:\n\n${forecastText(pulls, room)}`
    ).join("\n\n")
  )
  const isAllKnown = isWhole(pushes) && pulls.every(({ fault }) => fault === null)
  return isAllKnown ? exitCodes.complete : exitCodes.partial
})

export const sync = Effect.fn("sync")(function* (input: SyncInput) {
  if (input.pullOnly && input.pushOnly) {
    return yield* new UsageError({
      message: "--pull-only and --push-only leave nothing to do",
      hint: "give one of them, or neither"
    })
  }
  if (input.full && input.pushOnly) {
    return yield* new UsageError({
      message: "--full and --push-only do not go together: --full is about what is pulled",
      hint: "give one of them"
    })
  }
  const waitMillis = yield* maxWaitMillis(input.maxWait)
  const config = yield* loadConfiguration
  // Who accepts another account means that connection, and none beside it.
  const connections = yield* selectConnections(config, [...new Set([...input.names, ...input.rebind])])
  if (input.plan) return yield* showPlan(config, connections, input, waitMillis)
  return yield* runAndReport(storeLayer(config.database), config, {
    command: "sync",
    connections,
    maxWaitMillis: waitMillis,
    lanes: syncLanes(input),
    rebind: new Set(input.rebind),
    mayRekey: input.full
  })
})
