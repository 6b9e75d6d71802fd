import { Clock, Effect, Either, identity, Sink, Stream } from "effect"
import type { ProviderError } from "../../domain/ProviderError.ts"
import type { Exchange } from "../../http/client.ts"
import { datedBy, page, pages } from "../kit/page.ts"
import type { Item, Page, SoughtById, Stopping } from "../Provider.ts"
import { type Account, type Element, finish, isMissingById, type Loaded } from "./details.ts"
import { exportMany, judgeZone, mostSelected } from "./exports.ts"

/*
 * Conversations are collected until one export brings the messages of many, and become pages.
 */

/** Some conversations, pages that come after them, and a failure that comes last. */
interface Batch<E> {
  readonly loaded: ReadonlyArray<Loaded>
  readonly finished: ReadonlyArray<Page>
  readonly exports: number
  readonly failure: E | null
}

/** Finished pages that may wait for a batch to fill, so that an interruption loses little. */
const mostWaiting = 5

const isOpen = <E>({ exports, finished, failure }: Batch<E>): boolean =>
  exports < mostSelected && finished.length < mostWaiting && failure === null

const withElement = <E>(batch: Batch<E>, element: Either.Either<Element, E>): Batch<E> => {
  if (Either.isLeft(element)) return { ...batch, failure: element.left }
  const one = element.right
  return one._tag === "Finished"
    ? { ...batch, finished: [...batch.finished, one.page] }
    : {
        ...batch,
        loaded: [...batch.loaded, one],
        exports: batch.exports + (one.needsExport ? 1 : 0)
      }
}

const byAgent = (loaded: ReadonlyArray<Loaded>): ReadonlyMap<string, ReadonlyArray<Loaded>> => {
  const groups = new Map<string, Array<Loaded>>()
  for (const one of loaded) {
    const group = groups.get(one.wanted.agentId)
    if (group === undefined) groups.set(one.wanted.agentId, [one])
    else group.push(one)
  }
  return groups
}

const withFound = ({ soughtById = { found: 0, missing: [] } }: Page, found: number): SoughtById => ({
  found: soughtById.found + found,
  missing: soughtById.missing
})

/** An account whose scan may be stopped. */
interface Stoppable extends Account {
  readonly stopping: Stopping | undefined
}

/**
 * Everything of a batch, as pages: conversations by the answer that brought their messages, else their details. They are
 * dated by their details, which say the status.
 */
const batchPages = (
  account: Stoppable,
  { loaded, ...batch }: Batch<unknown>
): Effect.Effect<ReadonlyArray<Page>, ProviderError> =>
  Effect.gen(function* () {
    const { exporter, stopping } = account
    // What is stored without its messages has them exported by the next scan.
    const last = stopping?.now() === true ? loaded.map((one) => ({ ...one, needsExport: false })) : loaded
    const byExchange = new Map<Exchange, { readonly items: Array<Item>; readonly sources: Array<Exchange> }>()
    const missing: Array<Page> = []
    const put = (exchange: Exchange, source: Exchange, item: Item) => {
      const answer = byExchange.get(exchange) ?? { items: [], sources: [] }
      byExchange.set(exchange, answer)
      answer.items.push(item)
      answer.sources.push(source)
    }
    for (const [agentId, group] of byAgent(last)) {
      const wanted = group.filter((one) => one.needsExport)
      const exports = yield* exportMany(
        exporter,
        agentId,
        wanted.map((one) => ({ id: one.wanted.id, isGhost: one.detail === null }))
      )
      const now = yield* Clock.currentTimeMillis
      for (const one of group) {
        const { id } = one.wanted
        const found = one.needsExport ? (exports.found.get(id) ?? null) : null
        const fault = one.needsExport ? (exports.faults.get(id) ?? null) : null
        const sighting = finish(account, one, found, fault, now)
        if (isMissingById(one)) {
          const soughtById = { found: 0, missing: [one.wanted.providerId] }
          const exchange = datedBy(found?.exchange ?? one.exchange, [one.exchange])
          missing.push(page({ exchange, items: [{ ...sighting, fingerprint: null }], soughtById }))
        } else put(found?.exchange ?? one.exchange, one.exchange, sighting)
      }
    }
    const found = loaded.length - missing.length
    const made = [...byExchange].flatMap(([exchange, { items, sources }]) =>
      pages({ exchange: datedBy(exchange, sources), items })
    )
    const all = [...made, ...missing, ...batch.finished]
    judgeZone(exporter, account.reading.timeZone)
    const notices = exporter.notices.splice(0)
    const learned = exporter.learned
    exporter.learned = {}
    const { lack } = exporter
    return all.map((made, index) => {
      const one =
        made.end === null || lack === null
          ? made
          : { ...made, end: { ...made.end, reason: [made.end.reason ?? [], lack].flat().join("; ") } }
      return index === all.length - 1
        ? {
            ...one,
            ...(loaded.length === 0 ? {} : { isAwaited: true, soughtById: withFound(one, found) }),
            notices: [...one.notices, ...notices],
            learned: { ...one.learned, ...learned }
          }
        : one
    })
  })

/**
 * The pages of what is loaded, in its order as far as it matters: a finished page comes after every conversation that
 * was loaded before it. A failure comes after everything before it. Exports are billed: the next one is requested once
 * what the one before brought is stored. Meanwhile the details of what it is to bring are on their way.
 */
export const pagesOf = <E>(
  account: Stoppable,
  elements: Stream.Stream<Element, ProviderError | E>
): Stream.Stream<Page, ProviderError | E> => {
  type Failure = ProviderError | E
  const empty: Batch<Failure> = { loaded: [], finished: [], exports: 0, failure: null }
  const batches = elements.pipe(
    Stream.map((element): Either.Either<Element, Failure> => Either.right(element)),
    Stream.catchAll((error) => Stream.succeed<Either.Either<Element, Failure>>(Either.left(error))),
    Stream.transduce(Sink.fold(empty, isOpen, withElement<Failure>)),
    Stream.flatMap((batch) => {
      const made: Effect.Effect<ReadonlyArray<Page>, Failure> = batchPages(account, batch)
      return batch.failure === null ? Stream.make(made) : Stream.make(made, Effect.fail(batch.failure))
    })
  )
  return Stream.mapEffect(batches, identity).pipe(Stream.flattenIterables)
}
