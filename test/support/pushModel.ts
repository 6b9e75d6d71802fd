import { Cause, Effect, Exit } from "effect"
import type { ConnectionConfig } from "../../src/config/Config.ts"
import type { Status, WantedStatus } from "../../src/domain/Status.ts"
import type { StatusChange } from "../../src/domain/StatusChange.ts"
import { now, toMillis } from "../../src/domain/Timestamp.ts"
import type { ClientEvent } from "../../src/http/contract.ts"
import type { AccountCheck, Item, Page, Provider, RemoteState } from "../../src/providers/Provider.ts"
import { makeRandom, type Random } from "../../src/simulator/random.ts"
import { Db } from "../../src/store/Db.ts"
import { Mirror } from "../../src/store/mirror/Mirror.ts"
import { Outbox, type OutboxChange } from "../../src/store/outbox/Outbox.ts"
import { guardAccount } from "../../src/sync/account/guard.ts"
import { push } from "../../src/sync/push/push.ts"
import { undoOf } from "../../src/sync/push/undo.ts"
import { type LeapingClock, makeLeapingClock } from "./leapingClock.ts"
import { addConnection, addConversation } from "./outboxMirror.ts"
import { addRun } from "./pushDesk.ts"
import {
  makeTwin,
  type ReadFault,
  type RefusedAs,
  type Twin,
  type TwinOptions,
  type WriteFault,
  writes
} from "./vendorTwin.ts"

/*
 * Random histories: people here and at the vendor change statuses, runs push and pull, requests go wrong, processes die.
 * What must hold whatever happens is written down as `violations`.
 */

const minute = 60_000
const wanted = Object.keys(writes) as ReadonlyArray<WantedStatus>
const vendorWords = ["ai-chatting", "requested_chat", "human-chatting", "completed", "ended_chat"]

const writeFaults: ReadonlyArray<WriteFault> = [
  "cut before",
  "cut after",
  "5xx after",
  "malformed after",
  "429",
  "400",
  "404",
  "401"
]
/** Refusals that speak of one change, of either, and of the connection alone. */
const refusals: ReadonlyArray<RefusedAs> = [
  { status: 422, form: "json" },
  { status: 403, form: "json" },
  { status: 404, form: "empty" },
  { status: 400, form: "html" },
  { status: 302, form: "empty" },
  { status: 402, form: "json" },
  { status: 407, form: "html" },
  { status: 423, form: "json" }
]
/** What a change may have been rejected with. */
const ends = /\((?:400|404|403, json|404, empty|422, json)\)/
const queueing: ReadonlyArray<WriteFault> = ["449 applied", "449 lost"]
const readFaults: ReadonlyArray<ReadFault> = [
  ...(["5xx", "429", "401", "403", "refused", "malformed"] as const),
  { status: 402, form: "json" },
  { status: 407, form: "html" }
]

export interface ModelOptions extends TwinOptions {
  /** Whether anything happens at the vendor without us. */
  readonly edits: boolean
  /** Whether this vendor answers 449. */
  readonly queues: boolean
}

/**
 * How accounts of a vendor differ: ids that no two accounts share, ids that each account counts, or records that name their
 * account.
 */
type Accounts = "own ids" | "counted ids" | "named"

/** What is listed and read says that it began then, where ids are counted. */
const beganAt = now(Date.UTC(2026, 0, 1))
const strangersBeganAt = now(Date.UTC(2026, 0, 2))

interface World {
  readonly connection: string
  readonly runId: number
  readonly ids: ReadonlyArray<string>
  readonly options: ModelOptions
  readonly random: Random
  readonly leaping: LeapingClock
  readonly twin: Twin
  /** Another account at the same vendor, whose key is now and then in the place of ours. */
  readonly stranger: Twin
  readonly accounts: Accounts
  readonly violations: Array<string>
  /** Per conversation: when, in the vendor's order and by the clock, somebody there last set its status, and how often. */
  readonly edited: Map<string, { seq: number; at: number; times: number }>
  /** Conversations that somebody there has deleted. */
  readonly removed: Set<string>
  /** The most changes that a run sends unconfirmed. */
  readonly pushBrake: number
  /** Runs that have pushed, oldest first. */
  readonly runs: Array<number>
  /** Per change: the vendor's order at its last read, and what that showed. */
  readonly lastRead: Map<number, { readonly seq: number; readonly state: RemoteState | null }>
  /** Milliseconds that a push may wait for its turn. */
  readonly maxWaitMillis: number
  /** Changes that the push under way has sent. */
  readonly sent: Set<number>
  /** Boundaries that the process still lives through. */
  life: number
  quiet: boolean
}

const killed = "the process was killed"

const chance = (world: Pick<World, "random">, probability: number): boolean =>
  world.random.unit() < probability

const pick = <A>(world: World, list: ReadonlyArray<A>): A => list[world.random.below(list.length)] as A

const openChanges = Effect.fn(function* (world: World, providerId: string) {
  const outbox = yield* Outbox
  return (yield* outbox.open(world.connection)).filter((change) => change.providerId === providerId)
})

/** Somebody at the vendor sets a status. */
const vendorEdit = Effect.fn(function* (world: World) {
  const { twin, leaping, options } = world
  const id = pick(world, world.ids)
  const word = pick(world, vendorWords)
  if (!options.edits || word === twin.word(id) || world.removed.has(id)) return
  // Applied, then set back before anybody read it: without a time of the last change this cannot be told from not
  // applied, by anyone. The model leaves that one history out.
  const unseen = (yield* openChanges(world, id)).some(
    (change) => !options.versioned && twin.applied.some((applied) => applied.changeId === change.id)
  )
  if (unseen) return
  twin.edit(id, word, leaping.now())
  world.edited.set(id, {
    seq: twin.seq(),
    at: leaping.now(),
    times: (world.edited.get(id)?.times ?? 0) + 1
  })
})

/** Somebody here asks for a status, from any SQLite client or through the command line. */
const localEdit = Effect.fn(function* (world: World) {
  const id = `${world.connection}:${pick(world, world.ids)}`
  const status = pick(world, wanted)
  if (chance(world, 0.5)) {
    const db = yield* Db
    yield* db.use("model.edit", ({ prepare }) =>
      prepare("UPDATE conversations SET status = ? WHERE id = ?").run(status, id)
    )
    return
  }
  const outbox = yield* Outbox
  const requested = { status, category: null, summary: null, title: null, tags: [] }
  yield* outbox.ask({ id, requested, requestedBy: "model", refuse: world.twin.provider.refuse })
})

const sighting = (providerId: string, state: RemoteState, fingerprint: string): Item => ({
  _tag: "Sighting",
  conversation: {
    providerId,
    contactId: null,
    channel: null,
    providerChannel: null,
    status: state.status,
    providerStatus: state.providerStatus,
    agentId: null,
    campaignId: null,
    title: state.title,
    summary: null,
    qualified: null,
    qualificationReason: null,
    tags: state.tags,
    attributes: {},
    declaredMessages: null,
    startedAt: state.likeness?.startedAt ?? null,
    lastMessageAt: null,
    updatedAt: state.updatedAt
  },
  contact: null,
  messages: null,
  unreadable: [],
  raw: [],
  fingerprint
})

/** What a listing sent now shows, and the commit of it, which may come later. */
const listing = Effect.fn(function* (world: World) {
  const { connection, twin, leaping, ids, runId } = world
  const mirror = yield* Mirror
  const known = yield* mirror.known(connection, ids)
  const requestedAt = leaping.now()
  leaping.advance(1)
  const items = ids.flatMap((id): ReadonlyArray<Item> => {
    const state = twin.shown(id, leaping.now())
    if (state === null) return []
    const fingerprint = `${state.providerStatus} ${state.updatedAt}`
    return [
      known.get(id)?.fingerprint === fingerprint
        ? { _tag: "Unchanged", providerId: id }
        : sighting(id, state, fingerprint)
    ]
  })
  const exchange = {
    operation: "list",
    method: "GET",
    path: "/",
    status: 200,
    requestedAt,
    receivedAt: leaping.now(),
    bytes: 0
  }
  const page: Page = { exchange, items, cursor: null, end: null, notices: [], learned: {} }
  return mirror.commit({
    runId,
    connection,
    lane: "sync",
    pages: [page],
    scan: null,
    keepRaw: "newest",
    seen: null
  })
})

const pull = (world: World) => Effect.flatten(listing(world))

const happening = Effect.fn(function* (world: World) {
  const what = world.random.below(12)
  if (what < 4) yield* vendorEdit(world)
  else if (what < 6) yield* localEdit(world)
  else if (what < 7) world.leaping.advance(world.random.below(3 * minute))
  else if (what < 8) yield* pull(world)
  else if (what < 9 && world.options.edits) world.twin.touch(pick(world, world.ids), world.leaping.now())
  else yield* Effect.yieldNow()
})

/** Where a push meets the file or the vendor: here its process may die, and the world may move meanwhile. */
const boundary = (world: World) =>
  Effect.suspend(() => {
    if (world.quiet) return Effect.void
    world.life -= 1
    if (world.life <= 0) return Effect.die(killed)
    return chance(world, 0.12) ? happening(world) : Effect.void
  })

type Method = (...parameters: ReadonlyArray<never>) => Effect.Effect<unknown, unknown, unknown>

/** The same service, with a boundary before and after each of its calls. */
const bounded = <S extends object>(service: S, inner: Effect.Effect<void, unknown, unknown>): S =>
  Object.fromEntries(
    Object.entries(service).map(([name, member]) => [
      name,
      typeof member === "function"
        ? (...parameters: ReadonlyArray<never>) =>
            Effect.zipLeft(Effect.zipRight(inner, (member as Method)(...parameters)), inner)
        : member
    ])
  ) as S

const note = (world: World, what: string): void => {
  world.violations.push(what)
}

/** A request takes a moment to get there, and its answer another to come back. */
const travelling = <A, E>(world: World, request: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.suspend(() => {
    world.leaping.advance(1)
    return Effect.ensuring(
      request,
      Effect.sync(() => world.leaping.advance(1))
    )
  })

/** A time in whole seconds means all of its second: what was changed within it cannot be told from what was known. */
const isOneMoment = (known: string | null, at: number): boolean =>
  known?.endsWith(".000Z") === true && known.slice(0, 19) === now(at).slice(0, 19)

/** Watches what goes over the wire. */
const watched = (world: World): Provider => {
  const { twin, lastRead, edited } = world
  const { provider } = twin
  return {
    ...provider,
    readStatus: (change) =>
      travelling(
        world,
        Effect.tap(provider.readStatus(change), (state) =>
          Effect.sync(() => lastRead.set(change.id, { seq: twin.seq(), state }))
        )
      ),
    setStatus: (change: StatusChange) => {
      const { fromProviderStatus, fromUpdatedAt, requestedAt } = change as OutboxChange
      const readAt = lastRead.get(change.id)?.seq ?? -1
      const editedAt = edited.get(change.providerId)?.seq ?? -1
      const word = twin.word(change.providerId)
      if (readAt < 0) note(world, `change ${change.id} was sent without a read`)
      lastRead.delete(change.id)
      const appliedAt =
        twin.applied.findLast((applied) => applied.providerId === change.providerId)?.seq ?? -1
      // What came after the read nobody can know; what came before it must be what the change was asked on.
      const foreign = editedAt > appliedAt && editedAt <= readAt
      if (foreign && word !== fromProviderStatus) {
        note(world, `change ${change.id}, asked on ${fromProviderStatus}, was sent over ${word}`)
      }
      const edit = edited.get(change.providerId)
      const isNews =
        edit !== undefined &&
        foreign &&
        edit.at > toMillis(requestedAt) &&
        !isOneMoment(fromUpdatedAt, edit.at)
      if (world.options.versioned && isNews) {
        note(world, `change ${change.id} was sent over what was set after it was requested`)
      }
      world.sent.add(change.id)
      return travelling(world, provider.setStatus(change))
    }
  }
}

/** The other account: nothing may be sent to it. */
const strange = (world: World): Provider => {
  const { provider } = world.stranger
  return {
    ...provider,
    readStatus: (change) => travelling(world, provider.readStatus(change)),
    setStatus: (change) => {
      note(world, `change ${change.id} was sent to another account's ${change.providerId}`)
      return provider.setStatus(change)
    }
  }
}

/** What is read names the account that it is of, before anything of it is handed on. */
const naming = (provider: Provider, account: string, check: AccountCheck): Provider => ({
  ...provider,
  readStatus: (change) =>
    Effect.tap(provider.readStatus(change), (state) =>
      state === null ? Effect.void : check(account, "record")
    )
})

/** A push waits for its turn, and the world goes on without it. */
const waits = Effect.fn(function* (world: World) {
  if (world.quiet) return
  for (let events = world.random.below(3); events > 0; events -= 1) yield* happening(world)
})

/** A push by a run of its own. @param only an undo's changes; left out: all that are open */
const pushOnce = Effect.fn(function* (world: World, only?: ReadonlySet<number>, isStranger = false) {
  const outbox = yield* Outbox
  const tick = boundary(world) as Effect.Effect<void, unknown, unknown>
  const around = yield* Effect.context<Db | Mirror | Outbox>()
  const observe = (event: ClientEvent) =>
    event._tag === "Waiting" ? Effect.orDie(Effect.provide(waits(world), around)) : Effect.void
  const options = { maxWaitMillis: world.maxWaitMillis, observe }
  const { connection: name, pushBrake, random } = world
  const pending = yield* outbox.pendingIn([name])
  const sentBefore = new Set(
    (yield* outbox.open(name)).filter(({ attempts }) => attempts > 0).map(({ id }) => id)
  )
  // Confirmed with the right number, with a wrong one, or not at all.
  const guess = world.quiet ? pending : pending + ([0, 0, 1, -1][random.below(4)] ?? 0)
  const isConfirmed = only === undefined && (world.quiet || chance(world, 0.3))
  const runId = yield* addRun(name)
  world.runs.push(runId)
  world.sent.clear()
  const connection = { name, definition: { title: "Twin" } } as ConnectionConfig
  const account = yield* guardAccount(connection, { runId, rebind: false })
  const there = bounded(isStranger ? strange(world) : watched(world), tick)
  const says =
    world.accounts === "named" ? naming(there, isStranger ? "theirs" : "ours", account.check) : there
  const config = { name, conflict: "manual" as const, pushBrake }
  const target = { config, provider: account.guard(says), options }
  const exit = yield* push(target, {
    runId,
    ...(isConfirmed ? { confirmed: guess } : {}),
    ...(only === undefined ? {} : { only })
  }).pipe(Effect.provideService(Outbox, bounded(outbox, tick)), Effect.exit)
  if (Exit.isFailure(exit) && !Cause.pretty(exit.cause).includes(killed)) {
    note(world, `a push failed: ${Cause.pretty(exit.cause)}`)
  }
  const anew = [...world.sent].filter((id) => !sentBefore.has(id))
  if (only !== undefined && anew.some((id) => !only.has(id))) note(world, "an undo sent what is not its own")
  // Whoever confirms fewer than may go unconfirmed takes nothing back.
  const confirmed = isConfirmed && guess === pending ? pending + 1 : 0
  const most = only !== undefined ? pending + 1 : Math.max(confirmed, pushBrake)
  if (anew.length > most) note(world, `${anew.length} changes were sent, where ${most} may be`)
})

/** The key of another account is in the place of ours: no change ends, whatever that one answers. */
const pushToStranger = Effect.fn(function* (world: World) {
  const outbox = yield* Outbox
  if (chance(world, 0.3)) world.stranger.readFaults.push(pick(world, readFaults))
  const before = yield* outbox.open(world.connection)
  yield* pushOnce(world, undefined, true)
  for (const { id } of before) {
    const { state } = yield* outbox.change(id)
    if (["confirmed", "rejected", "conflict"].includes(state))
      note(world, `change ${id} ended ${state} by what another account answered`)
  }
  world.stranger.readFaults.length = 0
})

/** Somebody undoes an earlier run. */
const undoOnce = Effect.fn(function* (world: World) {
  const outbox = yield* Outbox
  const { connection, leaping, random, runs, twin } = world
  const runId = runs[random.below(Math.max(1, runs.length))]
  if (runId === undefined) return
  const { changed } = yield* outbox.changedBy(runId, [connection])
  const only = new Set<number>()
  const restored = new Map<number, { readonly id: string; readonly word: string | null }>()
  for (const one of changed) {
    const { requested } = undoOf(one, twin.provider.statusMap)
    if (requested === null) continue
    const asked = yield* outbox
      .ask({ id: one.conversationId, requested, requestedBy: "undo", refuse: twin.provider.refuse })
      .pipe(Effect.option)
    if (asked._tag === "None" || asked.value._tag === "NothingToDo") continue
    const { id, providerId } = asked.value.change
    only.add(id)
    restored.set(id, { id: providerId, word: one.changes[0].found?.providerStatus ?? null })
  }
  leaping.advance(1)
  yield* pushOnce(world, only)
  for (const [changeId, { id, word }] of restored) {
    const applied = twin.applied.filter((one) => one.changeId === changeId)
    if (applied.some((one) => one.word !== word))
      note(world, `an undo of ${id} sent another word than ${word}`)
  }
})

const arm = (world: World): void => {
  const { twin, random, options } = world
  const faults = options.queues ? [...writeFaults, ...queueing, ...queueing] : writeFaults
  for (let count = random.below(4); count > 0; count -= 1) {
    twin.writeFaults.push(chance(world, 0.3) ? pick(world, refusals) : pick(world, faults))
  }
  if (chance(world, 0.25)) twin.readFaults.push(pick(world, readFaults))
}

const action = Effect.fn(function* (world: World) {
  const { random, leaping, options } = world
  const what = random.below(24)
  if (what > 21) return yield* pushToStranger(world)
  if (what === 21) return yield* undoOnce(world)
  if (what === 20 && options.edits && chance(world, 0.3)) {
    const id = pick(world, world.ids)
    world.removed.add(id)
    world.twin.remove(id)
    return
  }
  if (what < 5) return yield* localEdit(world)
  if (what < 7) return yield* vendorEdit(world)
  if (what < 8) return yield* pull(world)
  if (what < 10) return leaping.advance(random.below(12 * minute))
  if (what < 11 && options.edits) return world.twin.touch(pick(world, world.ids), leaping.now())
  if (chance(world, 0.8)) arm(world)
  world.life = chance(world, 0.5) ? 1 + random.below(24) : Number.POSITIVE_INFINITY
  // Now and then an answer that was asked for before the push arrives after it.
  const late = chance(world, 0.2) ? yield* listing(world) : null
  yield* pushOnce(world)
  if (late !== null) yield* late
})

const finish = Effect.fn(function* (world: World) {
  const { twin, leaping, connection } = world
  const outbox = yield* Outbox
  twin.writeFaults.length = 0
  twin.readFaults.length = 0
  world.quiet = true
  for (let round = 0; round < 12; round += 1) {
    yield* pushOnce(world)
    if ((yield* outbox.open(connection)).length === 0) break
    leaping.advance(130 * minute)
  }
  leaping.advance(minute)
  twin.settleQueue(leaping.now())
  yield* pull(world)
})

interface HistoryRow {
  readonly conversation: string
  readonly origin: string
  readonly times: number
}

const history = Effect.fn(function* (world: World) {
  const db = yield* Db
  return yield* db.use("model.history", ({ prepare }) =>
    world.ids.flatMap(
      (id) =>
        prepare(
          `SELECT ? AS conversation, origin, count(*) AS times FROM status_history
           WHERE conversation_id = ? AND from_status IS NOT NULL GROUP BY origin`
        ).all(id, `${world.connection}:${id}`) as ReadonlyArray<HistoryRow>
    )
  )
})

const changesOf = Effect.fn(function* (world: World) {
  const outbox = yield* Outbox
  const db = yield* Db
  const ids = yield* db.use("model.changes", ({ prepare }) =>
    world.ids.flatMap(
      (id) =>
        prepare("SELECT id FROM status_changes WHERE conversation_id = ?")
          .pluck()
          .all(`${world.connection}:${id}`) as ReadonlyArray<number>
    )
  )
  return yield* Effect.forEach(ids, outbox.change)
})

const judgeChanges = (world: World, changes: ReadonlyArray<OutboxChange>): void => {
  const { twin, options } = world
  for (const { found, id, lastError, providerId, state, requested } of changes) {
    if (found !== null && "likeness" in found) note(world, `change ${id} keeps what tells of a person`)
    const isRemoved = world.removed.has(providerId)
    const isGone = isRemoved && /no longer exists/.test(lastError ?? "")
    const times = twin.applied.filter((applied) => applied.changeId === id).length
    if (times > 1) note(world, `change ${id} was applied ${times} times`)
    switch (state) {
      case "confirmed":
        if (times === 0 && world.lastRead.get(id)?.state?.status !== requested.status) {
          note(world, `change ${id} is confirmed, and was neither applied nor there`)
        }
        break
      case "conflict":
        if (!options.edits) note(world, `change ${id} is in conflict with nobody: ${lastError}`)
        break
      case "cancelled":
        if (times > 0) note(world, `change ${id} is cancelled and was applied`)
        break
      case "rejected":
        // Applied, and gone before that could be read back: what became of it no one can know.
        if (times > 0 && !isGone) note(world, `change ${id} is rejected and was applied`)
        if (!ends.test(lastError ?? "") && !isGone) {
          note(world, `change ${id} is rejected: ${lastError}`)
        }
        break
      default:
        // Where every conversation is gone there is nothing that tells it from a wrong account.
        if (!isRemoved) note(world, `change ${id} is still ${state}: ${lastError}`)
    }
  }
}

const judgeMirror = Effect.fn(function* (world: World, changes: ReadonlyArray<OutboxChange>) {
  const db = yield* Db
  const { twin, connection, leaping } = world
  for (const id of world.ids) {
    const row = (yield* db.use("model.row", ({ prepare }) =>
      prepare(
        "SELECT status, remote_status, provider_status, change_state FROM conversations WHERE id = ?"
      ).get(`${connection}:${id}`)
    )) as {
      status: Status
      remote_status: Status
      provider_status: string | null
      change_state: string | null
    }
    if (world.removed.has(id)) continue
    const truth = twin.shown(id, leaping.now())
    if (row.provider_status !== truth?.providerStatus || row.status !== truth?.status) {
      note(world, `the mirror says ${row.provider_status} for ${id}, the vendor ${truth?.providerStatus}`)
    }
    if (row.change_state !== null) note(world, `${id} still shows a change`)
  }
  const told = yield* history(world)
  for (const id of world.ids) {
    const edits = world.edited.get(id)?.times ?? 0
    const sent = changes.filter((change) => change.providerId === id && change.attempts > 0).length
    const count = (origin: string) =>
      told.find((row) => row.conversation === id && row.origin === origin)?.times ?? 0
    if (count("provider") > edits)
      note(world, `the history of ${id} takes a change of ours for the provider's`)
    if (count("provider") + count("local") > edits + sent) note(world, `the history of ${id} tells too much`)
  }
})

/** The storm is over: another cycle neither asks the vendor for anything nor learns anything. */
const judgeEcho = Effect.fn(function* (world: World) {
  const { twin } = world
  const outbox = yield* Outbox
  // What is wanted of a conversation that is gone is asked for again, until another change shows that writes are taken.
  if ((yield* outbox.open(world.connection)).length > 0) return
  const before = {
    history: yield* history(world),
    requests: twin.requests(),
    changes: (yield* changesOf(world)).length
  }
  yield* pushOnce(world)
  yield* pull(world)
  const after = {
    history: yield* history(world),
    requests: twin.requests(),
    changes: (yield* changesOf(world)).length
  }
  if (JSON.stringify(before) !== JSON.stringify(after)) note(world, "there is an echo after the storm")
})

export interface Outcome {
  readonly violations: ReadonlyArray<string>
  readonly changes: ReadonlyArray<OutboxChange>
  readonly applied: number
}

/** Lives one history through. The same seed and options always give the same one. */
export const live = Effect.fn(function* (seed: number, prefix: string, options: ModelOptions) {
  const random = makeRandom(seed)
  const leaping = makeLeapingClock(Date.UTC(2026, 2, 7, 10))
  const connection = `${prefix}-${seed}`
  const runId = yield* addConnection(connection)
  const accounts = (["own ids", "counted ids", "named"] as const)[random.below(3)] ?? "own ids"
  const ofAccount = (at: typeof beganAt) =>
    accounts === "counted ids" ? { ...options, beganAt: at } : options
  const twin = makeTwin(ofAccount(beganAt))
  const stranger = makeTwin(ofAccount(strangersBeganAt))
  const ids = Array.from({ length: 1 + random.below(3) }, (_, index) => `9007199254740${seed * 10 + index}`)
  const world: World = {
    connection,
    runId,
    ids,
    options,
    random,
    leaping,
    twin,
    stranger,
    accounts,
    violations: [],
    maxWaitMillis: chance({ random }, 0.5) ? 60 * minute : 180 * minute,
    edited: new Map(),
    removed: new Set(),
    pushBrake: [1, 2, 100][random.below(3)] ?? 100,
    runs: [],
    sent: new Set(),
    lastRead: new Map(),
    life: Number.POSITIVE_INFINITY,
    quiet: false
  }
  for (const id of ids) {
    twin.add(id, "ai-chatting")
    yield* addConversation(connection, id, "active", "ai-chatting")
    // An account that names itself may be a copy of ours.
    stranger.add(accounts === "own ids" ? `x${id}` : id, "human-chatting")
  }
  if (accounts === "counted ids") {
    const db = yield* Db
    yield* db.use("model.began", ({ prepare }) =>
      prepare("UPDATE remote_conversations SET started_at = ? WHERE connection = ?").run(beganAt, connection)
    )
  }
  if (accounts === "named") {
    const mirror = yield* Mirror
    yield* mirror.bindAccount(connection, { account: "ours", reason: "first", runId, boundAt: now(0) })
  }
  /** Histories share a mirror: what no push can end, since its conversation is gone, must not meet the next one. */
  const clear = Effect.gen(function* () {
    const db = yield* Db
    yield* db.use("model.clear", ({ prepare }) =>
      prepare(
        "UPDATE status_changes SET state = 'cancelled', ended_at = requested_at WHERE ended_at IS NULL"
      ).run()
    )
  })
  const whole = Effect.gen(function* () {
    for (let steps = 3 + random.below(8); steps > 0; steps -= 1) yield* action(world)
    yield* finish(world)
    const changes = yield* changesOf(world)
    judgeChanges(world, changes)
    yield* judgeMirror(world, changes)
    yield* judgeEcho(world)
    yield* clear
    const outcome: Outcome = { violations: world.violations, changes, applied: twin.applied.length }
    return outcome
  })
  return yield* whole.pipe(Effect.withClock(leaping.clock), Effect.withTracerEnabled(false))
})
