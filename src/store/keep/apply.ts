import type { Retention } from "../../domain/Retention.ts"
import { now, type Timestamp, toMillis } from "../../domain/Timestamp.ts"
import { nextSeq } from "../commits.ts"
import { makeActivityRows, slotMillis } from "../mirror/activity.ts"
import { makeBlockWriter } from "../mirror/raw/rawBlocks.ts"
import { type GoingMessage, makeRemoveMessages, messageKeys, removeKinds } from "../mirror/removeMessages.ts"
import type { Session } from "../Session.ts"
import { isExpired, retentionOf } from "./retention.ts"

/*
 * Lets go what is older than it is kept, in small transactions. What is due is looked up once and outside of them; each
 * part checks again what it takes away.
 */

/** Messages that go in one transaction. */
const messagesAtOnce = 200
const pagesAtOnce = 500

/** What is due, each to be let go in a transaction of its own. */
export interface Due {
  /** Keys of conversations, each with how many of its messages are due. */
  readonly messages: ReadonlyArray<readonly [conversation: number, messages: number]>
  /** Keys of blocks, each with how many of its payloads are due. */
  readonly raw: ReadonlyArray<readonly [block: number, payloads: number]>
  readonly resolved: number
  readonly pages: ReadonlyArray<number>
  readonly refused: number
  readonly runs: ReadonlyArray<number>
}

/** Everything is kept for ever, or nothing is so old. */
export const nothingDue: Due = { messages: [], raw: [], resolved: 0, pages: [], refused: 0, runs: [] }

/** When a conversation last changed, epoch milliseconds; null: the provider does not say. */
const lastChange = `CAST(strftime('%s', coalesce(r.last_message_at, r.updated_at)) AS INTEGER) * 1000`

const dueMessages = ({ prepare }: Session, before: number): Due["messages"] => {
  // By the quarters of an hour in which messages were sent, and where some have no time by the conversation's own.
  const candidates = prepare(
    `SELECT r.key, r.key << 20, (r.key << 20) + 1048575, ${lastChange} < $before
     FROM remote_conversations r
     WHERE r.stored_messages > 0 AND (
       EXISTS (SELECT 1 FROM conversation_slots s WHERE s.key = r.key AND s.slot <= $slot)
       OR EXISTS (SELECT 1 FROM conversation_activity a WHERE a.key = r.key AND a.untimed_messages > 0))`
  ).raw()
  const count = prepare(
    `SELECT count(*) FROM message_rows m WHERE m.key BETWEEN $first AND $last AND ${isExpired}`
  ).pluck()
  const rows = candidates.all({ before, slot: Math.floor(before / slotMillis) }) as ReadonlyArray<
    readonly [key: number, first: number, last: number, unknown: number]
  >
  return rows.flatMap(([key, first, last, unknown]): Due["messages"] => {
    const messages = Number(count.get({ first, last, before, unknown }))
    return messages === 0 ? [] : [[key, messages]]
  })
}

const dueRaw = ({ prepare }: Session, before: number): Due["raw"] =>
  prepare("SELECT block, count(*) FROM raw_rows WHERE observed_at < ? GROUP BY block ORDER BY block")
    .raw()
    .all(before) as Due["raw"]

/** Payloads of $block that came before $before. */
const oldInBlock = `key BETWEEN $block AND $block + (SELECT rows FROM raw_blocks WHERE key = $block) - 1
  AND block = $block AND observed_at < $before`

/** Numbers of pages that rows tell of: where they come from is known as long as they are kept. */
const pagesInUse = ({ prepare }: Session): ReadonlySet<unknown> =>
  new Set(
    prepare(
      `SELECT page_id FROM remote_conversations UNION SELECT page_id FROM raw_rows UNION SELECT page_id FROM quarantine
       UNION SELECT seq FROM message_changes UNION SELECT page_id FROM message_rows WHERE page_id IS NOT NULL`
    )
      .pluck()
      .all()
  )

/** The last run of each connection and lane: what it did stays to be seen. */
const lastRuns = "SELECT max(run_id) FROM run_connections GROUP BY connection, lane"

const duePages = (session: Session, before: Timestamp): ReadonlyArray<number> => {
  const old = session
    .prepare(`SELECT id FROM pages WHERE received_at < ? AND run_id NOT IN (${lastRuns}) ORDER BY id`)
    .pluck()
    .all(before) as ReadonlyArray<number>
  if (old.length === 0) return []
  const used = pagesInUse(session)
  return old.filter((id) => !used.has(id))
}

/** Runs that no row tells of once the due pages are gone; the last one of each connection and lane stays. */
const dueRuns = (
  { prepare }: Session,
  before: Timestamp,
  pages: ReadonlyArray<number>
): ReadonlyArray<number> =>
  prepare(
    `SELECT u.id FROM runs u WHERE u.finished_at < $before AND u.id NOT IN (
       ${lastRuns}
       UNION SELECT run_id FROM status_history
       UNION SELECT run_id FROM account_bindings WHERE run_id IS NOT NULL
       UNION SELECT run_id FROM change_events WHERE run_id IS NOT NULL
       UNION SELECT deleted_in_run FROM remote_conversations WHERE deleted_in_run IS NOT NULL
       UNION SELECT run_id FROM pages WHERE id NOT IN (SELECT value FROM json_each($pages))
       UNION SELECT run_id FROM requests_refused WHERE at >= $before)`
  )
    .pluck()
    .all({ before, pages: JSON.stringify(pages) }) as ReadonlyArray<number>

/** What is older than it is kept. Writes nothing. */
export const findDue = (
  session: Session,
  at: Timestamp,
  retention: Retention = retentionOf(session)
): Due => {
  const { ledger, messages, raw } = retention
  const count = (sql: string, before: Timestamp): number => Number(session.prepare(sql).pluck().get(before))
  const before = (kept: number): number => toMillis(at) - kept
  const ofLedger = (kept: number): Pick<Due, "pages" | "refused" | "runs"> => {
    const time = now(before(kept))
    const pages = duePages(session, time)
    return {
      pages,
      refused: count("SELECT count(*) FROM requests_refused WHERE at < ?", time),
      runs: dueRuns(session, time, pages)
    }
  }
  return {
    ...nothingDue,
    ...(messages === null ? {} : { messages: dueMessages(session, before(messages)) }),
    ...(raw === null
      ? {}
      : {
          raw: dueRaw(session, before(raw)),
          resolved: count("SELECT count(*) FROM quarantine WHERE resolved_at < ?", now(before(raw)))
        }),
    ...(ledger === null ? {} : ofLedger(ledger))
  }
}

/** Makes the parts of what is due, each of which is to be run in a transaction of its own, with references switched off. */
export function* partsOf(
  session: Session,
  at: Timestamp,
  due: Due,
  { ledger, messages, raw }: Retention
): Generator<() => void> {
  const { prepare } = session
  const before = (kept: number | null): number => toMillis(at) - (kept ?? 0)
  const blocks = makeBlockWriter(session)
  const shrinkAll = (keys: Iterable<number>): void => {
    for (const key of keys) blocks.shrink(key)
  }

  const removeMessages = makeRemoveMessages(session)
  const activity = makeActivityRows(session)
  /** No index leads to older versions of payloads. */
  const isEveryVersionKept =
    due.messages.length > 0 &&
    prepare("SELECT EXISTS (SELECT 1 FROM raw_rows WHERE newest = 0)").pluck().get() === 1
  /** Numbers what is left of a conversation's messages from 0 on, as they would come. */
  const closeRanks = (key: number, seq: number): void => {
    const [first, last] = messageKeys(key)
    const { changes } = prepare(
      `UPDATE message_rows SET position = n.place, page_id = coalesce(page_id, seq), seq = $seq
       FROM (SELECT key, row_number() OVER (ORDER BY position, key) - 1 AS place FROM message_rows
         WHERE key BETWEEN $first AND $last) n
       WHERE message_rows.key = n.key AND position <> n.place`
    ).run({ first, last, seq })
    if (changes > 0)
      prepare("INSERT OR IGNORE INTO message_changes (seq, conversation) VALUES (?, ?)").run(seq, key)
  }

  /** Some messages of a conversation; returns whether there may be more. */
  const expire = (key: number): boolean => {
    const found = prepare(
      `SELECT r.id, r.stored_messages AS stored, ${lastChange} < $before AS unknown FROM remote_conversations r WHERE r.key = $key`
    ).get({ key, before: before(messages) }) as
      | { readonly id: string; readonly stored: number; readonly unknown: 0 | 1 }
      | undefined
    if (found === undefined) return false
    const { id, stored, unknown } = found
    const [first, last] = messageKeys(key)
    const going = prepare(
      `SELECT m.key, m.id, m.kind, m.seq FROM message_rows m
       WHERE m.key BETWEEN $first AND $last AND ${isExpired} ORDER BY m.key LIMIT ${messagesAtOnce}`
    ).all({ first, last, before: before(messages), unknown }) as ReadonlyArray<GoingMessage>
    if (going.length === 0) return false
    const seq = nextSeq(session, at, null)
    removeMessages({ key, id }, going, seq)
    prepare(
      `UPDATE remote_conversations SET stored_messages = stored_messages - $gone,
         expired_messages = expired_messages + $gone, raw_complete = 0, seq = $seq WHERE key = $key`
    ).run({ gone: going.length, seq, key })
    closeRanks(key, seq)
    if (stored === going.length) activity.remove(key)
    else activity.refresh(key, id)
    // Its payloads hold the same words.
    const spoilt = new Set<number>()
    for (const versions of isEveryVersionKept ? ["newest = 1", "newest = 0"] : ["newest = 1"]) {
      const gone = prepare(`DELETE FROM raw_rows WHERE conversation = ? AND ${versions} RETURNING block`)
        .pluck()
        .all(key)
      for (const block of gone) spoilt.add(block as number)
    }
    shrinkAll(spoilt)
    return going.length === messagesAtOnce
  }
  for (const [key] of due.messages) {
    let isMore = true
    while (isMore) {
      yield () => {
        isMore = expire(key)
      }
    }
  }
  if (due.messages.length > 0) yield () => removeKinds(session)

  for (const [block] of due.raw) {
    yield () => {
      const going = { block, before: before(raw) }
      prepare(
        `UPDATE remote_conversations SET raw_complete = 0 WHERE raw_complete = 1 AND key IN (
           SELECT conversation FROM raw_rows WHERE ${oldInBlock} AND newest = 1)`
      ).run(going)
      prepare(`DELETE FROM raw_rows WHERE ${oldInBlock}`).run(going)
      blocks.shrink(block)
    }
  }
  if (due.resolved > 0) {
    yield () => void prepare("DELETE FROM quarantine WHERE resolved_at < ?").run(now(before(raw)))
  }

  /** A change that no row shows, and that is not the newest: that one's number would be given again. */
  const removeCommit = prepare(
    `DELETE FROM commits WHERE seq = $id AND seq < (SELECT max(seq) FROM commits)
       AND NOT EXISTS (SELECT 1 FROM remote_conversations WHERE seq = $id)
       AND NOT EXISTS (SELECT 1 FROM remote_contacts WHERE seq = $id)
       AND NOT EXISTS (SELECT 1 FROM status_history WHERE seq = $id)
       AND NOT EXISTS (SELECT 1 FROM status_changes WHERE seq = $id)
       AND NOT EXISTS (SELECT 1 FROM message_changes WHERE seq = $id)
       AND NOT EXISTS (SELECT 1 FROM tombstones WHERE seq = $id)`
  )
  const since = now(before(ledger))
  if (due.refused > 0) yield () => void prepare("DELETE FROM requests_refused WHERE at < ?").run(since)
  for (let first = 0; first < due.pages.length; first += pagesAtOnce) {
    yield () => {
      for (const id of due.pages.slice(first, first + pagesAtOnce)) {
        prepare("DELETE FROM pages WHERE id = ?").run(id)
        removeCommit.run({ id })
      }
    }
  }
  for (let first = 0; first < due.runs.length; first += pagesAtOnce) {
    yield () => {
      const going = due.runs.slice(first, first + pagesAtOnce)
      prepare("UPDATE commits SET run_id = NULL WHERE run_id IN (SELECT value FROM json_each(?))").run(
        JSON.stringify(going)
      )
      for (const id of going) {
        prepare("DELETE FROM run_connections WHERE run_id = ?").run(id)
        prepare("DELETE FROM runs WHERE id = ?").run(id)
      }
    }
  }
}
