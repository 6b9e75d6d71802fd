import { Clock, Effect } from "effect"
import { now, type Timestamp } from "../../domain/Timestamp.ts"
import type { HintCount, HintShows, HintSubject } from "../../providers/Provider.ts"
import { Db, type Session } from "../Db.ts"
import { makeIsClosed, makeRemembered } from "../forget/remembered.ts"
import { type DeclaredCount, declare } from "./declared.ts"

/** One webhook that was signed and understood. */
export interface ReceivedHint {
  readonly connection: string
  /** The vendor's word for the event. */
  readonly kind: string
  readonly subject: HintSubject
  readonly shows: HintShows
  readonly declares?: HintCount
  readonly at: Timestamp
}

/** What webhooks have named and is yet to be read. */
export interface PendingHint {
  /** The vendor's word for the event, or `several`. */
  readonly kind: string
  readonly subject: HintSubject
  readonly shows: HintShows
  /** The last count that came; null: none did. */
  readonly declares: HintCount | null
  readonly firstAt: Timestamp
  readonly lastAt: Timestamp
  readonly deliveries: number
}

/**
 * `fetched`: it was requested. `useless`: what is stored is newer already. `failed`: the provider refused it for good.
 */
export type HintOutcome = "fetched" | "useless" | "failed"

/** What is stored of a conversation, as a webhook would say it. */
export interface StoredShows extends HintShows {
  /** See the column of that name. */
  readonly complete: 0 | 1 | null
  /** When a change of ours was sent that the provider holds by now; null: none was. */
  readonly changedAt: Timestamp | null
}

/** What was not taken in. `refused`: not signed. `unread`: tests, and events that name no conversation. */
export interface Turned {
  readonly refused: number
  readonly unread: number
  readonly dropped: number
}

/** Webhooks for more conversations of one connection than this are counted and forgotten: the next sync finds them. */
const mostPending = 10_000

interface Row {
  readonly subject: string
  readonly kind: string
  readonly first_at: Timestamp
  readonly last_at: Timestamp
  readonly deliveries: number
  readonly messages: number | null
  readonly provider_status: string | null
  readonly declared_messages: number | null
  readonly declared_since: Timestamp | null
}

const pendingOf = (row: Row): PendingHint => ({
  kind: row.kind,
  subject: JSON.parse(row.subject) as HintSubject,
  shows: { messages: row.messages, providerStatus: row.provider_status },
  declares:
    row.declared_messages === null ? null : { messages: row.declared_messages, since: row.declared_since },
  firstAt: row.first_at,
  lastAt: row.last_at,
  deliveries: row.deliveries
})

/** Whether what a webhook names is of someone, or of a connection, that was forgotten. */
const makeIsForgotten = (session: Session) => {
  const remembered = makeRemembered(session)
  const isAny = remembered.isAny()
  const isClosed = makeIsClosed(session)
  return ({ connection, subject }: ReceivedHint): boolean => {
    if (isClosed(connection)) return true
    return isAny && subject._tag !== "Status" && remembered.findId(`${connection}:${subject.id}`) !== null
  }
}

/** Webhooks, from their receipt until what they name was read. */
export class Hints extends Effect.Service<Hints>()("parley/Hints", {
  effect: Effect.gen(function* () {
    const db = yield* Db
    const clock = Effect.map(Clock.currentTimeMillis, now)

    return {
      /** Keeps them, those that name the same thing as one. All of them, or none. */
      record: (hints: ReadonlyArray<ReceivedHint>) =>
        db.transaction("Hints.record", (session) => {
          const { prepare } = session
          const isForgotten = makeIsForgotten(session)
          const pending = prepare("SELECT count(*) FROM hints WHERE connection = ?").pluck()
          const held = new Map<string, number>()
          const merge = prepare(
            `UPDATE hints SET deliveries = deliveries + 1, last_at = max(last_at, $at), kind = iif(kind = $kind, kind, 'several'),
               declared_since = iif($declared IS NULL, declared_since, $since),
               declared_messages = coalesce($declared, declared_messages),
               messages = iif(messages IS $messages AND provider_status IS $status, messages, NULL),
               provider_status = iif(messages IS $messages AND provider_status IS $status, provider_status, NULL)
             WHERE connection = $connection AND subject = $subject`
          )
          const insert = prepare(
            `INSERT INTO hints (connection, subject, kind, first_at, last_at, deliveries, messages, provider_status,
               declared_messages, declared_since)
             VALUES ($connection, $subject, $kind, $at, $at, 1, $messages, $status, $declared, $since)`
          )
          const count = prepare(
            `INSERT INTO hint_counts (connection, received, merged, dropped, last_at) VALUES (?, 1, ?, ?, ?)
             ON CONFLICT (connection) DO UPDATE SET received = received + 1, merged = merged + excluded.merged,
               dropped = dropped + excluded.dropped, last_at = excluded.last_at`
          )
          for (const hint of hints) {
            const { at, connection, declares, kind, shows, subject } = hint
            const row = {
              connection,
              kind,
              at,
              subject: JSON.stringify(subject),
              messages: shows.messages,
              status: shows.providerStatus,
              declared: declares?.messages ?? null,
              since: declares?.since ?? null
            }
            const isRefused = isForgotten(hint)
            const isMerged = !isRefused && merge.run(row).changes > 0
            const before = held.get(connection) ?? Number(pending.get(connection))
            const isDropped = isRefused || (!isMerged && before >= mostPending)
            if (!isMerged && !isDropped) insert.run(row)
            held.set(connection, before + (isMerged || isDropped ? 0 : 1))
            count.run(connection, isMerged ? 1 : 0, isDropped ? 1 : 0, at)
          }
        }),

      /** Counts what was turned away. */
      turned: (connection: string, { dropped, refused, unread }: Turned) =>
        Effect.flatMap(clock, (at) =>
          db.transaction("Hints.turned", ({ prepare }) => {
            prepare(
              `INSERT INTO hint_counts (connection, refused, unread, dropped, last_refused_at)
               VALUES ($connection, $refused, $unread, $dropped, iif($refused > 0, $at, NULL))
               ON CONFLICT (connection) DO UPDATE SET refused = refused + excluded.refused,
                 unread = unread + excluded.unread, dropped = dropped + excluded.dropped,
                 last_refused_at = coalesce(excluded.last_refused_at, last_refused_at)`
            ).run({ connection, refused, unread, dropped, at })
          })
        ),

      /** Those of a connection that came first at that time or before, the oldest first. */
      due: (connection: string, at: Timestamp, most: number) =>
        db.use("Hints.due", ({ prepare }) =>
          (
            prepare(
              "SELECT * FROM hints WHERE connection = ? AND first_at <= ? ORDER BY first_at LIMIT ?"
            ).all(connection, at, most) as ReadonlyArray<Row>
          ).map(pendingOf)
        ),

      /** When the oldest of a connection came; null: none is pending. */
      earliest: (connection: string) =>
        db.use(
          "Hints.earliest",
          ({ prepare }) =>
            prepare("SELECT min(first_at) FROM hints WHERE connection = ?")
              .pluck()
              .get(connection) as Timestamp | null
        ),

      /** Done with one. What came for the same thing since it was looked up stays. */
      settle: (connection: string, hint: PendingHint, outcome: HintOutcome) =>
        db.transaction("Hints.settle", ({ prepare }) => {
          const subject = JSON.stringify(hint.subject)
          const gone = prepare(
            "DELETE FROM hints WHERE connection = ? AND subject = ? AND deliveries = ?"
          ).run(connection, subject, hint.deliveries)
          if (gone.changes === 0) {
            prepare(
              "UPDATE hints SET deliveries = deliveries - ?, first_at = last_at WHERE connection = ? AND subject = ?"
            ).run(hint.deliveries, connection, subject)
          }
          prepare(
            `INSERT INTO hint_counts (connection, ${outcome}) VALUES (?, 1)
             ON CONFLICT (connection) DO UPDATE SET ${outcome} = ${outcome} + 1`
          ).run(connection)
        }),

      /** See `declare`. */
      declare: (count: DeclaredCount) =>
        Effect.flatMap(clock, (at) =>
          db.transaction("Hints.declare", (session) => declare(session, count, at))
        ),

      /** What is stored of a conversation; null: nothing. */
      stored: (connection: string, providerId: string) =>
        db.use("Hints.stored", ({ prepare }) => {
          const row = prepare(
            `SELECT provider_status AS providerStatus, coalesce(declared_messages, stored_messages + expired_messages) AS messages, complete,
               (SELECT max(sent_at) FROM status_changes s WHERE s.conversation_id = c.id AND s.state = 'confirmed')
                 AS changedAt
             FROM conversations c WHERE id = ?`
          ).get(`${connection}:${providerId}`)
          return (row as StoredShows | undefined) ?? null
        })
    } as const
  })
}) {}
