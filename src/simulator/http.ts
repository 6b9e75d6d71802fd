/** A request as it stands on the wire. Header names are lower-case; `url` is the path with its query. */
export interface SimulatedRequest {
  readonly method: string
  /** Scheme, host and port that were asked, e.g. `http://127.0.0.1:4001`. */
  readonly origin: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** The same, taken apart once: `path` is percent-decoded, `query` too. */
export interface ParsedRequest extends SimulatedRequest {
  readonly path: string
  readonly query: URLSearchParams
}

/**
 * What a vendor answers. `body` may be too large for one string: then it comes in pieces, made while they are taken.
 * What becomes of the answer is the transport's business:
 * - `answered`: it arrives, `delayMillis` later
 * - `dropped`: the connection is cut and nothing arrives
 * - `cut`: the connection is cut after `cutAfter` characters of the body (at the latest before its end)
 * - `hung`: nothing ever arrives
 */
export interface SimulatedResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Iterable<string>
  readonly fate: "answered" | "dropped" | "cut" | "hung"
  readonly cutAfter: number
  readonly delayMillis: number
}

const safeDecode = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

export const parseRequest = (request: SimulatedRequest): ParsedRequest => {
  const mark = request.url.indexOf("?")
  const path = mark < 0 ? request.url : request.url.slice(0, mark)
  const query = new URLSearchParams(mark < 0 ? "" : request.url.slice(mark + 1))
  return { ...request, method: request.method.toUpperCase(), path: safeDecode(path), query }
}

export const respond = (
  status: number,
  body: string | Iterable<string>,
  headers: Readonly<Record<string, string>> = {}
): SimulatedResponse => ({
  status,
  headers: { "content-type": "application/json; charset=utf-8", ...headers },
  body,
  fate: "answered",
  cutAfter: 0,
  delayMillis: 0
})

export const json = (
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {}
): SimulatedResponse => respond(status, JSON.stringify(value), headers)

/** The body as JSON, or undefined where it is none. */
export const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** A whole number from the query: the default where it is absent, NaN where it is none. */
export const integer = (text: string | null, otherwise: number): number =>
  text === null || text === "" ? otherwise : /^-?\d+$/.test(text) ? Number(text) : Number.NaN

const pieceLength = 65_536

/** Joins small texts into pieces worth sending. */
export function* inPieces(texts: Iterable<string>): Generator<string> {
  let piece = ""
  for (const text of texts) {
    piece += text
    if (piece.length >= pieceLength) {
      yield piece
      piece = ""
    }
  }
  if (piece !== "") yield piece
}

/** A JSON array, element by element, between a head and a tail of its envelope. */
export function* jsonArray(head: string, values: Iterable<unknown>, tail: string): Generator<string> {
  yield `${head}[`
  let first = true
  for (const value of values) {
    yield first ? JSON.stringify(value) : `,${JSON.stringify(value)}`
    first = false
  }
  yield `]${tail}`
}

/** The pieces of a body that arrive: all of them, or those before the cut. */
export function* arriving(response: SimulatedResponse): Generator<string> {
  const pieces = typeof response.body === "string" ? [response.body] : response.body
  if (response.fate !== "cut") {
    yield* pieces
    return
  }
  let left = response.cutAfter
  let held: string | null = null
  for (const piece of pieces) {
    if (held !== null) yield held
    if (piece.length > left) {
      yield piece.slice(0, left)
      return
    }
    left -= piece.length
    held = piece
  }
  if (held !== null) yield held.slice(0, -1)
}
