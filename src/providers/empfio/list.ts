import { Effect, Either } from "effect"
import type { Answer, ProviderClient } from "../../http/client.ts"
import { isMissing, listAnswered } from "../kit/answer.ts"
import type { Fault } from "../kit/decode.ts"
import { writtenId } from "../kit/written.ts"
import { title } from "./facts.ts"
import { leadIdOf, type Read, rawPayload, readAs } from "./normalize.ts"
import { largestPage, listConversations } from "./requests.ts"
import { type Detail, decodeList, decodeRow, type Row } from "./wire.ts"

/** A page of the list, with its rows as they were written. */
export const readList = (answer: Answer) =>
  Effect.map(
    listAnswered(title, answer, "conversations", decodeList),
    ({ around: { size, total }, elements }) => ({ conversations: elements, total, size })
  )

/** A row that may be the one that is sought, and cannot be read. */
export interface HiddenRow extends Fault {
  readonly payload: string
}

export interface SoughtRow {
  /** Null: the list does not show it, or it cannot be read. */
  readonly row: Read<Row> | null
  readonly fault: HiddenRow | null
}

export const noRow: SoughtRow = { row: null, fault: null }

/** So many pages of one lead's conversations are looked through. */
const mostPages = 20

/** The row of a conversation, which the list of its lead's conversations shows. */
export const rowOf = Effect.fn("empfio.row")(function* (client: ProviderClient, detail: Detail) {
  const { id } = detail
  const lead = leadIdOf(detail)
  if (lead === null) return noRow
  let seen = 0
  for (let page = 1; page <= mostPages; page++) {
    const paging = page === 1 ? {} : { page }
    const answer = yield* client.read(listConversations({ size: largestPage, leadId: lead, ...paging }))
    if (isMissing(answer)) return noRow
    const { conversations, total } = yield* readList(answer)
    const rows = conversations.map((entry) => ({
      entry,
      isIt: writtenId(entry, "id") === id,
      read: readAs(rawPayload("conversation", id, id, entry.text), entry.value, decodeRow)
    }))
    // Where the vendor has no such filter, a row that cannot be read is more likely another's.
    const isFiltered = rows.every(({ read }) => Either.isLeft(read) || leadIdOf(read.right.value) === lead)
    const sought =
      rows.find(({ isIt }) => isIt) ?? (isFiltered ? rows.find(({ read }) => Either.isLeft(read)) : undefined)
    if (sought !== undefined) {
      return Either.match(sought.read, {
        onLeft: (fault): SoughtRow => ({ row: null, fault: { ...fault, payload: sought.entry.text } }),
        onRight: (row): SoughtRow => ({ row, fault: null })
      })
    }
    seen += rows.length
    const isLast = total === null ? rows.length < largestPage : seen >= total
    if (isLast || !isFiltered || rows.length === 0) return noRow
  }
  return noRow
})
