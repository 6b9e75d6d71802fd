import { Clock, Effect } from "effect"
import { now, type Timestamp } from "../../domain/Timestamp.ts"
import { type FileCopy, fileCopies } from "../copies/fileCopies.ts"
import { Db, type Session } from "../Db.ts"
import { connectionNames } from "../read/findConversation.ts"
import { identityOf } from "../read/moment.ts"
import { StoreError } from "../StoreError.ts"
import { beginConnection, beginPerson, countConnection, countPerson, type ErasureCounts } from "./begin.ts"
import { isErasing, makeFinish, type Part } from "./finish.ts"
import { findPerson, type Person, type PersonNamed, similarContacts } from "./person.ts"

/** Whom or what to forget. */
export type Forgetting =
  | { readonly _tag: "Person"; readonly named: PersonNamed }
  | { readonly _tag: "Connection"; readonly name: string }

/** What would go. */
export interface ErasurePlan {
  readonly counts: ErasureCounts
  /** Ids of the contacts that are the person. */
  readonly contacts: ReadonlyArray<string>
  /** Ids of contacts that may be the same person and are not taken for it. */
  readonly similar: ReadonlyArray<string>
  /** Changes that are on their way to the provider: what becomes of them will not be known. */
  readonly onTheirWay: number
  /** Files that hold what the mirror held, theirs included: only their owner can delete them. */
  readonly copies: ReadonlyArray<FileCopy>
}

export interface Erasure {
  readonly id: number
  readonly mirror: string
  readonly requestedAt: Timestamp
  /** Null: `unfinished` says why. */
  readonly finishedAt: Timestamp | null
  readonly counts: ErasureCounts
  readonly unfinished: string | null
  /** See `ErasurePlan`. */
  readonly copies: ReadonlyArray<FileCopy>
}

const idsOf = ({ prepare }: Session, { contacts }: Person): ReadonlyArray<string> =>
  prepare("SELECT id FROM remote_contacts WHERE key IN (SELECT value FROM json_each(?)) ORDER BY id")
    .pluck()
    .all(JSON.stringify(contacts)) as ReadonlyArray<string>

const sendingOf = ({ prepare }: Session, condition: string, parameter: string): number =>
  Number(
    prepare(
      `SELECT count(*) FROM status_changes s JOIN remote_conversations r ON r.id = s.conversation_id
       WHERE s.state IN ('sending', 'queued', 'sent') AND ${condition}`
    )
      .pluck()
      .get(parameter)
  )

const knownConnection = (session: Session, name: string): void => {
  const names = connectionNames(session)
  if (names.includes(name)) return
  throw new StoreError({
    op: "forget",
    kind: "refused",
    message: `there is no connection "${name}" in the mirror`,
    hint: `Connections here: ${names.join(", ") || "none yet"}.`
  })
}

/** Counts what would go. Writes nothing. */
const plan = (session: Session, forgetting: Forgetting): ErasurePlan => {
  if (forgetting._tag === "Connection") {
    knownConnection(session, forgetting.name)
    return {
      counts: countConnection(session, forgetting.name),
      contacts: [],
      similar: [],
      onTheirWay: sendingOf(session, "r.connection = ?", forgetting.name),
      copies: fileCopies(session)
    }
  }
  const person = findPerson(session, forgetting.named)
  return {
    counts: countPerson(session, person),
    contacts: idsOf(session, person),
    similar: similarContacts(session, forgetting.named, person),
    onTheirWay: sendingOf(
      session,
      "r.key IN (SELECT value FROM json_each(?))",
      JSON.stringify(person.conversations)
    ),
    copies: fileCopies(session)
  }
}

const begin = (session: Session, forgetting: Forgetting, at: Timestamp): number => {
  if (forgetting._tag === "Person") return beginPerson(session, findPerson(session, forgetting.named), at)
  knownConnection(session, forgetting.name)
  return beginConnection(session, forgetting.name, at)
}

/** For a run that is at work on the mirror, milliseconds, and between two looks. */
const longestWaitMillis = 120_000
const betweenTriesMillis = 500

export const planErasure = Effect.fn("forget.plan")(function* (forgetting: Forgetting) {
  const db = yield* Db
  return yield* db.use("forget.plan", (session) => plan(session, forgetting))
})

/**
 * Erases. What is requested is on disk before anything goes; from then on nothing of it is stored, and a death leaves the
 * rest to the next program that opens the mirror for writing.
 */
export const erase = Effect.fn("forget.erase")(function* (forgetting: Forgetting) {
  const db = yield* Db
  const requestedAt = now(yield* Clock.currentTimeMillis)
  const started = yield* db.use("forget.begin", (session) => {
    const { database, prepare } = session
    database.pragma("synchronous = FULL")
    try {
      const { copies, counts } = plan(session, forgetting)
      return database
        .transaction(() => {
          const mirror = identityOf({ prepare })
          return { id: begin(session, forgetting, requestedAt), mirror, counts, copies }
        })
        .immediate()
    } finally {
      database.pragma("synchronous = NORMAL")
    }
  })
  const next = yield* db.use("forget.finish", (session) => makeFinish(session))
  const oneMore = Effect.flatMap(Clock.currentTimeMillis, (millis) =>
    // Signals are heard in between.
    Effect.zipLeft(
      db.use("forget.finish", () => next(now(millis))),
      Effect.yieldNow()
    )
  )
  let part: Part = { _tag: "More" }
  const until = (yield* Clock.currentTimeMillis) + longestWaitMillis
  for (;;) {
    while (part._tag === "More") part = yield* oneMore
    const isBrief = part._tag === "Waits" && part.isBrief === true
    if (!isBrief || (yield* Clock.currentTimeMillis) >= until) break
    yield* Effect.sleep(betweenTriesMillis)
    part = { _tag: "More" }
  }
  const finished = yield* db.use("forget.finished", (session) =>
    isErasing(session)
      ? null
      : (session
          .prepare("SELECT finished_at FROM erasures WHERE id = ?")
          .pluck()
          .get(started.id) as Timestamp)
  )
  const erasure: Erasure = {
    ...started,
    requestedAt,
    finishedAt: finished,
    unfinished: part._tag === "Waits" ? part.reason : null
  }
  return erasure
})
