import { Clock, Effect, Stream } from "effect"
import {
  Malformed,
  type ProviderError,
  Queued,
  RateLimited,
  Rejected,
  Unauthorized,
  Unavailable
} from "../../src/domain/ProviderError.ts"
import { errorBody, isJsonOrEmpty } from "../../src/http/answer/errorBody.ts"
import type { Answer, Exchange, ProviderClient, ProviderRequest } from "../../src/http/client.ts"

/** What a vendor answers. `text` wins over `json`; without either the body is empty. */
export interface FakeAnswer {
  /** Left out: 200. */
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly json?: unknown
  readonly text?: string
  /** Bytes in each piece of a streamed body; left out: all in one. */
  readonly pieceBytes?: number
  /** The connection breaks after this many bytes of the body. */
  readonly cutAfterBytes?: number
}

export interface RecordedRequest extends ProviderRequest {
  readonly through: "read" | "write" | "stream"
}

export interface FakeClient {
  readonly client: ProviderClient
  /** Everything that was sent, in order. */
  readonly requests: ReadonlyArray<RecordedRequest>
}

/** Path and query as they go out. */
export const urlOf = (request: ProviderRequest): string => {
  const query = Object.entries(request.query ?? {}).flatMap(([name, value]) =>
    value === undefined ? [] : [`${encodeURIComponent(name)}=${encodeURIComponent(value)}`]
  )
  return query.length === 0 ? request.path : `${request.path}?${query.join("&")}`
}

const words = (body: string): string => errorBody(body, [])

const said = (operation: string, status: number) => ({
  message: `the vendor answered ${status} to ${operation}`,
  hint: "it is a fake one"
})

const failure = (request: ProviderRequest, status: number, body: string): ProviderError | null => {
  if (status >= 200 && status < 300) return null
  const explained = said(request.operation, status)
  if (status === 404 || status === 410) {
    if (request.mayBeMissing === "path") return null
    if (!isJsonOrEmpty(body)) {
      return new Malformed({ ...explained, where: request.operation, detail: "not JSON" })
    }
    if (request.mayBeMissing === true) return null
  }
  if (status === 429) return new RateLimited({ ...explained, status, retryAt: 0 })
  if (status === 449) return new Queued({ ...explained, retryAt: 0 })
  if (status === 401 || status === 403) return new Unauthorized({ ...explained, status })
  if (status >= 500) return new Unavailable({ ...explained, status, retryAt: null })
  return new Rejected({ ...explained, status, body })
}

const cut = (operation: string) =>
  new Unavailable({
    message: `the connection was cut during ${operation}`,
    hint: "it is a fake one",
    status: null,
    retryAt: null
  })

const unanswered = (request: ProviderRequest) =>
  new Malformed({
    message: `nobody answers ${request.method} ${urlOf(request)}`,
    hint: "give the fake client a route for it",
    where: request.operation,
    detail: "no route"
  })

const inPieces = (bytes: Uint8Array, size: number): ReadonlyArray<Uint8Array> => {
  const pieces: Array<Uint8Array> = []
  for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.slice(at, at + size))
  return pieces
}

/** Both ways to read, by one of them. */
export const reading = (read: ProviderClient["read"]): Pick<ProviderClient, "read" | "begin"> => ({
  read,
  begin: (request, done) => {
    done(read(request))
    return () => {}
  }
})

/**
 * A client that talks to nobody. It classifies as the real one does and never retries or waits; times are the clock's.
 * @param route gives the answer, or null where no such route exists; may return a `ProviderError` to fail with
 */
export const fakeClient = (
  route: (request: RecordedRequest, url: string) => FakeAnswer | ProviderError | null
): FakeClient => {
  const requests: Array<RecordedRequest> = []

  const ask = (request: ProviderRequest, through: RecordedRequest["through"]) =>
    Effect.gen(function* () {
      const requestedAt = yield* Clock.currentTimeMillis
      const recorded = { ...request, through }
      requests.push(recorded)
      const url = urlOf(request)
      const routed = route(recorded, url)
      if (routed === null) return yield* unanswered(request)
      if ("_tag" in routed) return yield* routed
      const { status = 200, headers = {} } = routed
      const text = routed.text ?? (routed.json === undefined ? "" : JSON.stringify(routed.json))
      const error = failure(request, status, text)
      if (error !== null) return yield* error
      const bytes = new TextEncoder().encode(text)
      const exchange: Exchange = {
        operation: request.operation,
        method: request.method,
        path: url,
        status,
        requestedAt,
        receivedAt: yield* Clock.currentTimeMillis,
        bytes: bytes.length
      }
      return { routed, status, headers, text, bytes, exchange }
    })

  const whole = (through: "read" | "write") => (request: ProviderRequest) =>
    Effect.gen(function* () {
      const { routed, status, headers, text, exchange } = yield* ask(request, through)
      if (routed.cutAfterBytes !== undefined) return yield* cut(request.operation)
      const answer: Answer = { status, headers, text, exchange, words }
      return answer
    })

  const stream = (request: ProviderRequest) =>
    Effect.map(ask(request, "stream"), ({ routed, status, headers, bytes, exchange }) => {
      const arriving = routed.cutAfterBytes === undefined ? bytes : bytes.slice(0, routed.cutAfterBytes)
      const pieces = Stream.fromIterable(inPieces(arriving, routed.pieceBytes ?? Math.max(1, bytes.length)))
      const body: Stream.Stream<Uint8Array, ProviderError> =
        routed.cutAfterBytes === undefined
          ? pieces
          : Stream.concat(pieces, Stream.fail(cut(request.operation)))
      const largestElement = 64 << 20
      return {
        status,
        headers,
        body: Stream.rechunk(body, 1),
        largestElement,
        exchange: Effect.succeed(exchange),
        words
      }
    })

  return { client: { ...reading(whole("read")), write: whole("write"), stream }, requests }
}
