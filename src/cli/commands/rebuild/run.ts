import { closeSync, openSync, rmSync } from "node:fs"
import { Effect } from "effect"
import type { ConnectionConfig } from "../../../config/Config.ts"
import { present } from "../../../domain/present.ts"
import { Db } from "../../../store/Db.ts"
import { removeLeftCopies } from "../../../store/forget/finish.ts"
import { existingStoreLayer, talkingLayer } from "../../../sync/layers.ts"
import { rebuild as rebuildConnection } from "../../../sync/rebuild.ts"
import { type RunReport, run } from "../../../sync/run.ts"
import { loadConfiguration, mirrorPath, selectConnections } from "../../configuration.ts"
import { answer } from "../../terminal/answer.ts"
import { counted } from "../../terminal/numbers.ts"
import type { RebuildInput } from "./index.ts"

const rebuildAll = (database: string, connections: ReadonlyArray<ConnectionConfig>, isTrial: boolean) =>
  run({
    command: "rebuild",
    connections,
    maxWaitMillis: 0,
    isTrial,
    lanes: [{ lane: "verify", work: rebuildConnection }]
  }).pipe(Effect.provide([existingStoreLayer(database), talkingLayer]))

/** A copy of the mirror beside it, gone when the scope ends. What a rebuild would do is done to the copy. */
const copyOf = (database: string) => {
  const copy = `${database}.plan-${process.pid}`
  return Effect.acquireRelease(
    Effect.flatMap(Db, (db) =>
      db.use("rebuild.copy", ({ database }) => {
        removeLeftCopies(database.name)
        // No one else may read it, from its first byte on.
        closeSync(openSync(copy, "w", 0o600))
        database.exec(`VACUUM INTO '${copy.replaceAll("'", "''")}'`)
      })
    ).pipe(Effect.provide(Db.layer(database, { mustExist: true })), Effect.as(copy)),
    () =>
      Effect.sync(() => {
        for (const suffix of ["", "-wal", "-shm"]) rmSync(copy + suffix, { force: true })
      })
  )
}

const lines = (report: RunReport, isPlan: boolean): ReadonlyArray<string> =>
  report.connections.map(({ error, inserted, name, quarantined, unchanged, updated }) => {
    const would = isPlan ? "would be " : ""
    const parts = present(
      `${counted(updated, "record")} ${would}changed`,
      `${counted(inserted, "record")} ${would}added`,
      `${counted(unchanged, "record")} the same`,
      quarantined > 0 &&
        `${counted(quarantined, "record")} cannot be read any more and ${quarantined === 1 ? "is" : "are"} in quarantine`
    )
    const fault = error === null || error.kind === "quarantined" ? "" : ` (${error.message})`
    return `${name}: ${parts.join(", ")}${fault}`
  })

export const rebuild = Effect.fn("rebuild")(function* (input: RebuildInput) {
  const config = yield* loadConfiguration
  const connections = yield* selectConnections(config, input.names)
  const database = yield* mirrorPath
  const { exitCode, report } = yield* Effect.scoped(
    Effect.flatMap(input.plan ? copyOf(database) : Effect.succeed(database), (file) =>
      rebuildAll(file, connections, input.plan)
    )
  )
  yield* answer({ plan: input.plan, ...report }, lines(report, input.plan).join("\n"))
  return exitCode
})
