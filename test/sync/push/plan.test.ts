import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { Db } from "../../../src/store/Db.ts"
import { planConnection } from "../../../src/sync/push/plan.ts"
import { inProcess } from "../../support/inProcess.ts"
import { syncedWorld } from "../../support/syncedWorld.ts"

const vendors = ["naturalead", "convocore", "empfio", "aelyst"] as const

it.scoped("does not take another account's conversations for ours: a push would send nothing there", () =>
  Effect.gen(function* () {
    const ours = yield* syncedWorld(vendors, { conversations: 30 })
    const theirs = yield* syncedWorld(vendors, { conversations: 30, seed: 8 })
    yield* Effect.flatMap(Db, (db) =>
      db.transaction("test.request", ({ database }) =>
        database.exec(
          `UPDATE conversations SET status = 'completed' WHERE id IN (
             SELECT min(id) FROM conversations WHERE status = 'active' GROUP BY connection)`
        )
      )
    ).pipe(Effect.provide(ours.layer))
    const plan = (simulator: typeof ours.simulator, connections: typeof ours.connections) =>
      Effect.forEach(connections, (config) => planConnection(config, 60_000)).pipe(
        Effect.map((plans) => plans.flat().map(({ action, fields }) => ({ action, fields: fields.length }))),
        Effect.provide(inProcess(ours.database, simulator))
      )
    const send = { action: "send", fields: 1 }
    expect(yield* plan(ours.simulator, ours.connections)).toEqual([send, send, send, send])
    const unknown = { action: "unknown", fields: 0 }
    expect(yield* plan(theirs.simulator, theirs.connections)).toEqual([unknown, unknown, unknown, unknown])
  })
)
