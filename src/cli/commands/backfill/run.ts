import { Effect } from "effect"
import type { PullPlan } from "../../../sync/forecast/planPull.ts"
import { backfillLane } from "../../../sync/lanes.ts"
import { storeLayer } from "../../../sync/layers.ts"
import { loadConfiguration, selectConnections } from "../../configuration.ts"
import { UsageError } from "../../errors.ts"
import { exitCodes } from "../../exitCodes.ts"
import { pullPlans, refuseImpossible } from "../../forecasts.ts"
import { deadlineMillis, maxWaitMillis, readTime } from "../../options.ts"
import { runAndReport } from "../../running.ts"
import { answer } from "../../terminal/answer.ts"
import { forecastDocument, forecastText } from "../../terminal/forecast.ts"
import type { BackfillInput } from "./index.ts"

const showPlan = Effect.fn("backfill.plan")(function* (
  plans: ReadonlyArray<PullPlan>,
  deadline: number | null
) {
  const connections = plans.map(forecastDocument)
  yield* answer({ command: "backfill", plan: true, deadline_ms: deadline, connections }, (room) =>
    forecastText(plans, room)
  )
  return plans.some(({ fault }) => fault !== null) ? exitCodes.partial : exitCodes.complete
})

export const backfill = Effect.fn("backfill")(function* (input: BackfillInput) {
  const since = yield* readTime("--since", input.since)
  const until = yield* readTime("--until", input.until)
  if (since !== null && until !== null && since >= until) {
    return yield* new UsageError({
      message: `--since ${since} is not before --until ${until}: the window is empty`,
      hint: "--since is part of the window, --until is its first moment outside"
    })
  }
  const waitMillis = yield* maxWaitMillis(input.maxWait)
  const config = yield* loadConfiguration
  const connections = yield* selectConnections(config, input.names)
  const deadline = yield* deadlineMillis(input.deadline)
  if (input.plan || deadline !== null) {
    const plans = yield* pullPlans(config, connections, {
      lane: "backfill",
      window: { since, until },
      again: input.restart,
      full: false,
      maxWaitMillis: waitMillis
    })
    if (deadline !== null) yield* refuseImpossible(plans, deadline)
    if (input.plan) return yield* showPlan(plans, deadline)
  }
  return yield* runAndReport(storeLayer(config.database), config, {
    command: "backfill",
    connections,
    maxWaitMillis: waitMillis,
    lanes: [
      backfillLane(
        { since, until },
        { again: input.restart, ...(deadline === null ? {} : { deadlineMillis: deadline }) }
      )
    ]
  })
})
