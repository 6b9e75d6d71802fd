import { Effect } from "effect"
import type { ProviderClient } from "../../http/client.ts"
import { compareWith, emptySample, recordsOf, sampleEndpoint, sampleSize } from "../kit/contract.ts"
import { idOf } from "../kit/page.ts"
import { facts } from "./facts.ts"
import { getConversation, getMessages, listConversations } from "./requests.ts"

/** The account beside the vendor's page: its first conversations, one of them alone, and its messages. */
export const contract = (client: ProviderClient) =>
  Effect.gen(function* () {
    const sample = emptySample()
    const { messages, page } = facts.sizes
    const list = yield* sampleEndpoint(client, sample, "list", listConversations({ page: 1, size: page.is }))
    const rows = recordsOf(list, "conversations")
    sampleSize(sample, "page", list === null ? null : rows.length, page.is)
    sample.records.conversation = rows
    const id = rows.flatMap((row) => idOf(row, "id") ?? [])[0]
    if (id === undefined) return compareWith(facts, sample)
    const detail = yield* sampleEndpoint(client, sample, "detail", getConversation(id))
    sample.records.detail = recordsOf(detail, null)
    const all = yield* sampleEndpoint(client, sample, "messages", getMessages(id, { limit: messages.is }))
    const found = recordsOf(all, null)
    sampleSize(sample, "messages", all === null ? null : found.length, messages.is)
    sample.records.message = [...found, ...recordsOf(detail, "messages")]
    return compareWith(facts, sample)
  })
