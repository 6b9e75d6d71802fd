import { Effect, Schema } from "effect"
import { Status } from "../../domain/Status.ts"
import { fromIso, type Timestamp } from "../../domain/Timestamp.ts"
import { connectionNames } from "../../store/read/findConversation.ts"
import { type Broken, Invalid } from "../api.ts"
import { reading, Serving } from "../Serving.ts"

/*
 * What stands in an address.
 */

/** Null: it was left out, or is empty. */
export const given = (text: string | undefined): string | null =>
  text === undefined || text === "" ? null : text

/** A time or a day, as UTC with milliseconds. */
export const instant = (name: string, text: string | undefined): Effect.Effect<Timestamp | null, Invalid> => {
  const wanted = given(text)
  const read = wanted === null ? null : fromIso(wanted)
  return wanted === null || read !== null
    ? Effect.succeed(read)
    : new Invalid({
        message: `${name}: "${wanted}" is not a time`,
        hint: "write a day such as 2026-03-07, or a time such as 2026-03-07T10:00:00Z"
      })
}

/** A connection that the mirror or the configuration knows; null: none was named. */
export const connectionNamed = (
  name: string | undefined
): Effect.Effect<string | null, Invalid | Broken, Serving> =>
  Effect.gen(function* () {
    const wanted = given(name)
    if (wanted === null) return null
    const { connections } = yield* Serving
    const held = yield* reading(connectionNames)
    const known = [...new Set([...connections.map((one) => one.name), ...held])]
    if (known.includes(wanted)) return wanted
    return yield* new Invalid({
      message: `there is no connection "${wanted}"`,
      hint: `known here: ${known.join(", ") || "none yet"}`
    })
  })

/** A status as the mirror has it; null: none was named. */
export const statusNamed = (text: string | undefined): Effect.Effect<string | null, Invalid> => {
  const wanted = given(text)
  return wanted === null || Schema.is(Status)(wanted)
    ? Effect.succeed(wanted)
    : new Invalid({
        message: `there is no status "${wanted}"`,
        hint: `name one of: ${Status.literals.join(", ")}`
      })
}
