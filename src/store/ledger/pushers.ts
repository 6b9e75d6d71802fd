import type Sqlite from "better-sqlite3"
import { Clock, Effect, Schedule } from "effect"
import { now, type Timestamp } from "../../domain/Timestamp.ts"
import { helpful, openMeeting, placeOf, readMeeting } from "./meeting.ts"

/*
 * Copies of one mirror each believe that they alone push. Which file pushed last, and up to which event of its outbox, is
 * kept in a file of this user's, where the copies meet. Another machine or user is not seen.
 */

const table = /* sql */ `CREATE TABLE IF NOT EXISTS pushers (
  mirror TEXT NOT NULL, connection TEXT NOT NULL, place TEXT NOT NULL, event TEXT NOT NULL,
  pushed_at INTEGER NOT NULL, busy_until INTEGER NOT NULL,
  PRIMARY KEY (mirror, connection)
) STRICT, WITHOUT ROWID`

/** Mirrors that did not push for so long, in milliseconds, are forgotten. */
const memory = 180 * 24 * 3_600_000

/** Milliseconds after its last heartbeat for which a push still counts as running, and between heartbeats. */
const busyMillis = 60_000
const renewMillis = 20_000

/** Which mirror pushes, and from which file. */
interface Pusher {
  /** Where the copies meet. */
  readonly meeting: string
  /** The mirror's identity: the same in every copy. */
  readonly mirror: string
  readonly connection: string
  /** The mirror's file. */
  readonly file: string
}

export type Claim =
  /** `elsewhere`: when another copy, or a newer state of this file, last pushed; null: none did. */
  | { readonly _tag: "Claimed"; readonly elsewhere: Timestamp | null }
  /** Another copy is pushing right now. */
  | { readonly _tag: "CopyIsPushing" }

/** The outbox of the file that pushes. An event is a text that no other state of the mirror has. */
export interface Events<E> {
  readonly has: (event: string) => Effect.Effect<boolean, E>
  /** Empty: nothing has happened yet. */
  readonly last: Effect.Effect<string, E>
}

interface Row {
  readonly place: string
  readonly event: string
  readonly pushed_at: number
  readonly busy_until: number
}

const rowOf = (database: Sqlite.Database, { connection, mirror }: Pusher): Row | undefined =>
  database
    .prepare<[string, string], Row>(
      "SELECT place, event, pushed_at, busy_until FROM pushers WHERE mirror = ? AND connection = ?"
    )
    .get(mirror, connection)

const put = "INSERT OR REPLACE INTO pushers VALUES (?, ?, ?, ?, ?, ?)"

/** @param isBehind the outbox lacks what the last push left in it: an older state of the file was put back */
const claimIn = (
  database: Sqlite.Database,
  pusher: Pusher,
  place: string,
  isBehind: boolean,
  at: number
): Claim => {
  const row = rowOf(database, pusher)
  const isOther = row !== undefined && row.place !== place
  // A time that lies further ahead is of a clock that was wrong.
  if (isOther && row.busy_until > at && row.busy_until <= at + 2 * busyMillis)
    return { _tag: "CopyIsPushing" }
  const [event, pushedAt] = [row?.event ?? "", row?.pushed_at ?? 0]
  database.prepare(put).run(pusher.mirror, pusher.connection, place, event, pushedAt, at + busyMillis)
  database.prepare("DELETE FROM pushers WHERE busy_until < ? AND pushed_at < ?").run(at - memory, at - memory)
  return { _tag: "Claimed", elsewhere: isOther || isBehind ? pushedBefore(pushedAt, at) : null }
}

/** When it was pushed, no later than now; 0: not known. */
const pushedBefore = (pushedAt: number, at: number): Timestamp => now(Math.min(pushedAt || at, at))

/** Whether the outbox lacks what the last push left in it. */
const isBehindOf = <E>(
  row: Row | null | undefined,
  events: Pick<Events<E>, "has">
): Effect.Effect<boolean, E> => {
  const event = row?.event ?? ""
  return event === "" ? Effect.succeed(false) : Effect.map(events.has(event), (has) => !has)
}

/** When another copy, or a newer state of this file, last pushed; null: none did. Writes nothing, and claims nothing. */
export const lastPushedElsewhere = <E>(pusher: Pusher, events: Pick<Events<E>, "has">) =>
  Effect.gen(function* () {
    const place = yield* helpful(() => placeOf(pusher.file))
    const row = yield* helpful(() =>
      readMeeting(pusher.meeting, (database) => rowOf(database, pusher) ?? null)
    )
    if (row === null || place === null) return null
    const isElsewhere = row.place !== place || (yield* isBehindOf(row, events))
    return isElsewhere ? pushedBefore(row.pushed_at, yield* Clock.currentTimeMillis) : null
  })

/** The right to push a connection of a mirror, for as long as the scope. */
export const claimPush = <E>(pusher: Pusher, events: Events<E>) =>
  Effect.gen(function* () {
    const unknown: Claim = { _tag: "Claimed", elsewhere: null }
    const database = yield* Effect.acquireRelease(
      helpful(() => openMeeting(pusher.meeting, table)),
      (opened) => helpful(() => opened?.close())
    )
    const place = yield* helpful(() => placeOf(pusher.file))
    if (database === null || place === null) return unknown
    const before = yield* helpful(() => rowOf(database, pusher))
    const isBehind = yield* isBehindOf(before, events)
    const at = yield* Clock.currentTimeMillis
    const claim = yield* helpful(() =>
      database.transaction(() => claimIn(database, pusher, place, isBehind, at)).immediate()
    )
    if (claim === null || claim._tag === "CopyIsPushing") return claim ?? unknown
    const { connection, mirror } = pusher
    const renew = Effect.flatMap(Clock.currentTimeMillis, (millis) =>
      helpful(() =>
        database
          .prepare("UPDATE pushers SET busy_until = ? WHERE mirror = ? AND connection = ? AND place = ?")
          .run(millis + busyMillis, mirror, connection, place)
      )
    )
    yield* Effect.forkScoped(Effect.repeat(renew, Schedule.spaced(renewMillis)))
    yield* Effect.addFinalizer(() =>
      Effect.gen(function* () {
        const last = yield* events.last
        const millis = yield* Clock.currentTimeMillis
        yield* helpful(() => database.prepare(put).run(mirror, connection, place, last, millis, 0))
      }).pipe(Effect.ignore)
    )
    return claim
  })
