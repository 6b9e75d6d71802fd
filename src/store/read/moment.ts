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

/** The mirror's identity: a copy of the file has the same. */
export const identityOf = ({ prepare }: Pick<Session, "prepare">): string =>
  String(prepare("SELECT id FROM mirror_identity").pluck().get())

/** Which moment of which mirror a snapshot shows. */
export const momentOf = (session: Session) => ({
  mirror: identityOf(session),
  seq: Number(session.prepare("SELECT coalesce(max(seq), 0) FROM commits").pluck().get()),
  schema_version: Number(session.database.pragma("user_version", { simple: true }))
})
