import { deflateSync, inflateSync } from "node:zlib"
import type { Timestamp } from "../../domain/Timestamp.ts"
import type { RawPayload } from "../../providers/Provider.ts"
import type { Session } from "../Db.ts"
import { payloadHash } from "./canonical.ts"
import type { PageContext } from "./context.ts"

/** A payload as it is stored, with when the request was sent that brought it. */
export interface StoredPayload extends RawPayload {
  readonly observedAt: Timestamp
  /** The page that it came with. */
  readonly pageId: number
}

/** All newest payloads of one conversation. */
export interface RawConversation {
  /** The vendor's id. */
  readonly conversationId: string
  readonly payloads: ReadonlyArray<StoredPayload>
}

/** Below this many characters compressing saves less than it costs. */
const worthCompressing = 1000

/** Of a few kilobytes at a time, making the compressor's tables ready costs more than compressing: so, small ones. */
const smallAndFast = { level: 1, memLevel: 6, windowBits: 13, chunkSize: 4096 }

interface Packed {
  readonly encoding: "json" | "deflate"
  readonly bytes: Buffer
}

const pack = (plain: Buffer): Packed => {
  if (plain.length < worthCompressing) return { encoding: "json", bytes: plain }
  const deflated = deflateSync(plain, smallAndFast)
  return deflated.length < plain.length
    ? { encoding: "deflate", bytes: deflated }
    : { encoding: "json", bytes: plain }
}

const unpack = (encoding: string, payload: Buffer): string =>
  (encoding === "deflate" ? inflateSync(payload) : payload).toString("utf8")

interface RawRow {
  readonly kind: string
  readonly provider_id: string
  readonly conversation_provider_id: string
  readonly encoding: string
  readonly payload: Buffer
  readonly observed_at: Timestamp
  readonly page_id: number
}

const toPayload = (row: RawRow): StoredPayload => ({
  kind: row.kind,
  providerId: row.provider_id,
  conversationId: row.conversation_provider_id,
  payload: unpack(row.encoding, row.payload),
  observedAt: row.observed_at,
  pageId: row.page_id
})

const versionText = (payloads: number, newestPage: number): string => `${payloads}.${newestPage}`

/** Of one conversation's newest payloads: another text as soon as one of them is written or removed. */
export const versionOf = (payloads: ReadonlyArray<StoredPayload>): string =>
  versionText(
    payloads.length,
    payloads.reduce((newest, { pageId }) => Math.max(newest, pageId), 0)
  )

/** The version (`versionOf`) of what is stored of a conversation by now. */
export const makeStoredVersion = ({ prepare }: Session) => {
  const select = prepare(
    `SELECT count(*), coalesce(max(page_id), 0) FROM raw_records
     WHERE connection = ? AND conversation_provider_id = ? AND newest = 1`
  ).raw()
  return (connection: string, conversationId: string): string => {
    const [payloads, newestPage] = select.get(connection, conversationId) as readonly [number, number]
    return versionText(payloads, newestPage)
  }
}

/** Keeps payloads as they came. One that is stored already is not written again. */
export const makeRawRecords = ({ prepare }: Session) => {
  const newest = prepare(
    `SELECT key, hash FROM raw_records
     WHERE connection = ? AND conversation_provider_id = ? AND kind = ? AND provider_id = ? AND newest = 1`
  )
  const insert = prepare(
    `INSERT INTO raw_records (connection, kind, provider_id, conversation_provider_id, hash, encoding, payload,
       observed_at, page_id)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`
  )
  const replace = prepare(
    "UPDATE raw_records SET hash = ?, encoding = ?, payload = ?, observed_at = ?, page_id = ? WHERE key = ?"
  )
  const retire = prepare("UPDATE raw_records SET newest = 0 WHERE key = ?")

  return (context: PageContext, payloads: ReadonlyArray<RawPayload>): void => {
    for (const { kind, providerId, conversationId, payload } of payloads) {
      const { connection, pageId, requestedAt } = context
      const plain = Buffer.from(payload)
      const hash = payloadHash(plain)
      const stored = newest.get(connection, conversationId, kind, providerId) as
        | { readonly key: number; readonly hash: string }
        | undefined
      if (stored?.hash === hash) continue
      const { encoding, bytes } = pack(plain)
      if (stored !== undefined && context.keepRaw === "newest") {
        replace.run(hash, encoding, bytes, requestedAt, pageId, stored.key)
        continue
      }
      if (stored !== undefined) retire.run(stored.key)
      insert.run(connection, kind, providerId, conversationId, hash, encoding, bytes, requestedAt, pageId)
    }
  }
}

/** The kind of payload that is one message, and nothing else. */
export const messageKind = "message"

/**
 * Lets the payloads of messages go that the vendor no longer has; where every version is kept, they are older versions
 * from then on. `held` are the ids of those that it has, `conversationId` is the vendor's.
 */
export const makeForgetMessages = ({ prepare }: Session) => {
  const others = `connection = ? AND conversation_provider_id = ? AND kind = '${messageKind}' AND newest = 1
    AND provider_id NOT IN (SELECT value FROM json_each(?))`
  const remove = prepare(`DELETE FROM raw_records WHERE ${others}`)
  const retire = prepare(`UPDATE raw_records SET newest = 0 WHERE ${others}`)
  return (
    { connection, keepRaw }: PageContext,
    conversationId: string,
    held: ReadonlyArray<string | null>
  ): void => {
    const forget = keepRaw === "newest" ? remove : retire
    forget.run(connection, conversationId, JSON.stringify(held.filter((id) => id !== null)))
  }
}

/** The newest payloads of one conversation, in a fixed order. */
export const rawOf = (
  { prepare }: Session,
  connection: string,
  conversationId: string
): ReadonlyArray<StoredPayload> => {
  const rows = prepare(
    `SELECT kind, provider_id, conversation_provider_id, encoding, payload, observed_at, page_id FROM raw_records
     WHERE connection = ? AND conversation_provider_id = ? AND newest = 1 ORDER BY kind, provider_id`
  ).all(connection, conversationId) as ReadonlyArray<RawRow>
  return rows.map(toPayload)
}

/** The next conversations after `after` (a vendor's id; null: from the start) that have payloads, by id. */
export const rawBatch = (
  session: Session,
  connection: string,
  after: string | null,
  limit: number
): ReadonlyArray<RawConversation> => {
  const ids = session
    .prepare(
      `SELECT DISTINCT conversation_provider_id FROM raw_records
       WHERE connection = ? AND conversation_provider_id > ? AND newest = 1
       ORDER BY conversation_provider_id LIMIT ?`
    )
    .pluck()
    .all(connection, after ?? "", limit) as ReadonlyArray<string>
  return ids.map((conversationId) => ({
    conversationId,
    payloads: rawOf(session, connection, conversationId)
  }))
}
