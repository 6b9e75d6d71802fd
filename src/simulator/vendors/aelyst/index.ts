import { facts } from "../../../providers/aelyst/facts.ts"
import type { ParsedRequest, SimulatedResponse } from "../../http.ts"
import type { Limiter, Window } from "../../limits.ts"
import { hex, mix } from "../../random.ts"
import { makeRouter, named } from "../../routing.ts"
import { bearer, type Route, retryAfterSeconds, type Vendor } from "../../vendor.ts"
import type { WorldInput } from "../../world.ts"
import { endpoints, find, refuse } from "./endpoints.ts"
import { hintsOf } from "./hints.ts"
import type { AelystMessage } from "./messages.ts"
import { type AelystContact, type AelystOptions, type AelystState, makeAelystWorld } from "./world.ts"

export type { AelystMessage } from "./messages.ts"
export type { AelystContact, AelystOptions } from "./world.ts"

export type Aelyst = Vendor<AelystOptions, AelystContact, AelystMessage>

const endpointOf = makeRouter(endpoints)

const error = (status: number, waitMillis?: number, window?: Window): SimulatedResponse =>
  status === 429 && waitMillis !== undefined
    ? refuse(429, undefined, {
        "retry-after": retryAfterSeconds(waitMillis),
        "x-ratelimit-limit": String(window?.requests ?? 5),
        "x-ratelimit-remaining": "0"
      })
    : refuse(status)

/** Aelyst, https://developers.aelyst.ai. */
export const makeAelyst = (input: WorldInput, chosen: Partial<AelystOptions> = {}): Aelyst => {
  const options: AelystOptions = {
    token: `ae-${hex(mix(input.seed, 935), 40)}`,
    messageList: "present",
    cursor: "exclusive",
    contactOrder: "ascending",
    linksDropVersion: true,
    headersAlways: true,
    largestLimit: null,
    incomingDetails: false,
    messageIds: "seconds",
    limit: facts.rates.path.is.requests,
    ...chosen
  }
  const state: AelystState = { options, world: makeAelystWorld(input, options) }

  /** Each method and full path counts on its own, and a query does not distinguish paths. */
  const windowOf = ({ method, path }: ParsedRequest): Window => ({
    name: "path",
    key: `aelyst ${method} ${path}`,
    requests: options.limit,
    perMillis: facts.rates.path.is.perMillis
  })

  const route = (request: ParsedRequest): Route => {
    const found = endpointOf(request)
    const identifier = found?.params.identifier
    const id = identifier === undefined ? null : (find(state, identifier)?.id ?? identifier)
    return {
      ...named(found),
      conversationId: id === null ? null : String(id),
      windows: [windowOf(request)],
      run: (context) => {
        if (bearer(request) !== options.token) return refuse(401)
        return found === null ? refuse(404, "Not Found") : found.endpoint.answer(state, found, context)
      }
    }
  }

  const limitHeaders = (windows: ReadonlyArray<Window>, limiter: Limiter, now: number) => {
    const window = windows[0]
    if (window === undefined || !options.headersAlways) return {}
    return {
      "x-ratelimit-limit": String(window.requests),
      "x-ratelimit-remaining": String(limiter.room(window, now).remaining)
    }
  }

  return {
    id: "aelyst",
    connection: "inbox",
    settings: () => ({ token: options.token }),
    prefix: "/v1",
    options,
    world: state.world,
    route,
    hints: hintsOf(input.seed, state),
    error,
    limitHeaders
  }
}
