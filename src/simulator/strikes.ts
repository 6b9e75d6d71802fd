import type { Strike } from "./faults.ts"
import { respond, type SimulatedResponse } from "./http.ts"
import { type BrokenRecord, estrange, mutilate } from "./mutilate.ts"
import type { AnyVendor, Context, Route } from "./vendor.ts"

/** Something to be done at `at` (epoch milliseconds). */
export interface Later {
  readonly at: number
  readonly run: () => void
}

/** How faults change the records of an answer; `broken` is called for each that was broken. */
export const recordChanger = (
  strikes: ReadonlyArray<Strike>,
  broken: (what: BrokenRecord) => void
): Context["record"] => {
  const changes = strikes.filter(({ effect }) => effect.kind === "mutilate" || effect.kind === "unknown")
  if (changes.length === 0) return (_fields, _id, record) => record
  return (fields, id, record) =>
    changes.reduce((changed, { effect, seed }) => {
      if (effect.kind === "unknown") return estrange(fields, id, changed, seed, effect.share)
      return effect.kind === "mutilate" ? mutilate(fields, id, changed, seed, effect.share, broken) : changed
    }, record)
}

export const delayOf = (strikes: ReadonlyArray<Strike>): number =>
  strikes.reduce((sum, { effect }) => sum + (effect.kind === "delay" ? effect.millis : 0), 0)

/** Where a streamed body is cut, whose length is not known. */
const streamedCut = 100_000

const middleOf = ({ body }: SimulatedResponse) =>
  typeof body === "string" ? Math.floor(body.length / 2) : streamedCut

const noAnswer = respond(0, "")

/** Answers a request as it is, or as the fault that ends it will have it. `later` takes what a queue applies. */
export const carryOut = (
  vendor: AnyVendor,
  route: Route,
  context: Context,
  strike: Strike | undefined,
  later: (what: Later) => void
): SimulatedResponse => {
  const effect = strike?.effect
  switch (effect?.kind) {
    case "answer": {
      if (effect.applied === true) route.run(context)
      const own = vendor.error(effect.status)
      const { "retry-after": _, ...headers } = own.headers
      return { ...own, body: effect.body ?? own.body, headers: { ...headers, ...effect.headers } }
    }
    case "queue": {
      const at = context.now + (effect.afterMillis ?? 0)
      if (strike?.settles === true && effect.outcome === "applied") {
        later({ at, run: () => route.run({ ...context, now: at }) })
      }
      return vendor.error(449)
    }
    case "cut": {
      if (effect.when === "before") return { ...noAnswer, fate: "dropped" }
      const response = route.run(context)
      if (effect.when === "after") return { ...response, fate: "dropped" }
      return { ...response, fate: "cut", cutAfter: effect.afterCharacters ?? middleOf(response) }
    }
    case "hang":
      return { ...(effect.applied === true ? route.run(context) : noAnswer), fate: "hung" }
    default:
      return route.run(context)
  }
}
