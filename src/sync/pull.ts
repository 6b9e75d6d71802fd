import { Clock, Effect, Fiber, Stream } from "effect"
import type { ConnectionConfig } from "../config/Config.ts"
import { missingDetailKind } from "../domain/Conversation.ts"
import type { ProviderError } from "../domain/ProviderError.ts"
import { gapsIn, type TimeRange } from "../domain/TimeRange.ts"
import { now, type Timestamp, toMillis } from "../domain/Timestamp.ts"
import type { Item, Known, Notice, Page, PullScope } from "../providers/Provider.ts"
import type { ConnectionFault } from "../store/ledger/Ledger.ts"
import { Mirror, SeenSet } from "../store/mirror/Mirror.ts"
import type { StoreError } from "../store/StoreError.ts"
import { inBatches } from "./batches.ts"
import { type OpenConnection, subjectOf } from "./connection.ts"
import { listBrake } from "./deleteBrake.ts"
import { mergedInto } from "./merges.ts"
import { MissingById, unlistedShortfall } from "./missingById.ts"
import { tellOtherPrivacy } from "./privacy/stricter.ts"
import { Progress, tellingCommit } from "./progress.ts"
import { lookedUpOf, refetch } from "./refetch.ts"
import { waitAtMost } from "./stopSignal.ts"

/*
 * The inward flow: a provider's pages, committed as they come, and what follows once everything was enumerated.
 */

export interface PullOptions {
  readonly runId: number
  /** Only conversations that began within these, the earliest first; at least one. */
  readonly ranges: readonly [TimeRange, ...ReadonlyArray<TimeRange>]
  /** Fetch every conversation's details again, changed or not. */
  readonly full: boolean
  /** What comes counts, whatever the vendor's own times say: see `CommitInput`. Left out: as `full`. */
  readonly overwrites?: boolean
  /** What was learned about the account elsewhere (`Page.learned`); what the mirror knows comes first. Left out: nothing. */
  readonly learned?: PullScope["learned"]
}

/** Why a pull that did not fail is still not complete. */
export type Shortfall = ConnectionFault

/** Milliseconds after which received pages are committed even if they are few. */
const commitEvery = 500

/** Details a provider may ask for at once; the governor decides how many really leave. */
const defaultConcurrency = 32

/** Missing conversations that are requested by id at once. */
const confirmationConcurrency = 8

/**
 * A scan that began longer ago than this, in milliseconds, is history once finished: the present needs another. A
 * backfill is about history.
 */
const staleScan = 2 * 60_000

/** Milliseconds that a scan has for storing what was answered, once it is stopped. */
const windingMillis = 3_000

/** In place of a cursor: a scan has begun, and goes on from its start, where what it has stored is not requested again. */
const fromTheStart = ""

/** What a connection has learned about itself: when a complete scan last looked behind the list. */
const reconciledFact = "reconciled"

const withReconciled = (page: Page): Page =>
  page.end?.complete === true && page.end.reason === null
    ? { ...page, learned: { ...page.learned, [reconciledFact]: "complete" } }
    : page

export type PullAsks = Pick<PullOptions, "ranges" | "full">

/** The scope as text: an interrupted scan resumes only for the same scope. */
export const scopeTextOf = ({ full, ranges }: PullAsks): string => JSON.stringify({ ranges, full })

/** From the beginning of the first range to the end of the last one. */
export const windowOf = (ranges: PullAsks["ranges"]): TimeRange => ({
  since: ranges[0].since,
  until: ranges.at(-1)?.until ?? null
})

/** Whether the scope is everything. */
const isEverything = (ranges: PullAsks["ranges"]): boolean => {
  const { since, until } = windowOf(ranges)
  return since === null && until === null && ranges.length === 1
}

/** The scope of a pull, without what only the mirror knows. @param at when the scan began, epoch milliseconds */
export const scopeOf = (
  config: ConnectionConfig,
  { full, ranges }: PullAsks,
  learned: PullScope["learned"],
  at: number
): Omit<PullScope, "cursor" | "known"> => {
  const window = windowOf(ranges)
  const reconciled = learned.get(reconciledFact)
  return {
    ...window,
    covered: gapsIn(window, ranges),
    refetch: full,
    reconcile:
      isEverything(ranges) &&
      (reconciled === undefined || at - toMillis(reconciled.at) >= config.reconcileMillis),
    messages: config.messages === "auto",
    concurrency: config.concurrency ?? defaultConcurrency,
    learned
  }
}

/** Records committed at once, about: each commit writes the ends of all tables and many pages of their indices again. */
const recordsAtOnce = 750

/** Conversations committed at once, at most; fewer of those that were requested by their id: a death would cost that again. */
const mostConversations = 50
const mostSought = 25

/** Of what is only looked up. */
const mostLooks = 2_500

const recordsIn = (item: Item): number => {
  if (item._tag === "Sighting") return 1 + (item.messages?.items.length ?? 0)
  return item._tag === "Unreadable" ? 1 : recordsAtOnce / mostLooks
}

/** In records; a conversation that was shown counts as at least so many that a commit has no more of them than it may. */
const weightOf = (page: Page): number => {
  let records = 1
  let conversations = 0
  for (const item of page.items) {
    records += recordsIn(item)
    if (item._tag === "Sighting") conversations += 1
  }
  const most = page.soughtById === undefined ? mostConversations : mostSought
  return Math.max(records, (conversations * recordsAtOnce) / most)
}

/**
 * Pulls one connection into the mirror. Pages commit in transactions of about `recordsAtOnce`, each with its raw
 * payloads, quarantined records, cursor and ledger rows; a failure or interruption keeps what was committed, and the
 * next pull of the same scope goes on from there. Null: everything in scope was enumerated and stored.
 */
export const pull = Effect.fn("pull")(function* (connection: OpenConnection, options: PullOptions) {
  const began = yield* Clock.currentTimeMillis
  yield* tellOtherPrivacy(connection)
  const first = yield* resumable(connection, options)
  const isStale = connection.lane !== "backfill" && began - first.startedAt >= staleScan
  if (first.shortfall !== null || !isStale) return first.shortfall
  return (yield* scan(connection, options, now(began))).shortfall
})

/** Whether an answer may mean that the place where a scan was to go on is not known any more. */
const mayBeExpired = (error: ProviderError | StoreError): boolean => {
  switch (error._tag) {
    case "Rejected":
    case "Malformed":
      return true
    case "Unavailable":
      return error.status !== null
    default:
      return false
  }
}

/**
 * Goes on with a scan that was interrupted. Providers forget cursors: where one brings no page at all, the scan begins
 * again, at once or, if the provider seems to be in trouble, with the next run.
 */
const resumable = Effect.fn("pull.resumable")(function* (connection: OpenConnection, options: PullOptions) {
  const mirror = yield* Mirror
  const { config, lane } = connection
  const before = yield* mirror.unfinishedScan(config.name, lane)
  return yield* scan(connection, options).pipe(
    Effect.catchAll((error) =>
      Effect.gen(function* () {
        const after = yield* mirror.unfinishedScan(config.name, lane)
        if (before === null || after === null || !mayBeExpired(error)) return yield* Effect.fail(error)
        if (after.startedAt !== before.startedAt || after.cursor !== before.cursor) {
          return yield* Effect.fail(error)
        }
        yield* mirror.dropScan(config.name, lane)
        return error._tag === "Unavailable" ? yield* Effect.fail(error) : yield* scan(connection, options)
      })
    )
  )
})

/**
 * One enumeration of everything in scope, or the rest of one that was interrupted.
 * @param since what was stored since then counts as read by this enumeration; left out: since it began
 */
const scan = Effect.fn("pull.scan")(function* (
  connection: OpenConnection,
  options: PullOptions,
  since?: Timestamp
) {
  const mirror = yield* Mirror
  const progress = yield* Progress
  const { config, lane, provider } = connection
  const { name } = config
  const isWhole = isEverything(options.ranges)

  yield* mirror.expectPages(name)
  const scopeText = scopeTextOf(options)
  const began = yield* Clock.currentTimeMillis
  const unfinished = yield* mirror.unfinishedScan(name, lane)
  const resumed = unfinished !== null && unfinished.scope === scopeText ? unfinished : null
  const startedAt = resumed?.startedAt ?? since ?? now(began)
  const isHistory = began - toMillis(startedAt) >= staleScan
  const seen = new SeenSet()
  const reported = new Set<string>()
  let received = 0
  const ends: Array<NonNullable<Page["end"]>> = []

  const own = yield* mirror.learned(name)
  const learned = new Map([...(options.learned ?? []), ...own])
  const missing = new MissingById(learned, isWhole && resumed === null)
  const latch = yield* Effect.makeLatch(false)
  let isStopping = false
  const scope: PullScope<StoreError> = {
    ...scopeOf(config, options, learned, toMillis(startedAt)),
    cursor: resumed === null || resumed.cursor === fromTheStart ? null : resumed.cursor,
    stopping: { now: () => isStopping, requested: latch.await },
    ...(resumed === null && since === undefined ? {} : { startedAt }),
    known: (ids, wanted) => mirror.known(name, ids, wanted)
  }

  // A list that was read whole before will be about as long; one that goes on in its middle, or a window, will not be.
  const foretells = isWhole && resumed === null
  if (foretells && own.has(reconciledFact)) {
    yield* progress.expected(name, yield* mirror.countConversations(name, startedAt))
  }

  /** Those that were missing by their id before, or are held as deleted, are marked. */
  const withMissing = Effect.fn("pull.withMissing")(function* (pages: ReadonlyArray<Page>) {
    const ids = pages.flatMap((page) => page.soughtById?.missing ?? [])
    const held = ids.length === 0 ? new Map<string, Known>() : yield* mirror.known(name, ids)
    return pages.map((page) => missing.take(page, (id) => held.get(id)?.deleted === true))
  })

  const commit = Effect.fn("pull.commit")(function* (given: ReadonlyArray<Page>) {
    const pages = yield* withMissing(given)
    yield* tellingCommit(
      name,
      mirror.commit({
        runId: options.runId,
        connection: name,
        lane,
        // What an earlier run looked behind long ago is to be looked behind again.
        pages: scope.reconcile && !isHistory ? pages.map(withReconciled) : pages,
        scan: { scope: scopeText, startedAt },
        keepRaw: config.keepRaw,
        seen,
        overwrites: options.overwrites ?? options.full
      })
    )
    for (const page of pages) {
      received += page.items.length
      if (foretells && typeof page.total === "number") yield* progress.expected(name, page.total)
      if (page.end !== null) ends.push(page.end)
      for (const notice of page.notices) yield* notify(notice)
    }
  })

  const notify = (notice: Notice) =>
    reported.has(notice.code)
      ? Effect.void
      : Effect.suspend(() => {
          reported.add(notice.code)
          return progress.notice(name, notice.message, notice.hint)
        })

  const drained = inBatches(
    provider.pull(scope),
    {
      weigh: weightOf,
      weight: recordsAtOnce,
      withinMillis: commitEvery,
      isAwaited: (page) => page.isAwaited ?? page.cursor !== null,
      atOnce: mirror.commitsAtOnce
    },
    commit
  ).pipe(Stream.runDrain)
  const keepAnswered = (fiber: Fiber.RuntimeFiber<void, ProviderError | StoreError>) =>
    Effect.gen(function* () {
      isStopping = true
      yield* latch.open
      yield* waitAtMost(Fiber.await(fiber), windingMillis)
      yield* Fiber.interrupt(fiber)
      if (received > 0) {
        const begun = { scope: scopeText, startedAt, cursor: fromTheStart }
        yield* Effect.ignore(mirror.beginScan(name, lane, begun))
      }
    })
  // Whoever is interrupted stores what has been answered. A child would be interrupted at once with its parent.
  yield* Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(Effect.forkDaemon(restore(drained)), (fiber) =>
      Effect.onInterrupt(restore(Fiber.join(fiber)), () => keepAnswered(fiber))
    )
  )

  const finished = { startedAt: toMillis(startedAt) }
  const end = ends.at(-1)
  if (!end?.complete) return { ...finished, shortfall: incomplete(end?.reason ?? null) }
  const lack = end.reason === null ? missing.shortfall : unhad(end.reason)
  // What is of an account that a person has left may all go at once; each is still asked for by its id.
  const mayAllGo = received > 0 && (yield* mirror.isNewlyAccepted(name))
  const brake = (missing: number, held: number) => (mayAllGo ? null : listBrake(config, missing, held))
  const { held, missing: unlisted } = yield* mirror.finishScan({
    connection: name,
    lane,
    startedAt,
    seen: isWhole ? seen : null,
    ...(lack === null ? { covers: { subject: subjectOf(config), ranges: options.ranges } } : {}),
    isPlausible: (count, of) => brake(count, of) === null
  })
  if (isWhole && resumed === null && missing.isAnyBefore) yield* settleMissing(name, missing.ids)
  const stopped = brake(unlisted.length, held)
  const left = stopped === null ? yield* confirmMissing(connection, options, unlisted) : 0
  const cut = unlistedShortfall(left, held)
  if (cut !== null && lack === null) {
    const subject = subjectOf(config)
    yield* Effect.forEach(options.ranges, (range) => mirror.uncover(name, subject, range), { discard: true })
  }
  if (lack === null && missing.ids.size > 0) {
    yield* progress.notice(
      name,
      `${missing.ids.size} of the listed conversations did not exist any more when requested by id`,
      "deleted in between, most likely; what the list showed of them is stored until the next run"
    )
  }
  return { ...finished, shortfall: stopped ?? lack ?? cut }
})

/** Closes what was said of conversations that were missing by their id, and now exist or are not listed. */
const settleMissing = Effect.fn("pull.settleMissing")(function* (
  connection: string,
  missing: ReadonlySet<string>
) {
  const mirror = yield* Mirror
  const limit = Number.MAX_SAFE_INTEGER
  const open = yield* mirror.quarantined({ connection, includeResolved: false, limit })
  const settled = open.filter(
    ({ kind, provider_id }) => kind === missingDetailKind && !missing.has(provider_id ?? "")
  )
  if (settled.length > 0) yield* mirror.resolveQuarantined(settled.map(({ id }) => id))
})

const incomplete = (reason: string | null): Shortfall => ({
  kind: "incomplete",
  message: reason ?? "the provider's list ended before it was whole",
  hint: "what was received is stored; the next run lists everything again"
})

const unhad = (reason: string): Shortfall => ({
  kind: "incomplete",
  message: reason,
  hint: "all else is stored; the next run requests what is missing"
})

/**
 * Asks for each conversation that a complete scan no longer listed by its id. Only those that the provider says do not
 * exist are marked deleted; those that it still shows are stored again. Returns how many of these the list was to show.
 */
const confirmMissing = Effect.fn("pull.confirmMissing")(function* (
  connection: OpenConnection,
  options: PullOptions,
  missing: ReadonlyArray<string>
) {
  const mirror = yield* Mirror
  const progress = yield* Progress
  const { config, lane, provider } = connection
  const { runId } = options
  let gone = 0
  let merged = 0
  let unlisted = 0
  let leftOut = 0
  const confirm = Effect.fn("pull.confirm")(function* (providerId: string) {
    const askedAt = now(yield* Clock.currentTimeMillis)
    const known =
      (yield* mirror.known(config.name, [providerId], { newestMessageIds: true })).get(providerId) ?? null
    const page = yield* refetch(
      connection,
      providerId,
      known === null ? null : { ...known, fingerprint: null }
    )
    const into =
      page === null ? yield* mergedInto(provider, mirror.mergeCandidates(config.name, providerId)) : null
    if (into !== null) {
      yield* mirror.merged({ connection: config.name, providerId, into, askedAt })
      merged += 1
      return
    }
    if (page === null) {
      yield* mirror.tombstone({ connection: config.name, providerIds: [providerId], askedAt, runId })
      gone += 1
      return
    }
    unlisted += 1
    if (known === null || (provider.isListed?.(known) ?? true)) leftOut += 1
    yield* tellingCommit(
      config.name,
      mirror.commit({
        runId,
        connection: config.name,
        lane,
        pages: [page],
        scan: null,
        keepRaw: config.keepRaw,
        seen: null,
        lookedUp: lookedUpOf(known)
      })
    )
  })
  yield* Effect.forEach(missing, confirm, { concurrency: confirmationConcurrency, discard: true })
  if (gone > 0) {
    yield* progress.notice(
      config.name,
      `${gone} ${gone === 1 ? "conversation is" : "conversations are"} deleted at the provider`,
      "what was stored of them stays; SELECT * FROM conversations WHERE deleted_at IS NOT NULL shows them"
    )
  }
  if (merged > 0) {
    yield* progress.notice(
      config.name,
      `${merged} ${merged === 1 ? "conversation was" : "conversations were"} merged into others at the provider`,
      "what was stored of them stays; SELECT id, merged_into FROM conversations WHERE merged_into IS NOT NULL shows them"
    )
  }
  if (unlisted > 0) {
    yield* progress.notice(
      config.name,
      `${unlisted} ${unlisted === 1 ? "conversation is" : "conversations are"} missing from the provider's list, though it shows ${unlisted === 1 ? "it" : "them"} by id`,
      "they are stored as they were shown; others that are not listed cannot be known"
    )
  }
  return leftOut
})
