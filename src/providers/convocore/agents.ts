import { Effect, Either } from "effect"
import type { Json } from "../../domain/Conversation.ts"
import type { ProviderError } from "../../domain/ProviderError.ts"
import type { Exchange, ProviderClient } from "../../http/client.ts"
import { isAddressable } from "../kit/address.ts"
import { malformed, pagingIn, saysMore, unlessFailed } from "../kit/answer.ts"
import { parseJson } from "../kit/decode.ts"
import { idOf } from "../kit/page.ts"
import { type AccountCheck, anyAccount } from "../Provider.ts"
import { title } from "./facts.ts"
import type { Reading } from "./normalize.ts"
import { listAgents } from "./requests.ts"
import { type AgentPage, decodeAgentPage } from "./wire.ts"

/*
 * Agents carry the workspace's secrets. Nothing of them but their ids leaves this file, and no fault quotes them.
 */

export interface Agents {
  /** In an order of their own, so that an interrupted scan finds its place. */
  readonly ids: ReadonlyArray<string>
  /** That they all belong to; null: they do not say, or not the same. */
  readonly workspace: string | null
  /** Agents without an id that could be read, or that an address could hold. */
  readonly nameless: number
  /** More are said to follow, and do not come. */
  readonly isCut: boolean
  /** Of the request for them; null: none was needed. */
  readonly exchange: Exchange | null
}

/** Pages in a row without a new agent, although more are said to follow, after which the rest is taken not to come. */
const barrenPages = 3

/** So many pages of agents a workspace may have. */
const mostPages = 100

const noPaging = { totalPages: null, currentPage: null, hasMore: false }

/** The list of agents in whatever envelope it came; null: there is none. */
const readPage = (text: string) => {
  const json = Either.getOrNull(parseJson(text))
  if (Array.isArray(json)) return { list: json as ReadonlyArray<Json>, paging: noPaging }
  const decoded = Either.getOrNull(decodeAgentPage(json))
  const list = decoded?.data ?? decoded?.agents ?? null
  if (decoded === null || list === null) return null
  const paging = decoded.totalPages === null && saysMore(json) ? { ...decoded, hasMore: true } : decoded
  return { list: list as ReadonlyArray<Json>, paging }
}

const agentId = (agent: Json): string | null =>
  idOf(agent, "ID") ?? idOf(agent, "id") ?? idOf(agent, "agentId")

const hasMore = (
  { totalPages, currentPage, hasMore: more }: Omit<AgentPage, "data" | "agents">,
  page: number
) => more ?? (totalPages !== null && (currentPage ?? page) < totalPages)

/** Every agent of the token's workspace. */
const readAgents = (client: ProviderClient) =>
  Effect.gen(function* () {
    const ids = new Set<string>()
    const owners = new Set<string>()
    let nameless = 0
    let barren = 0
    for (let page = 1; ; page++) {
      const answer = yield* client.read(listAgents(page))
      yield* unlessFailed(title, answer)
      const read = readPage(answer.text)
      if (read === null) {
        const said = answer.words(answer.text)
        const detail = `no list under data or agents${said === "" ? "" : `; it says: ${said}`}`
        return yield* malformed(title, "list agents", detail)
      }
      const before = ids.size
      for (const agent of read.list) {
        const id = agentId(agent)
        if (id === null || !isAddressable(id)) nameless++
        else ids.add(id)
        const owner = idOf(agent, "ownerID")
        if (owner !== null) owners.add(owner)
      }
      if (page > mostPages) {
        return yield* malformed(
          title,
          "list agents",
          `the list does not end: it went on after ${mostPages} pages`
        )
      }
      barren = ids.size === before ? barren + 1 : 0
      const isCut = barren >= barrenPages
      if (!(hasMore(read.paging, page) || pagingIn(answer.headers).more) || isCut) {
        const [workspace = null, ...others] = owners
        const agents: Agents = {
          ids: [...ids].sort(),
          workspace: others.length === 0 ? workspace : null,
          nameless,
          isCut,
          exchange: answer.exchange
        }
        return agents
      }
    }
  })

/** Which account is read, and how. */
export interface Source {
  readonly client: ProviderClient
  readonly reading: Reading
  /** Null: every agent of the workspace. */
  readonly agents: ReadonlyArray<string> | null
  /** Left out: it makes no difference whose it is. */
  readonly account?: AccountCheck
}

/**
 * The agents to read, in an order of their own: those of the configuration, or all there are. The workspace is the
 * `ownerID` of its agents (github.com/Moe03/convocore-mcp, README).
 */
export const agentsOf = ({
  account = anyAccount,
  client,
  agents
}: Source): Effect.Effect<Agents, ProviderError> =>
  agents === null
    ? Effect.tap(readAgents(client), ({ workspace }) =>
        workspace === null ? Effect.void : account(workspace, "credential")
      )
    : Effect.succeed({
        ids: [...new Set(agents)],
        workspace: null,
        nameless: 0,
        isCut: false,
        exchange: null
      })
