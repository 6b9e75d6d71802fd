import { BlockList, isIP } from "node:net"

/*
 * Which proxy a request goes through, by the variables that curl and most other programs know: HTTPS_PROXY for https,
 * HTTP_PROXY for http, ALL_PROXY for both, NO_PROXY for what goes directly; the name in lower case counts first. Pure.
 */

export type Environment = Readonly<Record<string, string | undefined>>

/** A proxy as the environment names it. */
export interface Proxy {
  /** Without credentials. */
  readonly url: string
  /** Host and port, for messages. */
  readonly name: string
  /** The variable that names it, for messages. */
  readonly variable: string
  /** Value of the header `proxy-authorization`; null: it asks for none. Never to be shown. */
  readonly authorization: string | null
}

/** What a variable says that names no proxy. Never holds its value, which may have a password. */
export class ProxyFault extends Error {
  readonly code = "PROXY_FAULT"
}

const valueIn = (
  environment: Environment,
  names: ReadonlyArray<string>
): readonly [string, string] | null => {
  for (const name of names.flatMap((upper) => [upper.toLowerCase(), upper])) {
    const value = environment[name]?.trim()
    // An empty variable takes back what another one says.
    if (value !== undefined) return value === "" ? null : [name, value]
  }
  return null
}

const inNetwork = (address: string, network: string, bits: number): boolean => {
  const [own, other] = [isIP(address), isIP(network)]
  if (own === 0 || own !== other || bits > (own === 4 ? 32 : 128)) return false
  const list = new BlockList()
  list.addSubnet(network, bits, own === 4 ? "ipv4" : "ipv6")
  return list.check(address, own === 4 ? "ipv4" : "ipv6")
}

/** `host`, `.host`, `*.host`, `host:443`, `10.0.0.0/8`, `::1`, `[::1]:8080`. */
const covers = (entry: string, host: string, port: string): boolean => {
  const [, bracketed, bracketedPort] = /^\[([^\]]*)\](?::(\d+))?$/.exec(entry) ?? []
  const [, plain, plainPort] = /^([^:]*):(\d+)$/.exec(entry) ?? []
  const wantedPort = bracketedPort ?? plainPort
  if (wantedPort !== undefined && wantedPort !== port) return false
  const name = (bracketed ?? plain ?? entry).replace(/^\*?\./, "").replace(/\.$/, "")
  const [network = "", bits] = name.split("/")
  if (bits !== undefined) return /^\d+$/.test(bits) && inNetwork(host, network, Number(bits))
  if (isIP(name) !== 0) return inNetwork(host, name, isIP(name) === 4 ? 32 : 128)
  return name !== "" && (host === name || host.endsWith(`.${name}`))
}

const isLoopback = (host: string): boolean =>
  host === "localhost" || host.endsWith(".localhost") || inNetwork(host, "127.0.0.0", 8) || host === "::1"

const usualPort = (protocol: string): string => (protocol === "https:" ? "443" : "80")

const isDirect = ({ hostname, port, protocol }: URL, environment: Environment): boolean => {
  const host = hostname
    .toLowerCase()
    .replace(/^\[|\]$/g, "")
    .replace(/\.$/, "")
  if (isLoopback(host) && environment.PARLEY_PROXY_LOOPBACK !== "1") return true
  const entries = (valueIn(environment, ["NO_PROXY"])?.[1] ?? "").toLowerCase().split(/[,\s]+/)
  return entries.some((entry) => entry === "*" || covers(entry, host, port || usualPort(protocol)))
}

/** What is percent-encoded, or the text itself where it is not well-formed. */
export const percentDecoded = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** The proxy for requests to an origin; null: none. Throws `ProxyFault` where the variable names none that can be used. */
export const proxyFor = (origin: string, environment: Environment): Proxy | null => {
  const target = new URL(origin)
  const found = valueIn(environment, [
    target.protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY",
    "ALL_PROXY"
  ])
  if (found === null || isDirect(target, environment)) return null
  const [variable, value] = found
  const text = value.includes("://") ? value : `http://${value}`
  if (!URL.canParse(text)) throw new ProxyFault(`${variable} is not the address of a proxy`)
  const { host, password, protocol, username } = new URL(text)
  if (protocol !== "http:" && protocol !== "https:") {
    throw new ProxyFault(
      `${variable} names a proxy of a kind that is not supported (${protocol.slice(0, 20)})`
    )
  }
  const credentials = `${percentDecoded(username)}:${percentDecoded(password)}`
  return {
    url: `${protocol}//${host}`,
    name: host,
    variable,
    authorization: credentials === ":" ? null : `Basic ${Buffer.from(credentials).toString("base64")}`
  }
}
