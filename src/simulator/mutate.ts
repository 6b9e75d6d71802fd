import { Schema } from "effect"
import { hashText, makeRandom, mix } from "./random.ts"
import type { Simulator } from "./simulator.ts"
import type { AnyWorld } from "./vendor.ts"
import { type VendorId, vendorIds } from "./vendors/index.ts"

const vendor = Schema.Literal(...vendorIds)
const Count = Schema.Int.pipe(Schema.nonNegative())

/**
 * What happens at a vendor without us. `advance`: about `share` of the conversations (default one in a hundred)
 * change: mostly a new message, some a status; with them come new conversations, and on request some go.
 */
export const Mutation = Schema.Union(
  Schema.Struct({
    action: Schema.Literal("advance"),
    vendor: Schema.optional(vendor),
    share: Schema.optional(Schema.Number.pipe(Schema.between(0, 1))),
    removed: Schema.optional(Count),
    seed: Schema.optional(Schema.Int)
  }),
  Schema.Struct({
    action: Schema.Literal("addMessage"),
    vendor,
    id: Schema.String,
    by: Schema.optional(Schema.Literal("customer", "agent", "human", "system")),
    text: Schema.optional(Schema.String)
  }),
  Schema.Struct({ action: Schema.Literal("addConversation"), vendor, messages: Schema.optional(Count) }),
  Schema.Struct({ action: Schema.Literal("setStatus"), vendor, id: Schema.String, status: Schema.String }),
  Schema.Struct({ action: Schema.Literal("remove"), vendor, id: Schema.String }),
  Schema.Struct({ action: Schema.Literal("reorder"), vendor, seed: Schema.optional(Schema.Int) })
)
export type Mutation = typeof Mutation.Type

/** What was changed, by conversation id. */
export interface Changes {
  readonly vendor: VendorId
  readonly messages: ReadonlyArray<string>
  readonly statuses: ReadonlyArray<string>
  readonly added: ReadonlyArray<string>
  readonly removed: ReadonlyArray<string>
}

export interface AdvanceOptions {
  /** Epoch milliseconds at which everything happens. */
  readonly at: number
  /** Share of conversations that change; default 0.01. */
  readonly share?: number | undefined
  /** How many conversations vanish; default none. */
  readonly removed?: number | undefined
  /** Another seed, other changes. */
  readonly seed?: number | undefined
}

/** Lets one vendor's world go on. At least one conversation changes where there is one. */
export const advance = (simulator: Simulator, id: VendorId, options: AdvanceOptions): Changes => {
  const world: AnyWorld = simulator.vendors[id].world
  const random = makeRandom(mix(mix(simulator.seed, options.seed ?? options.at), hashText(id)))
  const ids = [...world.conversations.keys()]
  const count = Math.min(ids.length, Math.max(1, Math.round(ids.length * (options.share ?? 0.01))))
  const messages: Array<string> = []
  const statuses: Array<string> = []
  const chosen = new Set<string>()
  while (chosen.size < count) chosen.add(ids[random.below(ids.length)] as string)
  for (const conversation of chosen) {
    if (random.unit() < 0.25) {
      world.setStatus(conversation, world.statuses[random.below(world.statuses.length)] ?? "", options.at)
      statuses.push(conversation)
    } else {
      for (let more = random.below(3); more >= 0; more--) world.addMessage(conversation, options.at)
      messages.push(conversation)
    }
  }
  const added: Array<string> = []
  for (let more = Math.ceil(count / 5); more > 0; more--) {
    added.push(world.addConversation(options.at, 1 + random.below(4)))
  }
  const removed = ids.filter((one) => !chosen.has(one)).slice(0, options.removed ?? 0)
  for (const one of removed) world.remove(one)
  return { vendor: id, messages, statuses, added, removed }
}

const none = { messages: [], statuses: [], added: [], removed: [] }

/** Carries out one mutation at `at` (epoch milliseconds). Throws where the vendor holds no such conversation. */
export const mutate = (simulator: Simulator, mutation: Mutation, at: number): ReadonlyArray<Changes> => {
  if (mutation.action === "advance") {
    const { share, removed, seed } = mutation
    const ids = mutation.vendor === undefined ? vendorIds : [mutation.vendor]
    return ids.map((id) => advance(simulator, id, { at, share, removed, seed }))
  }
  const world: AnyWorld = simulator.vendors[mutation.vendor].world
  const changes = { vendor: mutation.vendor, ...none }
  switch (mutation.action) {
    case "addMessage":
      world.addMessage(mutation.id, at, mutation.by, mutation.text)
      return [{ ...changes, messages: [mutation.id] }]
    case "addConversation":
      return [{ ...changes, added: [world.addConversation(at, mutation.messages)] }]
    case "setStatus":
      world.setStatus(mutation.id, mutation.status, at)
      return [{ ...changes, statuses: [mutation.id] }]
    case "remove":
      world.remove(mutation.id)
      return [{ ...changes, removed: [mutation.id] }]
    case "reorder":
      world.reorder(makeRandom(mix(simulator.seed, mutation.seed ?? at)))
      return [changes]
  }
}
