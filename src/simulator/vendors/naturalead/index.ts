import { facts } from "../../../providers/naturalead/facts.ts"
import { json, type ParsedRequest, type SimulatedResponse } from "../../http.ts"
import type { Limiter, Window } from "../../limits.ts"
import { hex, mix } from "../../random.ts"
import { makeRouter, named } from "../../routing.ts"
import { bearer, type Route, retryAfterSeconds, type Vendor } from "../../vendor.ts"
import type { WorldInput } from "../../world.ts"
import { endpoints } from "./endpoints.ts"
import {
  makeNaturaLeadWorld,
  type NaturaLeadConversation,
  type NaturaLeadMessage,
  type NaturaLeadOptions,
  type NaturaLeadState
} from "./world.ts"

export type { NaturaLeadConversation, NaturaLeadMessage, NaturaLeadOptions } from "./world.ts"

export type NaturaLead = Vendor<NaturaLeadOptions, NaturaLeadConversation, NaturaLeadMessage>

const noKey =
  "Authentication required. Provide an API key via X-API-Key header or Authorization: Bearer header."

const tooMany: Readonly<Record<string, string>> = {
  global: "Too many requests, please try again later",
  key: "API key rate limit exceeded, please try again later",
  account: "Account rate limit exceeded, please try again later"
}

const minute = 60_000

/** https://docs.naturalead.ai/rate-limits, without the tier of lead synchronization. */
const windows = ({ limits }: NaturaLeadOptions): ReadonlyArray<Window> => [
  { name: "global", key: "naturalead global", requests: limits.global, perMillis: minute },
  { name: "key", key: "naturalead key", requests: limits.key, perMillis: minute },
  { name: "account", key: "naturalead account", requests: limits.account, perMillis: minute }
]

/** What is wrong with the credentials of a request, or null. `scope` is the permission that it needs. */
const refusal = (options: NaturaLeadOptions, request: ParsedRequest, scope: string | null) => {
  const key = request.headers[facts.credential.is.header.toLowerCase()] ?? bearer(request)
  if (key === null) return json(401, { error: noKey })
  if (key !== options.apiKey) return json(401, { error: "Invalid or expired API key" })
  if (scope === null || options.scopes.includes(scope)) return null
  const message = `API key does not have the required scope (requires: ${scope}).`
  return json(403, { error: "Forbidden", message })
}

const error = (status: number, waitMillis = minute, window?: Window): SimulatedResponse => {
  switch (status) {
    case 429:
      return json(
        429,
        { error: tooMany[window?.name ?? "key"] },
        { "retry-after": retryAfterSeconds(waitMillis) }
      )
    case 403:
      return json(403, { error: "Forbidden", message: "You do not have permission to perform this action" })
    default:
      return json(status, { error: status === 401 ? "Invalid or expired API key" : `Error ${status}` })
  }
}

const limitHeaders = (
  options: NaturaLeadOptions,
  counted: ReadonlyArray<Window>,
  limiter: Limiter,
  now: number
): Readonly<Record<string, string>> => {
  const window = counted.find((one) => one.name === "key")
  if (window === undefined || options.rateLimitHeaders === "none") return {}
  const { remaining, resetMillis } = limiter.room(window, now)
  const reset = retryAfterSeconds(resetMillis)
  return options.rateLimitHeaders === "combined"
    ? { ratelimit: `limit=${window.requests}, remaining=${remaining}, reset=${reset}` }
    : {
        "ratelimit-limit": String(window.requests),
        "ratelimit-remaining": String(remaining),
        "ratelimit-reset": reset
      }
}

const find = makeRouter(endpoints)

/** NaturaLead, https://docs.naturalead.ai. */
export const makeNaturaLead = (input: WorldInput, chosen: Partial<NaturaLeadOptions> = {}): NaturaLead => {
  const options: NaturaLeadOptions = {
    apiKey: `nl_test_${hex(mix(input.seed, 930), 64)}`,
    scopes: ["conversations:view", "conversations:change_status", "leads:view"],
    paging: "ignored",
    cap: 100,
    envelope: "bare",
    listMessages: null,
    messageOrder: "oldest-first",
    statusMovesUpdatedAt: true,
    rateLimitHeaders: "separate",
    limits: {
      global: facts.rates.address.is.requests,
      key: facts.rates.key.is.requests,
      account: facts.rates.account.is.requests
    },
    ...chosen
  }
  const world = makeNaturaLeadWorld(input)
  const state: NaturaLeadState = { seed: input.seed, options, world }

  const route = (request: ParsedRequest): Route => {
    const found = find(request)
    const answer: Route["run"] = (context) =>
      found === null ? json(404, { error: "Not found" }) : found.endpoint.answer(state, found, context)
    return {
      ...named(found),
      windows: windows(options),
      run: (context) => refusal(options, request, found?.endpoint.scope ?? null) ?? answer(context)
    }
  }

  return {
    id: "naturalead",
    connection: "leads",
    settings: () => ({ apiKey: options.apiKey }),
    prefix: "/api",
    options,
    world,
    route,
    error,
    limitHeaders: (counted, limiter, now) => limitHeaders(options, counted, limiter, now)
  }
}
