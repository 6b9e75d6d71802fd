import { Effect } from "effect"
import type { ProviderClient } from "../../http/client.ts"
import {
  compareWith,
  emptySample,
  headerNumber,
  recordsOf,
  sampleEndpoint,
  sampleSize
} from "../kit/contract.ts"
import { idOf } from "../kit/page.ts"
import { facts } from "./facts.ts"
import { getContact, listContacts, listMessages } from "./requests.ts"

/** The account beside the vendor's pages: its first contacts, one of them alone, and the messages of some. */
export const contract = (client: ProviderClient) =>
  Effect.gen(function* () {
    const sample = emptySample()
    const { contacts, messages } = facts.sizes
    const list = yield* sampleEndpoint(client, sample, "list", listContacts({ limit: contacts.is }))
    const rows = recordsOf(list, "items")
    sampleSize(sample, "contacts", list === null ? null : rows.length, contacts.is)
    const limit = list === null ? undefined : headerNumber(list.headers, "x-ratelimit-limit")
    if (limit !== undefined) sample.rates.path = limit
    const ids = rows.slice(0, 3).flatMap((row) => idOf(row, "id") ?? [])
    const [first] = ids
    const detail =
      first === undefined ? null : yield* sampleEndpoint(client, sample, "detail", getContact(first))
    sample.records.contact = [...rows, ...recordsOf(detail, null)]
    const found = []
    for (const id of ids) {
      const answer = yield* sampleEndpoint(
        client,
        sample,
        "messages",
        listMessages(id, { limit: messages.is })
      )
      const some = recordsOf(answer, "items")
      sampleSize(sample, "messages", answer === null ? null : some.length, messages.is)
      found.push(...some)
      if (answer === null || !sample.sizes.messages?.ok) break
    }
    sample.records.message = found
    return compareWith(facts, sample)
  })
