import type { ParsedRequest, SimulatedResponse } from "./http.ts"
import type { Context, Route } from "./vendor.ts"

/** A request to a known endpoint: `params` are the parts of the path that the endpoint names in braces. */
export interface Call {
  readonly request: ParsedRequest
  readonly params: Readonly<Record<string, string>>
}

/** One endpoint of a vendor that holds a `State`. */
export interface Endpoint<State> {
  /** Method and path, e.g. `GET /api/conversations/{id}`. */
  readonly call: string
  /** A short word for logs and faults: `list`, `detail`, `status`, … */
  readonly operation: string
  /** It changes something at the vendor. */
  readonly write?: boolean
  readonly answer: (state: State, call: Call, context: Context) => SimulatedResponse
}

const paramsOf = (
  parts: ReadonlyArray<string>,
  asked: ReadonlyArray<string>
): Record<string, string> | null => {
  if (parts.length !== asked.length) return null
  const params: Record<string, string> = {}
  for (let at = 0; at < parts.length; at++) {
    const part = parts[at] as string
    const given = asked[at] as string
    if (part.startsWith("{")) params[part.slice(1, -1)] = given
    else if (part !== given) return null
  }
  return params
}

/** What a request is, by the endpoint that it means; null: by none. */
export const named = (
  found: (Call & { readonly endpoint: Pick<Endpoint<never>, "operation" | "write"> }) | null
): Pick<Route, "operation" | "write" | "conversationId"> => ({
  operation: found?.endpoint.operation ?? "unknown",
  write: found?.endpoint.write ?? false,
  conversationId: found?.params.id ?? null
})

/** Finds the endpoint that a request means: the first in the list that fits. */
export const makeRouter = <E extends { readonly call: string }>(
  endpoints: ReadonlyArray<E>
): ((request: ParsedRequest) => (Call & { readonly endpoint: E }) | null) => {
  const compiled = endpoints.map((endpoint) => {
    const [method = "", path = ""] = endpoint.call.split(" ")
    return { endpoint, method, parts: path.split("/") }
  })
  return (request) => {
    const asked = request.path.split("/")
    for (const { endpoint, method, parts } of compiled) {
      const params = method === request.method ? paramsOf(parts, asked) : null
      if (params !== null) return { endpoint, request, params }
    }
    return null
  }
}
