import { Clock, Effect, Stream } from "effect"
import { atLeast, exactly, type Interval } from "../../domain/Interval.ts"
import type { ProviderError } from "../../domain/ProviderError.ts"
import type { StatusMap } from "../../domain/Status.ts"
import type { ProviderClient } from "../../http/client.ts"
import { isOutside } from "../kit/page.ts"
import type { AccountCheck, Known, PullScope, Survey, SurveyScope } from "../Provider.ts"
import { type Batch, batchesOf } from "./batches.ts"
import { facts } from "./facts.ts"
import { fingerprintOf, interpretPayload, isShort } from "./normalize.ts"
import { looksCut } from "./paging.ts"
import { getConversation, listConversations } from "./requests.ts"
import { accountOf, checkAccounts } from "./scan.ts"

/** The list is read as far as this, and then cut: it is one response, however large the account. */
const mostElements = 2_000
const mostBytes = 8 << 20

/** So many rows, none of them cut short, show that the vendor does not cut them. */
const telling = 100

interface Seen {
  rows: number
  bytes: number
  inside: number
  missing: number
  changed: number
  short: number
  end: Batch["end"]
}

const count = <E>(
  seen: Seen,
  batch: Batch,
  scope: PullScope<E>,
  map: StatusMap,
  account: AccountCheck
): Effect.Effect<void, ProviderError | E> =>
  Effect.gen(function* () {
    const shown = batch.elements.map((element) => {
      const fingerprint = fingerprintOf(element)
      return {
        fingerprint,
        sighting: interpretPayload(Buffer.from(element).toString("utf8"), map, fingerprint)
      }
    })
    const owners = shown.map(({ sighting }) =>
      accountOf("_tag" in sighting ? sighting : { _tag: "Unreadable", unreadable: sighting })
    )
    yield* checkAccounts(account, ...owners)
    const inside = shown.flatMap(({ fingerprint, sighting }) =>
      "_tag" in sighting && !isOutside(sighting.conversation.startedAt, scope)
        ? [{ fingerprint, sighting }]
        : []
    )
    const ids = inside.map(({ sighting }) => sighting.conversation.providerId)
    const known = ids.length === 0 ? new Map<string, Known>() : yield* scope.known(ids)
    const stored = (id: string) => known.get(id)
    const missing = inside.filter(
      ({ sighting }) => stored(sighting.conversation.providerId)?.deleted !== false
    )
    const changed = inside.filter(({ fingerprint, sighting }) => {
      const held = stored(sighting.conversation.providerId)
      return held?.deleted === false && (scope.refetch || held.fingerprint !== fingerprint)
    })
    seen.rows += batch.elements.length
    seen.bytes += batch.bytes
    seen.inside += inside.length
    seen.missing += missing.length
    seen.changed += changed.length
    seen.short += [...missing, ...changed].filter(({ sighting }) => isShort(sighting)).length
    seen.end = batch.end
  })

/** Of what is new or has changed, the share that the list cut short: details are requested only for these. */
const shortShare = ({ changed, missing, short }: Seen, isAll: boolean): Interval => {
  const wanted = changed + missing
  const share = wanted === 0 ? 0 : short / wanted
  if (isAll || (short === 0 && wanted >= telling)) return exactly(share)
  if (wanted === 0) return { low: 0, likely: 0, high: 1 }
  return {
    low: Math.max(0, share - 1 / Math.sqrt(wanted)),
    likely: share,
    high: Math.min(1, share + 1 / Math.sqrt(wanted))
  }
}

/** Reads the beginning of the one response that holds everything, and works out the rest from its length where it has one. */
export const survey = <E>(
  client: ProviderClient,
  map: StatusMap,
  scope: SurveyScope<E>,
  account: AccountCheck
): Effect.Effect<Survey, ProviderError | E> =>
  Effect.gen(function* () {
    const began = yield* Clock.currentTimeMillis
    const answer = yield* client.stream(listConversations())
    const { headers } = answer
    const seen: Seen = { rows: 0, bytes: 0, inside: 0, missing: 0, changed: 0, short: 0, end: null }
    yield* batchesOf(answer).pipe(
      Stream.mapEffect((batch) => count(seen, batch, scope, map, account)),
      Stream.takeUntil(() => seen.end !== null || seen.rows >= mostElements || seen.bytes >= mostBytes),
      Stream.runDrain
    )
    const took = Math.max(1, (yield* Clock.currentTimeMillis) - began)
    const isAll = seen.end !== null && (seen.end.total === null || seen.end.total <= seen.rows)
    const length = headers["content-encoding"] === undefined ? Number(headers["content-length"]) : Number.NaN
    const part = Number.isFinite(length) && length > 0 && seen.bytes > 0 ? seen.bytes / length : null
    const estimate = (seenSoFar: number, whole: number | null): Interval => {
      if (isAll) return exactly(seenSoFar)
      if (whole !== null) return { low: whole * 0.9, likely: whole, high: whole * 1.1 }
      return atLeast(seenSoFar)
    }
    const wholeOf = (value: number) => (part === null ? null : value / part)
    const total = seen.end?.total ?? null
    return {
      costs: {
        once: 0,
        list: { request: listConversations(), requests: pagesFor(seen, total) },
        inside: [],
        fetched: scope.messages
          ? [{ request: getConversation("any"), perConversation: shortShare(seen, isAll) }]
          : []
      },
      listed: total !== null ? exactly(total) : estimate(seen.rows, wholeOf(seen.rows)),
      inside:
        total !== null && seen.inside === seen.rows
          ? exactly(total)
          : estimate(seen.inside, wholeOf(seen.inside)),
      missing: estimate(seen.missing, wholeOf(seen.missing)),
      changed: estimate(seen.changed, wholeOf(seen.changed)),
      listMillis: estimate(took, wholeOf(took)),
      unsure:
        isAll || total !== null || part !== null
          ? null
          : "NaturaLead sends everything in one response and does not say how much that is"
    }
  })

/** Requests for a list: one, but where the first answer looks cut. */
const pagesFor =
  ({ end, rows }: Seen, total: number | null) =>
  (conversations: number): number => {
    if (end === null) return 1
    if (total !== null && total > rows) return 1 + Math.ceil(Math.max(0, conversations - rows) / 100)
    // One more with `skip`, and one for each status where the first is ignored.
    return total === null && looksCut(rows) ? 2 + facts.words["conversation.status"].is.length : 1
  }
