import { existsSync } from "node:fs"
import { Effect } from "effect"
import type { Config, ConnectionConfig } from "../config/Config.ts"
import { spellDuration } from "../config/units.ts"
import { Db } from "../store/Db.ts"
import { isImpossible } from "../sync/forecast/forecastPull.ts"
import { type PlanOptions, type PullPlan, planPulls } from "../sync/forecast/planPull.ts"
import { talkingLayer } from "../sync/layers.ts"
import { UsageError } from "./errors.ts"
import { counted, grouped, shortDuration } from "./terminal/numbers.ts"

/** What pulls would do. The mirror is only read, where there is one. */
export const pullPlans = (
  { database }: Config,
  connections: ReadonlyArray<ConnectionConfig>,
  options: PlanOptions
) => {
  const plans = planPulls(connections, options).pipe(Effect.provide(talkingLayer))
  return existsSync(database) ? Effect.provide(plans, Db.layer(database, { readOnly: true })) : plans
}

const tooSlow = (deadline: number, { config, forecast }: PullPlan): ReadonlyArray<string> => {
  if (forecast === null || !isImpossible(forecast, deadline)) return []
  const { duration, requests, shares } = forecast
  const limits = shares.map(({ limit }) => limit).join(", ")
  return [
    `${config.name} takes at least ${shortDuration(duration.low)}: ${grouped(requests.low)} requests or more${limits === "" ? "" : ` within its limits (${limits})`}`
  ]
}

/** Fails where some pull cannot be done in time, whatever happens. @param deadline milliseconds */
export const refuseImpossible = (
  plans: ReadonlyArray<PullPlan>,
  deadline: number
): Effect.Effect<void, UsageError> => {
  const reasons = plans.flatMap((plan) => tooSlow(deadline, plan))
  if (reasons.length === 0) return Effect.void
  const asked = plans.reduce((sum, one) => sum + one.asked, 0)
  return new UsageError({
    message: `it cannot be done within ${spellDuration(deadline)}: ${reasons.join("; ")}`,
    hint: `only ${counted(asked, "request")} to find out ${asked === 1 ? "was" : "were"} sent; allow more time, or ask for less with --since`
  })
}
