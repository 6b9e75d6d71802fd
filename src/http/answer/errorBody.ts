import type { BodyForm } from "../../domain/ProviderError.ts"

/*
 * What a vendor said when it refused, in one line that is safe to show: no secret, no address, no number of a customer.
 */

const longestText = 200

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const texts = (values: ReadonlyArray<unknown>): string =>
  values.filter((value): value is string => typeof value === "string" && value.trim() !== "").join(": ")

/** `issues[]` and `detail[]`: what is wrong and at which field; never the value, which may be a customer's. */
const issue = (value: unknown): string => {
  if (typeof value === "string") return value
  if (!isRecord(value)) return ""
  const place = value.path ?? value.loc
  const words = texts([value.message ?? value.msg])
  return Array.isArray(place) && place.length > 0 ? `${place.join(".")}: ${words}` : words
}

const issues = (value: unknown): string =>
  Array.isArray(value)
    ? value
        .map(issue)
        .filter((text) => text !== "")
        .join("; ")
    : ""

const fromJson = (value: unknown): string => {
  if (typeof value === "string") return value
  if (Array.isArray(value)) return issues(value)
  if (!isRecord(value)) return ""
  const { error, message, details, detail } = value
  const main = isRecord(error) ? fromJson(error) : texts([error === message ? undefined : error, message])
  const more = [
    texts([details]),
    issues(details),
    texts([detail]),
    issues(detail),
    isRecord(detail) ? fromJson(detail) : "",
    issues(value.issues),
    issues(value.errors),
    texts([value.errorMessage, value.error_message, value.error_description])
  ]
  return [main, ...more.filter((text) => text !== "" && text !== main)]
    .filter((text) => text !== "")
    .join(" — ")
}

/** Anything that may be a person's or a credential: addresses, telephone numbers, and long mixes of letters and digits. */
const personal: ReadonlyArray<readonly [RegExp, string]> = [
  [/[\w.+%-]+@[\w-]+(?:\.[\w-]+)+/g, "[email]"],
  [/\b(?:bearer|basic)\s+\S+/gi, "[credential]"],
  [/(?<![\w.-])(?=[\w.~+/-]*\d)(?=[\w.~+/-]*[a-z])[\w.~+/-]{20,}={0,2}/gi, "[…]"],
  [/\+?\d(?:[\s().-]?\d){6,}/g, "[number]"]
]

export const isHtml = (text: string): boolean => /^\s*<(?:!doctype\s+html|html|head|body)\b/i.test(text)

/** Whether a body can be an API's: JSON, or nothing at all. */
export const isJsonOrEmpty = (text: string): boolean => {
  if (text.trim() === "") return true
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** What a body is made of. */
export const formOf = (text: string): BodyForm => {
  if (text.trim() === "") return "empty"
  if (isHtml(text)) return "html"
  return isJsonOrEmpty(text) ? "json" : "text"
}

const htmlTitle = (text: string): string => {
  const title = /<title[^>]*>([^<]*)<\/title>/i.exec(text)?.[1]?.trim()
  return title === undefined || title === "" ? "an HTML page" : `an HTML page titled "${title}"`
}

/** One line, without secrets, at most about 200 characters. */
export const safeText = (text: string, secrets: ReadonlyArray<string>): string => {
  let safe = text
  for (const secret of secrets) if (secret.length > 3) safe = safe.replaceAll(secret, "[credential]")
  for (const [pattern, replacement] of personal) safe = safe.replace(pattern, replacement)
  safe = safe.replace(/\s+/g, " ").trim()
  return safe.length > longestText ? `${safe.slice(0, longestText - 1)}…` : safe
}

const readable = (text: string): string => {
  if (text.trim() === "") return ""
  if (isHtml(text)) return htmlTitle(text)
  try {
    return fromJson(JSON.parse(text))
  } catch {
    return /^\s*[[{]/.test(text) ? "an answer that is not valid JSON" : text.slice(0, 1000)
  }
}

/**
 * The words of an error body, whichever of the vendors' shapes it has: `{error, details}`, `{error, message}`,
 * `{message, code, issues}`, `{error: {code, message}}`, `{detail}` as text or list, `{code, message}`, HTML, plain text.
 * Empty: it said nothing.
 *
 * @param secrets what must not be repeated, should the vendor echo it
 */
export const errorBody = (text: string, secrets: ReadonlyArray<string>): string =>
  safeText(readable(text), secrets)
