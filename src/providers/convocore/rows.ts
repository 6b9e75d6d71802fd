import { Effect, Either } from "effect"
import type { ProviderError } from "../../domain/ProviderError.ts"
import type { Answer, Exchange } from "../../http/client.ts"
import { listAnswered } from "../kit/answer.ts"
import { digest } from "../kit/digest.ts"
import { isOutside, isStoredByScan, unreadable, unreadableItem } from "../kit/page.ts"
import type { Asking } from "../kit/parallel.ts"
import { type Written, writtenId } from "../kit/written.ts"
import type { Item, Known, PullScope, Unreadable } from "../Provider.ts"
import { idWithAgent, isWithAgent } from "./address.ts"
import type { Step } from "./agentList.ts"
import { type Account, type Element, load, type Wanted } from "./details.ts"
import { exportOne } from "./exports.ts"
import { title } from "./facts.ts"
import { marksIn, noMessagesMark, rawPayload, rowMark, type Shown } from "./normalize.ts"
import { decodeConversation, decodeList } from "./wire.ts"

/*
 * A row of a list: whose it is, whether it shows something new, and what is to be done for it.
 */

/** What a scan knows while it reads lists. */
export interface Lookout<E> extends Account {
  readonly scope: PullScope<E>
  /** Of each row that was dealt with, by agent and id, the mark it had. */
  readonly handled: Map<string, string>
  /** Which agent's conversation goes by which of the mirror's ids. */
  readonly owners: Map<string, string>
}

/** A listed row, whether it decodes or not. */
export interface Listed {
  readonly id: string | null
  readonly mark: string
  readonly key: string
  readonly shown: Either.Either<Omit<Shown, "raw">, Unreadable>
  readonly text: string
}

/** The vendor's id of a row, under either of its names. */
export const rowId = (row: Written): string | null => writtenId(row, "ID") ?? writtenId(row, "id")

export const readListed = (agentId: string, row: Written): Listed => {
  const { text } = row
  const id = rowId(row)
  const mark = Either.match(row.value, { onLeft: () => digest(text), onRight: rowMark })
  const shown = Either.flatMap(row.value, (value) =>
    Either.map(decodeConversation(value), ({ wire }) => ({ value, wire }))
  ).pipe(
    Either.mapLeft((fault) => {
      const providerId = id === null ? null : `${agentId}/${id}`
      return unreadable({ kind: "conversation", providerId, conversationId: id, payload: text }, fault)
    })
  )
  return { id, mark, key: `${agentId}/${id ?? mark}`, shown, text }
}

/** Whose conversation a row is, in the mirror's words. */
export interface Identity {
  /** Null: other agents' conversations have every id that it could go by. */
  readonly providerId: string | null
  readonly known: Known | null
}

/**
 * The id that the mirror holds it by: the vendor's, unless another agent's conversation has it already, or unless it ends
 * like those that were distinguished by their agent.
 */
export const identify = (
  { owners }: Pick<Lookout<unknown>, "owners">,
  agentId: string,
  id: string,
  known: ReadonlyMap<string, Known>
): Identity => {
  const longer = idWithAgent(id, agentId)
  const owner = (candidate: string) => owners.get(candidate) ?? known.get(candidate)?.agentId ?? null
  const candidates = owner(longer) === agentId || isWithAgent(id, agentId) ? [longer] : [id, longer]
  const providerId = candidates.find((candidate) => (owner(candidate) ?? agentId) === agentId) ?? null
  if (providerId === null) return { providerId, known: null }
  owners.set(providerId, agentId)
  return { providerId, known: known.get(providerId) ?? null }
}

/** Whether the mirror holds it as it is listed. */
export const isCurrent = (known: Known | null, mark: string): boolean =>
  known?.fingerprint !== null &&
  known?.fingerprint !== undefined &&
  !known.deleted &&
  marksIn(known.fingerprint).row === mark

/**
 * Whether a conversation that looks as it is stored lacks messages that can be had now. Where nothing is known of the
 * permission to export, one export is tried before many details are requested in vain.
 */
const lacksMessages = <E>(scan: Lookout<E>, agentId: string, id: string, known: Known | null) =>
  Effect.gen(function* () {
    const { exporter, scope } = scan
    if (!scope.messages || marksIn(known?.fingerprint ?? "").messages !== noMessagesMark) return false
    if (exporter.permission === "unknown") {
      yield* exportOne(exporter, agentId, id).pipe(Effect.catchTag("Malformed", () => Effect.void))
    }
    return exporter.permission !== "refused"
  })

export type Outcome = { readonly item: Item } | { readonly task: Asking<Element, ProviderError> } | null

/** What is to be done for a row. @param again it was requested once more, to see whether it is still the same */
export const dealWith = <E>(
  scan: Lookout<E>,
  agentId: string,
  { id, mark, key, shown, text }: Listed,
  { providerId, known }: Identity,
  again: boolean,
  step: Step,
  exchange: Exchange
): Effect.Effect<Outcome, ProviderError> =>
  Effect.gen(function* () {
    const { scope } = scan
    if (providerId === null) {
      const record = { kind: "conversation", providerId: key, conversationId: null, payload: text }
      return {
        item: unreadableItem(record, { path: "$.ID", reason: "another agent's conversation has this id" })
      }
    }
    if (scan.handled.get(key) === mark) {
      return again || id === null
        ? null
        : { item: { _tag: "Unchanged", providerId, recordId: key, key: known?.key } as const }
    }
    scan.handled.set(key, mark)
    if (Either.isLeft(shown)) return { item: { _tag: "Unreadable", unreadable: shown.left } as const }
    if (id === null) return null
    const { value, wire } = shown.right
    if (isOutside(wire.firstMessageTS ?? wire.ts, scope)) {
      return { item: { _tag: "Filtered", providerId } as const }
    }
    // A resumed scan's further looks meet what its first part has fetched. What was stored since without this row, as by
    // `verify`, is read again, and then whole.
    const isStored = isStoredByScan(scope, known)
    const isSame = isCurrent(known, mark)
    const isFetched = isSame && (isStored || (scope.cursor !== null && step.isFurther))
    const refetch = scope.refetch && !isFetched
    // A row may lack `state` and `lastModified`: a change of these alone shows in the details only.
    if (
      !refetch &&
      (!scope.reconcile || isStored) &&
      isSame &&
      !(yield* lacksMessages(scan, agentId, id, known))
    ) {
      return { item: { _tag: "Unchanged", providerId, recordId: key, key: known?.key } as const }
    }
    const raw = rawPayload("conversation", agentId, id, providerId, text)
    const row: Shown = { raw, value, wire }
    const wanted: Wanted = { agentId, id, providerId, row, known, refetch, messages: scope.messages }
    return { task: load(scan, wanted, exchange) }
  })

/** A page of the list, with its rows as they were written. */
export const readList = (answer: Answer) =>
  Effect.map(
    listAnswered(title, answer, "data", decodeList),
    ({ around: { hasMore, limit, nextCursor }, elements }) => ({ rows: elements, hasMore, nextCursor, limit })
  )
