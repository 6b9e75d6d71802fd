import { wholeText } from "../../domain/exactJson.ts"
import { isRecord } from "../../domain/isRecord.ts"
import type { BodyForm } from "../../domain/ProviderError.ts"

/*
 * What a vendor said when it refused, in one line that is safe to show: no secret, no address, no number of a customer.
 */

const longestText = 200

/** Characters of a text that are cleaned: far more than are shown. What is cut off first cannot take time. */
const cleaned = 2000

/** A credential may be longer than what is cleaned; one that is cut at the end would not be recognised. */
const longestSecret = 8000

/** Characters in which an HTML page has its title. */
const htmlHead = 20_000

/** How deep the words of a JSON body may lie, and how many problems of a list are shown. */
const deepest = 8
const mostIssues = 10

const texts = (values: ReadonlyArray<unknown>): string =>
  values.filter((value): value is string => typeof value === "string" && value.trim() !== "").join(": ")

/** `issues[]` and `detail[]`: what is wrong and at which field; never the value, which may be a customer's. */
const issue = (value: unknown): string => {
  if (typeof value === "string") return value
  if (!isRecord(value)) return ""
  const place = value.path ?? value.loc
  const words = texts([value.message ?? value.msg])
  const isPlace = Array.isArray(place) && place.length > 0
  return isPlace ? `${place.slice(0, mostIssues).map(String).join(".")}: ${words}` : words
}

const issues = (value: unknown): string =>
  Array.isArray(value)
    ? value
        .slice(0, mostIssues)
        .map(issue)
        .filter((text) => text !== "")
        .join("; ")
    : ""

const fromJson = (value: unknown, depth = 0): string => {
  if (depth > deepest) return ""
  if (typeof value === "string") return value
  if (Array.isArray(value)) return issues(value)
  if (!isRecord(value)) return ""
  const { error, message, details, detail } = value
  const main = isRecord(error)
    ? fromJson(error, depth + 1)
    : texts([error === message ? undefined : error, message])
  const more = [
    texts([details]),
    issues(details),
    texts([detail]),
    issues(detail),
    isRecord(detail) ? fromJson(detail, depth + 1) : "",
    issues(value.issues),
    issues(value.errors),
    texts([value.errorMessage, value.error_message, value.error_description])
  ]
  return [main, ...more.filter((text) => text !== "" && text !== main)]
    .filter((text) => text !== "")
    .join(" — ")
}

/**
 * Anything that may be a person's or a credential: addresses, telephone numbers, and long mixes of letters and digits.
 * Each looks at a bounded stretch from wherever it begins.
 */
const personal: ReadonlyArray<readonly [RegExp, string]> = [
  [/[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}/g, "[email]"],
  [/\b(?:bearer|basic)\s{1,20}\S+/gi, "[credential]"],
  [/(?<![\w.-])(?=[\w.~+/-]{0,300}\d)(?=[\w.~+/-]{0,300}[a-z])[\w.~+/-]{20,}={0,2}/gi, "[…]"],
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

/** What stands between the first `<title…>` and the next tag. */
const htmlTitle = (text: string): string => {
  const head = text.slice(0, htmlHead)
  const start = head.search(/<title\b/i)
  const open = start < 0 ? -1 : head.indexOf(">", start)
  const close = open < 0 ? -1 : head.indexOf("<", open)
  const title = close < 0 ? "" : head.slice(open + 1, close).trim()
  return title === "" ? "an HTML page" : `an HTML page titled "${title}"`
}

/** One line, without secrets, at most about 200 characters. */
export const safeText = (text: string, secrets: ReadonlyArray<string>): string => {
  let safe = text.slice(0, cleaned + longestSecret)
  for (const secret of secrets) if (secret.length > 3) safe = safe.replaceAll(secret, "[credential]")
  safe = safe.slice(0, cleaned)
  for (const [pattern, replacement] of personal) safe = safe.replace(pattern, replacement)
  safe = safe.replace(/\s+/g, " ").trim()
  return wholeText(safe.length > longestText ? `${safe.slice(0, longestText - 1)}…` : safe)
}

const readable = (text: string): string => {
  if (text.trim() === "") return ""
  if (isHtml(text)) return htmlTitle(text)
  try {
    return fromJson(JSON.parse(text))
  } catch {
    return /^\s*[[{]/.test(text) ? "an answer that is not valid JSON" : text
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
