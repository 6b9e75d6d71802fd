import { randomUUID } from "node:crypto"
import { Clock, Data, Deferred, Duration, Effect, Schedule } from "effect"
import { now, type Timestamp } from "../../domain/Timestamp.ts"
import type { Lane } from "../../http/contract.ts"
import { Db } from "../Db.ts"
import { isHolderDead, startIn, thisProcess } from "./processIdentity.ts"

/** The connection and lane are held by another run. */
export class Busy extends Data.TaggedError("Busy")<{
  readonly connection: string
  readonly lane: Lane
  readonly host: string
  readonly pid: number
  readonly since: Timestamp
  readonly message: string
  readonly hint: string
}> {}

/** The right to be the only run of a connection and lane, for as long as the scope. */
interface Lease {
  /** Fails once the lease is lost: this process slept for longer than it lasts, and another run took it. */
  readonly lost: Effect.Effect<never, Busy>
}

interface LeaseRow {
  readonly owner: string
  readonly host: string
  readonly pid: number
  readonly acquired_at: Timestamp
  readonly expires_at: Timestamp
}

const renewEvery = Duration.seconds(10)
const lastsMillis = 60_000

/** A lease that would last for longer than this, milliseconds, was entered by a clock that was ahead. */
const mostMillis = 2 * lastsMillis

const select =
  "SELECT owner, host, pid, acquired_at, expires_at FROM leases WHERE connection = ? AND lane = ?"

/** Whose leases this process holds. The row of one that is given back stays where the file cannot be written. */
const living = new Set<string>()

const busy = (connection: string, lane: Lane, row: LeaseRow): Busy =>
  new Busy({
    connection,
    lane,
    host: row.host,
    pid: row.pid,
    since: row.acquired_at,
    message: `${connection} (${lane}) is held by another run: process ${row.pid} on ${row.host}, since ${row.acquired_at}`,
    hint: "Wait until it has ended, or end it. A lease whose process died is taken over at once on the same machine, and elsewhere one minute later."
  })

/** One run for each connection and lane. */
export class Leases extends Effect.Service<Leases>()("parley/Leases", {
  effect: Effect.gen(function* () {
    const db = yield* Db
    const self = thisProcess()

    /**
     * Whether its holder is gone: a process that died, or a run of this process that could not release it. A lease that another
     * machine holds for longer than a lease lasts is free.
     */
    const isLeft = ({ expires_at, host, owner, pid }: LeaseRow, millis: number): boolean => {
      const isOurs = host === self.host && pid === self.pid && startIn(owner) === self.start
      if (isOurs) return !living.has(owner)
      if (host !== self.host) return expires_at > now(millis + mostMillis)
      return isHolderDead({ host, owner, pid })
    }

    /** The holder, where it is another one; null: the lease is ours. */
    const take = Effect.fn("Leases.take")(function* (connection: string, lane: Lane, owner: string) {
      const millis = yield* Clock.currentTimeMillis
      const at = now(millis)
      return yield* db.transaction("Leases.take", ({ prepare }): LeaseRow | null => {
        const held = prepare(select).get(connection, lane) as LeaseRow | undefined
        const isHeld = held !== undefined && held.owner !== owner && held.expires_at > at
        if (isHeld && !isLeft(held, millis)) return held
        prepare(
          `INSERT INTO leases (connection, lane, owner, host, pid, acquired_at, expires_at)
           VALUES (?, ?, ?, ?, ?, ?, ?)
           ON CONFLICT (connection, lane) DO UPDATE SET owner = excluded.owner, host = excluded.host,
             pid = excluded.pid, acquired_at = excluded.acquired_at, expires_at = excluded.expires_at`
        ).run(connection, lane, owner, self.host, self.pid, at, now(millis + lastsMillis))
        return null
      })
    })

    /**
     * The new holder, where another run took the lease; null: it is ours for another minute. One that another run took
     * and gave back while this process slept is taken again.
     */
    const renew = Effect.fn("Leases.renew")(function* (connection: string, lane: Lane, owner: string) {
      const millis = yield* Clock.currentTimeMillis
      const holder = yield* db.transaction("Leases.renew", ({ prepare }): LeaseRow | "ours" | "free" => {
        const { changes } = prepare(
          "UPDATE leases SET expires_at = ? WHERE connection = ? AND lane = ? AND owner = ?"
        ).run(now(millis + lastsMillis), connection, lane, owner)
        if (changes === 1) return "ours"
        return (prepare(select).get(connection, lane) as LeaseRow | undefined) ?? "free"
      })
      if (holder === "free") return yield* take(connection, lane, owner)
      return holder === "ours" ? null : holder
    })

    const release = (connection: string, lane: Lane, owner: string) =>
      Effect.ensuring(
        Effect.ignore(
          db.transaction("Leases.release", ({ prepare }) =>
            prepare("DELETE FROM leases WHERE connection = ? AND lane = ? AND owner = ?").run(
              connection,
              lane,
              owner
            )
          )
        ),
        Effect.sync(() => living.delete(owner))
      )

    /**
     * Takes the lease and renews it until the scope closes. Fails with `Busy` where a living run holds it; one whose
     * process is dead on this machine, or that was not renewed for a minute, is taken over.
     */
    const acquire = Effect.fn("Leases.acquire")(function* (connection: string, lane: Lane) {
      const owner = `${self.start ?? ""}#${randomUUID()}`
      const hold = Effect.suspend(() => {
        living.add(owner)
        return take(connection, lane, owner)
      }).pipe(
        Effect.flatMap((held) => (held === null ? Effect.void : Effect.fail(busy(connection, lane, held)))),
        Effect.onError(() => Effect.sync(() => living.delete(owner)))
      )
      yield* Effect.acquireRelease(hold, () => release(connection, lane, owner))
      const lost = yield* Deferred.make<never, Busy>()
      const renewal = Effect.flatMap(renew(connection, lane, owner), (holder) =>
        holder === null ? Effect.void : Deferred.fail(lost, busy(connection, lane, holder))
      )
      // A file that is locked for a moment is tried again with the next beat, well before the lease expires.
      yield* Effect.ignore(renewal).pipe(Effect.schedule(Schedule.spaced(renewEvery)), Effect.forkScoped)
      const lease: Lease = { lost: Deferred.await(lost) }
      return lease
    })

    return { acquire } as const
  })
}) {}
