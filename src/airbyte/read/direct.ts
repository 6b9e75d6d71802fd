import { randomUUID } from "node:crypto"
import { join } from "node:path"
import { Clock, Effect, Runtime } from "effect"
import type { ConnectionConfig } from "../../config/Config.ts"
import { always, type TimeRange } from "../../domain/TimeRange.ts"
import type { Timestamp } from "../../domain/Timestamp.ts"
import type { PullScope } from "../../providers/Provider.ts"
import { Mirror } from "../../store/mirror/Mirror.ts"
import { type Feed, type FeedRow, type FeedTable, feedTables, openFeed } from "../../store/read/feed.ts"
import { subjectOf } from "../../sync/connection.ts"
import { storeLayer } from "../../sync/layers.ts"
import type { Progress } from "../../sync/progress.ts"
import { pull, scopeTextOf } from "../../sync/pull.ts"
import { remembering } from "../../sync/remembering.ts"
import { type LaneWork, register, run } from "../../sync/run.ts"
import { failureOf, storeFailure } from "../failure.ts"
import { startOf } from "../settings.ts"
import { temporaryFolder } from "../temporary.ts"
import { makeEmitter } from "./emitter.ts"
import { type Past, Present, readPast } from "./memory.ts"
import { checkpointMillis, maxWaitMillis, progressOf, type ReadInput, sendingRows } from "./reading.ts"
import type { DirectState, Walk } from "./state.ts"

/*
 * A pull into a mirror that is thrown away: its rows are sent as they are committed, and what is worth knowing next time is
 * in the states.
 */

/** Characters of JSON. Longer texts would fill a state: a walk then starts again, and what was learned is learned again. */
const mostCursorLength = 8_192
const mostLearnedLength = 8_192

/** `change_seq` begins at the time in milliseconds times this, so that it is greater in every later read. */
const seqsPerMillisecond = 1_000

const newest = (learned: ReadonlyArray<DirectState["learned"][number]>): PullScope["learned"] =>
  new Map(
    learned
      .toSorted((one, other) => (one.at < other.at ? -1 : 1))
      .map(({ at, name, value }) => [name, { value, at: at as Timestamp }])
  )

/** The walk that all streams can go on with, from where the slowest of them has come to; null: there is none. */
const commonWalk = (states: ReadonlyArray<DirectState | null>, scope: string): Walk | null => {
  const [first, ...others] = states.toSorted((one, other) => (one?.n ?? 0) - (other?.n ?? 0))
  const walk = first?.walk ?? null
  if (walk === null || walk.cursor === null || walk.scope !== scope) return null
  return others.every((state) => state?.walk?.id === walk.id) ? walk : null
}

/** What the streams' states say together. */
const past = ({ selected, states }: ReadInput, subject: string, scope: string) => {
  const given = new Map<FeedTable, DirectState | null>()
  for (const { name, syncMode } of selected) {
    const state = states.get(name)
    const isOfThis = state?.mode === "direct" && state.subject === subject
    if (!isOfThis || (syncMode === "full_refresh" && state.walk === null)) given.set(name, null)
    else if (syncMode === "incremental") given.set(name, state)
    else given.set(name, { ...state, levels: state.levels.filter(({ walk }) => walk === state.walk?.id) })
  }
  const all = [...given.values()]
  const walk = commonWalk(all, scope)
  const pasts = new Map<string, Past>()
  const keyOf = (state: DirectState | null): string =>
    JSON.stringify(state?.levels.map(({ seed }) => seed) ?? [])
  for (const state of all) {
    if (!pasts.has(keyOf(state))) pasts.set(keyOf(state), readPast(state?.levels ?? []))
  }
  return {
    walk,
    pastOf: (name: FeedTable): Past => pasts.get(keyOf(given.get(name) ?? null)) ?? readPast([]),
    /** Whether every stream has the conversation as it is shown. */
    has: (providerId: string, listedAs: string): boolean =>
      [...pasts.values()].every((one) => one.has(providerId, listedAs)),
    isEmpty: [...pasts.values()].every(({ levels }) => levels.length === 0),
    learned: newest(all.flatMap((state) => state?.learned ?? [])),
    n: Math.max(0, ...[...states.values()].map((state) => state.n)),
    seq: Math.max(0, ...[...states.values()].map((state) => (state.mode === "direct" ? state.seq : 0)))
  }
}

const timeOf = (row: FeedRow) => row.updated_at ?? row.last_message_at ?? row.started_at ?? null

/** What of the feed was sent. `seq`: the highest so far, as the streams number it. */
interface Sent {
  readonly after: Map<FeedTable, number>
  seq: number
}

/**
 * Rows that were committed since the last were sent, numbered from `base`, each taken for sent as it is taken from here.
 * @param times of the conversations among them, which it fills
 */
const unsent = function* (
  feed: Feed,
  table: FeedTable,
  base: number,
  sent: Sent,
  times: Map<string, string | number | null>
): Generator<FeedRow> {
  for (const row of feed.rows(table, sent.after.get(table) ?? 0)) {
    sent.after.set(table, row.change_seq)
    const change_seq = base + row.change_seq
    sent.seq = Math.max(sent.seq, change_seq)
    if (table === "conversations") times.set(row.id, timeOf(row))
    if (table !== "status_history") yield { ...row, change_seq }
    else {
      // Numbers of rows mean nothing in a mirror that is thrown away.
      const conversation = String(row.conversation_id)
      const status = row.provider_status ?? row.to_status
      yield { ...row, id: `${conversation}:${status}:${times.get(conversation) ?? ""}`, change_seq }
    }
  }
}

export const readDirect = Effect.fn("airbyte.readDirect")(function* (
  configured: ConnectionConfig,
  input: ReadInput
) {
  const { keys, selected, startOver, states } = input
  const began = yield* Clock.currentTimeMillis
  const streams = selected.map(({ name }) => name)
  const config: ConnectionConfig = streams.includes("messages")
    ? configured
    : { ...configured, messages: "off" }
  const { name } = config
  const since = startOf(keys)
  const ranges: readonly [TimeRange] = [since === null ? always : { since, until: null }]
  const subject = subjectOf(configured)
  const scope = scopeTextOf({ ranges, full: false })
  const before = past(input, subject, scope)
  const walkId = before.walk?.id ?? randomUUID()
  const present = new Present(walkId, !before.isEmpty)
  const base = Math.max(before.seq, began * seqsPerMillisecond)

  let { learned } = before
  let walk: Walk | null = before.walk ?? { id: walkId, startedAt: "", scope, cursor: null }
  const sent: Sent = { after: new Map(), seq: base }
  let { n } = before
  let isWhole = false
  const emitter = yield* makeEmitter({
    streams,
    stateEvery: checkpointMillis(keys),
    stateOf: (stream) => {
      n += 1
      const older = before.pastOf(stream).levels
      const kept = isWhole
        ? before.walk === null
          ? []
          : older.filter((level) => level.walk === walkId)
        : older
      const facts = [...learned].map(([fact, { at, value }]) => ({ name: fact, value, at }))
      const state: DirectState = {
        v: 1,
        mode: "direct",
        n,
        seq: sent.seq,
        subject,
        walk: isWhole ? null : walk,
        learned: JSON.stringify(facts).length > mostLearnedLength ? [] : facts,
        levels: present.levels(kept)
      }
      return JSON.stringify(state)
    }
  })
  yield* emitter.begin(startOver)
  for (const [stream, state] of states) {
    if (state.mode === "direct" && state.subject === subject) continue
    yield* emitter.log("WARN", `${stream}: its state is of another account or mode: everything is sent again`)
  }

  const folder = yield* temporaryFolder
  const path = join(folder, "parley.db")
  const fork = Runtime.runFork(yield* Effect.runtime<never>())

  const work = Effect.gen(function* () {
    const mirror = yield* Mirror
    const feed = yield* openFeed(path)
    let listedAs = (fingerprint: string): string => fingerprint

    /** Sends what was committed since it was sent last. */
    const send = Effect.gen(function* () {
      // The cursor may be behind the rows, and must not be before them.
      const unfinished = yield* mirror.unfinishedScan(name, "sync")
      const known = yield* mirror.learned(name)
      yield* feed.inSnapshot(
        Effect.gen(function* () {
          const times = new Map<string, string | number | null>()
          for (const table of feedTables) {
            const rows = () => unsent(feed, table, base, sent, times)
            if (streams.includes(table)) yield* sendingRows(feed, emitter.rows(table, rows()))
            else if (table === "conversations")
              yield* sendingRows(
                feed,
                Effect.sync(() => [...rows()])
              )
          }
          const ids = [...times.keys()].map((id) => id.slice(name.length + 1))
          const prints = yield* feed.fingerprints(name, ids)
          for (const id of ids) {
            const print = prints.get(id)
            present.delivered(id, print === undefined ? null : listedAs(print))
          }
        })
      )
      learned = new Map([...before.learned, ...known])
      const cursor =
        unfinished === null || JSON.stringify(unfinished.cursor).length > mostCursorLength
          ? null
          : unfinished.cursor
      walk = {
        id: walkId,
        startedAt: unfinished?.startedAt ?? walk?.startedAt ?? "",
        scope,
        cursor: cursor || null
      }
    })

    const lane: LaneWork<Mirror | Progress> = {
      lane: "sync",
      work: (connection, runId) => {
        listedAs = connection.provider.listedAs ?? listedAs
        const provider = remembering(connection.provider, {
          has: (id, shown) => before.has(id, shown) && !present.has(id),
          unchanged: (id, shown) => present.unchanged(id, shown),
          isEmpty: before.isEmpty
        })
        return Effect.map(
          pull({ ...connection, provider }, { runId, ranges, full: false, learned: before.learned }),
          (fault) => ({
            fault
          })
        )
      }
    }

    if (before.walk !== null) {
      const { cursor, startedAt } = before.walk
      yield* register(config)
      yield* mirror.beginScan(name, "sync", {
        scope,
        startedAt: startedAt as Timestamp,
        cursor: cursor ?? ""
      })
    }
    // `run` reports what the mirror objects to by its kind, from a defect too.
    const committed = Effect.orDie(emitter.sending(send))
    const { report } = yield* run({
      command: "airbyte read",
      connections: [config],
      maxWaitMillis: maxWaitMillis(keys),
      lanes: [lane]
    }).pipe(Effect.provide(progressOf(emitter, fork, committed)))
    yield* emitter.sending(send)
    const spoilt = yield* mirror.quarantined({ connection: name, includeResolved: false, limit: 10_000 })
    const reasons = new Map<string, number>()
    for (const { kind, reason } of spoilt) {
      const words = `${kind}: ${reason}`
      reasons.set(words, (reasons.get(words) ?? 0) + 1)
    }
    for (const [words, count] of reasons) {
      yield* emitter.log(
        "WARN",
        `${count} ${count === 1 ? "record" : "records"} could not be read and ${count === 1 ? "is" : "are"} left out: ${words}`
      )
    }
    return report.connections[0]?.error ?? null
  })
  const error = yield* work.pipe(
    Effect.provide(storeLayer(path)),
    Effect.catchTag("StoreError", (failed) => storeFailure(failed)),
    Effect.tapError(() => emitter.finished("INCOMPLETE")),
    Effect.onInterrupt(() => emitter.stopped)
  )
  // What could not be read is said, and all else is there.
  const fault = error?.kind === "quarantined" ? null : error
  isWhole = fault === null
  if (present.isTooMuch) {
    yield* emitter.log(
      "WARN",
      "there are too many conversations for a state to remember (512 KiB): the next read fetches all of them again. Read a mirror instead"
    )
  }
  yield* emitter.finished(isWhole ? "COMPLETE" : "INCOMPLETE")
  if (fault !== null) return yield* failureOf(fault)
}, Effect.scoped)
