import { Chunk, Clock, Effect, Stream } from "effect"
import type { ConnectionConfig } from "../../config/Config.ts"
import { type ProviderError, WrongAccount } from "../../domain/ProviderError.ts"
import { now, type Timestamp } from "../../domain/Timestamp.ts"
import type {
  AccountCheck,
  Item,
  Known,
  Likeness,
  Page,
  Provider,
  PullScope
} from "../../providers/Provider.ts"
import { Mirror } from "../../store/mirror/Mirror.ts"
import type { StoreError } from "../../store/StoreError.ts"
import { areAlike, knowsAnyOf, listsOthers } from "./evidence.ts"

/*
 * A connection is bound to its account at its first run. Every answer is checked against that before anything of it is
 * stored, in every lane: by the account's id where the vendor says it, and by the conversations that the mirror holds,
 * since an account that knows none of them but lists others is another one.
 */

/** Of the stored conversations, this many of the newest and as many at random are requested before a stop. */
const probedOfEach = 3

/** Conversations that are held back until the account is known; then stored ones are requested. */
const mostKeptBack = 25

const idOf = (item: Item): string | null =>
  item._tag === "Sighting"
    ? item.conversation.providerId
    : item._tag === "Unreadable"
      ? (item.unreadable.conversationId ?? item.unreadable.providerId)
      : item.providerId

const likenessOf = (item: Item): Likeness | null =>
  item._tag === "Sighting"
    ? {
        startedAt: item.conversation.startedAt,
        phone: item.contact?.phone ?? null,
        email: item.contact?.email ?? null
      }
    : null

/** What was seen then, or later. */
const seenSince =
  (since: Timestamp) =>
  (found: ReadonlyMap<string, Known>): ReadonlyMap<string, Known> =>
    new Map([...found].filter(([, { observedAt }]) => observedAt !== undefined && observedAt >= since))

interface AccountOptions {
  readonly runId: number
  /** A person accepts that the connection speaks for another account from now on. */
  readonly rebind: boolean
}

/** The check of one connection in one lane. */
interface AccountGuard {
  /** For the adapter: whose account an answer says it is. */
  readonly check: AccountCheck
  /** The same provider, of which nothing is handed on before it is known whose it is. */
  readonly guard: (provider: Provider) => Provider
}

/** A provider cannot fail with a fault of the mirror: the lane ends with it all the same (`run`). */
const orDie = <A>(effect: Effect.Effect<A, StoreError>): Effect.Effect<A> => Effect.orDie(effect)

export const guardAccount = Effect.fn("guardAccount")(function* (
  { definition, name }: ConnectionConfig,
  { rebind, runId }: AccountOptions
) {
  const mirror = yield* Mirror
  /** Before anything is requested: what is read from now on was read of the account that is bound in this run. */
  const boundAt = now(yield* Clock.currentTimeMillis)
  const oneAtATime = yield* Effect.makeSemaphore(1)
  let binding = yield* mirror.accountBinding(name)
  const rebinds = rebind && binding !== null
  const isRebound = binding?.reason === "rebind" && binding.runId === runId
  // Before a scan looks where it is to go on: a place in the former account's list is none in this one's.
  if (rebinds && !isRebound) yield* mirror.forgetListed(name)
  /** What was seen since then is of the account; null: all of it. */
  const since = binding?.reason === "rebind" ? binding.boundAt : null
  /** It is known to be the account, or there is nothing to know it by. */
  let isProven = rebind || !(yield* mirror.holdsAny(name, since))
  /** The id that answers of this run have named. */
  let named: string | null = null
  /** Asks whose it is, where no answer says so by itself: once, before it is first bound. */
  let identify: Effect.Effect<void, ProviderError> = Effect.void
  /** Nothing that is held exists, and nothing else was shown. */
  let isBare = false

  const { title } = definition
  const nothingDone = "nothing was stored, sent or deleted"
  const wrong = (message: string): WrongAccount => {
    const account = binding?.account ?? null
    return new WrongAccount({
      message,
      hint: `put the credential of ${account === null ? "the account that the mirror holds" : `account ${account}`} back (baseUrl, region and agents count, too), or accept the other one with \`parley sync --rebind ${name}\``
    })
  }

  /** Writes down whose the connection is, once that is known. */
  const bind = Effect.suspend(() => {
    const isDone = !rebinds || (binding?.reason === "rebind" && binding.runId === runId)
    const isBound = binding !== null && (binding.account !== null || named === null)
    if (!isProven || (isBound && isDone)) return Effect.void
    const reason = rebinds ? "rebind" : "first"
    const asked = named === null ? identify : Effect.void
    identify = Effect.void
    return Effect.gen(function* () {
      yield* asked
      const bound = yield* orDie(mirror.bindAccount(name, { account: named, reason, runId, boundAt }))
      binding = bound
      const isIt = named === null || bound.account === null || bound.account === named
      if (!isIt) return yield* Effect.fail(another(named ?? "", bound.account ?? ""))
    })
  })

  const another = (found: string, bound: string): WrongAccount =>
    wrong(
      `${title} says that what it shows is of account ${found}, but ${name} is bound to account ${bound}: ${nothingDone}`
    )

  const prove = Effect.suspend(() => {
    isProven = true
    return bind
  })

  const check: AccountCheck = (account, by) =>
    Effect.suspend(() => {
      const isExpected = (named ?? account) === account
      const bound = rebind ? null : (binding?.account ?? null)
      if (!isExpected || (bound !== null && bound !== account)) {
        return Effect.fail(another(account, bound ?? named ?? ""))
      }
      if (named === account && isProven) return Effect.void
      named = account
      if (by === "record" && bound === account) isProven = true
      return bind
    })

  /**
   * Asks for some of what is held by id, unless that is no longer needed. Any that exists shows that it is the account. Where
   * none does and others are shown, it is another account. False: none exists, and no others are shown either.
   * @param isShown other conversations were just shown; left out: the list is asked for them
   */
  const assure = (provider: Provider, isShown = false): Effect.Effect<boolean, ProviderError> =>
    Effect.gen(function* () {
      if (isProven) return true
      if (isBare && !isShown) return false
      const sample = yield* orDie(mirror.heldSample(name, since, probedOfEach))
      const isIt = sample.length === 0 || (yield* knowsAnyOf(provider, name, sample))
      // The reads themselves may have named the account.
      if (isIt || isProven) return yield* Effect.as(prove, true)
      const isOther =
        isShown || (yield* listsOthers(provider, sample, (ids) => orDie(mirror.heldOf(name, ids, since))))
      if (isProven) return yield* Effect.as(prove, true)
      if (!isOther) {
        isBare = true
        return false
      }
      if (named === null) yield* identify
      const bound = binding?.account ?? null
      const whose = bound === null || bound === named ? "" : ` of account ${bound}`
      const says = named === null ? "" : `, which it calls account ${named}`
      return yield* Effect.fail(
        wrong(
          `${title} shows this credential other conversations${says}, and none of the ${sample.length} conversations of ${name}${whose} that were requested: ${nothingDone}`
        )
      )
    }).pipe(oneAtATime.withPermits(1))

  /** Before a status is believed or sent: where no conversation exists, no change may end because its own does not. */
  const assureToWrite = (provider: Provider): Effect.Effect<void, ProviderError> =>
    Effect.filterOrFail(
      assure(provider),
      (isIt) => isIt,
      () =>
        wrong(
          `${title} has none of the conversations of ${name} that were requested, and shows no others: ${nothingDone}`
        )
    )

  const guardPull =
    (provider: Provider): Provider["pull"] =>
    <E>(scope: PullScope<E>): Stream.Stream<Page, ProviderError | E> => {
      const { idsAreCounted = false } = provider
      const keptBack: Array<Page> = []

      /** Another account counts its ids from the start, too: what is stored under one of them is of a stranger. */
      const knownOfIt: typeof scope.known = (ids, wanted) =>
        rebinds && idsAreCounted
          ? Effect.map(scope.known(ids, wanted), seenSince(boundAt))
          : scope.known(ids, wanted)

      /** Listed conversations are looked up before anything else is requested for them: that decides at once. */
      const known: PullScope<E | ProviderError>["known"] = (ids, wanted) =>
        Effect.tap(knownOfIt(ids, wanted), (found: ReadonlyMap<string, Known>) => {
          if (isProven || ids.length === 0) return Effect.void
          const isHeld = [...found.values()].some(
            ({ observedAt }) => since === null || (observedAt !== undefined && observedAt >= since)
          )
          if (!isHeld) return assure(provider, true)
          return idsAreCounted ? Effect.void : prove
        })

      const shows = (items: ReadonlyArray<Item>) =>
        Effect.gen(function* () {
          // Its fingerprint is the stored one.
          if (items.some((item) => item._tag === "Unchanged" && item.key !== undefined) && since === null)
            return true
          const ids = items.flatMap((item) => idOf(item) ?? [])
          if (ids.length === 0) return false
          const held = yield* orDie(mirror.heldOf(name, ids, since))
          return items.some((item) => {
            const stored = held.get(idOf(item) ?? "")
            if (stored === undefined) return false
            const likeness = likenessOf(item)
            return !idsAreCounted || (likeness !== null && areAlike(likeness, stored))
          })
        })

      const release = Effect.map(bind, () => Chunk.unsafeFromArray(keptBack.splice(0)))

      const admit = (pages: Chunk.Chunk<Page>): Effect.Effect<Chunk.Chunk<Page>, ProviderError> =>
        Effect.suspend(() => {
          if (isProven && keptBack.length === 0) return Effect.as(bind, pages)
          keptBack.push(...pages)
          return Effect.gen(function* () {
            if (!isProven && (yield* shows(Chunk.toReadonlyArray(pages).flatMap(({ items }) => items))))
              yield* prove
            const records = keptBack.reduce((sum, { items }) => sum + items.length, 0)
            if (!isProven && records >= mostKeptBack) yield* assure(provider, true)
            return isProven ? yield* release : Chunk.empty<Page>()
          })
        })

      /** An answer without any record proves nothing, and has nothing to be stored. */
      const rest = Stream.unwrap(
        Effect.gen(function* () {
          const isEmpty = keptBack.every(({ items }) => items.length === 0)
          if (!isEmpty) yield* assure(provider, true)
          return Stream.fromChunk(isEmpty ? Chunk.unsafeFromArray(keptBack.splice(0)) : yield* release)
        })
      )

      return provider.pull<E | ProviderError>({ ...scope, known }).pipe(
        Stream.mapChunksEffect(admit),
        Stream.catchAll((error) => Stream.concat(isProven ? rest : Stream.empty, Stream.fail(error))),
        Stream.concat(Stream.suspend(() => (keptBack.length === 0 ? Stream.empty : rest)))
      )
    }

  const guard = (provider: Provider): Provider => {
    const { idsAreCounted = false } = provider
    if (provider.identify !== undefined) {
      identify = Effect.catchAll(provider.identify, (error) =>
        error._tag === "WrongAccount" ? Effect.fail(error) : Effect.void
      )
    }
    return {
      ...provider,
      pull: guardPull(provider),
      fetch: (providerId, known, scope) =>
        Effect.tap(provider.fetch(providerId, known, scope), (page) =>
          Effect.gen(function* () {
            if (isProven) return yield* bind
            if (page === null || idsAreCounted) {
              const held = yield* orDie(mirror.heldOf(name, [providerId], since))
              const stored = held.get(providerId)
              const likeness = page?.items.map(likenessOf).find((one) => one !== null) ?? null
              const isIt = stored !== undefined && likeness !== null && areAlike(likeness, stored)
              if (!isIt) return yield* assure(provider, page !== null)
            }
            return yield* prove
          })
        ),
      readStatus: (change) =>
        Effect.flatMap(provider.readStatus(change), (state) =>
          Effect.gen(function* () {
            if (isProven) return yield* Effect.as(bind, state)
            if (state === null) {
              yield* assureToWrite(provider)
              // What proved the account may have been this very conversation: the change must not end by the answer before.
              return yield* provider.readStatus(change)
            }
            if (state.likeness !== undefined) {
              const stored = (yield* orDie(mirror.heldOf(name, [change.providerId], since))).get(
                change.providerId
              )
              if (stored === undefined || !areAlike(state.likeness, stored)) {
                return yield* Effect.as(assure(provider, true), state)
              }
            }
            return yield* Effect.as(prove, state)
          })
        ),
      setStatus: (change) => Effect.zipRight(assureToWrite(provider), provider.setStatus(change))
    }
  }

  const guarded: AccountGuard = { check, guard }
  return guarded
})
