import { createHmac } from "node:crypto"
import type { Timestamp } from "../../domain/Timestamp.ts"
import type { Session } from "../Session.ts"

/*
 * Who was forgotten, remembered as keyed hashes: of the ids of their conversations and contacts, and of their addresses and
 * numbers.
 */

/** What a hash is of. `conversation` and `contact`: an id of the mirror; `identity`: an address or number, normalized. */
type RememberedKind = "conversation" | "contact" | "identity"

/** 128 bits of HMAC-SHA-256 stand for a text: without the key nothing can be tried against it. */
const keyedHash = (key: Uint8Array, kind: string, text: string): string =>
  createHmac("sha256", key).update(`${kind}\n${text}`).digest("base64url").slice(0, 22)

export const makeRemembered = ({ prepare }: Pick<Session, "prepare">) => {
  const selectKey = prepare("SELECT key FROM hash_key").pluck()
  const any = prepare("SELECT EXISTS (SELECT 1 FROM forgotten)").pluck()
  const find = prepare("SELECT min(erasure) FROM forgotten WHERE hash = ?").pluck()
  const insert = prepare("INSERT OR IGNORE INTO forgotten (hash, erasure) VALUES (?, ?)")
  let key: Buffer | null = null

  const hashOf = (kind: RememberedKind, text: string): string => {
    key ??= selectKey.get() as Buffer
    return keyedHash(key, kind, text)
  }

  const findOf = (kind: RememberedKind, text: string): number | null =>
    find.get(hashOf(kind, text)) as number | null

  return {
    hashOf,
    /** Whether anyone was forgotten. */
    isAny: (): boolean => any.get() === 1,
    /** The erasure with which it was forgotten; null: it was not. */
    find: findOf,
    /** The same for an id that is a conversation's or a contact's. */
    findId: (id: string): number | null => findOf("conversation", id) ?? findOf("contact", id),
    remember: (erasure: number, kind: RememberedKind, text: string): void => {
      insert.run(hashOf(kind, text), erasure)
    }
  } as const
}

/** Whether a connection was forgotten: nothing of it is to be stored. */
export const makeIsClosed = ({ prepare }: Pick<Session, "prepare">): ((connection: string) => boolean) => {
  const isForgotten = prepare("SELECT forgotten_at IS NOT NULL FROM connections WHERE name = ?").pluck()
  return (connection) => isForgotten.get(connection) === 1
}

/** When the conversation or contact with this id was forgotten, UTC; null: it was not. */
export const forgottenOn = (session: Session, id: string): Timestamp | null => {
  const remembered = makeRemembered(session)
  const erasure = remembered.isAny() ? remembered.findId(id) : null
  return erasure === null
    ? null
    : (session.prepare("SELECT requested_at FROM erasures WHERE id = ?").pluck().get(erasure) as Timestamp)
}

/** A path without the ids of who was forgotten. */
export const makeHidden = (session: Pick<Session, "prepare">) => {
  const remembered = makeRemembered(session)
  const isAny = remembered.isAny()
  return (connection: string, path: string): string =>
    isAny
      ? path.replace(/[^/?&=#]+/g, (part) =>
          remembered.findId(`${connection}:${decodedPart(part)}`) === null ? part : "…"
        )
      : path
}

/** A part of a path as it was before it was encoded. */
export const decodedPart = (part: string): string => {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
