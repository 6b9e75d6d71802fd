import type { Timestamp } from "../domain/Timestamp.ts"
import type { PullScope } from "../providers/Provider.ts"
import type { Session } from "./Db.ts"

/** What earlier pages taught about an account, with when. */
export const learnedOf = ({ prepare }: Session, connection: string): PullScope["learned"] => {
  const rows = prepare("SELECT name, value, learned_at FROM learned WHERE connection = ?").all(
    connection
  ) as ReadonlyArray<{ name: string; value: string; learned_at: Timestamp }>
  return new Map(rows.map((row) => [row.name, { value: row.value, at: row.learned_at }]))
}
