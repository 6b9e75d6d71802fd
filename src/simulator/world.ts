import {
  type Library,
  type Line,
  lastText,
  linesOf,
  nextLine,
  type Plan,
  planConversation,
  type Speaker
} from "./dialogues.ts"
import { mix, type Random } from "./random.ts"

/** Something that was done to a conversation from outside, through the API. `at` is epoch milliseconds. */
interface AppliedEffect {
  readonly conversationId: string
  /** `status`, or what must never be called: `send`, `delete`, … */
  readonly what: string
  readonly detail: Readonly<Record<string, unknown>>
  readonly at: number
}

/** Something that happened at the vendor, whoever did it. `at` is epoch milliseconds. */
export interface WorldChange {
  readonly conversationId: string
  readonly what: "added" | "message" | "status" | "removed"
  readonly at: number
}

/**
 * What one vendor holds. `conversations` are the vendor's own objects, without their messages, by id, and may be
 * changed freely; messages are made from the seed when they are requested, until a conversation's are changed.
 */
export interface World<Conversation extends object, Message> {
  readonly conversations: Map<string, Conversation>
  /** Oldest first. Empty for an unknown id. */
  readonly messages: (id: string) => Array<Message>
  /** The same of an object that may have been removed meanwhile, as in a list whose rendering has begun. */
  readonly messagesOf: (conversation: Conversation) => Array<Message>
  readonly lines: (id: string) => ReadonlyArray<Line>
  /** Everything applied through the API, oldest first. */
  readonly effects: Array<AppliedEffect>
  /** Notes what was applied through the API. */
  readonly applied: (effect: AppliedEffect) => void
  /** Told of each change once it is done: what sends webhooks. */
  readonly listeners: Array<(change: WorldChange) => void>
  readonly effectsOn: (id: string) => ReadonlyArray<AppliedEffect>
  /**
   * Conversations in this order, those that are kept; remembered under the name until something changes. Call
   * `changed` after changing what the order depends on by hand.
   */
  readonly sorted: (
    name: string,
    compare: (a: Conversation, b: Conversation) => number,
    keep?: (conversation: Conversation) => boolean
  ) => ReadonlyArray<Conversation>
  readonly changed: () => void
  /** Words that `setStatus` takes, as the vendor writes them. */
  readonly statuses: ReadonlyArray<string>

  // What happens at the vendor without us. Each keeps counts and times as the vendor would. `at`: epoch milliseconds.
  readonly addConversation: (at: number, messages?: number) => string
  readonly addMessage: (id: string, at: number, by?: Speaker, text?: string) => void
  readonly setStatus: (id: string, status: string, at: number) => void
  readonly remove: (id: string) => void
  /** Changes the order in which the vendor keeps its conversations, where its API promises none. */
  readonly reorder: (random: Random) => void
}

/** What a vendor's objects look like. */
interface WorldShape<Conversation extends object, Message> {
  /** `last` is the text of the last line; null where nothing has been said. */
  readonly create: (plan: Plan, index: number, last: string | null) => Conversation
  readonly idOf: (conversation: Conversation) => string
  readonly message: (line: Line, position: number, conversation: Conversation) => Message
  /** A line came: counts and times move. `count` is the number of messages with it. */
  readonly said: (conversation: Conversation, line: Line, count: number) => void
  readonly statusChanged: (conversation: Conversation, status: string, at: number) => void
  readonly statuses: ReadonlyArray<string>
}

export interface WorldInput {
  readonly seed: number
  readonly conversations: number
  readonly library: Library
  /** Epoch milliseconds: when the world begins; its history lies before. */
  readonly now: number
}

/** In another order. */
const shuffled = <A>(list: ReadonlyArray<A>, random: Random): Array<A> => {
  const result = [...list]
  for (let last = result.length - 1; last > 0; last--) {
    const other = random.below(last + 1)
    const kept = result[last] as A
    result[last] = result[other] as A
    result[other] = kept
  }
  return result
}

/** Sorted lists by name, each made again only when something has changed. */
const makeOrders = <Conversation>(conversations: ReadonlyMap<string, Conversation>) => {
  const orders = new Map<string, { version: number; size: number; list: ReadonlyArray<Conversation> }>()
  let version = 0
  const sorted = (
    name: string,
    compare: (a: Conversation, b: Conversation) => number,
    keep?: (conversation: Conversation) => boolean
  ): ReadonlyArray<Conversation> => {
    const known = orders.get(name)
    if (known?.version === version && known.size === conversations.size) return known.list
    const all = [...conversations.values()]
    const list = (keep === undefined ? all : all.filter(keep)).sort(compare)
    orders.set(name, { version, size: conversations.size, list })
    return list
  }
  const changed = () => {
    version++
  }
  return { sorted, changed }
}

export const makeWorld = <Conversation extends object, Message>(
  input: WorldInput,
  shape: WorldShape<Conversation, Message>
): World<Conversation, Message> => {
  const { library } = input
  const conversations = new Map<string, Conversation>()
  const plans = new Map<string, Plan>()
  const changedLines = new Map<string, Array<Line>>()
  const effects: Array<AppliedEffect> = []
  const listeners: World<Conversation, Message>["listeners"] = []
  const tell = (what: WorldChange["what"], conversationId: string, at: number) => {
    for (const listener of listeners) listener({ conversationId, what, at })
  }
  const { changed, sorted } = makeOrders(conversations)
  let created = 0

  const add = (plan: Plan): string => {
    const conversation = shape.create(plan, created++, lastText(library, plan))
    const id = shape.idOf(conversation)
    conversations.set(id, conversation)
    plans.set(id, plan)
    return id
  }

  for (let index = 0; index < input.conversations; index++) {
    add(planConversation(library, mix(input.seed, index), input.now))
  }

  const lines = (id: string): ReadonlyArray<Line> => {
    const known = changedLines.get(id)
    if (known !== undefined) return known
    const plan = plans.get(id)
    return plan === undefined ? [] : linesOf(library, plan)
  }

  const messagesOf = (conversation: Conversation): Array<Message> =>
    lines(shape.idOf(conversation)).map((line, position) => shape.message(line, position, conversation))

  const ownLines = (id: string): Array<Line> => {
    const known = changedLines.get(id) ?? [...lines(id)]
    changedLines.set(id, known)
    return known
  }

  const mustHold = (id: string): Conversation => {
    const conversation = conversations.get(id)
    if (conversation === undefined) throw new Error(`The simulated vendor holds no conversation ${id}`)
    return conversation
  }

  return {
    conversations,
    lines,
    messages: (id) => {
      const conversation = conversations.get(id)
      return conversation === undefined ? [] : messagesOf(conversation)
    },
    messagesOf,
    effects,
    applied: (effect) => {
      effects.push(effect)
      if (effect.what === "status") tell("status", effect.conversationId, effect.at)
    },
    listeners,
    effectsOn: (id) => effects.filter((effect) => effect.conversationId === id),
    sorted,
    changed,
    statuses: shape.statuses,
    addConversation: (at, messages = 2) => {
      const key = mix(input.seed, 0x40000000 + created)
      const startedAt = at - Math.max(0, messages - 1) * 1000
      changed()
      const id = add({ key, count: messages, startedAt, lastAt: at, handedOff: false })
      tell("added", id, at)
      return id
    },
    addMessage: (id, at, by, text) => {
      const conversation = mustHold(id)
      const own = ownLines(id)
      const line = nextLine(library, plans.get(id)?.key ?? 0, own, at, { by, text })
      own.push(line)
      shape.said(conversation, line, own.length)
      changed()
      tell("message", id, at)
    },
    setStatus: (id, status, at) => {
      shape.statusChanged(mustHold(id), status, at)
      changed()
      tell("status", id, at)
    },
    remove: (id) => {
      mustHold(id)
      conversations.delete(id)
      changed()
    },
    reorder: (random) => {
      const entries = shuffled([...conversations], random)
      conversations.clear()
      for (const [id, conversation] of entries) conversations.set(id, conversation)
      changed()
    }
  }
}
