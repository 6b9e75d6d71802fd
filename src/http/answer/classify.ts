import { Redacted } from "effect"
import {
  Malformed,
  type ProviderError,
  Queued,
  RateLimited,
  Rejected,
  Unauthorized,
  Unavailable
} from "../../domain/ProviderError.ts"
import { errorBody, formOf, isHtml, isJsonOrEmpty } from "./errorBody.ts"
import { type ResponseHeaders, waitText } from "./retryAfter.ts"

/** Where an answer came from, for the words of an error. */
export interface Asked {
  /** The vendor's name for people. */
  readonly title: string
  readonly connection: string
  readonly operation: string
  /** The configuration's settings that hold the credential, in words: `apiKey`, `email and password`. */
  readonly credentialSetting: string
  /** Never repeated in a message. */
  readonly secrets: ReadonlyArray<string>
  /** What the vendor says may be about a person, and is not repeated either. Left out: false. */
  readonly withholdsWords?: boolean
}

/** In the place of the vendor's words. */
const withheld = "what it says is left out (privacy)"

/** What the vendor says in a body, in one line that is safe to show and to store. Empty: nothing. */
export const wordsIn = ({ secrets, withholdsWords = false }: Asked, text: string): string => {
  const said = errorBody(text, secrets)
  return withholdsWords && said !== "" ? withheld : said
}

export interface Answered {
  readonly status: number
  readonly headers: ResponseHeaders
  readonly text: string
  /** When it may be asked again, epoch milliseconds; null: now. Only for 429, 449 and 5xx. */
  readonly retryAt: number | null
  /** When the vendor said to come back, however far that is; null: it did not. */
  readonly askedUntil?: number | null
}

/** `10:42:07Z`, with the day where it is not today's. */
export const clockTime = (at: number, now: number): string => {
  const text = new Date(Math.min(at, 8.64e15)).toISOString()
  return at - now < 20 * 3_600_000
    ? `${text.slice(11, 19)} UTC`
    : `${text.slice(0, 16).replace("T", " ")} UTC`
}

const wrongAddress = (asked: Asked) =>
  `check baseUrl of connection "${asked.connection}": it must hold the vendor's prefix and answer with JSON`

const permission = (said: string): string | null =>
  /requires?:\s*([\w.:*-]+)/i.exec(said)?.[1] ?? /scope\s+["'`]?([\w]+[.:][\w.:*-]+)/i.exec(said)?.[1] ?? null

const unauthorized = (asked: Asked, { status, text }: Answered, said: string): Unauthorized => {
  const needed = permission(errorBody(text, asked.secrets))
  const message = `${asked.title} refused to ${asked.operation} (${status})${said === "" ? "" : `: ${said}`}`
  const hint =
    status === 401
      ? `check ${asked.credentialSetting} of connection "${asked.connection}": wrong, expired or revoked`
      : needed === null
        ? `give the credential of connection "${asked.connection}" the permission to ${asked.operation}, or check its plan`
        : `give the credential of connection "${asked.connection}" the permission ${needed}`
  return new Unauthorized({ message, hint, status, form: formOf(text) })
}

export const isAbsence = (status: number): boolean => status === 404 || status === 410

const malformed = (asked: Asked, message: string, hint: string, detail: string): Malformed =>
  new Malformed({ message, hint, where: asked.operation, detail })

/**
 * Says that something does not exist, in words that are no API's: a page for people, or the text of a proxy that found
 * nothing behind it. That proves nothing about what was requested.
 */
const absenceOfApi = (asked: Asked, status: number, said: string): Malformed =>
  malformed(
    asked,
    `the answer to the request to ${asked.operation} (${status}) did not come from ${asked.title}'s API: ${said}`,
    `${wrongAddress(asked)}; if it is right, something in front of ${asked.title} answered: run again later`,
    `a ${status} that is not JSON`
  )

const rejectedHint = (asked: Asked, status: number, answered: Answered): string => {
  if (isHtml(answered.text)) return wrongAddress(asked)
  if (status >= 300 && status < 400) {
    return `it points elsewhere, and credentials are never sent to another address: ${wrongAddress(asked)}`
  }
  if (isAbsence(status)) {
    return `it may have been deleted there; if everything is answered like this, ${wrongAddress(asked)}`
  }
  if (status === 402) return `check the plan and the balance of this account at ${asked.title}`
  if (status === 409) return "it was changed there at the same time: sync, then decide again"
  return `${asked.title} does not take this request as it is: see its words above`
}

/** Whether a vendor asked for a wait that is not believed. A minute: it may have been reckoned twice. */
const isBeyondReason = ({ retryAt, askedUntil }: Answered): boolean =>
  retryAt !== null && askedUntil != null && askedUntil > retryAt + 60_000

const beyondReason = (answered: Answered, now: number): string =>
  isBeyondReason(answered)
    ? `; it asks to wait ${waitText((answered.askedUntil ?? now) - now)}, which is beyond reason`
    : ""

const unavailableHint = (asked: Asked, answered: Answered, now: number): string => {
  const { retryAt } = answered
  if (retryAt === null || retryAt <= now)
    return "the fault is at the vendor: run again later, nothing is lost"
  const when = clockTime(retryAt, now)
  return isBeyondReason(answered)
    ? `run again after ${when}`
    : `${asked.title} asks to come back at ${when}: run again then`
}

/** What an answer that is no success means, typed by what the caller does about it. Null: it is a success. */
export const classify = (asked: Asked, answered: Answered, now: number): ProviderError | null => {
  const { status, retryAt } = answered
  if (status >= 200 && status < 300) return null
  const said = wordsIn(asked, answered.text)
  const words = `${said === "" ? "" : `: ${said}`}${beyondReason(answered, now)}`
  const when = retryAt === null ? "later" : `after ${clockTime(retryAt, now)}`
  if (status === 429) {
    return new RateLimited({
      message: `${asked.title} answered "too many requests" (429) to ${asked.operation}${words}`,
      hint: `run again ${when}, or allow a longer wait with --max-wait`,
      retryAt: retryAt ?? now,
      status
    })
  }
  if (status === 449) {
    return new Queued({
      message: `${asked.title} put the request to ${asked.operation} into its queue (449)${words}`,
      hint: `it is asked again ${when}`,
      retryAt: retryAt ?? now
    })
  }
  if (status === 401 || status === 403) return unauthorized(asked, answered, said)
  if (status >= 500 || status === 408 || status === 425) {
    return new Unavailable({
      message: `${asked.title} failed to ${asked.operation} (${status})${words}`,
      hint: unavailableHint(asked, answered, now),
      status,
      retryAt
    })
  }
  if (isAbsence(status) && !isJsonOrEmpty(answered.text)) return absenceOfApi(asked, status, said)
  return new Rejected({
    message: `${asked.title} rejected the request to ${asked.operation} (${status})${words}`,
    hint: rejectedHint(asked, status, answered),
    status,
    body: said,
    form: formOf(answered.text)
  })
}

/**
 * What a login that was rejected means: it says nothing of the request that it was for, only that none can be signed.
 */
export const loginRejected = (asked: Asked, { message, status }: Rejected): Unauthorized => {
  const hint =
    isAbsence(status) || status < 400
      ? wrongAddress(asked)
      : `check ${asked.credentialSetting} of connection "${asked.connection}"; if they are right, ${wrongAddress(asked)}`
  return new Unauthorized({ message, hint, status })
}

/**
 * What is wrong with how an answer is packed; null: nothing. Only gzip is accepted, and what begins with its mark was
 * unpacked. Some platforms unpack and keep the header, which by itself says nothing.
 */
const packingFault = ({ headers, text }: Pick<Answered, "headers" | "text">): string | null => {
  const packing = headers["content-encoding"]?.slice(0, 20)
  const isText = /^\s*[[{"<]/.test(text) || !text.slice(0, 200).includes("\ufffd")
  if (packing === undefined || isText) return null
  return /^(x-)?gzip$|^identity$/i.test(packing)
    ? `labelled ${packing}, and packed in another way or damaged`
    : `compressed with ${packing}, although only gzip was accepted`
}

/**
 * A success that is packed in a way that was not asked for, or says that it is a part of one. Null: neither. The beginning
 * of the text is enough.
 */
export const otherThanAsked = (
  asked: Asked,
  answered: Pick<Answered, "headers" | "status" | "text">
): Malformed | null => {
  const range = answered.headers["content-range"]?.slice(0, 60)
  const isPart = answered.status === 206
  const fault = isPart
    ? `a part of an answer (206${range === undefined ? "" : `, ${range}`}), although all of it was requested`
    : packingFault(answered)
  if (fault === null) return null
  return malformed(
    asked,
    `${asked.title}'s answer to ${asked.operation} is ${fault}`,
    `${wrongAddress(asked)}; if it is right, something in front of ${asked.title} ${isPart ? "cuts" : "compresses"} its answers`,
    fault
  )
}

/** A success that cannot be the vendor's API speaking: unreadable, or a page for people, whatever it is labelled. Null: it can. */
export const notTheApi = (
  asked: Asked,
  answered: Pick<Answered, "headers" | "status" | "text">
): Malformed | null => {
  const other = otherThanAsked(asked, answered)
  if (other !== null) return other
  const type = answered.headers["content-type"] ?? ""
  const isPage = isHtml(answered.text) || (/\bhtml\b/i.test(type) && !/^\s*[[{]/.test(answered.text))
  if (!isPage) return null
  return new Malformed({
    message: `${asked.title} answered ${wordsIn(asked, answered.text) || "an HTML page"} where JSON was expected, to ${asked.operation}`,
    hint: wrongAddress(asked),
    where: asked.operation,
    detail: "HTML instead of JSON",
    text: Redacted.make(answered.text)
  })
}
