import { Either, Redacted } from "effect"
import { percentDecoded } from "../http/exchange/proxy.ts"
import { type Environment, endpointVariable } from "./asked.ts"

/*
 * What the environment says about telemetry, in the names that OpenTelemetry has for it:
 * https://opentelemetry.io/docs/specs/otel/protocol/exporter/
 */

export interface Settings {
  /** Where the collector is, for messages: no path, no credentials. */
  readonly origin: string
  readonly tracesUrl: string
  readonly metricsUrl: string
  /** Sent with every post. */
  readonly headers: Readonly<Record<string, Redacted.Redacted>>
  /** Attributes of this program, `service.name` among them. */
  readonly resource: Readonly<Record<string, string>>
}

/** `name=value,other=value`, percent-encoded; what is not of this form is left out. */
const pairs = (text: string | undefined): ReadonlyArray<readonly [string, string]> =>
  (text ?? "").split(",").flatMap((pair) => {
    const at = pair.indexOf("=")
    const name = pair.slice(0, Math.max(0, at)).trim()
    return name === "" ? [] : [[percentDecoded(name), percentDecoded(pair.slice(at + 1).trim())] as const]
  })

/** Describes what is wrong with the endpoint without naming it: it may hold a password. */
export const readSettings = (environment: Environment): Either.Either<Settings, string> => {
  const endpoint = (environment[endpointVariable] ?? "").trim()
  const url = URL.canParse(endpoint) ? new URL(endpoint) : null
  if (url === null || !/^https?:$/.test(url.protocol)) {
    return Either.left(`${endpointVariable} is no address: write one such as http://localhost:4318`)
  }
  if (url.username !== "" || url.password !== "") {
    return Either.left(
      `${endpointVariable} holds a user and a password: put them into OTEL_EXPORTER_OTLP_HEADERS`
    )
  }
  const to = (signal: string) => `${url.origin}${url.pathname.replace(/\/+$/, "")}/v1/${signal}${url.search}`
  const attributes = Object.fromEntries(pairs(environment.OTEL_RESOURCE_ATTRIBUTES))
  const name = (environment.OTEL_SERVICE_NAME ?? "").trim() || attributes["service.name"] || "parley"
  return Either.right({
    origin: url.origin,
    tracesUrl: to("traces"),
    metricsUrl: to("metrics"),
    headers: Object.fromEntries(
      pairs(environment.OTEL_EXPORTER_OTLP_HEADERS).map(([header, value]) => [header, Redacted.make(value)])
    ),
    resource: { ...attributes, "service.name": name }
  })
}
