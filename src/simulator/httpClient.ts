import { HttpClient, HttpClientError, type HttpClientRequest, HttpClientResponse } from "@effect/platform"
import { Clock, Effect } from "effect"
import type { Origins } from "./configuration.ts"
import { arriving, type SimulatedResponse } from "./http.ts"
import type { Simulator } from "./simulator.ts"
import { forEachVendor, type VendorId, vendorIds } from "./vendors/index.ts"

/** Origins that only this client knows. */
export const inProcessOrigins: Origins = forEachVendor((id) => `https://${id}.simulated.invalid`)

const vendorAt = (origin: string): VendorId | undefined =>
  vendorIds.find((id) => inProcessOrigins[id] === origin)

const bodyText = (request: HttpClientRequest.HttpClientRequest): string => {
  switch (request.body._tag) {
    case "Raw":
      return String(request.body.body)
    case "Uint8Array":
      return new TextDecoder().decode(request.body.body)
    default:
      return ""
  }
}

const cutOff = new Error("The connection was cut")

/** The body as a stream that is made while it is read, and that breaks where the vendor's fault breaks it. */
const streamOf = (response: SimulatedResponse): ReadableStream<Uint8Array> => {
  const pieces = arriving(response)
  const encoder = new TextEncoder()
  return new ReadableStream<Uint8Array>({
    pull: (controller) => {
      const piece = pieces.next()
      if (piece.done !== true) controller.enqueue(encoder.encode(piece.value))
      else if (response.fate === "cut") controller.error(cutOff)
      else controller.close()
    }
  })
}

const toWeb = (response: SimulatedResponse): Response => {
  const { status, headers } = response
  if (status === 204 || status === 304) return new Response(null, { status, headers })
  const whole = typeof response.body === "string" && response.fate === "answered"
  return new Response(whole ? (response.body as string) : streamOf(response), { status, headers })
}

/**
 * The simulated vendors as an HTTP client, without a network: requests to `inProcessOrigins` are answered, all others
 * fail. The time is that of Effect's `Clock`, so that a `TestClock` makes simulated days pass at once.
 */
export const makeHttpClient = (simulator: Simulator): HttpClient.HttpClient =>
  HttpClient.make((request, url) =>
    Effect.gen(function* () {
      const transport = (description: string) =>
        new HttpClientError.RequestError({
          request,
          reason: "Transport",
          description,
          cause: new Error(description)
        })
      const vendor = vendorAt(url.origin)
      if (vendor === undefined) return yield* Effect.fail(transport(`Nothing answers at ${url.origin}`))
      const now = yield* Clock.currentTimeMillis
      const response = simulator.handle(
        vendor,
        {
          method: request.method,
          origin: url.origin,
          url: url.pathname + url.search,
          headers: request.headers,
          body: bodyText(request)
        },
        now
      )
      if (response.delayMillis > 0) yield* Effect.sleep(response.delayMillis)
      if (response.fate === "hung") return yield* Effect.never
      if (response.fate === "dropped") return yield* Effect.fail(transport("The connection was cut"))
      return HttpClientResponse.fromWeb(request, toWeb(response))
    })
  )
