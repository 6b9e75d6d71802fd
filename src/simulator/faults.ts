import { Schema } from "effect"
import type { ParsedRequest } from "./http.ts"
import { makeRandom, mix, type Random } from "./random.ts"
import { type VendorId, vendorIds } from "./vendors/index.ts"

const Count = Schema.Int.pipe(Schema.positive())
const Share = Schema.Number.pipe(Schema.between(0, 1))
const Millis = Schema.Number.pipe(Schema.nonNegative())

/**
 * What goes wrong.
 * - `answer`: this status instead; without `body`, in the vendor's own words. `applied`: the request was carried out.
 * - `queue`: 449 for `answers` requests (default 1) to the same path; after the last of them the queued write is
 *   `applied` once, `afterMillis` later, or `lost`. What is sent after that is served as ever.
 * - `cut`: the connection ends `before` the request was carried out, `after` it, or in the middle of the `body`.
 * - `delay`: the answer comes so much later. `hang`: it never comes.
 * - `mutilate`: this share of records has a documented field of the wrong type or with an unreadable time.
 * - `unknown`: this share of records has an undocumented word and field.
 * - `empty`: 200 and nothing in it.
 */
export const FaultEffect = Schema.Union(
  Schema.Struct({
    kind: Schema.Literal("answer"),
    status: Schema.Int.pipe(Schema.between(200, 599)),
    headers: Schema.optional(Schema.Record({ key: Schema.String, value: Schema.String })),
    body: Schema.optional(Schema.String),
    applied: Schema.optional(Schema.Boolean)
  }),
  Schema.Struct({
    kind: Schema.Literal("queue"),
    answers: Schema.optional(Count),
    outcome: Schema.Literal("applied", "lost"),
    afterMillis: Schema.optional(Millis)
  }),
  Schema.Struct({
    kind: Schema.Literal("cut"),
    when: Schema.Literal("before", "after", "body"),
    /** For `body`: after so many characters; left out: half of it. */
    afterCharacters: Schema.optional(Schema.Int.pipe(Schema.nonNegative()))
  }),
  Schema.Struct({ kind: Schema.Literal("delay"), millis: Millis }),
  Schema.Struct({ kind: Schema.Literal("hang"), applied: Schema.optional(Schema.Boolean) }),
  Schema.Struct({ kind: Schema.Literal("mutilate"), share: Share }),
  Schema.Struct({ kind: Schema.Literal("unknown"), share: Share }),
  Schema.Struct({ kind: Schema.Literal("empty") })
)
export type FaultEffect = typeof FaultEffect.Type

const isPattern = (text: string): boolean => {
  try {
    return new RegExp(text) instanceof RegExp
  } catch {
    return false
  }
}

/** Which requests a fault may strike. What is left out matches everything. `path` is a regular expression. */
const RequestPattern = Schema.Struct({
  method: Schema.optional(Schema.String),
  path: Schema.optional(
    Schema.String.pipe(Schema.filter(isPattern, { message: () => "not a regular expression" }))
  ),
  operation: Schema.optional(Schema.String),
  write: Schema.optional(Schema.Boolean)
})
type RequestPattern = typeof RequestPattern.Type

const vendor = Schema.Literal(...vendorIds)

/** A fault in its JSON form. It strikes the first `times` requests that match, or each with `probability`. */
export const FaultRule = Schema.Struct({
  name: Schema.optional(Schema.String),
  vendor: Schema.optional(vendor),
  match: Schema.optional(RequestPattern),
  times: Schema.optional(Schema.Int.pipe(Schema.nonNegative())),
  probability: Schema.optional(Share),
  effect: FaultEffect
})

/** What a fault is matched against. */
export interface FaultRequest extends ParsedRequest {
  readonly vendor: VendorId
  readonly operation: string
  readonly write: boolean
  readonly conversationId: string | null
}

/** The same in process, where `match` may also be a function. */
export interface Fault extends Omit<typeof FaultRule.Type, "match"> {
  readonly match?: RequestPattern | ((request: FaultRequest) => boolean) | undefined
}

const matches = (fault: Fault, request: FaultRequest): boolean => {
  if (fault.vendor !== undefined && fault.vendor !== request.vendor) return false
  const { match } = fault
  if (match === undefined) return true
  if (typeof match === "function") return match(request)
  return (
    (match.method === undefined || match.method.toUpperCase() === request.method) &&
    (match.operation === undefined || match.operation === request.operation) &&
    (match.write === undefined || match.write === request.write) &&
    (match.path === undefined || new RegExp(match.path).test(request.path))
  )
}

interface Queued {
  answered: number
  done: boolean
}

interface Armed {
  readonly fault: Fault
  readonly random: Random
  left: number
  readonly queue: Map<string, Queued>
}

/** A fault that strikes this request. `seed` decides which records suffer. */
export interface Strike {
  readonly name: string
  readonly effect: FaultEffect
  readonly seed: number
  /** Only for `queue`: this was the last 449, and the write is carried out or lost now. */
  readonly settles: boolean
}

export interface FaultEngine {
  readonly add: (fault: Fault) => void
  readonly clear: () => void
  readonly list: () => ReadonlyArray<Fault>
  /** The faults that strike this request, in the order of the rules; nothing follows one that ends it. */
  readonly strike: (request: FaultRequest) => ReadonlyArray<Strike>
}

const goesOn = new Set<FaultEffect["kind"]>(["delay", "mutilate", "unknown", "empty"])

export const makeFaultEngine = (seed: number, faults: ReadonlyArray<Fault>): FaultEngine => {
  let armed: Array<Armed> = []
  let added = 0

  const add = (fault: Fault) => {
    const random = makeRandom(mix(seed, 7000 + added++))
    armed.push({ fault, random, left: fault.times ?? Number.POSITIVE_INFINITY, queue: new Map() })
  }
  for (const fault of faults) add(fault)

  const begins = (rule: Armed): boolean => {
    if (rule.left <= 0) return false
    if (rule.fault.probability !== undefined && rule.random.unit() >= rule.fault.probability) return false
    rule.left--
    return true
  }

  /** Null: this request is not struck. */
  const queued = (rule: Armed, request: FaultRequest, answers: number): { settles: boolean } | null => {
    const key = `${request.vendor} ${request.method} ${request.path}`
    let entry = rule.queue.get(key)
    if (entry === undefined || entry.done) {
      // Once it is settled, the path is served again: a rule without `times` would otherwise never let it through.
      if (entry?.done === true && rule.fault.probability === undefined) return null
      if (!begins(rule)) return null
      entry = { answered: 0, done: false }
      rule.queue.set(key, entry)
    }
    entry.answered++
    entry.done = entry.answered >= answers
    return { settles: entry.done }
  }

  return {
    add,
    clear: () => {
      armed = []
    },
    list: () => armed.map((rule) => rule.fault),
    strike: (request) => {
      const strikes: Array<Strike> = []
      for (const [index, rule] of armed.entries()) {
        if (!matches(rule.fault, request)) continue
        const { effect } = rule.fault
        const name = rule.fault.name ?? effect.kind
        const ruleSeed = mix(seed, 8000 + index)
        if (effect.kind === "queue") {
          const state = queued(rule, request, effect.answers ?? 1)
          if (state === null) continue
          strikes.push({ name, effect, seed: ruleSeed, settles: state.settles })
          return strikes
        }
        if (!begins(rule)) continue
        strikes.push({ name, effect, seed: ruleSeed, settles: false })
        if (!goesOn.has(effect.kind)) return strikes
      }
      return strikes
    }
  }
}
