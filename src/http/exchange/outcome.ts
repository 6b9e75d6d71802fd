import type { ProviderError, Unavailable } from "../../domain/ProviderError.ts"
import { bodyWait } from "../answer/bodyWait.ts"
import { type Asked, classify, isAbsence, notTheApi, wordsIn } from "../answer/classify.ts"
import { believedUntil, clockAhead, retryAfter } from "../answer/retryAfter.ts"
import { bodyFailure, isTooSlow, unreadable } from "../answer/transportFailure.ts"
import type { Answer, Exchange, ProviderRequest } from "../contract.ts"
import { isShort, type RawBody, readBody } from "./body.ts"
import { AnswerTooLarge, refusalBytes } from "./bounds.ts"
import type { Attempt, ClientContext, Head } from "./context.ts"
import { isSuccess } from "./whole.ts"

/** One attempt at a request and its outcome; failures are distinguished by what may follow. */
export type Outcome<A> =
  | { readonly _tag: "Served"; readonly value: A }
  /** 429: not applied. `retryAt` is epoch milliseconds. */
  | { readonly _tag: "Refused"; readonly error: ProviderError; readonly retryAt: number }
  /** 449. `retryAt`: when the vendor said to come back, epoch milliseconds; null: it did not. */
  | {
      readonly _tag: "Queued"
      readonly retryAt: number | null
      readonly error: (retryAt: number) => ProviderError
    }
  /** No usable answer. `answered`: the vendor is there, it did answer something. */
  | {
      readonly _tag: "Failed"
      readonly error: Unavailable
      readonly retry: boolean
      readonly answered: boolean
    }
  | { readonly _tag: "Redirected"; readonly location: string | undefined; readonly error: ProviderError }
  | { readonly _tag: "Unauthorized"; readonly error: ProviderError }
  | { readonly _tag: "Final"; readonly error: ProviderError }

/** A body of which nothing more will come. */
export const cutOutcome = (asked: Asked, host: string, bytes: number, cause: unknown): Outcome<never> => {
  const error = bodyFailure(asked, host, bytes, cause)
  return error._tag === "Malformed"
    ? { _tag: "Final", error }
    : { _tag: "Failed", error, retry: true, answered: !isTooSlow(cause) }
}

/** What is kept of an answer. @param receivedAt epoch milliseconds @param bytes of the body, uncompressed */
export const exchangeOf = (
  { path, request }: Attempt,
  { headers, requestedAt, status }: Head,
  receivedAt: number,
  bytes: number
): Exchange => {
  const { method, operation } = request
  return {
    operation,
    method,
    path,
    status,
    requestedAt,
    receivedAt,
    bytes,
    ...clockAhead(headers, requestedAt)
  }
}

/** An answer has come, as far as the server sent it. Calls back with what it means, at once or once it is unpacked. */
export const received = (
  context: ClientContext,
  attempt: Attempt,
  head: Head,
  raw: RawBody,
  done: (outcome: Outcome<Answer>) => void
): void => {
  const { headers, refusedUntil, status } = head
  const { asked, number } = attempt
  const cut = (cause: Error | null): void =>
    done(cutOutcome(asked, context.to.host, raw.bytes.byteLength, cause))
  if (raw.isWhole && isShort(headers, raw.bytes.byteLength)) {
    cut(null)
    return
  }
  const isServed = isSuccess(status)
  readBody(raw, headers["content-type"], isServed ? context.bounds.whole : refusalBytes, (read) => {
    // The words of a refusal matter less than that it is one.
    const body = read instanceof AnswerTooLarge && !isServed ? { text: "", bytes: refusalBytes } : read
    if (body instanceof Error) {
      cut(body)
      return
    }
    const receivedAt = context.now()
    const exchange = exchangeOf(attempt, head, receivedAt, body.bytes)
    const retryAfter = headers["retry-after"]
    const stating = retryAfter === undefined ? {} : { retryAfter }
    context.observe({ _tag: "Answered", exchange, attempt: number, ...stating })
    const words = (text: string): string => wordsIn(asked, text)
    const answer: Answer = { status, headers, text: body.text, exchange, words }
    const stated = statedWait(answer, receivedAt)
    const postponed = refusedUntil === null || stated === null ? null : attempt.permit.postponed(stated)
    let outcome: Outcome<Answer>
    try {
      outcome = judge(attempt, answer, { stated, refusedUntil: postponed ?? refusedUntil }, receivedAt)
    } catch (cause) {
      // Called back from outside of any Effect: what is thrown here would end the process, and every other connection.
      outcome = { _tag: "Final", error: unreadable(asked, cause) }
    }
    done(outcome)
  })
}

const isRedirect = (status: number): boolean =>
  status === 301 || status === 302 || status === 303 || status === 307 || status === 308

/** Whether a 404 or 410 is an answer. Proxies in front of an API say it too, but not in an API's words. */
const mayBe = (missing: ProviderRequest["mayBeMissing"], error: ProviderError): boolean =>
  missing === "path" || (missing === true && error._tag === "Rejected")

/** When a refusal says to come back, however long that is: its headers, else its body. Epoch milliseconds. */
const statedWait = ({ headers, status, text }: Answer, now: number): number | null => {
  if (status !== 429 && status !== 449 && status < 500) return null
  const inHeaders = retryAfter(headers, now, status === 429)
  return inHeaders !== null && inHeaders > now ? inHeaders : (bodyWait(text, now) ?? inHeaders)
}

/** When a refusal says it ends, and what the governor made of a 429. Epoch milliseconds; null: unknown. */
interface Wait {
  readonly stated: number | null
  readonly refusedUntil: number | null
}

/** What an answer that came whole means. */
const judge = (
  { asked, request }: Attempt,
  answer: Answer,
  { refusedUntil, stated }: Wait,
  now: number
): Outcome<Answer> => {
  const { status } = answer
  const believed = stated === null ? null : believedUntil(stated, now)
  const answered = { ...answer, retryAt: refusedUntil ?? believed, askedUntil: stated }
  const error = isSuccess(status) ? null : classify(asked, answered, now)
  if (error === null) {
    const odd = notTheApi(asked, answer)
    return odd === null ? { _tag: "Served", value: answer } : { _tag: "Final", error: odd }
  }
  if (isAbsence(status) && mayBe(request.mayBeMissing, error)) return { _tag: "Served", value: answer }
  if (status === 429) return { _tag: "Refused", error, retryAt: refusedUntil ?? now }
  if (status === 449) {
    const queued = (retryAt: number) => classify(asked, { ...answered, retryAt }, now) ?? error
    return { _tag: "Queued", retryAt: believed, error: queued }
  }
  if (error._tag === "Unavailable") return { _tag: "Failed", error, retry: true, answered: true }
  if (status === 401) return { _tag: "Unauthorized", error }
  if (isRedirect(status)) return { _tag: "Redirected", location: answer.headers.location, error }
  return { _tag: "Final", error }
}
