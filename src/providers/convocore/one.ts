import { Clock, Effect, Either } from "effect"
import type { ProviderError } from "../../domain/ProviderError.ts"
import type { StatusMap } from "../../domain/Status.ts"
import type { StatusChange } from "../../domain/StatusChange.ts"
import type { Answer } from "../../http/client.ts"
import { clockOf, isGone, isMissing, malformed, notWritable, unlessFailed } from "../kit/answer.ts"
import { parseJson } from "../kit/decode.ts"
import { datedBy, page } from "../kit/page.ts"
import { wordFor } from "../kit/statusMap.ts"
import type { FetchScope, Known, PullScope, WriteOutcome } from "../Provider.ts"
import { type Address, addressOf, idWithAgent } from "./address.ts"
import { agentsOf, type Source } from "./agents.ts"
import {
  type Account,
  dataIn,
  finish,
  type Loaded,
  shownIn,
  unreadableDetail,
  type Wanted,
  zoneShown
} from "./details.ts"
import { exportOne, judgeZone, newExporter } from "./exports.ts"
import { title } from "./facts.ts"
import { statusMap, toRemoteState } from "./normalize.ts"
import { type ConversationChange, getConversation, updateConversation } from "./requests.ts"
import { identify } from "./rows.ts"
import { decodeOne, decodeState } from "./wire.ts"

/*
 * One conversation: read whole, or its status alone, or changed.
 */

/**
 * The detail's answer, and whose it is; null: no agent has the conversation. `agentId` null: all are asked.
 */
const locate = (
  source: Source,
  providerId: string,
  agentId: string | null
): Effect.Effect<{ readonly address: Address; readonly answer: Answer } | null, ProviderError> =>
  Effect.gen(function* () {
    const { ids, isCut, nameless } =
      agentId === null ? yield* agentsOf(source) : { ids: [agentId], isCut: false, nameless: 0 }
    for (const id of ids) {
      const address = addressOf(providerId, id)
      const answer = yield* source.client.read(getConversation(address.agentId, address.id))
      if (!(yield* isGone(title, answer)))
        return yield* Effect.as(unlessFailed(title, answer), { address, answer })
    }
    if (isCut || nameless > 0) {
      return yield* malformed(title, "list agents", "an agent that may have the conversation cannot be read")
    }
    return null
  })

/** One conversation as `scan` would give it; null: it does not exist. */
export const fetchOne = (source: Source, providerId: string, known: Known | null, { messages }: FetchScope) =>
  Effect.gen(function* () {
    const located = yield* locate(source, providerId, known?.agentId ?? null)
    if (located === null) return null
    const { address, answer } = located
    const { exchange, text } = answer
    const shown = shownIn(address, answer)
    if (Either.isLeft(shown)) return page({ exchange, items: [unreadableDetail(address, text, shown.left)] })
    const exporter = newExporter(source.client, false)
    const account: Account = { ...source, exporter }
    const wanted: Wanted = { ...address, row: null, known, refetch: true, messages }
    const { wire } = shown.right
    const loaded: Loaded = {
      _tag: "Loaded",
      wanted,
      detail: shown.right,
      wire,
      exchange,
      needsExport: messages && wire.messagesNum !== 0
    }
    const { found, fault } = yield* loaded.needsExport
      ? exportOne(exporter, address.agentId, address.id).pipe(
          Effect.map((one) => ({ found: one, fault: null })),
          Effect.catchTag("Malformed", (error) => Effect.succeed({ found: null, fault: error }))
        )
      : Effect.succeed({ found: null, fault: null })
    const now = yield* Clock.currentTimeMillis
    return page({
      exchange: datedBy(found?.exchange ?? exchange, [exchange]),
      items: [finish(account, loaded, found, fault, now)],
      notices: exporter.notices
    })
  })

/**
 * One conversation that a webhook named, by the one request for its details. Exports are billed, and a conversation in
 * which people talk is named again and again: its messages come with the next scan, which exports many at once.
 */
export const fetchHinted = <E>(
  source: Source,
  { agentId, id }: { readonly agentId: string | null; readonly id: string },
  scope: Pick<PullScope<E>, "known" | "messages">
) =>
  Effect.gen(function* () {
    const ids = agentId === null ? [id] : [id, idWithAgent(id, agentId)]
    const held = yield* scope.known(ids)
    const agent = agentId ?? held.get(id)?.agentId ?? null
    if (source.agents !== null && (agent === null || !source.agents.includes(agent))) return []
    const named = agent === null ? null : identify({ owners: new Map() }, agent, id, held)
    if (named !== null && named.providerId === null) return []
    const located = yield* locate(source, named?.providerId ?? id, agent)
    if (located === null) return []
    const { address, answer } = located
    const shown = shownIn(address, answer)
    const { exchange, text } = answer
    if (Either.isLeft(shown))
      return [page({ exchange, items: [unreadableDetail(address, text, shown.left)] })]
    const wanted: Wanted = {
      ...address,
      row: null,
      known: named?.known ?? null,
      refetch: true,
      messages: scope.messages
    }
    const { wire } = shown.right
    const loaded: Loaded = { _tag: "Loaded", wanted, detail: shown.right, wire, exchange, needsExport: false }
    const account: Account = { ...source, exporter: newExporter(source.client, false) }
    const now = yield* Clock.currentTimeMillis
    return [page({ exchange, items: [finish(account, loaded, null, null, now)] })]
  })

/** Exports one conversation; the zone that its times fit, where that is not the one that is set. */
export const zoneOf = ({ client, reading }: Source, agentId: string, id: string) =>
  Effect.gen(function* () {
    const answer = yield* client.read(getConversation(agentId, id))
    const shown = isMissing(answer)
      ? null
      : Either.getOrNull(shownIn({ agentId, id, providerId: id }, answer))
    if (shown === null || shown.wire.messagesNum === 0) return null
    const exporter = newExporter(client, false)
    const found = yield* exportOne(exporter, agentId, id)
    const exported = found === null ? null : Either.getOrNull(found.record.value)
    if (exported === null) return null
    exporter.zone = [...zoneShown(shown.wire, exported)]
    return judgeZone(exporter, reading.timeZone, 1)
  })

/** What the vendor holds now; null: it does not exist. */
export const readStatus = (source: Source, change: StatusChange) =>
  Effect.gen(function* () {
    const located = yield* locate(source, change.providerId, change.agentId)
    if (located === null) return null
    const { address, answer } = located
    const state = dataIn(address.id, answer, decodeState)
    if (Either.isRight(state)) {
      return { ...toRemoteState(state.right.wire, source.reading.map), ...clockOf(answer) }
    }
    const { reason, path } = state.left
    return yield* malformed(title, answer.exchange.operation, `${reason} at ${path}`)
  })

/** The vendor's own word for an end, which every list of its words has, where it does not take the one of its example. */
const publishedEnd = "ended_chat"

/** What was learned by writing, for as long as the connection is open. */
export interface WriteLessons {
  /** `completed` was refused, and `ended_chat` taken. */
  completedIsRefused: boolean
}

/** Whether another word of the same meaning would do. */
const isReplaceable = ({ providerStatus }: StatusChange["requested"], word: string | undefined): boolean =>
  providerStatus === undefined && word === statusMap.write.completed

/** Only what changes; null: the status cannot be requested. */
const changeOf = (
  { requested }: StatusChange,
  map: StatusMap,
  lessons: WriteLessons
): ConversationChange | null => {
  const word = wordFor(map, requested)
  if (requested.status !== null && word === undefined) return null
  const isReplaced = lessons.completedIsRefused && isReplaceable(requested, word)
  return {
    ...(word === undefined ? {} : { state: isReplaced ? publishedEnd : word }),
    ...(requested.title === null ? {} : { title: requested.title }),
    ...(requested.tags.length === 0 ? {} : { tags: requested.tags })
  }
}

/** The echo, where it says what was asked about. One of another conversation leaves it unknown what was changed. */
const outcomeOf = (
  address: Address,
  sent: ConversationChange,
  map: StatusMap,
  answer: Answer
): Effect.Effect<WriteOutcome, ProviderError> => {
  const echo = Either.flatMap(Either.flatMap(parseJson(answer.text), decodeOne), ({ data }) =>
    decodeState(data)
  )
  if (Either.isRight(echo) && echo.right.id !== address.id) {
    return malformed(title, answer.exchange.operation, "it names another conversation")
  }
  const speaks = Either.isRight(echo) && (sent.state === undefined || echo.right.wire.state !== null)
  return Effect.succeed({ state: speaks ? toRemoteState(echo.right.wire, map) : null })
}

/**
 * Sends one change. `completed` stands in the vendor's example and in none of its lists of words: where it is refused
 * as invalid, which means that nothing was changed, the same is sent once more with the listed `ended_chat`.
 */
export const setStatus = (source: Source, lessons: WriteLessons, change: StatusChange) =>
  Effect.gen(function* () {
    const { client, reading } = source
    if (change.agentId === null) return yield* notWritable(title, "a change without knowing the agent")
    const address = addressOf(change.providerId, change.agentId)
    const wanted = changeOf(change, reading.map, lessons)
    if (wanted === null) return yield* notWritable(title, `the status "${change.requested.status}"`)
    const send = (what: ConversationChange) =>
      Effect.flatMap(client.write(updateConversation(address.agentId, address.id, what)), (answer) =>
        Effect.zipRight(unlessFailed(title, answer), outcomeOf(address, what, reading.map, answer))
      )
    if (!isReplaceable(change.requested, wanted.state)) return yield* send(wanted)
    return yield* send(wanted).pipe(
      Effect.catchTag("Rejected", (error) =>
        error.status === 400 || error.status === 422
          ? Effect.tap(send({ ...wanted, state: publishedEnd }), () => {
              lessons.completedIsRefused = true
            })
          : Effect.fail(error)
      )
    )
  })
