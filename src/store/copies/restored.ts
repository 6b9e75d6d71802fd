import { Clock, Effect } from "effect"
import { now, type Timestamp } from "../../domain/Timestamp.ts"
import { Db, type Session } from "../Db.ts"
import { helpful, openMeeting, placeOf, readMeeting } from "../ledger/meeting.ts"
import { identityOf } from "../read/moment.ts"
import { manifestIn } from "./manifest.ts"

/*
 * A mirror that is older than it was: a backup was put back, or a copy beside the one in use is run. The file itself says
 * so where it is a backup of Parley's; otherwise this user's own state does, which remembers how far each file has come.
 */

const table = /* sql */ `CREATE TABLE IF NOT EXISTS states (
  mirror TEXT NOT NULL, place TEXT NOT NULL, seq INTEGER NOT NULL, at TEXT NOT NULL, seen_at INTEGER NOT NULL,
  PRIMARY KEY (mirror, place)
) STRICT, WITHOUT ROWID`

/** Files that were not seen for so long, in milliseconds, are forgotten. */
export const memory = 180 * 24 * 3_600_000

/** A state of a mirror: its newest commit. */
export interface State {
  readonly seq: number
  readonly at: Timestamp
}

/** An older state of a mirror that was put in the place of a newer one. */
export interface Restoration {
  /** When the older state was made, and its newest commit. */
  readonly state_at: Timestamp
  readonly state_seq: number
  /** The newest commit that is known of; null: none is known that it lacks. */
  readonly newest_at: Timestamp | null
  readonly newest_seq: number | null
}

/** Null: nothing was committed yet. */
const stateOf = ({ prepare }: Session): State | null =>
  (prepare("SELECT seq, at FROM commits ORDER BY seq DESC LIMIT 1").get() as State | undefined) ?? null

/** Whether the mirror lacks a commit, or has another one in its place. One that was deleted since is not lacking. */
export const lacks = (session: Session, { at, seq }: State): boolean => {
  const newest = stateOf(session)
  if (newest === null || seq > newest.seq) return true
  const found = session.prepare("SELECT at FROM commits WHERE seq = ?").pluck().get(seq)
  return found !== undefined && found !== at
}

interface Known extends State {
  readonly place: string
}

/** States of a mirror that this user's files have had, the newest first. Empty: none is known of. */
const knownStates = (meeting: string, mirror: string) =>
  Effect.map(
    helpful(() =>
      readMeeting(meeting, (database) =>
        database
          .prepare<[string], Known>("SELECT place, seq, at FROM states WHERE mirror = ? ORDER BY seq DESC")
          .all(mirror)
      )
    ),
    (states) => states ?? []
  )

/** The later one of two moments, either of which may not be known. */
export const later = (one: Timestamp | null, other: Timestamp | null): Timestamp | null =>
  one === null || (other !== null && other > one) ? other : one

/** What nobody has been told of yet; null: the file is as new as it ever was, as far as is known. */
const restorationIn = (session: Session, known: ReadonlyArray<Known>): Restoration | null => {
  const state = stateOf(session)
  if (state === null) return null
  const place = placeOf(session.database.name)
  const own = known.filter((one) => one.place === place)
  const newer = (own.length > 0 ? own : known).find((one) => lacks(session, one)) ?? null
  const manifest = manifestIn(session.database)
  if (manifest?.kind === "publication" || (manifest === null && newer === null)) return null
  return {
    state_at: manifest?.made_at ?? state.at,
    state_seq: manifest?.seq ?? state.seq,
    newest_at: newer?.at ?? null,
    newest_seq: newer?.seq ?? null
  }
}

/**
 * An older state that is in the place of a newer one, and that no run has noticed yet; null: there is none.
 * @param meeting a file in which this user's copies of mirrors find out about each other
 */
export const unnoticedRestoration = Effect.fn("restored.look")(function* (meeting: string) {
  const db = yield* Db
  const known = yield* knownStates(meeting, yield* db.use("restored.look", identityOf))
  return yield* db.use("restored.look", (session) => restorationIn(session, known))
})

/** How old it is, as the end of a sentence: `as it was at …`. */
export const ageText = ({ newest_at, newest_seq, state_at, state_seq }: Restoration): string =>
  `as it was at ${state_at} (commit ${state_seq})${newest_at === null ? "" : `; this machine knew it up to ${newest_at} (commit ${newest_seq})`}`

/** Those that runs have noticed, the newest first. */
export const restorations = ({ prepare }: Session) =>
  prepare(
    "SELECT noticed_at, state_at, state_seq, newest_at, newest_seq FROM restorations ORDER BY id DESC"
  ).all() as ReadonlyArray<Restoration & { readonly noticed_at: Timestamp }>

/**
 * Notices, once, that the mirror is an older state of itself, and records it. From here on the file is a mirror again, and no
 * backup.
 */
export const noticeRestoration = Effect.fn("restored.notice")(function* (meeting: string) {
  const db = yield* Db
  const at = now(yield* Clock.currentTimeMillis)
  const found = yield* unnoticedRestoration(meeting)
  if (found !== null) {
    yield* db.transaction("restored.notice", ({ prepare }) => {
      prepare("DELETE FROM copy_manifest").run()
      prepare(
        "INSERT INTO restorations (noticed_at, state_at, state_seq, newest_at, newest_seq) VALUES (?, ?, ?, ?, ?)"
      ).run(at, found.state_at, found.state_seq, found.newest_at, found.newest_seq)
    })
  }
  yield* rememberState(meeting)
  return found
})

/** Remembers how far this file has come. */
export const rememberState = Effect.fn("restored.remember")(function* (meeting: string) {
  const db = yield* Db
  const at = yield* Clock.currentTimeMillis
  const [mirror, state] = yield* db.use(
    "restored.remember",
    (session) => [identityOf(session), stateOf(session)] as const
  )
  if (state === null) return
  yield* helpful(() => {
    const database = openMeeting(meeting, table)
    try {
      database
        .prepare("INSERT OR REPLACE INTO states (mirror, place, seq, at, seen_at) VALUES (?, ?, ?, ?, ?)")
        .run(mirror, placeOf(db.path), state.seq, state.at, at)
      database.prepare("DELETE FROM states WHERE seen_at < ?").run(at - memory)
    } finally {
      database.close()
    }
  })
})

/**
 * Until when changes were requested that a newer state of this mirror may have sent; null: none is known of, so that what
 * is pending was not sent.
 */
export const restoredUntil = Effect.fn("restored.until")(function* (meeting: string) {
  const db = yield* Db
  const unnoticed = yield* unnoticedRestoration(meeting)
  const noticed = yield* db.use("restored.until", restorations)
  return noticed.map(({ state_at }) => state_at).reduce(later, unnoticed?.state_at ?? null)
})
