import { Effect, Either, Redacted } from "effect"
import { Malformed, type ProviderError, Rejected } from "../../domain/ProviderError.ts"
import type { Answer } from "../../http/client.ts"
import type { CheckFinding } from "../Provider.ts"
import { type Fault, parseJson } from "./decode.ts"

/** Only where the request was sent with `mayBeMissing`. */
export const isMissing = ({ status }: Answer): boolean => status === 404 || status === 410

/**
 * Whether the vendor says that a conversation does not exist. An empty 404 or 410 fails instead: whatever stands between
 * may answer so, to everything, and a change must not end because of it.
 */
export const isGone = (title: string, answer: Answer): Effect.Effect<boolean, Rejected> => {
  if (!isMissing(answer)) return Effect.succeed(false)
  if (answer.text.trim() !== "") return Effect.succeed(true)
  return Effect.fail(
    new Rejected({
      message: `${title} answered ${answer.status} without a word to ${answer.exchange.operation}`,
      hint: "the conversation may have been deleted; if everything is answered like this, check baseUrl",
      status: answer.status,
      body: "",
      form: "empty"
    })
  )
}

/** An answer that is not what the vendor documents. Quotes none of it. @param text the answer as it came */
export const malformed = (title: string, operation: string, detail: string, text?: string): Malformed =>
  new Malformed({
    message: `${title}'s answer to "${operation}" is not what it documents: ${detail}`,
    hint: "check baseUrl; if it is right, the vendor has changed what it sends",
    where: operation,
    detail,
    ...(text === undefined ? {} : { text: Redacted.make(text) })
  })

/** What is kept of a malformed answer: its text, or `null` where there is none. */
export const payloadOf = ({ text }: Malformed): string => (text === undefined ? "null" : Redacted.value(text))

/** The JSON of an answer, decoded. */
export const decodeAnswer = <A>(
  title: string,
  { text, exchange }: Answer,
  decode: (value: unknown) => Either.Either<A, Fault>
): Effect.Effect<A, Malformed> =>
  Either.match(Either.flatMap(parseJson(text), decode), {
    onLeft: (fault) =>
      Effect.fail(malformed(title, exchange.operation, `${fault.reason} at ${fault.path}`, text)),
    onRight: (value) => Effect.succeed(value)
  })

/** A change that `refuse` would have stopped; nothing was sent. */
export const notWritable = (title: string, what: string): Rejected =>
  new Rejected({
    message: `${title} cannot be asked for ${what}; nothing was sent`,
    hint: "cancel this change",
    status: 0,
    body: ""
  })

/**
 * What trying something showed. A refusal is a finding; only where nothing answers is it an error.
 * @param attempt gives what to say where it succeeds
 */
export const finding = (
  what: string,
  attempt: Effect.Effect<string, ProviderError>
): Effect.Effect<CheckFinding, ProviderError> => {
  const refused = (error: { readonly message: string; readonly hint: string }) =>
    Effect.succeed({ ok: false, what, detail: `${error.message}; ${error.hint}` })
  return Effect.map(attempt, (detail) => ({ ok: true, what, detail })).pipe(
    Effect.catchTags({ Unauthorized: refused, Rejected: refused, Malformed: refused })
  )
}
