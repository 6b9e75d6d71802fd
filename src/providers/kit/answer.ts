import { Effect, Either, Redacted } from "effect"
import type { Json } from "../../domain/Conversation.ts"
import { isRecord } from "../../domain/isRecord.ts"
import { Malformed, type ProviderError, Rejected } from "../../domain/ProviderError.ts"
import { isAged } from "../../http/answer/retryAfter.ts"
import type { Answer } from "../../http/client.ts"
import type { CheckFinding } from "../Provider.ts"
import { type Decode, type Fault, parseJson } from "./decode.ts"
import { listIn, type Written } from "./written.ts"

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
      message: `${title} answered ${answer.status} without content to ${answer.exchange.operation}`,
      hint: "the conversation may have been deleted; if every request gets this answer, check baseUrl",
      status: answer.status,
      body: "",
      form: "empty"
    })
  )
}

/** Milliseconds by which clocks seem to differ where they do not: `Date` has no fractions, and answers take their time. */
const clockTolerance = 2_000

/** A `Date` that is further off, in milliseconds, is no clock's. */
const mostClockError = 86_400_000

/**
 * How far the vendor's clock is ahead of ours, by the answer's `Date`. Empty: no more than seconds, or not known, as of
 * an answer that something between kept for a while.
 */
export const clockOf = ({ exchange, headers }: Answer): { readonly clockAhead?: number } => {
  const ahead = Date.parse(headers.date ?? "") - exchange.receivedAt
  const isClock = !isAged(headers) && Math.abs(ahead) <= mostClockError
  return isClock && Math.abs(ahead) > clockTolerance ? { clockAhead: ahead } : {}
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

/** An answer that has the status of a success and says that it is none. @param words the vendor's, cut and redacted */
export const failedInWords = (title: string, operation: string, words: string): Malformed =>
  new Malformed({
    message: `${title} answered "${operation}" with a success code, but the answer says that it failed${words === "" ? "" : `: ${words}`}`,
    hint: "nothing counts as complete by it; run again later, and ask the vendor if it stays",
    where: operation,
    detail: `an answer that says it failed${words === "" ? "" : `: ${words}`}`
  })

/**
 * What an answer is around what was requested.
 * - `envelope`: an object that carries it in a field, so that every other field speaks of the answer.
 * - `record`: the record itself, by the field that holds its id. Where that is there, the other fields are the vendor's
 *   data: a conversation may have an `error` or a `code`.
 */
export type AnswerForm = "envelope" | { readonly record: string }

/** Whether a field says anything: null, false, 0, empty text, an empty list and an empty object do not. */
const isFilled = (value: unknown): boolean =>
  isRecord(value) || Array.isArray(value) ? Object.keys(value).length > 0 : Boolean(value)

const isFalse = (value: unknown): boolean =>
  value === false || value === 0 || (typeof value === "string" && value.toLowerCase() === "false")

const isTrue = (value: unknown): boolean =>
  value === true || value === 1 || (typeof value === "string" && value.toLowerCase() === "true")

/** Words and numbers of success that an envelope may carry under `code` or `status`. */
const successWords = /^(?:ok|success|successful|succeeded|created|accepted|done|complete|completed)$/i
const failureWords = /^(?:error|errors|err|fail|failed|failure|exception|ko|nok)$/i

/** A number that no HTTP success has; 0 is a common word for success. */
const isFailureNumber = (value: unknown): boolean => {
  const number =
    typeof value === "string" && /^\d+$/.test(value) ? Number(value) : typeof value === "number" ? value : 0
  return number !== 0 && (number < 200 || number > 299)
}

/** `NOT_FOUND`, `UN_AUTHORIZED`: a code in capital letters. */
const isFailureCode = (value: unknown): boolean =>
  isFailureNumber(value) ||
  (typeof value === "string" && /^[A-Z][A-Z0-9_ -]*$/.test(value) && !successWords.test(value))

/** Names as `errorMessage`, `error_message` and `Error-Message` in one spelling. */
const spelled = (name: string): string => name.toLowerCase().replace(/[_-]/g, "")

/** What a field of an envelope says of the answer, by its name in one spelling. */
const failureSigns: Readonly<Record<string, (value: unknown) => boolean>> = {
  success: isFalse,
  succeeded: isFalse,
  ok: isFalse,
  error: isFilled,
  errors: isFilled,
  errormessage: isFilled,
  errorcode: isFilled,
  errordescription: isFilled,
  exception: isFilled,
  fault: isFilled,
  issues: isFilled,
  detail: isFilled,
  code: isFailureCode,
  status: (value) => isFailureNumber(value) || (typeof value === "string" && failureWords.test(value)),
  statuscode: isFailureNumber,
  result: (value) => typeof value === "string" && failureWords.test(value),
  failed: isTrue,
  iserror: isTrue,
  haserrors: isTrue,
  // What it holds is not all that was asked for.
  truncated: isTrue,
  partial: isTrue,
  incomplete: isTrue,
  timedout: isTrue
}

/** What no record says of itself either. */
const recordSigns = new Set(["success", "succeeded"])

/**
 * Whether an answer with the status of a success says that it failed. Only its own fields count: what records within it
 * say is data.
 */
export const statesFailure = (json: unknown, form: AnswerForm = "envelope"): boolean => {
  if (!isRecord(json)) return false
  const holdsRecord = form !== "envelope" && isFilled(json[form.record])
  return Object.entries(json).some(([name, value]) => {
    const key = spelled(name)
    const says = Object.hasOwn(failureSigns, key) ? failureSigns[key] : undefined
    return says !== undefined && (!holdsRecord || recordSigns.has(key)) && says(value)
  })
}

/** What an envelope says of what follows, by a field's name in one spelling. */
const signsOfMore: Readonly<Record<string, (value: unknown) => boolean>> = {
  hasmore: isTrue,
  hasnext: isTrue,
  hasnextpage: isTrue,
  next: isFilled,
  nextpage: isFilled,
  nextcursor: isFilled,
  nextpagetoken: isFilled
}

/** Fields that may hold such signs. */
const pagingFields = new Set(["pagination", "paging", "pageinfo", "meta", "links"])

/** Whether what is around a list says in one of the usual ways that more follows. */
export const saysMore = (json: unknown): boolean =>
  isRecord(json) &&
  Object.entries(json).some(([name, value]) => {
    const key = spelled(name)
    const says = Object.hasOwn(signsOfMore, key) ? signsOfMore[key] : undefined
    return says?.(value) ?? (pagingFields.has(key) && saysMore(value))
  })

/** The same of an answer's headers, and how many there are in all; null: they do not say. */
export const pagingIn = (headers: Answer["headers"]) => {
  const filled = (name: string): boolean => (headers[name] ?? "").trim() !== ""
  const total = /^\s*(\d{1,9})\s*$/.exec(headers["x-total-count"] ?? "")?.[1]
  return {
    total: total === undefined ? null : Number(total),
    more:
      /\brel\s*=\s*"?next\b/i.test((headers.link ?? "").slice(0, 10_000)) ||
      isTrue(headers["x-has-more"]) ||
      filled("x-next-page") ||
      filled("x-next-cursor")
  }
}

/** For `check`: the ids of what a list shows, of which at least one must be readable. */
export const idsListed = (
  title: string,
  rows: ReadonlyArray<Written>,
  idIn: (row: Written) => string | null
): Effect.Effect<ReadonlyArray<string>, Malformed> => {
  const ids = rows.flatMap((row) => idIn(row) ?? [])
  return rows.length > 0 && ids.length === 0
    ? Effect.fail(malformed(title, "list conversations", "no row of it has an id that can be read"))
    : Effect.succeed(ids)
}

/**
 * The JSON of an answer, decoded. Fails with the vendor's words where the answer says that it failed, or where it does
 * not decode and has words of its own.
 */
export const decodeAnswer = <A>(
  title: string,
  { text, exchange, words }: Answer,
  decode: Decode<A>,
  form: AnswerForm = "envelope"
): Effect.Effect<A, Malformed> => {
  const { operation } = exchange
  const json = parseJson(text)
  if (Either.isRight(json) && statesFailure(json.right, form)) {
    return Effect.fail(failedInWords(title, operation, words(text)))
  }
  return Either.match(Either.flatMap(json, decode), {
    onLeft: ({ path, reason }) => {
      const said = Either.isRight(json) && isRecord(json.right) ? words(text) : ""
      const more = said === "" ? "" : `; it says: ${said}`
      return Effect.fail(malformed(title, operation, `${reason} at ${path}${more}`, text))
    },
    onRight: (value) => Effect.succeed(value)
  })
}

/**
 * The elements of the list in an answer as they were written, and what is around it, decoded.
 * @param name the field that holds the list, which `decode` requires
 */
export const listAnswered = <A>(title: string, answer: Answer, name: string, decode: Decode<A>) => {
  const list = listIn(answer.text, [name])
  return Effect.flatMap(
    decodeAnswer(title, { ...answer, text: list?.around ?? answer.text }, decode),
    (around) =>
      list === null
        ? malformed(title, answer.exchange.operation, `${name} comes more than once`, answer.text)
        : Effect.succeed({ around, elements: list.elements })
  )
}

/** What an answer says as JSON, if it is JSON. Fails with the vendor's words where it says that it failed. */
export const unlessFailed = (
  title: string,
  { exchange, text, words }: Answer,
  form: AnswerForm = "envelope"
): Either.Either<Either.Either<Json, Fault>, Malformed> => {
  const json = parseJson(text)
  return Either.isRight(json) && statesFailure(json.right, form)
    ? Either.left(failedInWords(title, exchange.operation, words(text)))
    : Either.right(json)
}

/** So many listed conversations are requested by their id, for `check`, until one exists. */
const mostTried = 3

/** For `check`: whether what a list shows exists by its id. One may have been deleted just now. @param ids at least one */
export const anyExists = (
  title: string,
  ids: ReadonlyArray<string>,
  read: (id: string) => Effect.Effect<Answer, ProviderError>,
  form: AnswerForm = "envelope"
): Effect.Effect<string, ProviderError> =>
  Effect.gen(function* () {
    const tried = ids.slice(0, mostTried)
    for (const id of tried) {
      const answer = yield* read(id)
      if (isMissing(answer)) continue
      return yield* Effect.as(unlessFailed(title, answer, form), "allowed")
    }
    return yield* new Rejected({
      message: `${title} lists conversations that it says do not exist by their id (404): none of the ${tried.length} that were requested does`,
      hint: "a sync would store no more of them than the list shows; check baseUrl, and ask the vendor why its list shows them",
      status: 404,
      body: ""
    })
  })

/** A change that `refuse` would have stopped; nothing was sent. */
export const notWritable = (title: string, what: string): Rejected =>
  new Rejected({
    message: `${title} does not accept ${what}; nothing was sent`,
    hint: "cancel this change",
    status: 0,
    body: ""
  })

/** What `check` does not try, since it would change a conversation. @param more what is to be known of it */
export const untried = (what: string, more = ""): CheckFinding => ({
  ok: true,
  tried: false,
  what,
  detail: `not tried, since it would change one${more}`
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
