import { Effect } from "effect"
import type { Json } from "../../domain/Conversation.ts"
import { isRecord } from "../../domain/isRecord.ts"
import type { ProviderError } from "../../domain/ProviderError.ts"
import type { ProviderClient } from "../../http/client.ts"
import { compareWith, emptySample, recordsOf, sampleEndpoint, sampleSize } from "../kit/contract.ts"
import { idOf } from "../kit/page.ts"
import type { ContractFinding } from "../Provider.ts"
import { facts } from "./facts.ts"
import { exportConversation, getConversation, listAgents, listConversations } from "./requests.ts"

const listField = (records: ReadonlyArray<Json>, field: string): ReadonlyArray<Json> =>
  records.flatMap((record) => {
    const value = isRecord(record) ? record[field] : null
    return Array.isArray(value) ? (value as ReadonlyArray<Json>) : []
  })

/**
 * The workspace beside the vendor's pages: the newest conversations of one agent, and one of them with its messages,
 * whose export is billed as one conversation.
 * @param agents those of the configuration; null: all of the workspace
 */
export const contract = (
  client: ProviderClient,
  agents: ReadonlyArray<string> | null
): Effect.Effect<ReadonlyArray<ContractFinding>, ProviderError> =>
  Effect.gen(function* () {
    const sample = emptySample()
    const { cursorPage } = facts.sizes
    const listed = agents === null ? yield* sampleEndpoint(client, sample, "agents", listAgents()) : null
    // Agents carry secrets: nothing of them but an id is read.
    const agent = agents?.[0] ?? recordsOf(listed, "data").flatMap((one) => idOf(one, "ID") ?? [])[0]
    if (agent === undefined) return compareWith(facts, sample)
    const first = { page: 1, limit: cursorPage.is }
    const list = yield* sampleEndpoint(client, sample, "list", listConversations(agent, first))
    const rows = recordsOf(list, "data")
    sampleSize(sample, "cursorPage", list === null ? null : rows.length, cursorPage.is)
    sample.records.conversation = rows
    const id = rows.flatMap((row) => idOf(row, "ID") ?? [])[0]
    if (id === undefined) return compareWith(facts, sample)
    const detail = yield* sampleEndpoint(client, sample, "detail", getConversation(agent, id))
    sample.records.conversation = [...rows, ...recordsOf(detail, "data")]
    const exported = yield* sampleEndpoint(client, sample, "export", exportConversation(agent, id))
    sample.records.turn = listField(recordsOf(exported, "data"), "turns")
    sample.records.message = listField(sample.records.turn, "messages")
    return compareWith(facts, sample)
  })
