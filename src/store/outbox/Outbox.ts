import { Clock, Data, Effect } from "effect"
import { now, type Timestamp } from "../../domain/Timestamp.ts"
import type { RemoteState } from "../../providers/Provider.ts"
import { restoredUntil } from "../copies/restored.ts"
import { Db, type Session } from "../Db.ts"
import { type Merge, markMerged, mergeCandidates } from "../mirror/merges.ts"
import { findConversation } from "../read/findConversation.ts"
import type { StoreError } from "../StoreError.ts"
import { askForAll, type BulkRequest, judgeAll } from "./bulk.ts"
import { changedBy, lastSender } from "./changedBy.ts"
import {
  type ChangeEvent,
  changeById,
  countChanges,
  type OutboxChange,
  openChanges,
  openStates,
  recordStep,
  selectChanges,
  selectOpenChanges
} from "./changeRows.ts"
import { approve, askForChange, type Request, withdraw } from "./request.ts"
import {
  type Basis,
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
  markTrouble,
  type Observation
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
export interface OpenChanges {
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

    const read = <A>(op: string, f: (session: Session, at: Timestamp) => A): Effect.Effect<A, StoreError> =>
      Effect.flatMap(Clock.currentTimeMillis, (millis) =>
        db.use(`Outbox.${op}`, (session) => f(session, now(millis)))
      )

    /** For functions that return a refusal instead of writing. */
    const attempt = <A>(op: string, f: (session: Session, at: Timestamp) => A | ChangeRefused) =>
      Effect.flatMap(write(op, f), (result) =>
        result instanceof ChangeRefused ? Effect.fail(result) : Effect.succeed(result)
      )

    const existing = (session: Session, id: number): OutboxChange | ChangeRefused =>
      changeById(session, id) ??
      refused(`there is no change ${id}`, "`parley changes list --all` shows them.")

    const conversation = Effect.fn("Outbox.conversation")(function* (id: string) {
      const found = yield* db.use("Outbox.conversation", (session) => findConversation(session, id))
      return "message" in found ? yield* refused(found.message, found.hint) : found
    })

    const ask = Effect.fn("Outbox.ask")(function* (request: Request) {
      const asked = yield* write("ask", (session, at) => askForChange(session, request, at))
      return asked._tag === "Refused" ? yield* refused(asked.message, asked.hint) : asked
    })

    /** What would become of the same change for many conversations. */
    const judgeMany = (request: BulkRequest) =>
      db.use("Outbox.judgeMany", (session) => judgeAll(session, request))

    /** All of them, or none: see `askForAll`. */
    const askMany = (request: BulkRequest) =>
      write("askMany", (session, at) => askForAll(session, request, at))

    const current = (id: number) => db.use("Outbox.current", (session) => changeById(session, id))

    const change = Effect.fn("Outbox.change")(function* (id: number) {
      const found = yield* db.use("Outbox.change", (session) => existing(session, id))
      return found instanceof ChangeRefused ? yield* found : found
    })

    /** Cancels a pending change. */
    const cancel = (id: number) =>
      attempt("cancel", (session, at) => {
        const found = existing(session, id)
        if (found instanceof ChangeRefused) return found
        if (found.state !== "pending" && found.state !== "proposed") {
          return found.endedAt === null
            ? refused(
                `change ${id} is on its way (\`${found.state}\`): the provider may have applied it already`,
                `Ask for the status you want instead: it is sent once change ${id} has ended.`
              )
            : refused(`change ${id} has ended (\`${found.state}\`)`, "There is nothing to take back.")
        }
        withdraw(session, found, "cancelled on request", at)
        return found
      })

    /** Lets a proposed change be sent. */
    const approveChange = (id: number) =>
      attempt("approve", (session, at) => {
        const found = existing(session, id)
        if (found instanceof ChangeRefused) return found
        if (found.state !== "proposed") {
          return refused(
            `change ${id} waits for no approval: it is ${found.state}`,
            "`parley changes list` shows those that do."
          )
        }
        approve(session, found, at)
        return changeById(session, id) ?? found
      })

    /** Makes an open change due for the next push, whatever wait it had. */
    const hurry = (id: number) =>
      attempt("hurry", (session, at) => {
        const found = existing(session, id)
        if (found instanceof ChangeRefused) return found
        session.prepare("UPDATE status_changes SET not_before = NULL WHERE id = ?").run(id)
        recordStep(session, id, {
          at,
          state: found.state,
          detail: "to be tried again at once, on request",
          runId: null
        })
        return found
      })

    /** Marks a conflict or a rejection as dealt with. */
    const markResolved = (id: number, detail: string) =>
      attempt("markResolved", (session, at) => {
        const found = existing(session, id)
        if (found instanceof ChangeRefused) return found
        session.prepare("UPDATE status_changes SET resolved_at = ? WHERE id = ?").run(at, id)
        recordStep(session, id, { at, state: found.state, detail, runId: null })
        return found
      })

    return {
      conversation,
      ask,
      judgeMany,
      askMany,
      change,
      cancel,
      approve: approveChange,
      hurry,
      markResolved,
      list: (options: ListOptions) => db.use("Outbox.list", (session) => list(session, options)),
      /** Every open change of a connection, in the order in which they are worked on. */
      open: (connection: string) =>
        db.use("Outbox.open", (session) => selectOpenChanges(session, connection)),
      /** How many changes of these connections wait to be sent. */
      pendingIn: (connections: ReadonlyArray<string>) =>
        db.use(
          "Outbox.pendingIn",
          (session) =>
            session
              .prepare(
                `SELECT coalesce(sum(c.state = 'pending'), 0) FROM ${openChanges}
                 WHERE c.state IN ${openStates} AND r.connection IN (SELECT value FROM json_each(?))`
              )
              .pluck()
              .get(JSON.stringify(connections)) as number
        ),
      /** The mirror's identity: a copy of the file has the same. */
      identity: db.use(
        "Outbox.identity",
        (session) => session.prepare("SELECT id FROM mirror_identity").pluck().get() as string
      ),
      /** The last thing that happened to a change, as a text that no other state of the mirror has; empty: nothing did. */
      lastEvent: db.use(
        "Outbox.lastEvent",
        (session) =>
          (session
            .prepare("SELECT id || '@' || at FROM change_events ORDER BY id DESC LIMIT 1")
            .pluck()
            .get() as string | undefined) ?? ""
      ),
      hasEvent: (event: string) =>
        db.use("Outbox.hasEvent", (session) => {
          const [id = "", at = ""] = event.split("@")
          const found = session.prepare("SELECT at FROM change_events WHERE id = ?").pluck().get(Number(id))
          // One that is gone may have gone with someone who was forgotten since.
          return found === undefined
            ? session.prepare("SELECT 1 FROM erasures WHERE requested_at >= ?").get(at) !== undefined
            : found === at
        }),
      /** See `restoredUntil`. */
      restoredUntil: (meeting: string) => Effect.provideService(restoredUntil(meeting), Db, db),
      /** The mirror's file. */
      file: db.path,
      events: (id: number) => db.use("Outbox.events", (session) => events(session, id)),
      changedBy: (runId: number, connections: ReadonlyArray<string>) =>
        db.use("Outbox.changedBy", (session) => changedBy(session, runId, connections)),
      lastSender: (connections: ReadonlyArray<string>) =>
        db.use("Outbox.lastSender", (session) => lastSender(session, connections)),
      openChanges: (connection: string) =>
        db.use(
          "Outbox.openChanges",
          (session) =>
            session
              .prepare(
                `SELECT coalesce(sum(c.state = 'queued'), 0) AS queued, coalesce(sum(c.state <> 'queued'), 0) AS pending
                 FROM ${openChanges}
                 WHERE r.connection = ? AND c.state IN ${openStates}`
              )
              .get(connection) as OpenChanges
        ),

      /** A change as it is now; null: there is none. */
      current,
      dueConversations: (connection: string) =>
        read("dueConversations", (session, at) => dueConversations(session, connection, at)),
      dueChange: (conversationId: string) =>
        read("dueChange", (session, at) => dueChange(session, conversationId, at)),
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
                .transaction(() =>
                  markSending(session, change, found, detail, moment) ? changeById(session, change.id) : null
                )
                .immediate()
            } finally {
              session.database.pragma("synchronous = NORMAL")
            }
          })
        ),
      sent: (change: OutboxChange, detail: string, moment: Moment) =>
        write("sent", (session) =>
          markSent(session, change, detail, moment) ? changeById(session, change.id) : null
        ),
      queued: (change: OutboxChange, notBefore: Timestamp, detail: string, moment: Moment) =>
        write("queued", (session) => markQueued(session, change, notBefore, detail, moment)),
      trouble: (change: OutboxChange, notBefore: Timestamp | null, detail: string, moment: Moment) =>
        write("trouble", (session) => markTrouble(session, change, notBefore, detail, moment)),
      /** See `mergeCandidates`. */
      mergeCandidates: ({ connection, providerId }: OutboxChange) =>
        db.use("Outbox.mergeCandidates", (session) => mergeCandidates(session, connection, providerId)),
      merged: (merge: Merge) => write("merged", (session, at) => markMerged(session, merge, at)),
      pending: (change: OutboxChange, notBefore: Timestamp | null, detail: string, moment: Moment) =>
        write("pending", (session) => markPending(session, change, notBefore, detail, moment)),
      refused: (change: OutboxChange, isWrite: boolean, detail: string, moment: Moment) =>
        write("refused", (session) => markRefused(session, change, isWrite, detail, moment)),
      hasAcceptedSince: (connection: string, since: Timestamp) =>
        db.use("Outbox.hasAcceptedSince", (session) => hasAcceptedSince(session, connection, since)),
      hasOthersSent: (change: OutboxChange) =>
        db.use("Outbox.hasOthersSent", (session) => hasOthersSent(session, change)),
      hasRefused: (connection: string, otherThan: ReadonlyArray<number>) =>
        db.use("Outbox.hasRefused", (session) => hasRefused(session, connection, otherThan)),
      confirmed: (change: OutboxChange, seen: Observation, basis: Basis, detail: string, moment: Moment) =>
        write("confirmed", (session) => markConfirmed(session, change, seen, basis, detail, moment)),
      ended: (
        change: OutboxChange,
        state: "rejected" | "conflict" | "cancelled",
        seen: Observation | null,
        reason: string,
        moment: Moment
      ) => write("ended", (session) => markEnded(session, change, state, seen, reason, moment))
    } as const
  })
}) {}
