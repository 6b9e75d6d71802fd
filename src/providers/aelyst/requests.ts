import type { ProviderRequest } from "../../http/contract.ts"
import { route } from "../kit/facts.ts"
import { facts } from "./facts.ts"

/** The largest pages that may be requested. */
export const contactsLimit = facts.sizes.contacts.is
export const messagesLimit = facts.sizes.messages.is

/** https://developers.aelyst.ai/api/operations/listcontacts/: one condition of a filter. */
export interface Condition {
  readonly category: "contactField" | "contactTag" | "lifecycle"
  readonly field?: string
  readonly operator: string
  readonly value: string | ReadonlyArray<string> | { readonly from: string; readonly to: string } | null
}

export type Filter = { readonly $and: ReadonlyArray<Condition> } | { readonly $or: ReadonlyArray<Condition> }

export interface Paging {
  readonly limit: number
  /** From the link to the next page; left out: from the start. */
  readonly cursorId?: string
}

interface ListContactsOptions extends Paging {
  readonly search?: string
  readonly filter?: Filter
  /** An IANA name, for conditions on times. */
  readonly timezone?: string
}

const pagingQuery = ({ limit, cursorId }: Paging, most: number) => ({
  limit: Math.min(limit, most),
  cursorId
})

/** https://developers.aelyst.ai/api/operations/listcontacts/. Without a search and conditions: every contact. */
export const listContacts = (options: ListContactsOptions): ProviderRequest => ({
  operation: "list contacts",
  ...route(facts.endpoints.list),
  query: pagingQuery(options, facts.sizes.contacts.is),
  body: {
    search: options.search ?? "",
    filter: options.filter ?? { $and: [] },
    timezone: options.timezone ?? "UTC"
  }
})

/** https://developers.aelyst.ai/api/operations/getcontact/ */
export const getContact = (contactId: string): ProviderRequest => ({
  operation: "get a contact",
  ...route(facts.endpoints.detail, { contact: contactId }),
  mayBeMissing: true
})

/** https://developers.aelyst.ai/api/operations/getcontact/: by an address or a number in the place of the id. */
export const findContact = (kind: "email" | "phone", value: string): ProviderRequest => ({
  operation: "find a contact",
  method: "GET",
  path: `/contact/${kind}:${encodeURIComponent(value)}`,
  mayBeMissing: true
})

/**
 * https://developers.aelyst.ai/api/operations/listmessages/. Newest first, as far as was seen. A 404 says that the contact
 * or the whole list does not exist.
 */
export const listMessages = (contactId: string, paging: Paging): ProviderRequest => ({
  operation: "list messages",
  ...route(facts.endpoints.messages, { contact: contactId }),
  query: pagingQuery(paging, facts.sizes.messages.is),
  mayBeMissing: "path"
})

/** https://developers.aelyst.ai/api/operations/getmessage/ */
export const getMessage = (contactId: string, messageId: string): ProviderRequest => ({
  operation: "get a message",
  ...route(facts.endpoints.message, { contact: contactId, message: messageId }),
  mayBeMissing: true
})

interface StatusUpdate {
  readonly status: string
  readonly category: string | null
  readonly summary: string | null
}

/** https://developers.aelyst.ai/api/operations/updateconversationstatus/. What is null is left out. */
export const updateConversationStatus = (contactId: string, update: StatusUpdate): ProviderRequest => ({
  operation: "open or close a conversation",
  ...route(facts.endpoints.status, { contact: contactId }),
  body: {
    status: update.status,
    ...(update.category === null ? {} : { category: update.category }),
    ...(update.summary === null ? {} : { summary: update.summary })
  }
})
