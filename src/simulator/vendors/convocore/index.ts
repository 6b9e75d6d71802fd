import { facts } from "../../../providers/convocore/facts.ts"
import { json, type ParsedRequest, type SimulatedResponse } from "../../http.ts"
import { hex, mix } from "../../random.ts"
import { makeRouter, named } from "../../routing.ts"
import { bearer, type Route, retryAfterSeconds, type Vendor } from "../../vendor.ts"
import type { WorldInput } from "../../world.ts"
import { refuse } from "./answers.ts"
import { endpoints } from "./endpoints.ts"
import { exportWindow } from "./exports.ts"
import { hintsOf } from "./hints.ts"
import type { ConvocoreMessage } from "./transcript.ts"
import {
  type ConvocoreBirth,
  type ConvocoreConversation,
  type ConvocoreOptions,
  type ConvocoreState,
  type ConvocoreWorld,
  makeConvocoreWorld
} from "./world.ts"

export type { ConvocoreMessage } from "./transcript.ts"
export type { ConvocoreBirth, ConvocoreConversation, ConvocoreOptions } from "./world.ts"

export interface Convocore extends Vendor<ConvocoreOptions, ConvocoreConversation, ConvocoreMessage> {
  readonly world: ConvocoreWorld
}

const error = (status: number, waitMillis = 60_000): SimulatedResponse => {
  if (status !== 429) return refuse(status, `Error ${status}`)
  const wait = retryAfterSeconds(waitMillis)
  return refuse(429, `Rate limit exceeded. Try again in ${wait} seconds.`, {}, { "retry-after": wait })
}

const unknownRoute = ({ method, path }: ParsedRequest) =>
  json(404, { error: { code: "NOT_FOUND", message: `Route ${method} ${path} not found` } })

const billing = "The API needs the Business plan or higher: https://convocore.ai/billing"

const find = makeRouter(endpoints)

/** Convocore, https://docs.convocore.ai, version 3 of its API. */
export const makeConvocore = (
  input: WorldInput,
  chosen: Partial<ConvocoreOptions> & Partial<ConvocoreBirth> = {}
): Convocore => {
  const { agents = 2, ghosts = 0, units = "mixed", ts = "start", ...given } = chosen
  const options: ConvocoreOptions = {
    token: `vg-${hex(mix(input.seed, 936), 40)}`,
    paging: "cursor",
    thinRows: true,
    access: "allowed",
    bulkExport: "paginated",
    completed: "accepted",
    exportTimeZone: "UTC",
    mirrorLagMillis: 0,
    exportLimit: facts.rates.exports.is.requests,
    ...given
  }
  const world = makeConvocoreWorld(input, { agents, ghosts, units, ts }, () => options)
  const state: ConvocoreState = { seed: input.seed, options, world, billed: 0 }

  /** What stands in the way of an answer, whatever was asked. */
  const refusal = (request: ParsedRequest, agent: string | undefined) => {
    if (bearer(request) !== options.token) return refuse(401, "Unauthorized workspace scope")
    if (options.access === "plan") return refuse(403, billing)
    return agent === undefined || world.agentIds.includes(agent) ? null : refuse(404, "Agent not found")
  }

  const route = (request: ParsedRequest): Route => {
    const found = find(request)
    const call = named(found)
    return {
      ...call,
      windows: ["export", "bulk export"].includes(call.operation) ? [exportWindow(options)] : [],
      run: (context) =>
        found === null
          ? unknownRoute(request)
          : (refusal(request, found.params.agent) ?? found.endpoint.answer(state, found, context))
    }
  }

  return {
    id: "convocore",
    connection: "support",
    settings: () => ({ token: options.token }),
    prefix: "/v3",
    options,
    world,
    route,
    hints: hintsOf(state),
    error,
    limitHeaders: () => ({})
  }
}
