import { Clock, type Context, Effect, FiberSet, type Layer, type Scope } from "effect"
import type { Config, ConnectionConfig } from "../config/Config.ts"
import { toMillis } from "../domain/Timestamp.ts"
import type { Db } from "../store/Db.ts"
import type { Leases } from "../store/ledger/Leases.ts"
import type { Ledger } from "../store/ledger/Ledger.ts"
import type { Mirror } from "../store/mirror/Mirror.ts"
import { Outbox } from "../store/outbox/Outbox.ts"
import type { StoreError } from "../store/StoreError.ts"
import { alert } from "../sync/alerts/alert.ts"
import { pushLaneWith, syncLanes } from "../sync/lanes.ts"
import { talkingLayer } from "../sync/layers.ts"
import { Progress } from "../sync/progress.ts"
import { retryQuarantine } from "../sync/rebuild.ts"
import { type LaneWork, type RunReport, run, type Settled } from "../sync/run.ts"
import { type Broken, toBroken } from "./api.ts"
import type { Events } from "./events.ts"

/** Runs in this process, beside the answers. */
export interface Runs {
  /** Sends these changes, and looks after those that have to wait for as long as this process lives. */
  readonly push: (changes: ReadonlyArray<SentChange>) => Effect.Effect<void>
  /** Changes go out, then what changed comes in. Does not wait for it. */
  readonly sync: (connections: ReadonlyArray<ConnectionConfig>) => Effect.Effect<void>
  /** Reads what is in quarantine again, without asking a provider. Gives how many records were tried. */
  readonly reread: (connections: ReadonlyArray<ConnectionConfig>) => Effect.Effect<number, Broken>
  /** One scheduled run, to its end. */
  readonly scheduled: (
    connections: ReadonlyArray<ConnectionConfig>,
    settled: (settled: Settled) => Effect.Effect<void>
  ) => Effect.Effect<RunReport, StoreError>
}

interface SentChange {
  readonly id: number
  readonly connection: string
}

/** What is done with a mirror that is open for writing. */
export type Store = Db | Mirror | Ledger | Leases | Outbox

type Working = Store | Progress | Layer.Layer.Success<typeof talkingLayer>

/** Milliseconds that a single wait may take, as of `sync`. */
const maxWaitMillis = 3_600_000

/** Milliseconds between two attempts to send, at least, and at most while the provider names no time. */
const soonest = 2_000
const latest = 5 * 60_000

/** States in which the next push has something to do. */
const open = new Set(["pending", "sending", "queued", "sent"])

/** Where nothing can be changed. */
export const noRuns: Runs = {
  push: () => Effect.void,
  sync: () => Effect.void,
  reread: () => Effect.succeed(0),
  scheduled: () => Effect.never
}

const syncRun = (
  connections: ReadonlyArray<ConnectionConfig>,
  settled?: (settled: Settled) => Effect.Effect<void>
) =>
  run({
    command: "serve",
    connections,
    maxWaitMillis,
    lanes: syncLanes({ pullOnly: false, pushOnly: false, full: false }),
    ...(settled === undefined ? {} : { settled })
  })

export const makeRuns = (
  writer: Context.Context<Store>,
  { connections, notify }: Pick<Config, "connections" | "notify">,
  events: Events
): Effect.Effect<Runs, never, Progress | Scope.Scope> =>
  Effect.gen(function* () {
    const progress = events.overhear(yield* Progress)
    const fork = yield* FiberSet.makeRuntime<never>()
    const work = <A, E>(effect: Effect.Effect<A, E, Working>): Effect.Effect<A, E> =>
      effect.pipe(
        Effect.provideService(Progress, progress),
        Effect.provide(writer),
        Effect.provide(talkingLayer)
      )

    /** Says what kept a run, for which no one waits, from being made at all. */
    const told = <A, R>(chosen: ReadonlyArray<ConnectionConfig>, effect: Effect.Effect<A, StoreError, R>) =>
      Effect.catchAll(Effect.asVoid(effect), ({ hint, message }) =>
        progress.notice(chosen.map(({ name }) => name).join(", "), message, hint)
      )

    /** Of these, those that still have to be sent or confirmed, and when that is due. */
    const left = (ids: ReadonlySet<number>) =>
      Effect.gen(function* () {
        const outbox = yield* Outbox
        const found = yield* Effect.forEach(ids, (id) => outbox.current(id))
        const waiting = found.filter((change) => change !== null && open.has(change.state))
        const times = waiting.flatMap((change) =>
          change?.notBefore == null ? [] : [toMillis(change.notBefore)]
        )
        return {
          ids: new Set(waiting.flatMap((change) => (change === null ? [] : [change.id]))),
          dueAt: times.length === waiting.length && times.length > 0 ? Math.min(...times) : null
        }
      })

    const pushUntilDone = (config: ConnectionConfig, first: ReadonlySet<number>) =>
      Effect.gen(function* () {
        let ids = first
        let pause = soonest
        while (ids.size > 0) {
          yield* told(
            [config],
            run({
              command: "serve",
              connections: [config],
              maxWaitMillis,
              lanes: [pushLaneWith({ only: ids })]
            })
          )
          const rest = yield* left(ids)
          ids = rest.ids
          if (ids.size === 0) return
          const now = yield* Clock.currentTimeMillis
          yield* Effect.sleep(rest.dueAt === null ? pause : Math.max(soonest, rest.dueAt - now))
          pause = Math.min(latest, pause * 2)
        }
      })

    return {
      push: (changes) =>
        Effect.sync(() => {
          for (const config of connections) {
            const ids = new Set(
              changes.flatMap(({ connection, id }) => (connection === config.name ? [id] : []))
            )
            if (ids.size > 0) fork(told([config], work(pushUntilDone(config, ids))))
          }
        }),
      sync: (chosen) =>
        Effect.sync(() => {
          fork(told(chosen, work(syncRun(chosen))))
        }),
      reread: (chosen) =>
        work(
          Effect.gen(function* () {
            let tried = 0
            const lane: LaneWork<Mirror | Progress> = {
              lane: "verify",
              work: (connection, runId) =>
                Effect.map(retryQuarantine(connection, runId), (outcome) => {
                  tried += outcome.tried
                  return { fault: null }
                })
            }
            yield* run({ command: "quarantine retry", connections: chosen, maxWaitMillis: 0, lanes: [lane] })
            return tried
          })
        ).pipe(Effect.mapError(toBroken)),
      scheduled: (chosen, settled) =>
        work(
          syncRun(chosen, settled).pipe(
            Effect.map(({ report }) => report),
            Effect.tap((report) => alert(notify, report))
          )
        )
    }
  })
