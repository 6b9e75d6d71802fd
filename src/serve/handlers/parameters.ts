import { Effect } from "effect"
import type { Timestamp } from "../../domain/Timestamp.ts"
import { Invalid } from "../api.ts"

/*
 * What stands in an address.
 */

/** Null: it was left out, or is empty. */
export const given = (text: string | undefined): string | null =>
  text === undefined || text === "" ? null : text

/** A time or a day, as UTC with milliseconds. */
export const instant = (name: string, text: string | undefined): Effect.Effect<Timestamp | null, Invalid> => {
  if (given(text) === null) return Effect.succeed(null)
  const millis = /^\d{4}-\d{2}-\d{2}(T[\d:.]+(Z|[+-]\d\d:\d\d))?$/.test(text ?? "")
    ? Date.parse(text ?? "")
    : NaN
  return Number.isFinite(millis) && millis >= 0
    ? Effect.succeed(new Date(millis).toISOString() as Timestamp)
    : new Invalid({
        message: `${name}: "${text}" is not a time`,
        hint: "write a day such as 2026-03-07, or a time such as 2026-03-07T10:00:00Z"
      })
}
