import { Effect } from "effect"
import type { Db, Session } from "../Db.ts"

/** Everything inside sees the mirror as it is now, whatever a sync commits meanwhile. */
export const inSnapshot = <A, E, R>(db: Db, op: string, effect: Effect.Effect<A, E, R>) =>
  Effect.acquireUseRelease(
    db.use(op, ({ database, prepare }) => {
      database.exec("BEGIN")
      // The snapshot is taken by the first that is read.
      prepare("SELECT count(*) FROM connections").get()
    }),
    () => effect,
    () => Effect.ignore(db.use(op, ({ database }) => database.exec("COMMIT")))
  )

/** Which moment of which mirror a snapshot shows. */
export const momentOf = ({ database, prepare }: Session) => ({
  mirror: String(prepare("SELECT id FROM mirror_identity").pluck().get()),
  seq: Number(prepare("SELECT coalesce(max(seq), 0) FROM commits").pluck().get()),
  schema_version: Number(database.pragma("user_version", { simple: true }))
})
