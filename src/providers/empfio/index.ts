import { Effect, Either, Redacted, Schema, Stream } from "effect"
import type { ProviderError } from "../../domain/ProviderError.ts"
import type { StatusChange } from "../../domain/StatusChange.ts"
import type { ProviderClient } from "../../http/client.ts"
import type { Authorization } from "../../http/contract.ts"
import {
  anyExists,
  clockOf,
  decodeAnswer,
  finding,
  idsListed,
  isGone,
  isMissing,
  malformed,
  unlessFailed,
  untried
} from "../kit/answer.ts"
import { only, parseJson } from "../kit/decode.ts"
import { credentialHeaders, fixedCredential } from "../kit/facts.ts"
import { refuseUnsupported, requireWord, withOverrides } from "../kit/statusMap.ts"
import { fieldText, written, writtenId } from "../kit/written.ts"
import {
  type AccountCheck,
  anyAccount,
  type CheckFinding,
  type CommonSettings,
  type Provider,
  type ProviderDefinition,
  type WriteOutcome
} from "../Provider.ts"
import { contract } from "./contract.ts"
import { facts, personal, title } from "./facts.ts"
import { hints } from "./hints.ts"
import { readList } from "./list.ts"
import { columns, interpret, statusMap, toRemoteState } from "./normalize.ts"
import { getConversation, largestPage, listConversations, logIn, updateStatus, whoAmI } from "./requests.ts"
import { type Account, fetchOne, recordForm, scan, scanHinted } from "./scan.ts"
import { survey } from "./survey.ts"
import { decodeLogin, decodeState } from "./wire.ts"

const secret = Schema.Redacted(Schema.NonEmptyString)

/** https://docs.empfio.de/api/authentication: a user's email and password, or a token that was obtained with them. */
const Settings = Schema.Struct({
  email: Schema.optional(Schema.NonEmptyString),
  password: Schema.optional(secret),
  token: Schema.optional(secret)
}).pipe(
  Schema.filter(({ email, password, token }) => {
    const given = [email, password].filter((value) => value !== undefined).length
    if (token !== undefined) {
      return (
        given === 0 || { path: ["token"], message: "write either token, or email and password, not both" }
      )
    }
    if (given === 2) return true
    const path = [email === undefined ? "email" : "password"]
    return { path, message: "missing; write email and password, or a token instead of both" }
  })
)
type Settings = typeof Settings.Type

/**
 * A user belongs to one organization, which the login names (https://docs.empfio.de/api/authentication); `/auth/me` may,
 * under the same name or in an object of its own.
 */
const tellOrganization = (account: AccountCheck, text: string): Effect.Effect<void, ProviderError> => {
  const id =
    writtenId(written(text), "organization_id") ??
    writtenId(written(fieldText(text, "organization") ?? ""), "id")
  return id === null ? Effect.void : account(id, "credential")
}

const identify = (client: ProviderClient, account: AccountCheck): Effect.Effect<void, ProviderError> =>
  Effect.flatMap(
    Effect.suspend(() => client.read(whoAmI())),
    (answer) => (isMissing(answer) ? Effect.void : tellOrganization(account, answer.text))
  )

/** A token does not say when it ends: the client logs in again when one is refused. */
const authorize = (
  { email, password, token }: Settings,
  account: AccountCheck = anyAccount
): Authorization => {
  if (token !== undefined) return fixedCredential(facts.credential, token, "token")
  // The schema requires both.
  const [user, secretWord] = [email ?? "", password ?? Redacted.make("")]
  return {
    _tag: "Session",
    login: (send) =>
      send(logIn(user, secretWord)).pipe(
        Effect.tap((answer) => tellOrganization(account, answer.text)),
        Effect.flatMap((answer) => decodeAnswer(title, answer, decodeLogin)),
        Effect.map(({ access_token }) => credentialHeaders(facts.credential, access_token))
      ),
    credential: secretWord,
    setting: "email and password"
  }
}

const readStatus = ({ client, map }: Account) =>
  Effect.fn("empfio.readStatus")(function* ({ providerId }: StatusChange) {
    const answer = yield* client.read(getConversation(providerId))
    if (yield* isGone(title, answer)) return null
    const state = yield* decodeAnswer(title, answer, only(decodeState, providerId), recordForm)
    return { ...toRemoteState(state, map), ...clockOf(answer) }
  })

/** What it answers is not documented: only a conversation with a status in it says what is held now. */
const setStatus = ({ client, map }: Account) =>
  Effect.fn("empfio.setStatus")(function* (change: StatusChange) {
    const word = yield* requireWord(title, map, change.requested)
    const answer = yield* client.write(updateStatus(change.providerId, word))
    yield* unlessFailed(title, answer, recordForm)
    const said = Either.flatMap(parseJson(answer.text), decodeState)
    if (Either.isRight(said) && said.right.id !== change.providerId) {
      return yield* malformed(title, answer.exchange.operation, "it names another conversation")
    }
    const speaks = Either.isRight(said) && said.right.status !== null
    const outcome: WriteOutcome = { state: speaks ? toRemoteState(said.right, map) : null }
    return outcome
  })

const check = Effect.fn("empfio.check")(function* (client: ProviderClient) {
  const findings: Array<CheckFinding> = []
  let ids: ReadonlyArray<string> = []
  const list = Effect.gen(function* () {
    const answer = yield* client.read(listConversations({ page: 1, size: largestPage }))
    const { conversations, total } = yield* readList(answer)
    ids = yield* idsListed(title, conversations, (row) => writtenId(row, "id"))
    return total === null ? "allowed" : `allowed; the account holds ${total}`
  })
  findings.push(yield* finding("list conversations", list))
  if (ids.length > 0) {
    const detail = anyExists(title, ids, (id) => client.read(getConversation(id)), recordForm)
    findings.push(yield* finding("get a conversation", detail))
  }
  if (findings.every(({ ok }) => ok)) findings.push(untried("change a status"))
  return findings
})

const make = (
  settings: Settings & CommonSettings,
  client: ProviderClient,
  whose: AccountCheck = anyAccount
): Provider => {
  const map = withOverrides(statusMap, settings.statusMap)
  const account: Account = { client, map }
  return {
    pull: (scope) =>
      scope.subject === undefined
        ? scan(account, scope)
        : Stream.fromIterableEffect(scanHinted(account, scope.subject, scope)),
    survey: (scope) => survey(account, scope),
    fetch: (providerId, _known, scope) => fetchOne(account, providerId, scope),
    interpret: (payloads) => interpret(payloads, map),
    readStatus: readStatus(account),
    refuse: (requested) => refuseUnsupported(requested, { title, write: map.write, fields: [] }),
    setStatus: setStatus(account),
    check: () => check(client),
    contract: contract(client),
    statusMap: map,
    identify: identify(client, whose)
  }
}

/** Empfio documents no rate limit: the governor finds out what is welcome. */
export const empfio: ProviderDefinition<Settings, typeof Settings.Encoded> = {
  id: "empfio",
  title,
  docs: "https://docs.empfio.de",
  exampleName: "salon",
  settings: Settings,
  baseUrl: () => null,
  limits: [],
  statusMap,
  columns,
  personal,
  hints,
  authorize,
  make
}
