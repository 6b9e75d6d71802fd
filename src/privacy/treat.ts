import { isHashed } from "../domain/phone.ts"
import type { FieldClass, HashKind, KeyedHash, PersonalPolicy, Privacy } from "./policy.ts"
import { everyKind, type Kind, maskText } from "./recognize.ts"

/*
 * What becomes of single values.
 */

/** A text instead of the value, null where it is not to be had, or undefined: the value stays as it is. */
export type Treated = string | null | undefined

/** What is stored instead of values of fields. */
export interface Treatment {
  /** @param name the field's, where it is not documented: it may say what the value is */
  readonly text: (value: string, fieldClass: FieldClass, name: string) => Treated
  /** The same for a number, which is given as it was written. */
  readonly number: (written: string, fieldClass: FieldClass, name: string) => Treated
  /** An object or a list in the place of a value goes as a whole. */
  readonly drops: (fieldClass: FieldClass, name: string) => boolean
  /** The name of a field that is not documented. */
  readonly key: (name: string) => string
  /** Values of these are never looked at. */
  readonly leaves: (fieldClass: FieldClass) => boolean
}

const wholeEmail = /^\s*(?:mailto:)?[^\s@,;<>]{1,64}@[^\s@,;<>]{1,255}\.[^\s@,;<>]{2,63}\s*$/
const wholePhone = /^\s*(?:tel:|whatsapp:)?(?:\+|00)[1-9](?:[\s().\-/\u00a0\u2010-\u2015]*\d){6,14}\s*$/
/** Channels write numbers without their sign. */
const bareNumber = /^\d{7,15}$/

/** An id that WhatsApp gives to messages: the number is in it, in base64. */
const holdsNumber = /^wamid\./

/** A moment, or a part of one. */
const time = /^\d{4}-\d\d(?:-\d\d(?:[T ][\d:.,]+(?:Z|[+-]\d\d:?\d\d)?)?)?$/
/** Ids that machines give: UUIDs, and hexadecimal ones with digits and letters. */
const machineId =
  /^(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{12,64})$/i
const plainNumber = /^-?\d{1,6}(?:\.\d{1,6})?$/

/** Tells nothing of a person, whatever field it is in. */
const isImpersonal = (value: string): boolean =>
  plainNumber.test(value) ||
  time.test(value) ||
  machineId.test(value) ||
  /^(?:true|false|yes|no|null)$/i.test(value)

/** Digits that may be a telephone number rather than a moment (in seconds or milliseconds). */
const mayBePhone = (digits: string): boolean =>
  /^\d{8,15}$/.test(digits) && !/^(?:1[0-9]|20)\d{8}$/.test(digits) && !/^(?:1[0-9]|20)\d{11}$/.test(digits)

/** A code of success or failure, or a word for either. */
const code =
  /^(?:[oO][kK]|[sS]uccess(?:ful)?|[sS]ucceeded|[cC]reated|[aA]ccepted|[dD]one|[cC]ompleted?|[eE]rr(?:or)?s?|[fF]ail(?:ed|ure)?|[eE]xception|KO|NOK|ko|nok|true|false|ERROR|FAILED|FAILURE|FAIL|SUCCESS|\d{1,3})$|^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$/

/** In the place of what a vendor says of a failure. */
export const leftOut = "[left out]"

/** What an undocumented field is called may say what it holds. */
const classOfName = (name: string): "email" | "phone" | "name" | null => {
  if (/e-?mail/i.test(name)) return "email"
  if (/phone|mobile|msisdn|whatsapp(?!.*id$)|(?:^|_)tel(?:$|_)/i.test(name)) return "phone"
  return /name$|^name|address|birth/i.test(name) ? "name" : null
}

export const treatmentOf = (privacy: Privacy, hash: KeyedHash): Treatment => {
  const { emails, names, phones, texts } = privacy
  const policies: Readonly<Record<HashKind, PersonalPolicy>> = { name: names, email: emails, phone: phones }

  const personal = (kind: HashKind, value: string): Treated => {
    const policy = policies[kind]
    if (policy === "keep" || value.trim() === "" || isHashed(value)) return undefined
    return policy === "drop" ? null : hash(kind, value)
  }

  /** An address or a number within a text that is not masked for its own sake. */
  const kinds = new Set<Kind>([
    ...(emails === "keep" ? [] : (["email"] as const)),
    ...(phones === "keep" ? [] : (["phone"] as const))
  ])

  const changed = (value: string, masked: string): Treated => (masked === value ? undefined : masked)

  const written = (value: string): Treated => {
    if (texts === "keep" || value === "") return undefined
    return texts === "drop" ? null : changed(value, maskText(value, everyKind))
  }

  const open = (value: string, name: string): Treated => {
    if (value.trim() === "" || isHashed(value)) return undefined
    if (wholeEmail.test(value)) return personal("email", value)
    if (wholePhone.test(value)) return personal("phone", value)
    const named = classOfName(name)
    if (named !== null && policies[named] !== "keep") return personal(named, value)
    if (phones !== "keep" && mayBePhone(value)) return personal("phone", value)
    return isImpersonal(value) ? undefined : writtenOrNamed(value)
  }

  /** Nobody has said what it is: it may be a name, and it may be a text. The stricter rule counts. */
  const writtenOrNamed = (value: string): Treated => {
    if (names === "drop" || texts === "drop") return null
    if (names === "hash") return hash("name", value)
    return changed(value, maskText(value, texts === "mask" ? everyKind : kinds))
  }

  /** The id of a person: some id there must be, so that a number or an address becomes its hash. */
  const contact = (value: string): Treated => {
    if (isHashed(value)) return undefined
    if (emails !== "keep" && wholeEmail.test(value)) return hash("email", value)
    const isPhone = wholePhone.test(value) || bareNumber.test(value) || holdsNumber.test(value)
    return phones !== "keep" && isPhone ? hash("phone", value) : undefined
  }

  const within = /[^\s@_:]{1,64}@[^\s@_:]{1,255}\.[^\s@_:]{2,63}|(?:\+|00)?\d{7,15}/g

  const channel = (value: string): Treated =>
    changed(
      value,
      value.replace(within, (part) => {
        const treated = personal(part.includes("@") ? "email" : "phone", part)
        return treated === undefined ? part : (treated ?? "")
      })
    )

  const text: Treatment["text"] = (value, fieldClass, name) => {
    switch (fieldClass) {
      case "keep":
        return undefined
      case "name":
      case "email":
      case "phone":
        return personal(fieldClass, value)
      case "contact":
        return contact(value)
      case "channel":
        return channel(value)
      case "text":
        return written(value)
      case "words":
        return texts === "drop" && value !== "" ? leftOut : written(value)
      case "code":
        return code.test(value) ? undefined : open(value, name)
      case "within":
      case "open":
        return open(value, name)
    }
  }

  const number: Treatment["number"] = (value, fieldClass, name) => {
    switch (fieldClass) {
      case "name":
      case "email":
      case "phone":
        return personal(fieldClass, value)
      case "contact":
        return contact(value)
      case "text":
        return texts === "drop" ? null : undefined
      case "open": {
        const isPhone = classOfName(name) === "phone" ? bareNumber.test(value) : mayBePhone(value)
        return isPhone ? personal("phone", value) : undefined
      }
      default:
        return undefined
    }
  }

  const untouched = new Set<FieldClass>([
    "keep",
    ...(names === "keep" ? (["name"] as const) : []),
    ...(emails === "keep" ? (["email"] as const) : []),
    ...(phones === "keep" ? (["phone"] as const) : []),
    ...(emails === "keep" && phones === "keep" ? (["contact", "channel"] as const) : []),
    ...(texts === "keep" ? (["text", "words"] as const) : [])
  ])

  return {
    text,
    number,
    drops: (fieldClass, name) => {
      const named = fieldClass === "open" ? classOfName(name) : null
      if (fieldClass === "text") return texts === "drop"
      if (fieldClass === "name" || fieldClass === "email" || fieldClass === "phone")
        return policies[fieldClass] === "drop"
      return named !== null && policies[named] === "drop"
    },
    key: (name) =>
      kinds.size === 0
        ? name
        : maskText(name, kinds, (part, kind) => hash(kind === "email" ? "email" : "phone", part)),
    leaves: (fieldClass) => untouched.has(fieldClass)
  }
}
