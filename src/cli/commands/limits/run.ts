import { Clock, Effect } from "effect"
import type { ConnectionConfig } from "../../../config/Config.ts"
import { messageOf } from "../../../domain/messageOf.ts"
import { present } from "../../../domain/present.ts"
import { now } from "../../../domain/Timestamp.ts"
import type { Hold, LearnedLimits } from "../../../http/limits/shared/heldBack.ts"
import { forgetLimitsOf, learnedLimitsOf } from "../../../sync/learnedLimits.ts"
import { loadConfiguration, selectConnections } from "../../configuration.ts"
import { UsageError } from "../../errors.ts"
import { exitCodes } from "../../exitCodes.ts"
import { Globals } from "../../globals.ts"
import { answer } from "../../terminal/answer.ts"
import { counted, grouped, wallClock } from "../../terminal/numbers.ts"
import { Output } from "../../terminal/Output.ts"
import { type ColumnOf, tableOf, whole } from "../../terminal/table.ts"
import type { LimitsListInput, LimitsResetInput } from "./index.ts"

interface Entry {
  readonly config: ConnectionConfig
  readonly learned: LearnedLimits | null
}

const whatWaits: Readonly<Record<Hold["scope"], string>> = {
  connection: "all requests",
  address: "all requests from this machine",
  kind: "requests of one kind",
  path: "requests to one path"
}

const rounded = (perSecond: number): string => String(Number(perSecond.toPrecision(2)))

/** What was learned about its limits, in words. */
const learnedWords = ({ config, learned }: Entry): ReadonlyArray<string> => {
  if (learned === null) return []
  const { foundPerSecond, lower, stated } = learned
  return present(
    foundPerSecond !== null && `found: ${rounded(foundPerSecond)} requests a second`,
    ...stated.flatMap((requests, index) =>
      requests === null
        ? []
        : [
            `stated by the provider: ${grouped(requests)} instead of ${config.limits[index]?.name ?? "unknown"}`
          ]
    ),
    lower !== null && `refused beyond ${counted(lower, "request")} in the window`
  )
}

const documentOf = ({ config, learned }: Entry) => ({
  name: config.name,
  provider: config.provider,
  limits: config.limits.map(({ name, perMillis, requests, scope }) => ({
    name,
    requests,
    per_ms: perMillis,
    scope
  })),
  quota: config.quota,
  found_per_second: learned?.foundPerSecond ?? null,
  stated: learned?.stated ?? [],
  lower: learned?.lower ?? null,
  holds: (learned?.holds ?? []).map(({ reason, scope, until }) => ({ scope, until: now(until), reason }))
})

interface LimitRow {
  readonly entry: Entry
  readonly hold: LearnedLimits["holds"][number] | null
}

/** A row for each hold of a connection; one where nothing is held back. */
const rowsOf = (entry: Entry): ReadonlyArray<LimitRow> => {
  const holds = entry.learned?.holds ?? []
  return (holds.length === 0 ? [null] : holds).map((hold) => ({ entry, hold }))
}

const columns = (at: number) =>
  whole<ColumnOf<LimitRow>>([
    { name: "connection", cell: ({ entry }) => entry.config.name },
    {
      name: "limits",
      cell: ({ entry }) => entry.config.limits.map(({ name }) => name).join(", ") || "unknown"
    },
    { name: "learned", cell: ({ entry }) => learnedWords(entry).join("; ") || "-" },
    { name: "holds back", cell: ({ hold }) => (hold === null ? "nothing" : whatWaits[hold.scope]) },
    { name: "until", cell: ({ hold }) => (hold === null ? "-" : wallClock(hold.until, at)) },
    { name: "because", cell: ({ hold }) => hold?.reason ?? "-" }
  ])

export const list = Effect.fn("limits.list")(function* ({ names }: LimitsListInput) {
  const { json, quiet } = yield* Globals
  const output = yield* Output
  const at = yield* Clock.currentTimeMillis
  const config = yield* loadConfiguration
  const chosen = yield* selectConnections(config, names)
  const entries = chosen.map((connection) => ({
    config: connection,
    learned: learnedLimitsOf(connection, at)
  }))
  const rows = entries.flatMap(rowsOf)
  yield* answer({ connections: entries.map(documentOf) }, (room) => tableOf(columns(at), rows, room))
  const held = entries.filter(({ learned }) => (learned?.holds.length ?? 0) > 0)
  if (held.length > 0 && !quiet && !json) {
    yield* output.note(`lift it with \`parley limits reset ${held.map((one) => one.config.name).join(" ")}\``)
  }
  return exitCodes.complete
})

export const reset = Effect.fn("limits.reset")(function* ({ names }: LimitsResetInput) {
  const config = yield* loadConfiguration
  const chosen = yield* selectConnections(config, names)
  const forgotten = yield* Effect.forEach(chosen, (connection) =>
    Effect.try({
      try: () => ({ name: connection.name, forgotten: forgetLimitsOf(connection) }),
      catch: (cause) =>
        new UsageError({
          message: `what was learned about the limits of "${connection.name}" cannot be cleared: ${messageOf(cause)}`,
          hint: "check that $XDG_STATE_HOME/parley/quota.db (else ~/.local/state/parley/quota.db) can be written"
        })
    })
  )
  const lines = forgotten.map(({ forgotten, name }) =>
    forgotten === 0
      ? `${name}: nothing was learned, nothing holds it back`
      : `${name}: ${counted(forgotten, "limit")} cleared; the next request leaves at once`
  )
  return yield* answer({ connections: forgotten }, lines.join("\n"))
})
