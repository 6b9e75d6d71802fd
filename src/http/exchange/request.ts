import { writeExactly } from "../../domain/exactJson.ts"
import type { ProviderRequest } from "../contract.ts"
import { type Environment, proxyFor } from "./proxy.ts"

/** Where a connection's requests go. */
export interface Target {
  /** Scheme, host and port. */
  readonly origin: string
  /** As messages call it: with the proxy on the way to it. */
  readonly host: string
  /** Path prefix without a slash at its end. */
  readonly prefix: string
}

const byWayOf = (origin: string, environment: Environment): string => {
  try {
    const proxy = proxyFor(origin, environment)
    return proxy === null ? "" : ` (through the proxy ${proxy.name} of ${proxy.variable})`
  } catch {
    return ""
  }
}

/** @param baseUrl an absolute http or https URL, checked when the configuration was read */
export const target = (baseUrl: string, environment: Environment = {}): Target => {
  const url = new URL(baseUrl)
  const host = `${url.host}${byWayOf(url.origin, environment)}`
  return { origin: url.origin, host, prefix: url.pathname.replace(/\/+$/, "") }
}

const queryText = (query: ProviderRequest["query"]): string => {
  if (query === undefined) return ""
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) parameters.append(name, String(value))
  }
  const text = parameters.toString()
  return text === "" ? "" : `?${text}`
}

/** Path and query as they are sent: everything but the origin. */
export const pathOf = (to: Target, request: ProviderRequest): string =>
  to.prefix + request.path + queryText(request.query)

const common = {
  accept: "application/json",
  "accept-encoding": "gzip",
  // What a cache on the way has kept may be older than what is known already.
  "cache-control": "no-cache",
  "user-agent": "parley/0.1"
}

/** JSON; null: there is none. */
export const bodyOf = ({ body }: ProviderRequest): string | null =>
  body === undefined ? null : writeExactly(body)

/** With those that sign the request. */
export const headersOf = (
  { body }: ProviderRequest,
  headers: Readonly<Record<string, string>>
): Readonly<Record<string, string>> =>
  body === undefined
    ? { ...common, ...headers }
    : { ...common, ...headers, "content-type": "application/json" }

/** Where a redirect leads, as path and query, if that is the same origin; null: elsewhere, or nowhere. */
export const redirectedTo = (to: Target, path: string, location: string | undefined): string | null => {
  if (location === undefined || location === "") return null
  try {
    const url = new URL(location, to.origin + path)
    return url.origin === to.origin ? url.pathname + url.search : null
  } catch {
    return null
  }
}
