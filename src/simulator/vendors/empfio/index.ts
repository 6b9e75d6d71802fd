import { facts } from "../../../providers/empfio/facts.ts"
import { json, type ParsedRequest, type SimulatedResponse } from "../../http.ts"
import { hex, mix } from "../../random.ts"
import { makeRouter, named } from "../../routing.ts"
import { type Route, retryAfterSeconds, type Vendor } from "../../vendor.ts"
import type { WorldInput } from "../../world.ts"
import { endpoints } from "./endpoints.ts"
import { hintsOf } from "./hints.ts"
import { makeSession } from "./session.ts"
import {
  type EmpfioConversation,
  type EmpfioMessage,
  type EmpfioOptions,
  type EmpfioState,
  makeEmpfioWorld
} from "./world.ts"

export type { EmpfioConversation, EmpfioMessage, EmpfioOptions } from "./world.ts"

export type Empfio = Vendor<EmpfioOptions, EmpfioConversation, EmpfioMessage>

const notAuthenticated = () =>
  json(401, { detail: "Could not validate credentials" }, { "www-authenticate": "Bearer" })

const error = (status: number, waitMillis?: number): SimulatedResponse => {
  if (status === 401) return notAuthenticated()
  if (status !== 429) return json(status, { detail: `Error ${status}` })
  const headers = waitMillis === undefined ? {} : { "retry-after": retryAfterSeconds(waitMillis) }
  return json(429, { detail: "Too Many Requests" }, headers)
}

const find = makeRouter(endpoints)

/** Empfio, https://docs.empfio.de. */
export const makeEmpfio = (input: WorldInput, chosen: Partial<EmpfioOptions> = {}): Empfio => {
  const options: EmpfioOptions = {
    email: "sync@salon.example",
    password: `pw-${hex(mix(input.seed, 931), 16)}`,
    tokenRequests: null,
    tokenSeconds: null,
    token: `et-${hex(mix(input.seed, 932), 32)}`,
    tooLarge: "clamped",
    pastTheEnd: "empty",
    order: "updated_at",
    patchAnswers: "body",
    detailMessages: null,
    messageOrder: "oldest-first",
    statusMovesUpdatedAt: true,
    times: "plain",
    limit: null,
    ...chosen
  }
  const { world, stamp } = makeEmpfioWorld(input, () => options.times)
  const state: EmpfioState = { seed: input.seed, options, world, stamp }
  const session = makeSession(input.seed, options)

  const windows = () =>
    options.limit === null ? [] : [{ name: "account", key: "empfio account", ...options.limit }]

  const route = (request: ParsedRequest): Route => {
    if (`${request.method} ${request.path}` === facts.endpoints.login.is) {
      const run: Route["run"] = (context) => session.login(request, context.now)
      return { operation: "login", write: false, conversationId: null, windows: windows(), run }
    }
    const found = find(request)
    return {
      ...named(found),
      windows: windows(),
      run: (context) => {
        if (!session.admits(request, context.now)) return notAuthenticated()
        return found === null
          ? json(404, { detail: "Not Found" })
          : found.endpoint.answer(state, found, context)
      }
    }
  }

  return {
    id: "empfio",
    connection: "salon",
    settings: () => ({ email: options.email, password: options.password }),
    prefix: "",
    options,
    world,
    route,
    hints: hintsOf(state),
    error,
    limitHeaders: () => ({})
  }
}
