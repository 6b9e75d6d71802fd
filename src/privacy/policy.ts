/*
 * What a connection does not want to have stored of people, and what each field of a vendor's records is in that respect.
 */

/** What becomes of a value that identifies a person. `hash`: a keyed hash, the same for the same value everywhere. */
export type PersonalPolicy = "keep" | "hash" | "drop"

/** What becomes of what people wrote. `mask`: addresses, telephone, card and account numbers in it are replaced. */
type TextPolicy = "keep" | "mask" | "drop"

export interface Privacy {
  readonly names: PersonalPolicy
  readonly emails: PersonalPolicy
  readonly phones: PersonalPolicy
  readonly texts: TextPolicy
}

export const keepEverything: Privacy = { names: "keep", emails: "keep", phones: "keep", texts: "keep" }

export const keepsEverything = ({ emails, names, phones, texts }: Privacy): boolean =>
  [names, emails, phones, texts].every((policy) => policy === "keep")

/** Whether anything is hashed, so that a key is needed. */
export const isKeyed = ({ emails, names, phones }: Privacy): boolean =>
  // An id that is a number or an address is hashed where those are dropped: some id there must be.
  [names, emails, phones].includes("hash") || [emails, phones].includes("drop")

/** `names hashed, phones dropped, texts masked`; empty: everything is kept. */
export const privacyWords = ({ emails, names, phones, texts }: Privacy): string => {
  const words = { hash: "hashed", drop: "dropped", mask: "masked" }
  return Object.entries({ names, emails, phones, texts })
    .flatMap(([what, policy]) => (policy === "keep" ? [] : [`${what} ${words[policy]}`]))
    .join(", ")
}

/** What all that is stored of a connection follows, as `connections.privacy` has it; null: all is as it came. */
export type StoredPrivacy = Readonly<Record<string, string>> | null

/** Whether something is stored under another setting than this one. */
export const isStoredOtherwise = (wanted: Privacy, stored: StoredPrivacy): boolean =>
  Object.entries(wanted).some(([name, setting]) => (stored?.[name] ?? "keep") !== setting)

/**
 * What a documented field holds.
 * - `keep`: nothing personal: ids of things and of requests, words of a list, times, amounts, settings
 * - `within`: an object or a list whose fields are classified themselves
 * - `name`: names, and whatever else identifies a person: a postal address, a picture, a handle
 * - `contact`: the id of a person, which some channels make of a number or an address
 * - `channel`: text that holds an address or a number among others, such as `whatsapp_+49…`
 * - `text`: what people or models wrote
 * - `words`: what the vendor says of a failure: as a text, but never empty, since that would be no failure
 * - `code`: a code of success or failure
 * - `open`: of the account's or the channel's own making, however deep
 */
export type FieldClass =
  | "keep"
  | "within"
  | "name"
  | "email"
  | "phone"
  | "contact"
  | "channel"
  | "text"
  | "words"
  | "code"
  | "open"

/**
 * The documented fields of a vendor's records and of the envelopes around them, by name, or by `container.name` where
 * one name means different things; lists count as what they hold. A field that is not here is `open`.
 */
export type PersonalFields = Readonly<Record<string, FieldClass>>

/** How any vendor's answer may say that it failed, in its outermost object; names in one spelling. */
const failures: Readonly<Record<string, FieldClass>> = {
  ...Object.fromEntries(
    [
      "error",
      "errors",
      "errormessage",
      "errorcode",
      "errordescription",
      "exception",
      "fault",
      "issues",
      "detail"
    ].map((name) => [name, "words"])
  ),
  message: "words",
  details: "words",
  ...Object.fromEntries(
    ["success", "succeeded", "ok", "code", "status", "statuscode", "result"].map((name) => [name, "code"])
  )
}

export interface Documented {
  readonly fieldClass: FieldClass
  /** Known by its own name and that of what holds it. */
  readonly isOwn: boolean
  /** Known as a sign of failure alone, which only the outermost object has. */
  readonly isFailure: boolean
}

/** What fields are; undefined: not documented. The answers are remembered: every field of every record is looked up. */
export const makeLookup = (
  fields: PersonalFields
): ((container: string, name: string) => Documented | undefined) => {
  const containers = new Map<string, Map<string, Documented | undefined>>()
  // Names are the vendor's, and may be those of an object's own properties.
  const named = (name: string) => (Object.hasOwn(fields, name) ? fields[name] : undefined)
  const find = (container: string, name: string): Documented | undefined => {
    const own = named(`${container}.${name}`)
    if (own !== undefined) return { fieldClass: own, isOwn: true, isFailure: false }
    const shared = named(name)
    if (shared !== undefined) return { fieldClass: shared, isOwn: false, isFailure: false }
    const spelled = name.toLowerCase().replace(/[_-]/g, "")
    const failure = Object.hasOwn(failures, spelled) ? failures[spelled] : undefined
    return failure === undefined ? undefined : { fieldClass: failure, isOwn: false, isFailure: true }
  }
  return (container, name) => {
    const known = containers.get(container)
    if (known?.has(name)) return known.get(name)
    const found = find(container, name)
    // What is not documented may be anything, and as much as it likes.
    if (found !== undefined) {
      if (known === undefined) containers.set(container, new Map([[name, found]]))
      else known.set(name, found)
    }
    return found
  }
}

export type HashKind = "name" | "email" | "phone"

/** A keyed hash of a value, the same for two ways of writing it; a value that is hashed already stays as it is. */
export type KeyedHash = (kind: HashKind, value: string) => string
