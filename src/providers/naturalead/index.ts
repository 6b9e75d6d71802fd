import { Effect, Schema } from "effect"
import type { StatusMap } from "../../domain/Status.ts"
import type { StatusChange } from "../../domain/StatusChange.ts"
import type { Answer, ProviderClient } from "../../http/client.ts"
import type { Limit } from "../../http/contract.ts"
import {
  anyExists,
  clockOf,
  decodeAnswer,
  finding,
  idsListed,
  isGone,
  malformed,
  untried
} from "../kit/answer.ts"
import { fixedCredential } from "../kit/facts.ts"
import { refuseUnsupported, requireWord, withOverrides } from "../kit/statusMap.ts"
import { written, writtenId } from "../kit/written.ts"
import {
  type AccountCheck,
  anyAccount,
  type Provider,
  type ProviderDefinition,
  type WriteOutcome
} from "../Provider.ts"
import { firstElement } from "./batches.ts"
import { contract } from "./contract.ts"
import { facts, personal, title } from "./facts.ts"
import { columns, interpret, statusMap, toRemoteState } from "./normalize.ts"
import { getConversation, listConversations, updateStatus } from "./requests.ts"
import { accountIn, checkAccounts, readDetail, recordForm, scan } from "./scan.ts"
import { survey } from "./survey.ts"
import { decodeState } from "./wire.ts"

/** https://docs.naturalead.ai/authentication: an API key of one account, `nl_live_…` or `nl_test_…`. */
const Settings = Schema.Struct({ apiKey: Schema.Redacted(Schema.String) })
type Settings = typeof Settings.Type

/**
 * https://docs.naturalead.ai/rate-limits: sliding windows; all three count every request. Which keys belong to one account
 * is not known, so that the account's limit is kept for each key only. That is enough for one machine: all of its keys
 * together are kept to the 1,000 of its address, which are used up long before the 2,000 of an account. Other machines
 * with other keys of the account are not seen; then a smaller `quota` on each leaves room for the others.
 */
const limits = (): ReadonlyArray<Limit> => {
  const { account, address, key } = facts.rates
  const perMinute = ({ requests }: { readonly requests: number }) =>
    `${requests.toLocaleString("en")} a minute`
  return [
    { name: `${perMinute(key.is)} for the key`, ...key.is, scope: "connection" },
    { name: `${perMinute(account.is)} for the account`, ...account.is, scope: "connection" },
    { name: `${perMinute(address.is)} for the address`, ...address.is, scope: "address" }
  ]
}

/** The state of the conversation in an answer, which must be the one that was requested. */
const stateIn = (answer: Answer, id: string, account: AccountCheck) =>
  Effect.zipRight(
    checkAccounts(account, accountIn(answer.text)),
    Effect.filterOrFail(
      decodeAnswer(title, answer, decodeState, recordForm),
      (conversation) => conversation._id === id,
      () => malformed(title, answer.exchange.operation, "it is another one than was requested")
    )
  )

const readStatus = (client: ProviderClient, map: StatusMap, account: AccountCheck): Provider["readStatus"] =>
  Effect.fn("naturalead.readStatus")(function* ({ providerId }: StatusChange) {
    const answer = yield* client.read(getConversation(providerId))
    if (yield* isGone(title, answer)) return null
    return { ...toRemoteState(yield* stateIn(answer, providerId, account), map), ...clockOf(answer) }
  })

/** The answer is the whole updated conversation, so that a word in it is the vendor's confirmation. */
const setStatus = (client: ProviderClient, map: StatusMap, account: AccountCheck): Provider["setStatus"] =>
  Effect.fn("naturalead.setStatus")(function* ({ providerId, requested }: StatusChange) {
    const word = yield* requireWord(title, map, requested)
    const answer = yield* client.write(updateStatus(providerId, word))
    const wire = yield* stateIn(answer, providerId, account)
    const outcome: WriteOutcome = { state: wire.status === null ? null : toRemoteState(wire, map) }
    return outcome
  })

const check =
  (client: ProviderClient, account: AccountCheck): Provider["check"] =>
  () =>
    Effect.gen(function* () {
      let ids: ReadonlyArray<string> = []
      const list = Effect.flatMap(client.stream(listConversations()), firstElement)
      const listing = yield* finding(
        "list conversations",
        Effect.gen(function* () {
          const element = yield* list
          if (element === null) return "allowed; the account holds none"
          const text = Buffer.from(element).toString("utf8")
          yield* checkAccounts(account, accountIn(text))
          ids = yield* idsListed(title, [written(text)], (row) => writtenId(row, "_id"))
          return "allowed"
        })
      )
      if (!listing.ok) return [listing]
      const findings = [listing]
      if (ids.length > 0) {
        const detail = anyExists(title, ids, (one) => client.read(getConversation(one)), recordForm)
        findings.push(yield* finding("get a conversation", detail))
      }
      const needed = "; the key needs the permission conversations:change_status"
      return [...findings, untried("change a status", needed)]
    })

const make = (
  settings: Settings & { readonly statusMap: Readonly<Record<string, string>> },
  client: ProviderClient,
  account: AccountCheck = anyAccount
): Provider => {
  const map = withOverrides(statusMap, settings.statusMap)
  return {
    pull: (scope) => scan(client, map, scope, account),
    survey: (scope) => survey(client, map, scope, account),
    fetch: (providerId, _known, { messages }) => readDetail(client, map, providerId, { messages, account }),
    interpret: (payloads) => interpret(payloads, map),
    readStatus: readStatus(client, map, account),
    refuse: (requested) => refuseUnsupported(requested, { title, write: map.write, fields: [] }),
    setStatus: setStatus(client, map, account),
    check: check(client, account),
    contract: contract(client),
    statusMap: map
  }
}

export const naturalead: ProviderDefinition<Settings, typeof Settings.Encoded> = {
  id: "naturalead",
  title,
  docs: "https://docs.naturalead.ai",
  exampleName: "leads",
  settings: Settings,
  baseUrl: () => "https://api.naturalead.ai/api",
  get limits() {
    return limits()
  },
  statusMap,
  columns,
  personal,
  authorize: ({ apiKey }) => fixedCredential(facts.credential, apiKey, "apiKey"),
  make
}
