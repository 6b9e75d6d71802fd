import { Clock, Data, Effect } from "effect"
import { now, type Timestamp } from "../../domain/Timestamp.ts"
import type { RemoteState } from "../../providers/Provider.ts"
import { restoredUntil } from "../copies/restored.ts"
import { Db, type Session } from "../Db.ts"
import { type Merge, markMerged, mergeCandidates } from "../mirror/merges.ts"
import { findConversation } from "../read/findConversation.ts"
import { identityOf } from "../read/moment.ts"
import type { StoreError } from "../StoreError.ts"
import { askForAll, type BulkRequest, judgeAll } from "./bulk.ts"
import { changedBy, lastSender } from "./changedBy.ts"
import {
  type ChangeEvent,
  changeById,
  countChanges,
  newestOf,
  type OutboxChange,
  openChanges,
  openStates,
  recordStep,
  selectChanges,
  selectOpenChanges
} from "./changeRows.ts"
import { approve, askForChange, type Request, withdraw } from "./request.ts"
import {
  dueChange,
  dueConversations,
  hasAcceptedSince,
  hasOthersSent,
  hasRefused,
  type Moment,
  markConfirmed,
  markEnded,
  markPending,
  markQueued,
  markRefused,
  markSending,
  markSent,
  markTrouble
} from "./transitions.ts"

export type { MirroredConversation } from "../read/findConversation.ts"
export type { Changed, ChangedByRun } from "./changedBy.ts"
export type { ChangeEvent, OutboxChange } from "./changeRows.ts"
export type { Asked, Request } from "./request.ts"
export type { Moment, Observation } from "./transitions.ts"

/** What was asked of the outbox cannot be done: what is wrong, and what can be done instead. */
export class ChangeRefused extends Data.TaggedError("ChangeRefused")<{
  readonly message: string
  readonly hint: string
}> {}

export interface ListOptions {
  /** Include those that ended and need no attention. */
  readonly all: boolean
  /** Null: every connection. */
  readonly connection: string | null
  readonly limit: number
}

/** Where a connection's changes stand. `pending`: everything open that is not `queued`. */
interface OpenChanges {
  readonly queued: number
  readonly pending: number
}

/** Some of the changes that were requested, newest first. */
export interface Listed {
  readonly changes: ReadonlyArray<OutboxChange>
  /** How many there are, shown or not. */
  readonly total: number
}

const list = (session: Session, { all, connection, limit }: ListOptions): Listed => {
  // A rejection or a conflict is resolved when a person says so, or requests something else.
  const wanted = all
    ? "1"
    : `(c.state IN ${openStates} OR c.state = 'proposed' OR (c.state IN ('rejected', 'conflict') AND c.resolved_at IS NULL
        AND NOT EXISTS (SELECT 1 FROM status_changes n WHERE n.conversation_id = c.conversation_id AND n.id > c.id)))`
  const where = `WHERE ${wanted} AND (? = '' OR r.connection = ?)`
  const name = connection ?? ""
  const changes = selectChanges(session, `${where} ORDER BY c.id DESC LIMIT ?`, name, name, limit)
  const total = changes.length < limit ? changes.length : countChanges(session, where, name, name)
  return { changes, total }
}

const events = (session: Session, changeId: number): ReadonlyArray<ChangeEvent> =>
  session
    .prepare("SELECT at, state, detail, run_id AS runId FROM change_events WHERE change_id = ? ORDER BY id")
    .all(changeId) as ReadonlyArray<ChangeEvent>

/** How many changes of these connections wait to be sent. */
const pendingIn = (session: Session, connections: ReadonlyArray<string>): number =>
  session
    .prepare(
      `SELECT coalesce(sum(c.state = 'pending'), 0) FROM ${openChanges}
       WHERE c.state IN ${openStates} AND r.connection IN (SELECT value FROM json_each(?))`
    )
    .pluck()
    .get(JSON.stringify(connections)) as number

const countOpen = (session: Session, connection: string): OpenChanges =>
  session
    .prepare(
      `SELECT coalesce(sum(c.state = 'queued'), 0) AS queued, coalesce(sum(c.state <> 'queued'), 0) AS pending
       FROM ${openChanges} WHERE r.connection = ? AND c.state IN ${openStates}`
    )
    .get(connection) as OpenChanges

/** The last thing that happened to a change, as a text that no other state of the mirror has; empty: nothing did. */
const lastEvent = ({ prepare }: Session): string =>
  (prepare("SELECT id || '@' || at FROM change_events ORDER BY id DESC LIMIT 1").pluck().get() as
    | string
    | undefined) ?? ""

const hasEvent = ({ prepare }: Session, event: string): boolean => {
  const [id = "", at = ""] = event.split("@")
  const found = prepare("SELECT at FROM change_events WHERE id = ?").pluck().get(Number(id))
  // One that is gone may have gone with someone who was forgotten since.
  return found === undefined
    ? prepare("SELECT 1 FROM erasures WHERE requested_at >= ?").get(at) !== undefined
    : found === at
}

const refused = (message: string, hint: string): ChangeRefused => new ChangeRefused({ message, hint })

/**
 * The status changes that were requested here, until the providers confirm them. The first half serves requests, the second the
 * single pusher that a connection has (`push.ts`). Every step records the change's history in the same transaction.
 */
export class Outbox extends Effect.Service<Outbox>()("parley/Outbox", {
  effect: Effect.gen(function* () {
    const db = yield* Db

    const write = <A>(op: string, f: (session: Session, at: Timestamp) => A): Effect.Effect<A, StoreError> =>
      Effect.flatMap(Clock.currentTimeMillis, (millis) =>
        db.transaction(`Outbox.${op}`, (session) => f(session, now(millis)))
      )

    /** A question to the mirror, which is given to those who ask it without its session. */
    const read =
      <Args extends ReadonlyArray<unknown>, A>(op: string, f: (session: Session, ...args: Args) => A) =>
      (...args: Args): Effect.Effect<A, StoreError> =>
        db.use(`Outbox.${op}`, (session) => f(session, ...args))

    /** The same as of now. */
    const readNow =
      <A>(op: string, f: (session: Session, of: string, at: Timestamp) => A) =>
      (of: string): Effect.Effect<A, StoreError> =>
        Effect.flatMap(Clock.currentTimeMillis, (millis) => read(op, f)(of, now(millis)))

    /** A step of a change, in a transaction: see `transitions.ts`. */
    const step =
      <Args extends ReadonlyArray<unknown>>(
        op: string,
        mark: (session: Session, change: OutboxChange, ...args: Args) => OutboxChange | null
      ) =>
      (change: OutboxChange, ...args: Args): Effect.Effect<OutboxChange | null, StoreError> =>
        write(op, (session) => mark(session, change, ...args))

    const existing = (session: Session, id: number): OutboxChange | ChangeRefused =>
      changeById(session, id) ??
      refused(`there is no change ${id}`, "`parley changes list --all` shows them.")

    /** For what is done to a change that exists, or refused: then nothing is written. Returns the change as it is then. */
    const attempt =
      <Args extends ReadonlyArray<unknown>>(
        op: string,
        f: (session: Session, found: OutboxChange, at: Timestamp, ...args: Args) => ChangeRefused | undefined
      ) =>
      (id: number, ...args: Args): Effect.Effect<OutboxChange, ChangeRefused | StoreError> =>
        Effect.flatMap(
          write(op, (session, at) => {
            const found = existing(session, id)
            if (found instanceof ChangeRefused) return found
            return f(session, found, at, ...args) ?? existing(session, id)
          }),
          (result) => (result instanceof ChangeRefused ? result : Effect.succeed(result))
        )

    const conversation = Effect.fn("Outbox.conversation")(function* (id: string) {
      const found = yield* db.use("Outbox.conversation", (session) => findConversation(session, id))
      return "message" in found ? yield* refused(found.message, found.hint) : found
    })

    const ask = Effect.fn("Outbox.ask")(function* (request: Request) {
      const asked = yield* write("ask", (session, at) => askForChange(session, request, at))
      return asked._tag === "Refused" ? yield* refused(asked.message, asked.hint) : asked
    })

    const change = Effect.fn("Outbox.change")(function* (id: number) {
      const found = yield* read("change", existing)(id)
      return found instanceof ChangeRefused ? yield* found : found
    })

    /** Cancels a pending change. */
    const cancel = attempt("cancel", (session, found, at) => {
      const { endedAt, id, state } = found
      if (state !== "pending" && state !== "proposed") {
        return endedAt === null
          ? refused(
              `change ${id} is on its way (\`${state}\`): the provider may have applied it already`,
              `Ask for the status you want instead: it is sent once change ${id} has ended.`
            )
          : refused(`change ${id} has ended (\`${state}\`)`, "There is nothing to take back.")
      }
      withdraw(session, found, "cancelled on request", at)
    })

    /** Lets a proposed change be sent. */
    const approveChange = attempt("approve", (session, found, at) => {
      const { id, state } = found
      if (state !== "proposed") {
        return refused(
          `change ${id} waits for no approval: it is ${state}`,
          "`parley changes list` shows those that do."
        )
      }
      // Parley's own requests take a proposal back; those of other clients of SQLite do not.
      const pending = newestOf(session, found.conversationId, "('pending')")
      if (pending !== null && pending.id > id) {
        return refused(
          `change ${id} is older than change ${pending.id}, which is pending for the same conversation`,
          `Refuse it (\`parley changes cancel ${id}\`), or cancel ${pending.id} first.`
        )
      }
      approve(session, found, at)
    })

    /** Makes an open change due for the next push, whatever wait it had. */
    const hurry = attempt("hurry", (session, found, at) => {
      session.prepare("UPDATE status_changes SET not_before = NULL WHERE id = ?").run(found.id)
      const detail = "to be tried again at once, on request"
      recordStep(session, found.id, { at, state: found.state, detail, runId: null })
    })

    /** Marks a conflict or a rejection as dealt with. */
    const markResolved = attempt("markResolved", (session, found, at, detail: string) => {
      session.prepare("UPDATE status_changes SET resolved_at = ? WHERE id = ?").run(at, found.id)
      recordStep(session, found.id, { at, state: found.state, detail, runId: null })
    })

    return {
      conversation,
      ask,
      /** What would become of the same change for many conversations. */
      judgeMany: read("judgeMany", judgeAll),
      /** All of them, or none: see `askForAll`. */
      askMany: (request: BulkRequest) => write("askMany", (session, at) => askForAll(session, request, at)),
      change,
      cancel,
      approve: approveChange,
      hurry,
      markResolved,
      list: read("list", list),
      /** Every open change of a connection, in the order in which they are worked on. */
      open: read("open", selectOpenChanges),
      /** How many changes of these connections wait to be sent. */
      pendingIn: read("pendingIn", pendingIn),
      /** The mirror's identity: a copy of the file has the same. */
      identity: db.use("Outbox.identity", identityOf),
      lastEvent: db.use("Outbox.lastEvent", lastEvent),
      hasEvent: read("hasEvent", hasEvent),
      /** See `restoredUntil`. */
      restoredUntil: (meeting: string) => Effect.provideService(restoredUntil(meeting), Db, db),
      /** The mirror's file. */
      file: db.path,
      events: read("events", events),
      changedBy: read("changedBy", changedBy),
      lastSender: read("lastSender", lastSender),
      openChanges: read("openChanges", countOpen),

      /** A change as it is now; null: there is none. */
      current: read("current", changeById),
      dueConversations: readNow("dueConversations", dueConversations),
      dueChange: readNow("dueChange", dueChange),
      /**
       * Null: the change was replaced or taken back meanwhile. On disk before this returns, even should the machine
       * lose its power right after.
       */
      sending: (change: OutboxChange, found: RemoteState, detail: string, moment: Moment) =>
        Effect.zipRight(
          db.stillThere("Outbox.sending", { atOnce: true }),
          db.use("Outbox.sending", (session) => {
            session.database.pragma("synchronous = FULL")
            try {
              return session.database
                .transaction(() => markSending(session, change, found, detail, moment))
                .immediate()
            } finally {
              session.database.pragma("synchronous = NORMAL")
            }
          })
        ),
      sent: step("sent", markSent),
      queued: step("queued", markQueued),
      trouble: step("trouble", markTrouble),
      pending: step("pending", markPending),
      refused: step("refused", markRefused),
      confirmed: step("confirmed", markConfirmed),
      ended: step("ended", markEnded),
      /** See `mergeCandidates`. */
      mergeCandidates: ({ connection, providerId }: OutboxChange) =>
        read("mergeCandidates", mergeCandidates)(connection, providerId),
      merged: (merge: Merge) => write("merged", (session, at) => markMerged(session, merge, at)),
      hasAcceptedSince: read("hasAcceptedSince", hasAcceptedSince),
      hasOthersSent: read("hasOthersSent", hasOthersSent),
      hasRefused: read("hasRefused", hasRefused)
    } as const
  })
}) {}
