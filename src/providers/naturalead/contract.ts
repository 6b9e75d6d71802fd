import { Effect, Either, Option, Stream } from "effect"
import type { ProviderError } from "../../domain/ProviderError.ts"
import type { ProviderClient } from "../../http/client.ts"
import { compareWith, emptySample, headerNumber, recordsOf, sampleEndpoint } from "../kit/contract.ts"
import { parseJson } from "../kit/decode.ts"
import { idOf } from "../kit/page.ts"
import type { ContractFinding } from "../Provider.ts"
import { batchesOf } from "./batches.ts"
import { facts } from "./facts.ts"
import { getConversation, listConversations } from "./requests.ts"

/** So many conversations of the one response that holds all are looked at. */
const mostRows = 50

/** The account beside the vendor's pages: the first conversations of its list, and one of them alone. */
export const contract = (
  client: ProviderClient
): Effect.Effect<ReadonlyArray<ContractFinding>, ProviderError> =>
  Effect.gen(function* () {
    const sample = emptySample()
    const first = Effect.gen(function* () {
      const answer = yield* client.stream(listConversations())
      const limit = headerNumber(answer.headers, "ratelimit-limit")
      if (limit !== undefined) sample.rates.key = limit
      sample.endpoints.list = { ok: true, detail: `answered ${answer.status}` }
      return Option.getOrNull(yield* Stream.runHead(batchesOf(answer)))
    })
    const refused = ({ message }: { readonly message: string }) =>
      Effect.sync(() => {
        sample.endpoints.list = { ok: false, detail: message }
        return null
      })
    const batch = yield* first.pipe(
      Effect.catchTags({ Malformed: refused, Rejected: refused, Unauthorized: refused })
    )
    const rows = (batch?.elements ?? [])
      .slice(0, mostRows)
      .flatMap((element) => Either.getOrNull(parseJson(Buffer.from(element).toString("utf8"))) ?? [])
    const id = rows.flatMap((row) => idOf(row, "_id") ?? [])[0]
    const detail =
      id === undefined ? null : yield* sampleEndpoint(client, sample, "detail", getConversation(id))
    sample.records.conversation = [...rows, ...recordsOf(detail, null)]
    sample.records.message = recordsOf(detail, "messages")
    return compareWith(facts, sample)
  })
