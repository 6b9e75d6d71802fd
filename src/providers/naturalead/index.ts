import { Effect, Either, Schema } from "effect"
import { Malformed, type ProviderError, Rejected } from "../../domain/ProviderError.ts"
import type { StatusMap } from "../../domain/Status.ts"
import type { StatusChange } from "../../domain/StatusChange.ts"
import type { Answer, ProviderClient } from "../../http/client.ts"
import type { Limit } from "../../http/contract.ts"
import { parseJson } from "../decode.ts"
import type { CheckFinding, Provider, ProviderDefinition, RemoteState, WriteOutcome } from "../Provider.ts"
import { idOf } from "../page.ts"
import { refuseUnsupported, withOverrides } from "../statusWords.ts"
import { firstElement } from "./batches.ts"
import { interpret, statusMap, toRemoteState } from "./normalize.ts"
import { getConversation, listConversations, updateStatus } from "./requests.ts"
import { readDetail, scan } from "./scan.ts"
import { decodeConversation } from "./wire.ts"

const title = "NaturaLead"

/** https://docs.naturalead.ai/authentication: an API key of one account, `nl_live_…` or `nl_test_…`. */
const Settings = Schema.Struct({ apiKey: Schema.Redacted(Schema.String) })
type Settings = typeof Settings.Type

/** https://docs.naturalead.ai/rate-limits: sliding windows; all three count every request. */
const limits: ReadonlyArray<Limit> = [
  { name: "500 a minute for the key", requests: 500, perMillis: 60_000, scope: "connection" },
  { name: "2,000 a minute for the account", requests: 2_000, perMillis: 60_000, scope: "connection" },
  { name: "1,000 a minute for the address", requests: 1_000, perMillis: 60_000, scope: "connection" }
]

const unexpected = (operation: string, detail: string): Malformed =>
  new Malformed({
    message: `NaturaLead's answer to "${operation}" is not a conversation: ${detail}`,
    hint: "check baseUrl; if it is right, the vendor has changed what it sends",
    where: operation,
    detail
  })

/** The conversation in an answer, which must be the one that was asked for. */
const conversationIn = ({ text, exchange }: Answer, id: string) =>
  parseJson(text).pipe(
    Either.flatMap(decodeConversation),
    Either.mapLeft((fault) => unexpected(exchange.operation, `${fault.reason} at ${fault.path}`)),
    Either.filterOrLeft(
      (conversation) => conversation._id === id,
      () => unexpected(exchange.operation, "it is another one than was asked for")
    )
  )

const readStatus = (client: ProviderClient, map: StatusMap) => (change: StatusChange) =>
  Effect.flatMap(
    client.read(getConversation(change.providerId)),
    (answer): Effect.Effect<RemoteState | null, ProviderError> =>
      answer.status === 404 || answer.status === 410
        ? Effect.succeed(null)
        : Effect.map(conversationIn(answer, change.providerId), (wire) => toRemoteState(wire, map))
  )

const notWritable = (status: string | null): Rejected =>
  new Rejected({
    message: `NaturaLead cannot be asked for the status "${status}"; nothing was sent`,
    hint: "cancel this change",
    status: 0,
    body: ""
  })

/** The answer is the whole updated conversation, so that a word in it is the vendor's confirmation. */
const setStatus = (client: ProviderClient, map: StatusMap) => (change: StatusChange) =>
  Effect.gen(function* () {
    const { status } = change.wish
    const word = status === null ? undefined : map.write[status]
    if (word === undefined) return yield* notWritable(status)
    const answer = yield* client.write(updateStatus(change.providerId, word))
    const wire = yield* conversationIn(answer, change.providerId)
    const outcome: WriteOutcome = { state: wire.status === null ? null : toRemoteState(wire, map) }
    return outcome
  })

const notAllowed = (what: string) => (error: { readonly message: string; readonly hint: string }) =>
  Effect.succeed<CheckFinding>({ ok: false, what, detail: `${error.message}; ${error.hint}` })

const check = (client: ProviderClient): Provider["check"] =>
  Effect.gen(function* () {
    const findings: Array<CheckFinding> = []
    const list = "list conversations"
    const first = yield* Effect.flatMap(client.stream(listConversations()), ({ body }) =>
      firstElement(body)
    ).pipe(
      Effect.map((element) => ({ element })),
      Effect.catchTags({
        Unauthorized: notAllowed(list),
        Malformed: notAllowed(list),
        Rejected: notAllowed(list)
      })
    )
    if ("ok" in first) return [first]
    const empty = first.element === null
    findings.push({ ok: true, what: list, detail: empty ? "allowed; the account holds none" : "allowed" })
    const json = first.element === null ? null : parseJson(Buffer.from(first.element).toString("utf8"))
    const id = json !== null && Either.isRight(json) ? idOf(json.right, "_id") : null
    if (id !== null) {
      const get = "get a conversation"
      const finding = yield* Effect.as(client.read(getConversation(id)), {
        ok: true,
        what: get,
        detail: "allowed"
      }).pipe(
        Effect.catchTags({
          Unauthorized: notAllowed(get),
          Malformed: notAllowed(get),
          Rejected: notAllowed(get)
        })
      )
      findings.push(finding)
    }
    findings.push({
      ok: true,
      what: "change a status",
      detail: "not tried, since it would change one; the key needs the permission conversations:change_status"
    })
    return findings
  })

const make = (
  settings: Settings & { readonly statusMap: Readonly<Record<string, string>> },
  client: ProviderClient
): Provider => {
  const map = withOverrides(statusMap, settings.statusMap)
  return {
    pull: (scope) => scan(client, map, scope),
    fetch: (providerId) => readDetail(client, map, providerId),
    interpret: (payloads) => interpret(payloads, map),
    readStatus: readStatus(client, map),
    refuse: (wish) => refuseUnsupported(wish, { title, write: map.write, fields: [] }),
    setStatus: setStatus(client, map),
    check: check(client),
    statusMap: map
  }
}

export const naturalead: ProviderDefinition<Settings, typeof Settings.Encoded> = {
  id: "naturalead",
  title,
  docs: "https://docs.naturalead.ai",
  settings: Settings,
  baseUrl: () => "https://api.naturalead.ai/api",
  limits,
  statusMap,
  authorize: ({ apiKey }) => ({ _tag: "Fixed", headers: { "X-API-Key": apiKey }, credential: apiKey }),
  make
}
