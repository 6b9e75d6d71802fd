import { Agent, type Dispatcher, ProxyAgent } from "@effect/platform-node/Undici"
import { headerBytes } from "./bounds.ts"
import { type Environment, proxyFor } from "./proxy.ts"
import { headersMillis, idleMillis } from "./retryPolicy.ts"

const connectMillis = 10_000

/**
 * Connections are kept open and each carries one request at a time. The silence between two pieces of a body is seen
 * here; how long an answer may take in all is the client's business, which ends it a little sooner.
 */
const options = {
  pipelining: 1,
  connections: 128,
  keepAliveTimeout: 10_000,
  headersTimeout: headersMillis + 5000,
  bodyTimeout: idleMillis,
  maxHeaderSize: headerBytes
}

/** What sends requests; undici's dispatchers are some. */
export type Sender = Pick<Dispatcher, "dispatch">

export interface Agents extends Sender {
  readonly destroy: () => Promise<void>
}

/** The connections of a program: to each origin directly, or through the proxy that the environment names for it. */
export const makeAgents = (environment: Environment): Agents => {
  const tls = { timeout: connectMillis }
  const direct = new Agent({ ...options, connect: tls })
  const proxies = new Map<string, ProxyAgent>()
  const byOrigin = new Map<string, Agent | ProxyAgent>()

  const agentFor = (origin: string): Agent | ProxyAgent => {
    const proxy = proxyFor(origin, environment)
    if (proxy === null) return direct
    const key = `${proxy.url} ${proxy.authorization}`
    const known = proxies.get(key)
    if (known !== undefined) return known
    const made = new ProxyAgent({
      ...options,
      uri: proxy.url,
      ...(proxy.authorization === null ? {} : { token: proxy.authorization }),
      proxyTls: tls,
      requestTls: tls
    })
    proxies.set(key, made)
    return made
  }

  return {
    dispatch: (request, handler) => {
      const origin = String(request.origin)
      const agent = byOrigin.get(origin) ?? agentFor(origin)
      byOrigin.set(origin, agent)
      return agent.dispatch(request, handler)
    },
    destroy: async () => {
      await Promise.all([direct, ...proxies.values()].map((agent) => agent.destroy()))
    }
  }
}
