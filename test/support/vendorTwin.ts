import { Clock, Effect, Stream } from "effect"
import {
  type BodyForm,
  Malformed,
  type ProviderError,
  Queued,
  RateLimited,
  Rejected,
  Unauthorized,
  Unavailable
} from "../../src/domain/ProviderError.ts"
import type { Status } from "../../src/domain/Status.ts"
import type { StatusChange } from "../../src/domain/StatusChange.ts"
import { now, type Timestamp } from "../../src/domain/Timestamp.ts"
import { statusMap as makeStatusMap, wordFor } from "../../src/providers/kit/statusMap.ts"
import type { Provider, RemoteState, Survey } from "../../src/providers/Provider.ts"

/** What goes wrong with a write. `…After`: the vendor applied it all the same. */
export type WriteFault =
  | "cut before"
  | "cut after"
  | "5xx after"
  | "5xx lost"
  | "malformed after"
  | "429"
  | "449 applied"
  | "449 lost"
  | "400"
  | "404"
  | "401"
  | "403"
  | RefusedAs

export type ReadFault = "5xx" | "429" | "401" | "403" | "refused" | "malformed" | RefusedAs

/** A refusal by its status code and the form of its body. */
export interface RefusedAs {
  readonly status: number
  readonly form: BodyForm
}

/** A write that changed something at the vendor. `seq` orders everything that happens there. */
export interface Applied {
  readonly seq: number
  readonly providerId: string
  readonly changeId: number
  readonly word: string | null
}

interface Held {
  word: string | null
  updatedAt: number
  title: string | null
  tags: ReadonlyArray<string>
  /** What reads still show, until when. */
  before: { readonly word: string | null; readonly until: number } | null
}

export interface TwinOptions {
  /** Whether the vendor keeps the time of its last change. */
  readonly versioned: boolean
  /** Whether a write's answer shows what the vendor holds now. */
  readonly echo: boolean
  /** Milliseconds until reads show a write. */
  readonly delay: number
  /** Ids are counted, so that other accounts have the same ones; all conversations of this account began then. */
  readonly beganAt?: Timestamp
}

const words: Readonly<Record<string, Status>> = {
  "ai-chatting": "active",
  requested_chat: "handed_off",
  "human-chatting": "handed_off",
  completed: "completed",
  ended_chat: "completed"
}

export const writes = { active: "ai-chatting", handed_off: "requested_chat", completed: "completed" } as const

const statusMap = makeStatusMap(words, writes, {
  "human-chatting": "human-chatting",
  ended_chat: "ended_chat"
})

/** Minutes until a request that the twin queued is applied. */
const queueMinutes = 4

const fault = { hint: "" }

const refusedAs = ({ form, status }: RefusedAs): ProviderError => {
  const said = { ...fault, message: `the twin refused (${status}, ${form})`, status, form }
  return status === 401 || status === 403 ? new Unauthorized(said) : new Rejected({ ...said, body: "" })
}

const readError = (kind: ReadFault, at: number): ProviderError => {
  if (typeof kind === "object") return refusedAs(kind)
  switch (kind) {
    case "5xx":
      return new Unavailable({
        ...fault,
        message: "the twin failed to read (503)",
        status: 503,
        retryAt: null
      })
    case "429":
      return new RateLimited({
        ...fault,
        message: "the twin wants a pause",
        retryAt: at + 7_200_000,
        status: 429
      })
    case "401":
      return new Unauthorized({ ...fault, message: "the twin does not know you", status: 401 })
    case "403":
      return new Unauthorized({ ...fault, message: "the twin does not show it to you", status: 403 })
    case "refused":
      return new Rejected({ ...fault, message: "the twin refuses to show it", status: 400, body: "" })
    case "malformed":
      return new Malformed({ ...fault, message: "the twin shows HTML", where: "", detail: "" })
  }
}

const few = { low: 0, likely: 0, high: 0 }

/** Of a survey only the looking up of what is listed matters here. */
const nothingCounted: Survey = {
  costs: {
    once: 0,
    list: { request: { operation: "list", method: "GET", path: "/" }, requests: () => 0 },
    inside: [],
    fetched: []
  },
  listed: few,
  inside: few,
  missing: few,
  changed: few,
  listMillis: null,
  unsure: null
}

/** An account at a vendor with four states in its own words, kept in memory; faults are armed one by one. */
export const makeTwin = (options: TwinOptions) => {
  const held = new Map<string, Held>()
  const applied: Array<Applied> = []
  const queue: Array<{ readonly due: number; readonly apply: (at: number) => void }> = []
  const writeFaults: Array<WriteFault> = []
  const readFaults: Array<ReadFault> = []
  let requests = 0
  let seq = 0

  const settleQueue = (at: number): void => {
    for (const [index, queued] of [...queue.entries()].reverse()) {
      if (queued.due > at) continue
      queue.splice(index, 1)
      queued.apply(queued.due)
    }
  }

  const set = (conversation: Held, word: string | null, at: number, delay: number): void => {
    conversation.before = delay > 0 ? { word: conversation.word, until: at + delay } : null
    conversation.word = word
    conversation.updatedAt = Math.max(at, conversation.updatedAt + 1)
  }

  const stateOf = (conversation: Held, at: number, fresh: boolean): RemoteState => {
    const { before } = conversation
    const word = !fresh && before !== null && at < before.until ? before.word : conversation.word
    return {
      status: word === null ? "unknown" : (words[word] ?? "unknown"),
      providerStatus: word,
      updatedAt: options.versioned ? now(conversation.updatedAt) : null,
      title: conversation.title,
      tags: conversation.tags,
      ...(options.beganAt === undefined
        ? {}
        : { likeness: { startedAt: options.beganAt, phone: null, email: null } })
    }
  }

  const apply = (change: StatusChange, at: number): void => {
    const conversation = held.get(change.providerId)
    if (conversation === undefined) return
    const { title, tags } = change.requested
    seq += 1
    const word = wordFor(statusMap, change.requested) ?? null
    applied.push({ seq, providerId: change.providerId, changeId: change.id, word })
    if (word !== null) set(conversation, word, at, options.delay)
    if (title !== null) conversation.title = title
    conversation.tags = [...new Set([...conversation.tags, ...tags])]
  }

  const write = (change: StatusChange, at: number): Effect.Effect<RemoteState | null, ProviderError> => {
    const armed = writeFaults.shift()
    const lost = (message: string, status: number | null) =>
      new Unavailable({ ...fault, message, status, retryAt: null })
    const words = (status: number, body: string) =>
      new Rejected({ ...fault, message: `the twin refused (${status}): ${body}`, status, body })
    if (typeof armed === "object") return refusedAs(armed)
    switch (armed) {
      case "cut before":
        return lost("the connection was reset", null)
      case "cut after":
        apply(change, at)
        return lost("the connection was reset", null)
      case "5xx after":
        apply(change, at)
        return lost("the twin answered 502", 502)
      case "5xx lost":
        return lost("the twin answered 503", 503)
      case "malformed after":
        apply(change, at)
        return new Malformed({ ...fault, message: "the twin answered HTML", where: "", detail: "" })
      case "429":
        return new RateLimited({
          ...fault,
          message: "the twin wants a pause",
          retryAt: at + 7_200_000,
          status: 429
        })
      case "449 applied":
        queue.push({ due: at + queueMinutes * 60_000, apply: (due) => apply(change, due) })
        return new Queued({ ...fault, message: "the twin queued it", retryAt: at + 60_000 })
      case "449 lost":
        return new Queued({ ...fault, message: "the twin queued it", retryAt: at + 60_000 })
      case "400":
        return words(400, "state is not one of the allowed values")
      case "404":
        return words(404, "no such conversation")
      case "401":
      case "403":
        return new Unauthorized({ ...fault, message: `the twin refused (${armed})`, status: Number(armed) })
      case undefined: {
        const conversation = held.get(change.providerId)
        if (conversation === undefined) return words(404, "no such conversation")
        apply(change, at)
        return Effect.succeed(options.echo ? stateOf(conversation, at, true) : null)
      }
    }
  }

  const provider: Provider = {
    pull: () => Stream.die("the twin is pulled by hand"),
    fetch: () => Effect.die("the twin is pulled by hand"),
    interpret: () => {
      throw new Error("the twin keeps no payloads")
    },
    readStatus: ({ providerId }) =>
      Effect.flatMap(Clock.currentTimeMillis, (at): Effect.Effect<RemoteState | null, ProviderError> => {
        requests += 1
        settleQueue(at)
        const armed = readFaults.shift()
        if (armed !== undefined) return readError(armed, at)
        const conversation = held.get(providerId)
        return Effect.succeed(conversation === undefined ? null : stateOf(conversation, at, false))
      }),
    refuse: ({ category }) =>
      category === null ? null : { message: "the twin knows no categories", hint: "Leave the category out." },
    setStatus: (change) =>
      Effect.flatMap(Clock.currentTimeMillis, (at) => {
        requests += 1
        settleQueue(at)
        return Effect.map(write(change, at), (state) => ({ state }))
      }),
    check: () => Effect.succeed([]),
    survey: ({ known }) => Effect.as(known([...held.keys()]), nothingCounted),
    idsAreCounted: options.beganAt !== undefined,
    statusMap
  }

  return {
    provider,
    applied,
    writeFaults,
    readFaults,
    requests: () => requests,
    seq: () => seq,
    settleQueue,
    add: (providerId: string, word: string | null, at = 0) => {
      held.set(providerId, { word, updatedAt: at, title: null, tags: [], before: null })
    },
    /** Somebody at the vendor sets another status. Reads show it at once. */
    edit: (providerId: string, word: string, at: number) => {
      const conversation = held.get(providerId)
      if (conversation === undefined) return
      seq += 1
      set(conversation, word, at, 0)
    },
    /** Something else happens to the conversation: a message comes. */
    touch: (providerId: string, at: number) => {
      const conversation = held.get(providerId)
      if (conversation !== undefined) conversation.updatedAt = Math.max(at, conversation.updatedAt + 1)
    },
    remove: (providerId: string) => held.delete(providerId),
    /** What the vendor holds, and what a read at `at` shows. */
    word: (providerId: string) => held.get(providerId)?.word ?? null,
    shown: (providerId: string, at: number) => {
      const conversation = held.get(providerId)
      return conversation === undefined ? null : stateOf(conversation, at, false)
    }
  }
}

export type Twin = ReturnType<typeof makeTwin>
