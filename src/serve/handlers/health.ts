import { HttpApiBuilder } from "@effect/platform"
import { Clock, Effect } from "effect"
import { now } from "../../domain/Timestamp.ts"
import { fileCopies } from "../../store/copies/fileCopies.ts"
import { listRuns } from "../../store/ledger/Ledger.ts"
import { Mirror } from "../../store/mirror/Mirror.ts"
import { healthOf } from "../../store/read/health.ts"
import { findQuarantined, listQuarantine } from "../../store/read/quarantineFacts.ts"
import { learnedLimitsOf } from "../../sync/learnedLimits.ts"
import { Api, Invalid, Missing, toBroken } from "../api.ts"
import { reading, Serving, writing } from "../Serving.ts"
import { connectionNamed } from "./parameters.ts"

const nothing = {
  last_complete_sync_at: null,
  newest_message_at: null,
  conversations_incomplete: 0,
  changes_open: 0,
  quarantined: 0,
  last_run: null,
  hints: null,
  hints_are_silent: false,
  kept_within_ms: null
}

export const health = HttpApiBuilder.group(Api, "health", (handlers) =>
  handlers
    .handle("status", () =>
      Effect.gen(function* () {
        const { connections, settings } = yield* Serving
        const at = yield* Clock.currentTimeMillis
        const { copies, held } = yield* reading((session) => ({
          copies: fileCopies(session).map(({ kind, path, at: of }) => ({ kind, path, at: of })),
          held: healthOf(session, at)
        }))
        const names = [...new Set([...connections.map(({ name }) => name), ...held.map(({ name }) => name)])]
        return {
          copies,
          connections: names.map((name) => {
            const config = connections.find((one) => one.name === name)
            const known = held.find((one) => one.name === name)
            const hold = config === undefined ? undefined : learnedLimitsOf(config, at)?.holds[0]
            return {
              ...nothing,
              ...known,
              name,
              provider: known?.provider ?? config?.provider ?? "",
              title: settings.connections.find((one) => one.name === name)?.title ?? known?.provider ?? "",
              configured: config !== undefined,
              hints_expected: config?.hints !== undefined,
              waiting_until: hold === undefined ? null : now(hold.until),
              waiting_for: hold?.reason ?? null,
              limits: config?.limits.map((limit) => limit.name) ?? null,
              quota: config?.quota ?? null
            }
          })
        }
      })
    )
    .handle("runs", ({ urlParams: { limit } }) =>
      Effect.flatMap(Clock.currentTimeMillis, (at) =>
        reading((session) => ({ items: listRuns(session, limit, at).map((run) => ({ ...run })) }))
      )
    )
    .handle("run", ({ payload }) =>
      Effect.gen(function* () {
        const { connections, runs } = yield* Serving
        const names = payload.connections ?? connections.map(({ name }) => name)
        const chosen = connections.filter(({ name }) => names.includes(name))
        if (chosen.length === 0) {
          return yield* new Invalid({
            message: "no configured connection has that name",
            hint: `name some of: ${connections.map(({ name }) => name).join(", ")}`
          })
        }
        yield* runs.sync(chosen)
        return { started: true }
      })
    )
    .handle("quarantine", ({ urlParams }) =>
      Effect.map(
        Effect.flatMap(connectionNamed(urlParams.connection), (connection) =>
          reading((session) =>
            listQuarantine(session, {
              all: urlParams.all !== undefined && urlParams.all !== "0",
              connection,
              limit: urlParams.limit
            })
          )
        ),
        ({ records, total }) => ({ items: records.map((record) => ({ ...record })), total })
      )
    )
    .handle("quarantined", ({ path: { id } }) =>
      Effect.flatMap(
        reading((session) => findQuarantined(session, id)),
        (record) =>
          record === null
            ? new Missing({ message: `there is no record ${id} in quarantine`, hint: "" })
            : Effect.succeed({ ...record })
      )
    )
    .handle("dismiss", ({ payload: { ids } }) =>
      Effect.map(
        writing(
          Effect.flatMap(Mirror, (mirror) => Effect.mapError(mirror.dismissQuarantined(ids), toBroken))
        ),
        (result) => ({ ...result })
      )
    )
    .handle("reread", () =>
      Effect.gen(function* () {
        const { connections, runs } = yield* Serving
        return { tried: yield* runs.reread(connections) }
      })
    )
)
