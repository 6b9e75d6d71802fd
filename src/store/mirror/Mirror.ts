import { Clock, Effect, Option, Stream } from "effect"
import type { BusinessTime } from "../../domain/localTime.ts"
import type { Retention } from "../../domain/Retention.ts"
import { gapsIn, type TimeRange } from "../../domain/TimeRange.ts"
import { now, type Timestamp } from "../../domain/Timestamp.ts"
import type { Lane } from "../../http/contract.ts"
import type { Known, KnownWanted } from "../../providers/Provider.ts"
import { nextSeq } from "../commits.ts"
import { Db, type Session } from "../Db.ts"
import { isBusinessTime, setBusinessTime } from "../derived/clock.ts"
import { refreshDerived } from "../derived/refresh.ts"
import { compact, finishErasures } from "../forget/finish.ts"
import { letGo } from "../keep/letGo.ts"
import { isSameRetention, retentionOf, setRetention } from "../keep/retention.ts"
import { followPrivacy, isApplied, noteFollowed } from "../privacy/applied.ts"
import { learnedOf } from "../read/facts.ts"
import { makeKnown } from "../read/lookup.ts"
import { lookingUp } from "../Session.ts"
import {
  type AccountBinding,
  accountBinding,
  bindAccount,
  forgetListed,
  heldOf,
  heldSample,
  holdsAny,
  isNewlyAccepted
} from "./accounts.ts"
import { type CommitInput, makeCommit } from "./commit.ts"
import { type ConnectionSettings, register } from "./connections.ts"
import { type Coverage, cover, coveredRanges, uncover } from "./coveredRanges.ts"
import { type Merge, markMerged, mergeCandidates } from "./merges.ts"
import { dismissQuarantine, listQuarantine, openQuarantine, resolveQuarantine } from "./quarantineRows.ts"
import { rawBatch, rawOf } from "./raw/rawRecords.ts"
import type { SeenSet } from "./SeenSet.ts"
import { makeScanRows, missingFrom, type UnfinishedScan, unfinishedScan } from "./scanRows.ts"
import { latestBelieved } from "./staleness.ts"
import { CommitScript } from "./thread/CommitScript.ts"
import { makeCommitThread } from "./thread/commitThread.ts"

export type { AccountBinding, HeldConversation } from "./accounts.ts"
export type { CommitInput } from "./commit.ts"
export type { ConnectionSettings } from "./connections.ts"
export type { Coverage } from "./coveredRanges.ts"
export type { QuarantineRow } from "./quarantineRows.ts"
export { type RawConversation, type StoredPayload, versionOf } from "./raw/rawRecords.ts"
export { SeenSet } from "./SeenSet.ts"
export type { ScanOf, UnfinishedScan } from "./scanRows.ts"
export type { Totals } from "./tally.ts"

/** Rows marked in one transaction, so that no other writer waits for long. */
const markedAtOnce = 1_000

/** While the writer thread works on one commit, it has the next one ready. */
const commitsAhead = 2

/** Conversations read at once while everything is gone through. */
const rawBatchSize = 200

const chunks = <A>(items: ReadonlyArray<A>, size: number): ReadonlyArray<ReadonlyArray<A>> =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size)
  )

/** Conversations that the provider holds, as far as is known; with `before`, those that were known at that time. */
const countConversations = (
  { prepare }: Session,
  connection: string,
  before: Timestamp | null,
  at: Timestamp
): number =>
  Number(
    prepare(
      `SELECT count(*) FROM remote_conversations WHERE connection = ? AND deleted_at IS NULL AND merged_into IS NULL
         AND (first_seen_at < coalesce(?, '9999') OR first_seen_at > ?)`
    )
      .pluck()
      .get(connection, before, latestBelieved(at))
  )

const idsOf = (rows: ReadonlyArray<{ readonly providerId: string }>): ReadonlyArray<string> =>
  rows.map(({ providerId }) => providerId)

const clock = Effect.map(Clock.currentTimeMillis, now)

/** The inward side of the mirror: what providers were seen to hold. All times are UTC. */
export class Mirror extends Effect.Service<Mirror>()("parley/Mirror", {
  scoped: Effect.gen(function* () {
    const db = yield* Db
    const script = yield* CommitScript
    const { startLookingUp, commitPages, known, scans } = yield* db.use("Mirror.prepare", (session) => ({
      // The other thread has the pages of the file that are written, and this one would keep as many to look up a few.
      startLookingUp: () => lookingUp(session),
      commitPages: makeCommit(session),
      known: makeKnown(session),
      scans: makeScanRows(session)
    }))
    const commitHere = (op: string, input: CommitInput, at: Timestamp) =>
      Effect.tap(
        db.transaction(op, () => commitPages(input, at)),
        () => Effect.sync(() => input.seen?.saved())
      )
    const { commit, startAhead } =
      script === null
        ? { commit: commitHere, startAhead: () => Effect.void }
        : yield* makeCommitThread(script, db, commitHere, startLookingUp)

    return {
      /** Makes a configured connection known to the file. Writes nothing where it is known as it is. */
      register: (settings: ConnectionSettings) => Effect.flatMap(clock, (at) => register(db, settings, at)),

      /** How the business counts its time. Where it is another way than before, everything is counted again. */
      setBusinessTime: (time: BusinessTime) =>
        db.use("Mirror.setBusinessTime", (session) => {
          const set = session.database.transaction(() => setBusinessTime(session, time))
          if (isBusinessTime(session, time) || !set.immediate()) return
          refreshDerived(session)
        }),

      /** Finishes what is to be erased; null: it is done, or nothing is. */
      finishErasures: Effect.flatMap(clock, (at) =>
        db.use("Mirror.finishErasures", (session) => finishErasures(session, at))
      ),

      /** How long things are kept from now on. */
      setRetention: (retention: Retention) =>
        db.use("Mirror.setRetention", (session) => {
          if (isSameRetention(retentionOf(session), retention)) return
          session.database.transaction(() => setRetention(session, retention)).immediate()
        }),

      /** See `letGo`. */
      letGo: letGo(db),

      /** Conversations that cannot be made again: some of their payloads were let go. */
      countWithoutRaw: (connection: string) =>
        db.use("Mirror.countWithoutRaw", ({ prepare }) =>
          Number(
            prepare("SELECT count(*) FROM remote_conversations WHERE connection = ? AND raw_complete = 0")
              .pluck()
              .get(connection)
          )
        ),

      /** When a connection was forgotten; null: it was not, or was taken up again. */
      forgottenOn: (connection: string) =>
        db.use(
          "Mirror.forgottenOn",
          ({ prepare }) =>
            prepare("SELECT forgotten_at FROM connections WHERE name = ?")
              .pluck()
              .get(connection) as Timestamp | null
        ),

      /** Takes up a connection again that was forgotten. */
      takeUp: (connection: string) =>
        db.transaction("Mirror.takeUp", ({ prepare }) => {
          prepare("UPDATE connections SET forgotten_at = NULL WHERE name = ?").run(connection)
        }),
      /** See `followPrivacy`. */
      followPrivacy: (connection: string, privacy: string | null, mayRekey: boolean) =>
        Effect.flatMap(
          db.use("Mirror.followPrivacy", (session) => isApplied(session, connection, privacy)),
          (isSame) =>
            isSame
              ? Effect.succeed(true)
              : db.transaction("Mirror.followPrivacy", (session) =>
                  followPrivacy(session, connection, privacy, mayRekey)
                )
        ),

      /** See `noteFollowed`. */
      noteFollowed: (connection: string, privacy: string | null, work: "applied" | "fetched") =>
        db.transaction("Mirror.noteFollowed", (session) => noteFollowed(session, connection, privacy, work)),

      /** Work on what was stored before a connection had its privacy: a transaction for each part. */
      applyPrivacy: <A>(work: (session: Session, at: Timestamp) => A) =>
        Effect.flatMap(clock, (at) => db.transaction("Mirror.applyPrivacy", (session) => work(session, at))),

      /** See `compact`. */
      compact: db.use("Mirror.compact", compact),

      /** The account that a connection is bound to; null: to none yet. */
      accountBinding: (connection: string) =>
        db.use("Mirror.accountBinding", (session) => accountBinding(session, connection)),

      /** See `isNewlyAccepted`. */
      isNewlyAccepted: (connection: string) =>
        db.use("Mirror.isNewlyAccepted", (session) => isNewlyAccepted(session, connection)),

      /** See `bindAccount`. */
      bindAccount: (connection: string, binding: AccountBinding) =>
        db.transaction("Mirror.bindAccount", (session) => bindAccount(session, connection, binding)),

      /** See `forgetListed`. */
      forgetListed: (connection: string) =>
        db.transaction("Mirror.forgetListed", (session) => forgetListed(session, connection)),

      /** Whether any conversation is held that was seen since then; null: ever. */
      holdsAny: (connection: string, since: Timestamp | null) =>
        db.use("Mirror.holdsAny", (session) => holdsAny(session, connection, since)),

      /** See `heldSample`. */
      heldSample: (connection: string, since: Timestamp | null, half: number) =>
        db.use("Mirror.heldSample", (session) => heldSample(session, connection, since, half)),

      /** What is held of these (the vendor's ids), seen since then; unknown ids are absent. */
      heldOf: (connection: string, providerIds: ReadonlyArray<string>, since: Timestamp | null) =>
        db.use("Mirror.heldOf", (session) => heldOf(session, connection, providerIds, since)),

      /** What is stored of these conversations (the vendor's ids); unknown ones are absent. */
      known: (connection: string, providerIds: ReadonlyArray<string>, wanted?: KnownWanted) =>
        Effect.flatMap(clock, (at) =>
          db.use("Mirror.known", (): ReadonlyMap<string, Known> => known(connection, providerIds, at, wanted))
        ),

      /** What earlier pages taught about the account. */
      learned: (connection: string) =>
        Effect.flatMap(clock, (at) =>
          db.use("Mirror.learned", (session) => learnedOf(session, connection, at))
        ),

      /**
       * Stores pages with all they carry, their ledger rows and the scan's cursor: all in one transaction. Of a scan, at
       * most `commitsAtOnce` may be under way; they are kept in the order in which they were requested.
       */
      commit: (input: CommitInput) =>
        Effect.flatMap(clock, (at) =>
          Effect.zipRight(
            db.stillThere("Mirror.commit", { atOnce: false }),
            commit("Mirror.commit", input, at)
          )
        ),

      /** A pull begins. Where nothing is held of the connection, all that comes is to be written. */
      expectPages: (connection: string) =>
        Effect.flatMap(
          db.use("Mirror.expectPages", (session) => holdsAny(session, connection, null)),
          (isHeld) => (isHeld ? Effect.void : startAhead("Mirror.expectPages"))
        ),

      commitsAtOnce: script === null ? 1 : commitsAhead,

      unfinishedScan: (connection: string, lane: Lane) =>
        Effect.flatMap(clock, (at) =>
          db.use("Mirror.unfinishedScan", (session) => unfinishedScan(session, connection, lane, at))
        ),

      /** Notes that a scan has begun, so that the next one need not ask again for what it has stored. */
      beginScan: (connection: string, lane: Lane, scan: UnfinishedScan) =>
        Effect.flatMap(clock, (at) =>
          db.transaction("Mirror.beginScan", () => scans.begin(connection, lane, scan, at))
        ),

      /** What of a range was not listed whole yet, the earliest first. `subject`: see `Coverage`. */
      gaps: (connection: string, subject: string, range: TimeRange) =>
        Effect.flatMap(clock, (at) =>
          db.use("Mirror.gaps", (session) => gapsIn(range, coveredRanges(session, connection, subject, at)))
        ),

      /** Forgets that anything in the range was listed. */
      uncover: (connection: string, subject: string, range: TimeRange) =>
        Effect.flatMap(clock, (at) =>
          db.transaction("Mirror.uncover", (session) => uncover(session, connection, subject, range, at))
        ),

      /** Forgets how far a scan has come: the next one starts again. */
      dropScan: (connection: string, lane: Lane) =>
        db.transaction("Mirror.dropScan", ({ prepare }) => {
          prepare("DELETE FROM scans WHERE connection = ? AND lane = ?").run(connection, lane)
          scans.dropSeen(connection, lane)
        }),

      /**
       * Draws the conclusion from a scan that enumerated everything: marks what it did not meet as missing, and returns
       * the vendor's ids of all that are missing. They are candidates for `tombstone`, no more. `seen` null: the scan was
       * of a part only, and nothing is missing for it. `covers`: what a backfill need not list again; left out: nothing.
       * `isPlausible` is asked first whether so many can be missing of those that were held before: if not, the scan is
       * not taken for a complete one, and nothing is marked. `held` is counted only where any is missing, otherwise 0.
       */
      finishScan: Effect.fn("Mirror.finishScan")(function* (scan: {
        readonly connection: string
        readonly lane: Lane
        readonly startedAt: Timestamp
        readonly seen: SeenSet | null
        readonly covers?: Coverage
        readonly isPlausible?: (missing: number, held: number) => boolean
      }) {
        const { connection, covers, lane, startedAt, seen, isPlausible = () => true } = scan
        const at = yield* clock
        const believed = latestBelieved(at)
        if (seen === null) {
          yield* db.transaction("Mirror.finishScan", (session) => {
            if (covers !== undefined) cover(session, connection, covers, startedAt, at)
            scans.dropSeen(connection, lane)
          })
          return { missing: [], held: 0 }
        }
        const { missing, held } = yield* db.use("Mirror.finishScan", (session) => {
          scans.restoreSeen(scan, { scope: "", startedAt }, seen)
          const missing = missingFrom(session, { connection, startedAt, believed }, seen)
          const held = missing.length === 0 ? 0 : countConversations(session, connection, startedAt, at)
          return { missing, held }
        })
        if (missing.length > 0 && !isPlausible(missing.length, held)) {
          yield* db.transaction("Mirror.finishScan", () => scans.dropSeen(connection, lane))
          return { missing: idsOf(missing), held }
        }
        const unmarked = missing.filter((row) => row.isMarked === 0)
        yield* Effect.forEach(
          chunks(unmarked, markedAtOnce),
          (rows) =>
            db.transaction("Mirror.finishScan", (session) => {
              const seq = nextSeq(session, at, null)
              const mark = session.prepare(
                "UPDATE remote_conversations SET missing_since = ?, seq = ? WHERE key = ? AND (observed_at < ? OR observed_at > ?)"
              )
              for (const row of rows) mark.run(at, seq, row.key, startedAt, believed)
            }),
          { discard: true }
        )
        yield* db.transaction("Mirror.finishScan", (session) => {
          if (covers !== undefined) cover(session, connection, covers, startedAt, at)
          session
            .prepare(
              `UPDATE connections SET last_complete_scan_at = ?
               WHERE name = ? AND (last_complete_scan_at IS NULL OR last_complete_scan_at NOT BETWEEN ? AND ?)`
            )
            .run(startedAt, connection, startedAt, believed)
          scans.dropSeen(connection, lane)
        })
        return { missing: idsOf(missing), held }
      }),

      /**
       * Marks conversations deleted whose absence the vendor has confirmed by id, but those that were seen since they were
       * requested. Returns how many are newly marked.
       */
      tombstone: Effect.fn("Mirror.tombstone")(function* (input: {
        readonly connection: string
        readonly providerIds: ReadonlyArray<string>
        readonly askedAt: Timestamp
        readonly runId: number
      }) {
        const { askedAt, connection, runId } = input
        const at = yield* clock
        const believed = latestBelieved(at)
        const counts = yield* Effect.forEach(chunks(input.providerIds, markedAtOnce), (ids) =>
          db.transaction("Mirror.tombstone", (session) => {
            const seq = nextSeq(session, at, runId)
            const bury = session.prepare(
              `UPDATE remote_conversations SET deleted_at = ?, deleted_in_run = ?, seq = ?
               WHERE id = ? AND deleted_at IS NULL AND (observed_at <= ? OR observed_at > ?)`
            )
            // Whom this one described, the others describe now: they are read again with the next listing.
            const readOthers = session.prepare(
              `UPDATE remote_conversations SET fingerprint = NULL WHERE deleted_at IS NULL
                 AND contact_id = (SELECT contact_id FROM remote_conversations WHERE id = ?)`
            )
            return ids.reduce((count, providerId) => {
              const id = `${connection}:${providerId}`
              const { changes } = bury.run(askedAt, runId, seq, id, askedAt, believed)
              if (changes > 0) readOthers.run(id)
              return count + changes
            }, 0)
          })
        )
        return counts.reduce((sum, count) => sum + count, 0)
      }),

      /** See `mergeCandidates`. */
      mergeCandidates: (connection: string, providerId: string) =>
        db.use("Mirror.mergeCandidates", (session) => mergeCandidates(session, connection, providerId)),

      /** Notes that a conversation was merged into another one. */
      merged: (merge: Merge) =>
        Effect.flatMap(clock, (at) =>
          db.transaction("Mirror.merged", (session) => markMerged(session, merge, at))
        ),

      /** Conversations that the provider holds, as far as is known; with `before`, those that were known at that time. */
      countConversations: (connection: string, before: Timestamp | null = null) =>
        Effect.flatMap(clock, (at) =>
          db.use("Mirror.countConversations", (session) =>
            countConversations(session, connection, before, at)
          )
        ),

      /** Randomly drawn conversations, at most so many (the vendor's ids). */
      sample: (connection: string, size: number) =>
        db.use(
          "Mirror.sample",
          ({ prepare }) =>
            prepare(
              `SELECT provider_id FROM remote_conversations
               WHERE connection = ? AND deleted_at IS NULL AND merged_into IS NULL ORDER BY random() LIMIT ?`
            )
              .pluck()
              .all(connection, size) as ReadonlyArray<string>
        ),

      /** The newest payloads of one conversation (the vendor's id). */
      rawOf: (connection: string, conversationId: string) =>
        db.use("Mirror.rawOf", (session) => rawOf(session, connection, conversationId)),

      /** Every conversation of a connection that has payloads, in batches, in the order of their rows. Other writers may work meanwhile. */
      rawConversations: (connection: string) =>
        Stream.paginateEffect(null as number | null, (after) =>
          Effect.map(
            db.use("Mirror.rawConversations", (session) =>
              rawBatch(session, connection, after, rawBatchSize)
            ),
            (batch) => [
              batch,
              batch.length < rawBatchSize ? Option.none() : Option.fromNullable(batch.at(-1)?.key)
            ]
          )
        ),

      quarantined: (options: {
        readonly connection: string | null
        readonly includeResolved: boolean
        readonly limit: number
      }) => db.use("Mirror.quarantined", (session) => listQuarantine(session, options)),

      /** See `openQuarantine`. */
      openQuarantine: (connection: string) =>
        db.use("Mirror.openQuarantine", (session) => openQuarantine(session, connection)),

      dismissQuarantined: (ids: ReadonlyArray<number>) =>
        Effect.flatMap(clock, (at) =>
          db.transaction("Mirror.dismissQuarantined", (session) => dismissQuarantine(session, ids, at))
        ),

      /** Closes quarantine rows by id. Returns how many were open. */
      resolveQuarantined: (ids: ReadonlyArray<number>) =>
        Effect.flatMap(clock, (at) =>
          db.transaction("Mirror.resolveQuarantined", (session) => resolveQuarantine(session, ids, at))
        )
    } as const
  })
}) {}
