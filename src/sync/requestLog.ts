import { Effect, FiberRef, LogLevel, Runtime } from "effect"
import { now } from "../domain/Timestamp.ts"
import type { ClientEvent } from "../http/contract.ts"
import type { RefusedRequest } from "../store/ledger/Ledger.ts"

/** A path with the names of its query and without their values: these may be an e-mail address or a number. */
export const withoutValues = (path: string): string => {
  const [before = "", query] = path.split("?", 2)
  if (query === undefined) return before
  return `${before}?${query
    .split("&")
    .map((pair) => pair.replace(/=.*$/s, "="))
    .join("&")}`
}

/** A line for a request that has ended, or for a wait; null: the event is neither. */
export const requestLine = (name: string, event: ClientEvent): string | null => {
  switch (event._tag) {
    case "Answered": {
      const { method, path, receivedAt, requestedAt, status } = event.exchange
      const wait = event.retryAfter === undefined ? "" : `, Retry-After: ${event.retryAfter}`
      return `${name}: ${method} ${withoutValues(path)} ${status} in ${receivedAt - requestedAt} ms, attempt ${event.attempt}${wait}`
    }
    case "Unanswered":
      return `${name}: ${event.method} ${event.path} no answer in ${event.endedAt - event.requestedAt} ms, attempt ${event.attempt}`
    case "Waiting":
      return `${name}: waits until ${new Date(event.until).toISOString()}: ${event.reason}`
    default:
      return null
  }
}

/** Logs a line a request; null: nothing is logged at this level. */
export const requestLogger = (name: string): Effect.Effect<((event: ClientEvent) => void) | null> =>
  Effect.gen(function* () {
    const level = yield* FiberRef.get(FiberRef.currentMinimumLogLevel)
    if (LogLevel.greaterThan(level, LogLevel.Debug)) return null
    const runSync = Runtime.runSync(yield* Effect.runtime<never>())
    return (event: ClientEvent) => {
      const line = requestLine(name, event)
      if (line !== null) runSync(Effect.logDebug(line))
    }
  })

/** Of more requests than twice these, the first and the last are kept. */
const kept = 500

const refusedOf = (event: ClientEvent): RefusedRequest | null => {
  if (event._tag === "Unanswered") {
    const { attempt, endedAt, method, operation, path, requestedAt } = event
    const milliseconds = endedAt - requestedAt
    return {
      operation,
      method,
      path,
      status: null,
      retryAfter: null,
      attempt,
      milliseconds,
      at: now(requestedAt)
    }
  }
  if (event._tag !== "Answered" || event.exchange.status < 400) return null
  const { method, operation, path, receivedAt, requestedAt, status } = event.exchange
  return {
    operation,
    method,
    path: withoutValues(path),
    status,
    retryAfter: event.retryAfter ?? null,
    attempt: event.attempt,
    milliseconds: receivedAt - requestedAt,
    at: now(requestedAt)
  }
}

/** Collects what was refused or left unanswered. */
export const makeRefused = () => {
  const first: Array<RefusedRequest> = []
  const last: Array<RefusedRequest> = []
  let written = 0
  return {
    add: (event: ClientEvent): void => {
      const one = refusedOf(event)
      if (one === null) return
      if (first.length < kept) first.push(one)
      else if (last.push(one) > kept) last.shift()
    },
    /** Those that may be written before the end: no later one takes their place. */
    begun: (): ReadonlyArray<RefusedRequest> => first.slice(written),
    /** So many more of them are written. */
    wrote: (more: number): void => {
      written += more
    },
    /** All that are not written. */
    left: (): ReadonlyArray<RefusedRequest> => [...first.slice(written), ...last]
  }
}
