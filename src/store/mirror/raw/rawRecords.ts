import { hash } from "node:crypto"
import { now, type Timestamp } from "../../../domain/Timestamp.ts"
import type { RawPayload, Sighting } from "../../../providers/Provider.ts"
import type { Session } from "../../Db.ts"
import type { PageContext } from "../context.ts"
import { makeBlockReader, makeBlockWriter, type Place } from "./rawBlocks.ts"

/** A payload as it is stored, with when the request was sent that brought it. */
export interface StoredPayload extends RawPayload {
  readonly shownAt: Timestamp
  readonly observedAt: Timestamp
  /** The page that it came with. */
  readonly pageId: number
}

/** All newest payloads of one conversation. */
export interface RawConversation {
  /** The row's key. */
  readonly key: number
  /** The vendor's id. */
  readonly conversationId: string
  readonly payloads: ReadonlyArray<StoredPayload>
}

interface RawRow extends Place {
  readonly kind: string
  readonly provider_id: string
  readonly conversation_provider_id: string
  readonly observed_at: number
  readonly shown_at: number | null
  readonly page_id: number
}

const versionText = (payloads: number, newestPage: number): string => `${payloads}.${newestPage}`

/** Of one conversation's newest payloads: another text as soon as one of them is written or removed. */
export const versionOf = (payloads: ReadonlyArray<StoredPayload>): string =>
  versionText(
    payloads.length,
    payloads.reduce((newest, { pageId }) => Math.max(newest, pageId), 0)
  )

/** The kind of payload that is one message, and nothing else. */
export const messageKind = "message"

interface StoredPlace extends Place {
  readonly key: number
  readonly hash: Buffer
}

/** Keeps payloads as they came. One for each open database; `begin` and `end` frame a transaction. */
export const makeRawRows = (session: Session) => {
  const { prepare } = session
  const blocks = makeBlockWriter(session)
  const findKind = prepare("SELECT key FROM raw_kinds WHERE kind = ?").pluck()
  const insertKind = prepare("INSERT INTO raw_kinds (kind) VALUES (?)")
  const kinds = new Map<string, number>()
  // 0: a payload that has the conversation's own id.
  const newest = prepare(
    `SELECT key, hash, block, start, length FROM raw_rows
     WHERE conversation = ? AND kind = ? AND coalesce(provider_id, 0) = coalesce(?, 0) AND newest = 1`
  )
  const insert = prepare(
    `INSERT INTO raw_rows (key, conversation, kind, provider_id, hash, observed_at, page_id, block, start, length)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
  )
  // Only where another payload would pass for the later word. Messages are many, and say nothing of each other.
  const shown = prepare(
    `UPDATE raw_rows AS w SET shown_at = $at WHERE key = $key AND coalesce(shown_at, observed_at) < $at
       AND EXISTS (SELECT 1 FROM raw_rows o JOIN raw_kinds k ON k.key = o.kind
         WHERE o.conversation = w.conversation AND o.newest = 1 AND k.kind <> '${messageKind}'
           AND coalesce(o.shown_at, o.observed_at) > coalesce(w.shown_at, w.observed_at))`
  )
  const remove = prepare("DELETE FROM raw_rows WHERE key = ?")
  const retire = prepare("UPDATE raw_rows SET newest = 0 WHERE key = ?")
  const otherMessages = prepare(
    `SELECT w.key, w.block, w.length FROM raw_rows w
     WHERE w.conversation = ? AND w.newest = 1 AND w.kind = (SELECT key FROM raw_kinds WHERE kind = '${messageKind}')
       AND coalesce(w.provider_id, (SELECT provider_id FROM remote_conversations r WHERE r.key = w.conversation))
         NOT IN (SELECT value FROM json_each(?))`
  )
  const newestOf = prepare("SELECT key, block, length FROM raw_rows WHERE conversation = ? AND newest = 1")
  // No index leads to these.
  const olderOf = prepare("SELECT key, block, length FROM raw_rows WHERE conversation = ? AND newest = 0")
  const selectVersion = prepare(
    `SELECT count(*), coalesce(max(page_id), 0) FROM raw_rows
     WHERE conversation = (SELECT key FROM remote_conversations WHERE id = ?) AND newest = 1`
  ).raw()

  const kindOf = (kind: string): number => {
    const known = kinds.get(kind)
    if (known !== undefined) return known
    const key = Number(findKind.get(kind) ?? insertKind.run(kind).lastInsertRowid)
    kinds.set(kind, key)
    return key
  }

  const letGo = (
    row: Pick<StoredPlace, "key" | "block" | "length">,
    keepRaw: PageContext["keepRaw"]
  ): void => {
    if (keepRaw === "all") return void retire.run(row.key)
    remove.run(row.key)
    blocks.drop(row)
  }

  return {
    begin: (): void => {
      // A transaction that was rolled back has taken its kinds with it.
      kinds.clear()
      blocks.begin()
    },
    end: blocks.end,

    /** Stores payloads; one that is stored already is not written again. @param key of the conversation's row */
    write: (
      { keepRaw, pageId, requestedAt }: PageContext,
      key: number,
      { conversation, raw }: Sighting
    ): void => {
      const at = Date.parse(requestedAt)
      for (const { kind, payload, providerId } of raw) {
        const plain = Buffer.from(payload)
        const digest = hash("sha256", plain, "buffer")
        const ownId = providerId === conversation.providerId ? null : providerId
        const stored = newest.get(key, kindOf(kind), ownId) as StoredPlace | undefined
        if (stored?.hash.equals(digest)) {
          if (kind !== messageKind) shown.run({ at, key: stored.key })
          continue
        }
        if (stored !== undefined) letGo(stored, keepRaw)
        const place = blocks.add(plain)
        insert.run(
          place.key,
          key,
          kindOf(kind),
          ownId,
          digest,
          at,
          pageId,
          place.block,
          place.start,
          place.length
        )
      }
    },

    /**
     * Lets the payloads of messages go that the vendor no longer has; where every version is kept, they are older versions
     * from then on. @param held ids of those that it has
     */
    forgetMessages: ({ keepRaw }: PageContext, key: number, held: ReadonlyArray<string | null>): void => {
      const ids = JSON.stringify(held.filter((id) => id !== null))
      for (const row of otherMessages.all(key, ids) as ReadonlyArray<StoredPlace>) letGo(row, keepRaw)
    },

    /** Lets all payloads of a conversation go, of every version. */
    removeAll: ({ keepRaw }: PageContext, key: number): void => {
      const older = keepRaw === "all" ? (olderOf.all(key) as ReadonlyArray<StoredPlace>) : []
      for (const row of [...(newestOf.all(key) as ReadonlyArray<StoredPlace>), ...older]) letGo(row, "newest")
    },

    /** The version (`versionOf`) of what is stored of a conversation by now. */
    version: (connection: string, conversationId: string): string => {
      const [payloads, newestPage] = selectVersion.get(`${connection}:${conversationId}`) as readonly [
        number,
        number
      ]
      return versionText(payloads, newestPage)
    }
  } as const
}

export type RawRows = ReturnType<typeof makeRawRows>

const makeRawOf = (session: Session) => {
  const read = makeBlockReader(session)
  const find = session.prepare(
    `SELECT k.kind, coalesce(w.provider_id, r.provider_id) AS provider_id, r.provider_id AS conversation_provider_id,
       w.observed_at, w.shown_at, w.page_id, w.block, w.start, w.length
     FROM raw_rows w JOIN raw_kinds k ON k.key = w.kind JOIN remote_conversations r ON r.key = w.conversation
     WHERE w.conversation = ? AND w.newest = 1 ORDER BY 1, 2`
  )
  return (key: number): ReadonlyArray<StoredPayload> =>
    (find.all(key) as ReadonlyArray<RawRow>).map((row) => ({
      kind: row.kind,
      providerId: row.provider_id,
      conversationId: row.conversation_provider_id,
      payload: read(row).toString("utf8"),
      observedAt: now(row.observed_at),
      shownAt: now(row.shown_at ?? row.observed_at),
      pageId: row.page_id
    }))
}

/** The newest payloads of one conversation, in a fixed order. */
export const rawOf = (
  session: Session,
  connection: string,
  conversationId: string
): ReadonlyArray<StoredPayload> => {
  const key = session
    .prepare("SELECT key FROM remote_conversations WHERE id = ?")
    .pluck()
    .get(`${connection}:${conversationId}`) as number | undefined
  return key === undefined ? [] : makeRawOf(session)(key)
}

/**
 * The next conversations after `after` (a row's key; null: from the start) that can be made again from their payloads, in the
 * order of keys.
 */
export const rawBatch = (
  session: Session,
  connection: string,
  after: number | null,
  limit: number
): ReadonlyArray<RawConversation> => {
  const found = session
    .prepare(
      `SELECT key, provider_id AS conversationId FROM remote_conversations r
       WHERE +connection = ? AND key > ? AND raw_complete = 1 AND EXISTS (SELECT 1 FROM raw_rows w WHERE w.conversation = r.key AND w.newest = 1)
       ORDER BY key LIMIT ?`
    )
    .all(connection, after ?? 0, limit) as ReadonlyArray<Omit<RawConversation, "payloads">>
  const payloadsOf = makeRawOf(session)
  return found.map((one) => ({ ...one, payloads: payloadsOf(one.key) }))
}
