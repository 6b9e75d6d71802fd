import { Effect, Schema, Stream } from "effect"
import { type ProviderError, Rejected } from "../../domain/ProviderError.ts"
import type { ProviderClient } from "../../http/client.ts"
import type { Limit } from "../../http/contract.ts"
import { isAddressable } from "../kit/address.ts"
import { anyExists, finding, idsListed, isMissing, unlessFailed, untried } from "../kit/answer.ts"
import { fixedCredential } from "../kit/facts.ts"
import { refuseUnsupported, withOverrides } from "../kit/statusMap.ts"
import {
  type AccountCheck,
  anyAccount,
  type CheckFinding,
  type CommonSettings,
  type Provider,
  type ProviderDefinition
} from "../Provider.ts"
import { isNeverFound } from "./address.ts"
import { agentList } from "./agentList.ts"
import { agentsOf, type Source } from "./agents.ts"
import { contract } from "./contract.ts"
import { zoneFault } from "./exports.ts"
import { isTimeZone } from "./exportTime.ts"
import { facts, personal, title } from "./facts.ts"
import { hints } from "./hints.ts"
import { columns, interpret, listedAs, statusMap } from "./normalize.ts"
import { fetchHinted, fetchOne, readStatus, setStatus, type WriteLessons, zoneOf } from "./one.ts"
import { exportConversation, getConversation, isExport } from "./requests.ts"
import { readList, rowId } from "./rows.ts"
import { askList, scan } from "./scan.ts"
import { survey } from "./survey.ts"

const TimeZone = Schema.String.pipe(
  Schema.filter(
    (zone) => isTimeZone(zone) || "write a time zone such as UTC, Europe/Berlin or America/New_York"
  )
).annotations({ description: "the zone of exported times that name none (default UTC)" })

const AgentId = Schema.String.pipe(
  Schema.filter((id) => isAddressable(id) || "write an agent's id, as its page shows it")
)

/** https://docs.convocore.ai/authentication: the secret of a workspace, or of one agent. */
const Settings = Schema.Struct({
  token: Schema.Redacted(Schema.NonEmptyString),
  /** Where the workspace lives: the other region answers with nothing of it. */
  region: Schema.optional(Schema.Literal("eu", "na")),
  agents: Schema.optional(
    Schema.Array(AgentId)
      .pipe(
        Schema.filter(
          (agents) => agents.length > 0 || "name an agent, or leave agents out for all of the workspace"
        )
      )
      .annotations({ description: "a list of agents' ids (default: every agent of the workspace)" })
  ),
  exportTimeZone: Schema.optionalWith(TimeZone, { default: () => "UTC" })
})
type Settings = typeof Settings.Type

/**
 * https://docs.convocore.ai/api-reference/v3/conversations/export: 1,500 requests an hour, whenever in it. What the
 * vendor allows otherwise is not documented.
 */
const limits = (): ReadonlyArray<Limit> => [
  {
    name: `${facts.rates.exports.is.requests.toLocaleString("en")} exports an hour`,
    ...facts.rates.exports.is,
    scope: "connection",
    burst: true,
    applies: isExport
  }
]

/** No conversation has this id: asking for its export shows the permission, and nothing is billed. */
const noConversation = "parley-check"

const noSuchAgent = (agentId: string): Rejected =>
  new Rejected({
    message: `${title} has no agent "${agentId}" for this token (404)`,
    hint: "check agents and region of this connection",
    status: 404,
    body: ""
  })

/** One conversation is exported, as `pull` would, to compare its times with the vendor's own epochs. */
const zoneFinding = (
  source: Source,
  agentId: string,
  id: string
): Effect.Effect<CheckFinding, ProviderError> => {
  const what = "time zone of exports"
  const { timeZone } = source.reading
  return Effect.map(zoneOf(source, agentId, id), (fitting): CheckFinding => {
    if (fitting === null) return { ok: true, what, detail: `${timeZone}, and nothing speaks against it` }
    const { hint, message } = zoneFault(fitting, timeZone)
    return { ok: false, what, detail: `${message}; ${hint}` }
  }).pipe(
    Effect.catchTags({
      Malformed: ({ message }) => Effect.succeed({ ok: false, what, detail: message }),
      Rejected: ({ message }) => Effect.succeed({ ok: false, what, detail: message })
    })
  )
}

const check =
  (source: Source): Provider["check"] =>
  ({ messages }) =>
    Effect.gen(function* () {
      const { client } = source
      const found: Array<string> = []
      const agents = Effect.map(agentsOf(source), ({ ids }) => {
        found.push(...ids)
        return source.agents === null
          ? `allowed; the workspace has ${ids.length}`
          : `configured: ${ids.length}`
      })
      const findings: Array<CheckFinding> = [yield* finding("list agents", agents)]
      const [agentId] = found
      let listed: ReadonlyArray<string> = []
      if (agentId === undefined) return findings
      const list = Effect.gen(function* () {
        const reader = { agentId, list: agentList({ from: null }) }
        // As `pull` does: the largest page first, and where that is refused, the one that is surely given.
        const answer = (yield* askList(client, reader)) ?? (yield* askList(client, reader))
        if (answer === null || isMissing(answer)) return yield* noSuchAgent(agentId)
        const { rows } = yield* readList(answer)
        listed = yield* idsListed(title, rows, rowId)
        return "allowed"
      })
      findings.push(yield* finding("list conversations", list))
      if (!findings.every(({ ok }) => ok)) return findings
      const real = listed.filter((id) => !isNeverFound(agentId, id))
      if (real.length > 0) {
        const detail = anyExists(title, real, (id) => client.read(getConversation(agentId, id)))
        findings.push(yield* finding("get a conversation", detail))
      }
      if (messages) {
        const exported = Effect.flatMap(client.read(exportConversation(agentId, noConversation)), (answer) =>
          isMissing(answer) ? Effect.succeed("allowed") : Effect.as(unlessFailed(title, answer), "allowed")
        )
        const mayExport = yield* finding("export messages", exported)
        findings.push(mayExport)
        const [spoken] = listed
        if (mayExport.ok && spoken !== undefined) findings.push(yield* zoneFinding(source, agentId, spoken))
      }
      findings.push(untried("change a status"))
      return findings
    })

const make = (
  settings: Settings & CommonSettings,
  client: ProviderClient,
  account: AccountCheck = anyAccount
): Provider => {
  const map = withOverrides(statusMap, settings.statusMap)
  const reading = { map, timeZone: settings.exportTimeZone }
  const source: Source = { client, reading, agents: settings.agents ?? null, account }
  const lessons: WriteLessons = { completedIsRefused: false }
  return {
    pull: (scope) =>
      scope.subject?._tag === "Conversation"
        ? Stream.fromIterableEffect(fetchHinted(source, scope.subject, scope))
        : scan(source, scope),
    survey: (scope) => survey(source, scope),
    fetch: (providerId, known, scope) => fetchOne(source, providerId, known, scope),
    interpret: (payloads) => interpret(payloads, reading),
    readStatus: (change) => readStatus(source, change),
    refuse: (requested) =>
      refuseUnsupported(requested, { title, write: map.write, fields: ["title", "tags"] }),
    setStatus: (change) => setStatus(source, lessons, change),
    check: check(source),
    listedAs,
    isListed: ({ agentId }) => settings.agents === undefined || settings.agents.includes(agentId ?? ""),
    contract: contract(client, settings.agents ?? null),
    statusMap: map
  }
}

export const convocore: ProviderDefinition<Settings, typeof Settings.Encoded> = {
  id: "convocore",
  title,
  docs: "https://docs.convocore.ai",
  exampleName: "support",
  settings: Settings,
  baseUrl: ({ region }) => (region === undefined ? null : `https://${region}-gcp-api.vg-stuff.com/v3`),
  get limits() {
    return limits()
  },
  statusMap,
  columns,
  personal,
  hints,
  authorize: ({ token }) => fixedCredential(facts.credential, token, "token"),
  make
}
