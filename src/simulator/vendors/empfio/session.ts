import { isRecord } from "../../../domain/isRecord.ts"
import { json, type ParsedRequest, parseJson, type SimulatedResponse } from "../../http.ts"
import { hex, mix, uuid } from "../../random.ts"
import { bearer } from "../../vendor.ts"
import type { EmpfioOptions } from "./world.ts"

/** Who the requests come from. */
export interface Session {
  /** https://docs.empfio.de/api/authentication. `now`: epoch milliseconds. */
  readonly login: (request: ParsedRequest, now: number) => SimulatedResponse
  /** Whether a request may pass, which uses a token up where it lasts for a number of requests only. */
  readonly admits: (request: ParsedRequest, now: number) => boolean
}

interface Token {
  left: number
  /** Epoch seconds; null: no end. */
  readonly until: number | null
}

const encoded = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url")

export const makeSession = (seed: number, options: EmpfioOptions): Session => {
  const tokens = new Map<string, Token>()

  const issue = (now: number): string => {
    const until = options.tokenSeconds === null ? null : Math.floor(now / 1000) + options.tokenSeconds
    const claims = { sub: options.email, jti: tokens.size, ...(until === null ? {} : { exp: until }) }
    const signature = hex(mix(seed, 6000 + tokens.size), 43)
    const token = `${encoded({ alg: "HS256", typ: "JWT" })}.${encoded(claims)}.${signature}`
    tokens.set(token, { left: options.tokenRequests ?? Number.POSITIVE_INFINITY, until })
    return token
  }

  return {
    login: (request, now) => {
      const body = parseJson(request.body)
      if (!isRecord(body) || typeof body.email !== "string" || typeof body.password !== "string") {
        return json(422, { detail: [{ type: "missing", loc: ["body"], msg: "Field required" }] })
      }
      if (body.email !== options.email || body.password !== options.password) {
        return json(401, { detail: "Incorrect email or password" })
      }
      return json(200, {
        access_token: issue(now),
        token_type: "bearer",
        user_id: uuid(seed, 933),
        email: options.email,
        full_name: "Sync User",
        organization_id: uuid(seed, 934),
        organization_name: "Salon Example"
      })
    },
    admits: (request, now) => {
      const text = bearer(request)
      if (text === options.token) return true
      const token = text === null ? undefined : tokens.get(text)
      if (token === undefined || token.left <= 0) return false
      if (token.until !== null && now >= token.until * 1000) return false
      token.left--
      return true
    }
  }
}
