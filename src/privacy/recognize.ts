import { callingCodes } from "../domain/phone.ts"

/*
 * Addresses and numbers of people in running text. Conservative: a number that may as well be an order, a date, a price
 * or an id is none. All of it takes time in proportion to the text.
 */

export type Kind = "email" | "phone" | "card" | "iban"

/** Where something was found: from the index of its first character to the one behind its last. */
export interface Found {
  readonly kind: Kind
  readonly from: number
  readonly to: number
}

/** What stands before the value of a digit in other scripts: the code of its zero. */
const zeros = [0x660, 0x6f0, 0x966, 0x9e6, 0xa66, 0xae6, 0xbe6, 0xc66, 0xce6, 0xe50, 0xed0, 0xff10]

const foreign =
  /[\u0660-\u0669\u06f0-\u06f9\u0966-\u096f\u09e6-\u09ef\u0a66-\u0a6f\u0ae6-\u0aef\u0be6-\u0bef\u0c66-\u0c6f\u0ce6-\u0cef\u0e50-\u0e59\u0ed0-\u0ed9\uff10-\uff19\uff0b\uff20\uff0e\ufe6b]/g

const signs: Readonly<Record<string, string>> = { "\uff0b": "+", "\uff20": "@", "\ufe6b": "@", "\uff0e": "." }

/** Digits and signs of other scripts as ASCII; every character stays in its place. */
const inAscii = (text: string): string =>
  text.replace(foreign, (character) => {
    const code = character.charCodeAt(0)
    const zero = zeros.find((first) => code >= first && code < first + 10)
    return zero === undefined ? (signs[character] ?? character) : String(code - zero)
  })

const local = "[\\p{L}\\p{N}._%+'&-]{1,64}"
const domain =
  "(?:[\\p{L}\\p{N}](?:[\\p{L}\\p{N}-]{0,61}[\\p{L}\\p{N}])?\\.){1,8}(?:xn--[a-z0-9-]{2,59}|\\p{L}{2,24})"
const addresses = new RegExp(`${local}@${domain}(?![\\p{L}\\p{N}])`, "gu")
/** As people write them for other people: `jane (at) example (dot) com`. */
const spelled =
  /[\p{L}\p{N}._%+-]{1,64} ?[[({] ?at ?[\])}] ?(?:[\p{L}\p{N}-]{1,63} ?(?:\.|[[({] ?dot ?[\])}]) ?){1,6}\p{L}{2,24}(?![\p{L}\p{N}])/giu

const emails = (text: string): ReadonlyArray<Found> => {
  const found: Array<Found> = []
  const add = (pattern: RegExp): void => {
    for (const { 0: match, index } of text.matchAll(pattern)) {
      // A sentence's quotation marks and dots are no part of an address.
      const from = index + (/^[.'&-]+/.exec(match)?.[0].length ?? 0)
      found.push({ kind: "email", from, to: index + match.length })
    }
  }
  if (text.includes("@")) add(addresses)
  if (/[[({] ?at ?[\])}]/i.test(text)) add(spelled)
  return found
}

const isLetterOrDigit = (character: string | undefined): boolean =>
  character !== undefined && /[\p{L}\p{N}_]/u.test(character)

/** Of a script that puts spaces between words: Chinese, Japanese and Thai write numbers right behind letters. */
const isOfWord = (character: string): boolean =>
  /[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{N}_]/u.test(character)

/** Between groups of digits: spaces, dots, hyphens and the like, and marks of writing direction, which no one sees. */
const between = "[ \\u00a0\\u2009\\u202f\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u2069.\\-\\u2010-\\u2015/()]"

/** Lengths of IBANs by country. https://www.swift.com/standards/data-standards/iban-international-bank-account-number */
const ibanLengths: Readonly<Record<string, number>> = Object.fromEntries(
  (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 " +
    "FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 " +
    "MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 " +
    "SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30"
  )
    .split(" ")
    .map((entry) => [entry.slice(0, 2), Number(entry.slice(2))])
)

/** ISO 13616: the remainder by 97 of the rearranged number is 1. */
const hasIbanCheck = (iban: string): boolean => {
  let rest = 0
  for (const character of iban.slice(4) + iban.slice(0, 4)) {
    const value = Number.parseInt(character, 36)
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97
  }
  return rest === 1
}

const ibanStart = /(?<![\p{L}\p{N}])[A-Z]{2}\d{2}(?=[ \u00a0-]?[A-Z0-9])/giu

const ibans = (text: string): ReadonlyArray<Found> =>
  [...text.matchAll(ibanStart)].flatMap(({ 0: start, index }): ReadonlyArray<Found> => {
    const length = ibanLengths[start.slice(0, 2).toUpperCase()]
    if (length === undefined) return []
    let iban = ""
    let at = index
    for (; iban.length < length && at < text.length; at++) {
      const character = text[at] ?? ""
      if (/[A-Z0-9]/i.test(character)) iban += character.toUpperCase()
      else if (!/[ \u00a0-]/.test(character) || /[ \u00a0-]/.test(text[at - 1] ?? "")) break
    }
    const isWhole = iban.length === length && !isLetterOrDigit(text[at])
    return isWhole && hasIbanCheck(iban) ? [{ kind: "iban", from: index, to: at }] : []
  })

/** ISO/IEC 7812: the Luhn digit. */
const hasCardCheck = (digits: string): boolean => {
  let sum = 0
  for (let i = 0; i < digits.length; i++) {
    const digit = Number(digits[digits.length - 1 - i])
    sum += i % 2 === 0 ? digit : digit > 4 ? digit * 2 - 9 : digit * 2
  }
  return sum % 10 === 0
}

/** Issuers' first digits, with how many digits their cards have. */
const issuers =
  /^(?:4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11}|35(?:2[89]|[3-8]\d)\d{12,15}|(?:6011|64[4-9]\d|65\d\d)\d{12,15}|62\d{14,17}|(?:50|5[6-9]|6\d)\d{11,17}|220[0-4]\d{12,15})$/

const cardShapes = /(?<![\p{L}\p{N}_#+.,=-])\d(?:[ \u00a0-]?\d){12,30}(?![\p{L}\p{N}_]|[.,-]\d)/gu

/** The longest card number that begins at a group of digits; what follows it may be a month, or another number. */
const cards = (text: string): ReadonlyArray<Found> =>
  [...text.matchAll(cardShapes)].flatMap(({ 0: match, index }): ReadonlyArray<Found> => {
    const groups = match.split(/[ \u00a0-]/)
    for (
      let first = 0, start = 0;
      first < groups.length;
      start += (groups[first]?.length ?? 0) + 1, first++
    ) {
      let digits = ""
      let found: Found | null = null
      for (let last = first, end = start - 1; last < groups.length && digits.length < 19; last++) {
        const group = groups[last] ?? ""
        digits += group
        end += group.length + 1
        if (issuers.test(digits) && hasCardCheck(digits))
          found = { kind: "card", from: index + start, to: index + end }
      }
      if (found !== null) return [found]
    }
    return []
  })

/** Digits with what may stand between them: at most 15 count, more are no telephone number. */
const numberShapes = new RegExp(`(?:\\+ ?|\\(\\+?)?\\d(?:${between}{0,3}\\d){5,24}`, "g")

const phoneWord =
  "(?:\\b(?:tel|tel[eé]fono?|telefone|telefoon|telefon\\w*|t[eé]l[eé]phone|ph|phone|mobile?|mobil\\w*|m[oó]vil|cell|celular|cellulare|handy\\w*|portable|gsm|fax|call(?: me)?(?: at| on)?|ring|sms|text me(?: at| on)?|whats ?app|viber|rufnummer|puhelin|tlf|mob|dial|(?:reach|contact)(?:ed)?(?: (?:me|us|him|her|them|it))?(?: (?:at|on|by|via))?|(?:my|our|their|his|her|your|its|the|new|phone|contact) (?:number|no))\\b|тел(?:ефон)?|моб(?:ильный)?|звони(?:те)?|电话|手机|電話|携帯|전화|휴대폰|هاتف|جوال|فون|फोन|मोबाइल|โทร)"

/** Right before a number: that it is a telephone's. */
const isCalled = new RegExp(
  `${phoneWord}['’]?s?[ .]*(?:no|nr|num|number|nummer|n[º°])?[\\p{P}\\s]{0,6}$`,
  "iu"
)
/** The same, with other words in between: "my cell is". */
const mayBeCalled = new RegExp(`${phoneWord}[\\p{L}\\p{P}\\s]{0,24}$`, "iu")

/** What numbers are numbers of, where it is no telephone. */
const otherWords =
  /(?:\b(?:orders?|order (?:no|number|id)|invoice|inv|ref(?:erence)?|ticket|case|tracking|shipment|parcel|booking|reservation|customer|contract|account|acct|konto|kto|blz|conto|cuenta|compte|serial|sku|ean|isbn|imei|vin|id|nr|no|num|n[º°]|code|pin|otp|version|build|po box|zip|plz|order|bestell\w*|auftrag\w*|rechnung\w*|kunden\w*|vertrag\w*|sendung\w*|aktenzeichen|pedido|factura|referencia|fattura|ordine|commande|facture|bestelling|factuur|zam[oó]wieni\w*|faktur\w*|заказ\w*|счет\w*)\b|注文|订单|訂單)[\p{P}\s]{0,6}$/iu

const unitsBehind =
  /^\s?(?:[€$£¥₹₽₺%°]|(?:eur|usd|gbp|chf|pln|sek|inr|rub|kg|km|cm|mm|ml|m²|kr|zł|ft|lei|points?|pcs|stk)\b)/i
const currencyBefore = /(?:[€$£¥₹₽₺#=&№]|\b(?:eur|usd|gbp|chf|pln|sek|inr|rs\.?))\s?$/i

const codesByLength = [1, 2, 3].map(
  (length) => new Set(callingCodes.filter((code) => code.length === length))
)

/** Digits of an international number, without its sign: a calling code, and as many digits as its country may have. */
const isInternational = (digits: string): boolean => {
  if (digits.length < 8 || digits.length > 15) return false
  if (digits.startsWith("1")) return digits.length === 11 && /^1[2-9]\d\d[2-9]/.test(digits)
  return codesByLength.some((codes, index) => codes.has(digits.slice(0, index + 1)))
}

/** Ways of writing numbers within a country that nothing else is written like. Signs of direction are gone here. */
const nationalShapes: ReadonlyArray<RegExp> = [
  // (415) 555-2671, 415-555-2671, 347 123 4567, 1-800-555-2671
  /^(?:1[ .-]?)?\(?[2-9]\d\d\)?[ .-]{1,2}\d{3}[ .-]\d{4}$/,
  // (11) 91234-5678, (0711) 123456, (02) 9374 4000
  /^\(\d{2,5}\) ?\d{2,5}[ .-]?\d{2,4}(?:[ .-]?\d{2,4})?$/,
  // 8 (916) 123-45-67
  /^[78][ -]?\(?\d{3}\)?[ -]?\d{3}[ -]\d\d[ -]\d\d$/,
  // 138 0013 8000, 138-0013-8000
  /^1[3-9]\d[ -]\d{4}[ -]\d{4}$/,
  // 98765 43210
  /^[6-9]\d{4}[ -]\d{5}$/,
  // 11 91234-5678
  /^[1-9]\d 9\d{4}-\d{4}$/,
  // 05x-xxx xxxx and all the others that begin with a zero
  /^0[1-9](?=(?:\D*\d){7,10}$)\d*(?:[ .\-/]{1,3}\d{2,8}){0,5}$/,
  /^\(0[1-9]\d{0,4}\)(?:[ .\-/]{0,2}\d{2,8}){1,4}$/
]

/** Day, month and year, however they are separated. */
const dateLike =
  /^\(?(?:(?:19|20)\d\d[-./ ]\d{1,2}[-./ ]\d{1,2}|\d{1,2}[-./ ]\d{1,2}[-./ ](?:19|20)\d\d)(?!\d)|^[1-9]\d?\.\d{1,3}\.\d+$/

/** Other groups of digits before or behind are rather of the same number, which then is none of a telephone. */
const groupBefore = /\d{4} $/
const groupBehind = /^ \d{4}/

const invisible = /[\u200b-\u200f\u202a-\u202e\u2060-\u2069]/g

/** Links that lead to a number. */
const numberLinks = /(?:\bwa\.me\/|\btel:|\bwhatsapp:|\b(?:phone|msisdn|to)=)(\+?(?:%2B)?\d{7,15})(?!\d)/gi

/** What the words before a run of digits say of it; null: nothing. */
const saidOf = (before: string): "phone" | "other" | null => {
  if (!/[\p{L}º°]/u.test(before)) return null
  if (isCalled.test(before)) return "phone"
  if (otherWords.test(before)) return "other"
  return mayBeCalled.test(before) ? "phone" : null
}

const isPhone = (match: string, before: string, behind: string, said: ReturnType<typeof saidOf>): boolean => {
  const written = match
    .replace(invisible, "")
    .replace(/[\u00a0\u2009\u202f]/g, " ")
    .replace(/[\u2010-\u2015]/g, "-")
    .replace(/ {2,}/g, " ")
    .trim()
  const digits = written.replace(/\D/g, "")
  if (isOfWord(before.slice(-1)) || isOfWord(behind[0] ?? "")) return false
  if (/^[.,:]\d/.test(behind) || /\d[.,:/-]$/.test(before)) return false
  if (/^\(?\+/.test(written)) return isInternational(digits)
  if (/[#=&/\\@_-]$/.test(before) || unitsBehind.test(behind) || currencyBefore.test(before)) return false
  if (dateLike.test(written) || groupBefore.test(before) || groupBehind.test(behind)) return false
  if (said !== null) return said === "phone" && digits.length <= 15
  if (/^00[1-9]/.test(digits)) return digits.length >= 12 && isInternational(digits.slice(2))
  return nationalShapes.some((shape) => shape.test(written))
}

/** So much of what stands before a run of digits is looked at, and so much before each number in it. */
const look = 48
const groupLook = 8

/** Where one of the numbers in a run of digits may begin or end: numbers may follow one another. */
const gaps = /[^\d.\-\u2010-\u2015/]+/g

/** Digits of a number, at least and at most, with those that are dialled before it. */
const fewestDigits = 7
const mostDigits = 17

/** Groups of digits of one number at most, where spaces are between them. */
const mostGroups = 6

/** What a mask leaves behind. */
const masks = /\[(?:email|phone|card|iban)\]/g

/** The longest telephone numbers within a run of digits, from its start on. */
const phonesWithin = (text: string, from: number, to: number): ReadonlyArray<Found> => {
  const run = text.slice(from, to)
  const edges = [...run.matchAll(gaps)].filter(({ index }) => index > 0)
  const starts = [0, ...edges.map(({ 0: gap, index }) => index + gap.replace(/[+(]+$/, "").length)]
  const ends = [...edges.map(({ index }) => index), run.length]
  const digitsUntil = [0]
  for (let i = 0; i < run.length; i++)
    digitsUntil.push((digitsUntil[i] ?? 0) + (/\d/.test(run[i] ?? "") ? 1 : 0))
  const hasLength = (start: number, end: number): boolean => {
    const digits = (digitsUntil[end] ?? 0) - (digitsUntil[start] ?? 0)
    return digits >= fewestDigits && digits <= mostDigits
  }
  const wordsBefore = text
    .slice(Math.max(0, from - look), from)
    .replace(masks, "\u2026")
    .replace(invisible, "")
  const found: Array<Found> = []
  let done = 0
  for (const start of starts) {
    if (start < done) continue
    const next = ends.findIndex((end) => end > start)
    // Words are before the first number alone.
    const said = start === 0 ? saidOf(wordsBefore) : null
    const before =
      start === 0 ? wordsBefore : text.slice(Math.max(from, from + start - groupLook), from + start)
    const end = ends
      .slice(next, next + mostGroups)
      .findLast(
        (end) =>
          hasLength(start, end) &&
          isPhone(run.slice(start, end), before, text.slice(from + end, from + end + 8), said)
      )
    if (end === undefined) continue
    const isUnclosed = run[start] === "(" && !run.slice(start, end).includes(")")
    found.push({ kind: "phone", from: from + start + (isUnclosed ? 1 : 0), to: from + end })
    done = end
  }
  return found
}

const phones = (text: string): ReadonlyArray<Found> => {
  const found: Array<Found> = []
  for (const { 0: whole, 1: number = "", index } of text.matchAll(numberLinks)) {
    found.push({ kind: "phone", from: index + whole.length - number.length, to: index + whole.length })
  }
  for (const { 0: match, index } of text.matchAll(numberShapes)) {
    found.push(...phonesWithin(text, index, index + match.length))
  }
  return found
}

/** Of what overlaps, the surer kind counts. */
const surest: ReadonlyArray<Kind> = ["email", "iban", "card", "phone"]

const hasDigits = /\d(?:.{0,4}\d){5}/s

/** All that is found of these kinds, from the first to the last; nothing overlaps. */
export const recognize = (text: string, kinds: ReadonlySet<Kind>): ReadonlyArray<Found> => {
  const plain = inAscii(text)
  const mayHoldNumbers = hasDigits.test(plain)
  const all = [
    ...(kinds.has("email") ? emails(plain) : []),
    ...(mayHoldNumbers && kinds.has("iban") ? ibans(plain) : []),
    ...(mayHoldNumbers && kinds.has("card") ? cards(plain) : []),
    ...(mayHoldNumbers && kinds.has("phone") ? phones(plain) : [])
  ].sort((a, b) => a.from - b.from || surest.indexOf(a.kind) - surest.indexOf(b.kind))
  const taken: Array<Found> = []
  for (const one of all) {
    const last = taken.at(-1)
    if (last === undefined || one.from >= last.to) taken.push(one)
    else if (surest.indexOf(one.kind) < surest.indexOf(last.kind)) taken[taken.length - 1] = one
  }
  return taken
}

/** All that is found in texts. */
export const everyKind: ReadonlySet<Kind> = new Set(["email", "phone", "card", "iban"])

/** A text with what is found of these kinds replaced by `[email]`, `[phone]`, `[card]` or `[iban]`. */
export const maskText = (
  text: string,
  kinds: ReadonlySet<Kind>,
  replace = (_: string, kind: Kind) => `[${kind}]`
): string => {
  const found = recognize(text, kinds)
  if (found.length === 0) return text
  let masked = ""
  let done = 0
  for (const { from, kind, to } of found) {
    masked += text.slice(done, from) + replace(text.slice(from, to), kind)
    done = to
  }
  return masked + text.slice(done)
}

export const holdsMask = (text: string): boolean => text.search(masks) >= 0
