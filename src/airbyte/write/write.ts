import { Clock, Effect, Either, Option, Queue } from "effect"
import type { ConnectionConfig } from "../../config/Config.ts"
import type { ProviderError } from "../../domain/ProviderError.ts"
import { now, toMillis } from "../../domain/Timestamp.ts"
import type { Sighting } from "../../providers/Provider.ts"
import { Mirror } from "../../store/mirror/Mirror.ts"
import { Outbox } from "../../store/outbox/Outbox.ts"
import { commitPages } from "../../sync/commitPages.ts"
import type { OpenConnection } from "../../sync/connection.ts"
import { storeLayer } from "../../sync/layers.ts"
import { type Progress, silent } from "../../sync/progress.ts"
import { push } from "../../sync/push/push.ts"
import { refetch } from "../../sync/refetch.ts"
import { type Fault, faultOf, type LaneWork, run } from "../../sync/run.ts"
import { failureOf } from "../failure.ts"
import { type LogLevel, log, settledState } from "../protocol.ts"
import { maxWaitMillis } from "../read/reading.ts"
import type { DestinationKeys } from "../settings.ts"
import { Lines, Sink } from "../stdio.ts"
import { readLine, type Wish } from "./wishes.ts"

/*
 * Records become requested changes, and states go back once everything before them is settled. Nothing is sent before it is
 * known that there are few enough changes, as far as that can be known: a platform that tries a failed run again would
 * send as many each time.
 */

/** Lines taken at once. Each record costs a read of its conversation. */
const batchSize = 100

/** Records that may wait before more are read. */
const mostUnsettled = 1_000

/** Conversations that are read at once; the limits decide how many really leave. */
const concurrency = 8

/** Milliseconds after which what is left is looked at again, where nothing says when. */
const againAfter = 2_000

/** The most changes that a run sends where the configuration does not say. */
const usualBrake = 100

/** What has come is few enough to be sent once so many times the brake of records were looked at … */
const lookedAt = 5

/** … or once no further line has come for so many milliseconds. */
const patience = 5_000

/** How a record ended; null: it has not. */
type Outcome = "accepted" | "rejected"

interface Entry {
  readonly stream: string
  outcome: Outcome | null
  /** The change that it became; null: none. */
  changeId: number | null
}

type Item =
  | ({ readonly _tag: "Record" } & Entry)
  | { readonly _tag: "State"; readonly stream: string | null; readonly text: string }

interface Counts {
  accepted: number
  rejected: number
}

/** Gives states back in the order in which they came, each once, and not before the records that came before it. */
const makeLedger = (write: (lines: string) => Effect.Effect<void>) => {
  const items: Array<Item> = []
  const counts = new Map<string, Counts>()
  const take = (stream: string | null): Counts => {
    const sum: Counts = { accepted: 0, rejected: 0 }
    for (const [name, { accepted, rejected }] of counts) {
      if (stream !== null && stream !== name) continue
      sum.accepted += accepted
      sum.rejected += rejected
      counts.delete(name)
    }
    return sum
  }
  return {
    add: (item: Item): void => {
      items.push(item)
    },
    unsettled: (): ReadonlyArray<Entry> =>
      items.filter((item) => item._tag === "Record" && item.outcome === null) as ReadonlyArray<Entry & Item>,
    settle: Effect.suspend(() => {
      let lines = ""
      for (let item = items[0]; item !== undefined; item = items[0]) {
        if (item._tag === "Record") {
          if (item.outcome === null) break
          const of = counts.get(item.stream) ?? { accepted: 0, rejected: 0 }
          of[item.outcome] += 1
          counts.set(item.stream, of)
        } else lines += settledState(item.text, take(item.stream))
        items.shift()
      }
      return write(lines)
    })
  } as const
}

/** What the provider holds for a conversation now, and the mirror with it. Null: it does not exist there. */
const look = Effect.fn("airbyte.look")(function* (
  connection: OpenConnection,
  runId: number,
  providerId: string
) {
  const mirror = yield* Mirror
  const { config } = connection
  const known = (yield* mirror.known(config.name, [providerId])).get(providerId) ?? null
  const page = yield* refetch({ ...connection, config: { ...config, messages: "off" } }, providerId, known)
  if (page === null) return null
  yield* commitPages(connection, runId, [page], { overwrites: true })
  return page.items.find((item): item is Sighting => item._tag === "Sighting") ?? null
})

type Looked = Either.Either<Sighting | null, ProviderError>

/** The vendor's refusal of a single conversation says nothing of the others. */
const isOfOne = (error: ProviderError): boolean => error._tag === "Rejected" || error._tag === "Malformed"

/** What is wrong with a wish before it is asked for; null: nothing. */
const wrongWith = ({ requested, wantedAt }: Wish, found: Looked, keepsRemote: boolean): string | null => {
  if (Either.isLeft(found)) return found.left.message
  const sighting = found.right
  if (sighting === null) return "the provider has no such conversation"
  const { status, updatedAt } = sighting.conversation
  const isNewer =
    wantedAt !== null && updatedAt !== null && updatedAt > wantedAt && status !== requested.status
  return isNewer && keepsRemote
    ? `conflict: wanted at ${wantedAt}, but the conversation changed at ${updatedAt} and is \`${status}\``
    : null
}

const overFault = (brake: number, sent: number): Fault => ({
  kind: "brake",
  message: `more than ${brake} status changes are wanted in one run (push_brake): ${
    sent === 0 ? "none was sent" : `${sent} were sent, and nothing of the records behind them`
  }`,
  hint: "where so many are meant, raise push_brake in the configuration; dry_run shows what they are"
})

/** Every state behind such a line would stand for it, too. Without any of its text: it may be a record. @param line counted from 1 */
const damageFault = (line: number): Fault => ({
  kind: "incomplete",
  message: `line ${line} on stdin is no message of the protocol: no record and no state behind it is taken`,
  hint: "was it cut? the next attempt is given everything again from the last state that was returned"
})

const writing = (keys: DestinationKeys): LaneWork<Mirror | Outbox | Progress | Sink | Lines> => ({
  lane: "push",
  work: Effect.fn("airbyte.writing")(function* (connection, runId) {
    const sink = yield* Sink
    const lines = yield* Lines
    const outbox = yield* Outbox
    const { config, provider } = connection
    const { name } = config
    const isDurable = keys.outbox !== undefined
    const isDry = keys.dry_run === true
    const brake = keys.push_brake ?? usualBrake
    /** Changes that this run sends, or will. */
    const changes = new Set(
      (yield* outbox.open(name)).flatMap(({ id, state }) => (state === "pending" ? [id] : []))
    )
    /** Records that were compared with the provider. */
    let looked = 0
    /** Changes that a dry run finds. */
    let wouldBe = 0
    /** Whether more changes are wanted than may be sent. */
    let isOver = changes.size > brake
    let taken = 0
    /** The first line that cannot be read, counted from 1; null: none yet. */
    let damaged: number | null = null
    const keepsRemote = keys.on_conflict !== "keep_local"
    const ledger = makeLedger((text) => (isDry ? Effect.void : sink.write(text)))
    const say = (level: LogLevel, message: string) => sink.write(log(level, message))
    const reject = (entry: Entry, id: string, reason: string) => {
      entry.outcome = "rejected"
      return say("WARN", `${entry.stream}: record of ${id} rejected: ${reason}`)
    }

    const wouldChange = ({ requested }: Wish, found: Looked): boolean =>
      requested.status !== Option.getOrNull(Either.getRight(found))?.conversation.status &&
      requested.status !== null &&
      config.statusMap[requested.status] !== undefined &&
      provider.refuse(requested) === null

    const request = Effect.fn("airbyte.request")(function* (entry: Entry, wish: Wish, found: Looked) {
      const wrong = wrongWith(wish, found, keepsRemote)
      if (wrong !== null) return yield* reject(entry, wish.providerId, wrong)
      if (isDry) {
        const refusal = provider.refuse(wish.requested)
        if (refusal !== null) return yield* reject(entry, wish.providerId, refusal.message)
        const holds = Option.getOrNull(Either.getRight(found))?.conversation.status
        entry.outcome = "accepted"
        const { status } = wish.requested
        if (holds !== status) wouldBe += 1
        return yield* say(
          "INFO",
          `dry run: ${wish.providerId}: ${holds === status ? `is ${status}` : `${holds} would become ${status}`}`
        )
      }
      isOver = isOver || (changes.size >= brake && wouldChange(wish, found))
      if (isOver) return
      const asked = yield* Effect.either(
        outbox.ask({
          id: `${name}:${wish.providerId}`,
          requested: wish.requested,
          requestedBy: "destination",
          refuse: provider.refuse
        })
      )
      if (Either.isLeft(asked)) {
        if (asked.left._tag === "StoreError") return yield* asked.left
        return yield* reject(entry, wish.providerId, asked.left.message)
      }
      if (asked.right._tag !== "NothingToDo") {
        entry.changeId = asked.right.change.id
        changes.add(asked.right.change.id)
      }
      if (entry.changeId === null) entry.outcome = "accepted"
    })

    /** Takes lines as they are, up to a batch. Returns whether there are more to come. */
    const takeIn = Effect.fn("airbyte.takeIn")(function* (batch: Iterable<string | null>) {
      const wishes: Array<{ readonly entry: Entry; readonly wish: Wish }> = []
      let isOpen = true
      for (const line of batch) {
        if (line === null) {
          isOpen = false
          break
        }
        taken += 1
        const incoming = readLine(line, name, keys)
        if (incoming._tag === "Unreadable") {
          damaged = taken
          isOpen = false
          break
        }
        if (incoming._tag === "State") ledger.add(incoming)
        if (incoming._tag !== "Record") continue
        const entry = { _tag: "Record" as const, stream: incoming.stream, outcome: null, changeId: null }
        ledger.add(entry)
        if (Either.isLeft(incoming.wish)) {
          const { providerId, reason } = incoming.wish.left
          yield* reject(entry, providerId ?? "no conversation", reason)
        } else wishes.push({ entry, wish: incoming.wish.right })
      }
      const ids = [...new Set(wishes.map(({ wish }) => wish.providerId))]
      const found = new Map<string, Looked>()
      yield* Effect.forEach(
        ids,
        (id) =>
          Effect.gen(function* () {
            const looked = yield* Effect.either(look(connection, runId, id))
            if (Either.isRight(looked)) found.set(id, Either.right(looked.right))
            else {
              const error = looked.left
              if (error._tag === "StoreError" || !isOfOne(error)) return yield* error
              found.set(id, Either.left(error))
            }
          }),
        { concurrency, discard: true }
      )
      for (const { entry, wish } of wishes) {
        const shown = found.get(wish.providerId)
        if (shown === undefined) continue
        looked += 1
        yield* request(entry, wish, shown)
      }
      return isOpen
    })

    /** Sends what is due, and notes how changes have ended. Returns when to send again, epoch milliseconds; null: all is done. */
    const deliver = Effect.fn("airbyte.deliver")(function* () {
      const mine = Effect.map(outbox.open(name), (open) =>
        open.filter(({ id, state }) => changes.has(id) || state !== "pending")
      )
      const open = new Set((yield* mine).map(({ id }) => id))
      if (open.size > 0) {
        const { error } = yield* push(connection, { runId, only: open })
        if (error !== null && error._tag !== "RateLimited" && error._tag !== "Queued") return yield* error
      }
      const at = yield* Clock.currentTimeMillis
      for (const entry of ledger.unsettled()) {
        const change = entry.changeId === null ? null : yield* outbox.current(entry.changeId)
        if (change !== null && isDurable) entry.outcome = "accepted"
        if (change === null || isDurable || change.endedAt === null) continue
        const id = change.providerId
        if (change.state === "confirmed" || change.state === "cancelled") entry.outcome = "accepted"
        else yield* reject(entry, id, `${change.state}: ${change.lastError ?? ""}`)
      }
      yield* ledger.settle
      const left = yield* mine
      if (left.length === 0) return null
      const due = left.map(({ notBefore }) => (notBefore === null ? at + againAfter : toMillis(notBefore)))
      return Math.max(at + 100, Math.min(...due))
    })

    const work = Effect.gen(function* () {
      let isOpen = true
      let isHeld = true
      let next: number | null = null
      for (;;) {
        const at = yield* Clock.currentTimeMillis
        const isFull = ledger.unsettled().length >= mostUnsettled
        const taking = Queue.takeBetween(lines, 1, batchSize)
        const waits = isHeld && (isDurable || changes.size > 0) ? patience : null
        const pause = next === null ? waits : Math.max(0, next - at)
        if (isOver) isOpen = false
        if (isOpen && !isFull) {
          const batch =
            pause === null ? Option.some(yield* taking) : yield* Effect.timeoutOption(taking, pause)
          if (Option.isSome(batch)) isOpen = yield* takeIn(batch.value)
          else isHeld = false
        } else if (pause !== null && !isHeld) yield* Effect.sleep(pause)
        if (isOver && isHeld) return yield* Effect.as(ledger.settle, { fault: overFault(brake, 0) })
        if (!isOpen || isFull || looked >= lookedAt * brake) isHeld = false
        if (isHeld) yield* ledger.settle
        else next = yield* deliver()
        if (!isOpen && next === null) {
          if (isDry && wouldBe > brake)
            yield* say("WARN", `dry run: ${wouldBe} changes are more than a run sends (push_brake: ${brake})`)
          if (isOver) return { fault: overFault(brake, changes.size) }
          return { fault: damaged === null ? null : damageFault(damaged) }
        }
        if (
          next !== null &&
          next - (yield* Clock.currentTimeMillis) > connection.options.maxWaitMillis &&
          !isOpen
        ) {
          return {
            fault: {
              kind: "queued",
              message: `the provider asks to come back after ${now(next)}`,
              hint: ""
            }
          }
        }
      }
    })
    return yield* work.pipe(
      Effect.onInterrupt(() => ledger.settle),
      Effect.catchIf(
        (error): error is ProviderError => error._tag !== "StoreError",
        (error) => Effect.as(ledger.settle, { fault: faultOf(error) })
      )
    )
  })
})

/** Carries the statuses of records to the provider. Fails where not all of them are settled. */
export const write = Effect.fn("airbyte.write")(function* (
  config: ConnectionConfig,
  keys: DestinationKeys,
  path: string
) {
  const { report } = yield* run({
    command: "airbyte write",
    connections: [{ ...config, conflict: keys.on_conflict === "keep_local" ? "local-wins" : "manual" }],
    maxWaitMillis: maxWaitMillis(keys),
    lanes: [writing(keys)]
  }).pipe(Effect.provide(silent), Effect.provide(storeLayer(path)))
  const error = report.connections[0]?.error ?? null
  if (error !== null && error.kind !== "quarantined") return yield* failureOf(error)
})
