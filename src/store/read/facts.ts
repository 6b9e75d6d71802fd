import type { Timestamp } from "../../domain/Timestamp.ts"
import type { PullScope } from "../../providers/Provider.ts"
import type { Session } from "../Db.ts"
import { latestBelieved } from "../mirror/staleness.ts"

/**
 * What earlier pages taught about an account, with when. What a clock that was ahead has dated later than `now` (UTC)
 * would hold until then: it is requested again.
 */
export const learnedOf = ({ prepare }: Session, connection: string, now: Timestamp): PullScope["learned"] => {
  const rows = prepare(
    "SELECT name, value, learned_at FROM learned WHERE connection = ? AND learned_at <= ?"
  ).all(connection, latestBelieved(now)) as ReadonlyArray<{
    name: string
    value: string
    learned_at: Timestamp
  }>
  return new Map(rows.map((row) => [row.name, { value: row.value, at: row.learned_at }]))
}
