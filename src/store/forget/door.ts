import { normalizeEmail, normalizePhone } from "../../domain/phone.ts"
import type { Item, Sighting, Unreadable } from "../../providers/Provider.ts"
import { identitiesOf } from "../derived/people.ts"
import type { Session } from "../Session.ts"
import { addToErasure } from "./begin.ts"
import { findPerson } from "./person.ts"
import { makeIsClosed, makeRemembered } from "./remembered.ts"

/** What looks like an address or a telephone number in a text that could not be decoded. */
const address = /[^\s"'<>(),;:\\]+@[^\s"'<>(),;:\\]+\.[^\s"'<>(),;:\\]+/g
const number = /\+?\d[\d ().\-/]{5,18}\d/g

const hashed = /hash:[\w-]{22}/g

const identitiesIn = (payload: string): ReadonlyArray<string> =>
  [
    ...Array.from(payload.matchAll(address), ([text]) => normalizeEmail(text)),
    ...Array.from(payload.matchAll(number), ([text]) => normalizePhone(text, null)),
    ...Array.from(payload.matchAll(hashed), ([text]) => text)
  ].filter((value) => value !== null)

/**
 * Keeps what is of someone who was forgotten from being stored again. One for each open database; `begin` comes first in a
 * transaction.
 */
export const makeDoor = (session: Session) => {
  const { prepare } = session
  const remembered = makeRemembered(session)
  const isClosed = makeIsClosed(session)
  const exists = {
    conversation: prepare("SELECT 1 FROM remote_conversations WHERE id = ?"),
    contact: prepare("SELECT 1 FROM remote_contacts WHERE id = ?")
  }
  const reopen = prepare("UPDATE erasures SET erased_at = NULL, finished_at = NULL WHERE id = ?")
  let state: "open" | "guarded" | "closed" = "open"

  const firstOf = (
    candidates: Iterable<readonly ["conversation" | "contact" | "identity", string]>
  ): number | null => {
    for (const [kind, text] of candidates) {
      const erasure = remembered.find(kind, text)
      if (erasure !== null) return erasure
    }
    return null
  }

  const ofSighting = (connection: string, { contact, conversation }: Sighting): number | null => {
    const { contactId, providerId } = conversation
    const country = contact?.attributes.countryCode
    return firstOf([
      ["conversation", `${connection}:${providerId}`],
      ...(contactId === null ? [] : [["contact", `${connection}:${contactId}`] as const]),
      ...(contact === null
        ? []
        : [
            ["contact", `${connection}:${contact.providerId}`] as const,
            ...identitiesOf({ ...contact, country: typeof country === "string" ? country : null }).map(
              (identity) => ["identity", identity] as const
            )
          ])
    ])
  }

  const ofUnreadable = (
    connection: string,
    { conversationId, payload, providerId }: Unreadable
  ): number | null =>
    firstOf([
      ...[conversationId, providerId]
        .filter((id) => id !== null)
        .flatMap((id) => [
          ["conversation", `${connection}:${id}`] as const,
          ["contact", `${connection}:${id}`] as const
        ]),
      ...identitiesIn(payload).map((identity) => ["identity", identity] as const)
    ])

  const find = (connection: string, item: Item): number | null => {
    switch (item._tag) {
      case "Sighting":
        return ofSighting(connection, item)
      case "Unreadable":
        return ofUnreadable(connection, item.unreadable)
      case "Unchanged":
        return item.key === undefined
          ? remembered.find("conversation", `${connection}:${item.providerId}`)
          : null
      case "Filtered":
        return null
    }
  }

  /** What is stored already of a conversation that turns out to be of someone who was forgotten: it goes, too. */
  const eraseStored = (erasure: number, connection: string, { contact, conversation }: Sighting): void => {
    const eraseOne = (by: "conversation" | "contact", providerId: string | null | undefined): void => {
      const value = `${connection}:${providerId}`
      if (providerId == null || exists[by].get(value) === undefined) return
      addToErasure(session, erasure, findPerson(session, { by, value }))
      reopen.run(erasure)
    }
    eraseOne("conversation", conversation.providerId)
    for (const id of new Set([conversation.contactId, contact?.providerId])) eraseOne("contact", id)
  }

  return {
    begin: (connection: string): void => {
      state = isClosed(connection) ? "closed" : remembered.isAny() ? "guarded" : "open"
    },

    /** Whether nothing of the connection may be stored. */
    isClosed: (): boolean => state === "closed",

    /** Whether nothing of the item may be stored. */
    refuses: (connection: string, item: Item): boolean => {
      if (state !== "guarded") return state === "closed"
      const erasure = find(connection, item)
      if (erasure === null) return false
      if (item._tag === "Sighting") eraseStored(erasure, connection, item)
      return true
    }
  } as const
}
