import { Either } from "effect"
import type { Json } from "../../domain/Conversation.ts"
import { textEnd, writeExactly } from "../../domain/exactJson.ts"
import { type Decode, type Fault, parseJson } from "./decode.ts"
import { idOf } from "./page.ts"

/*
 * JSON cut into parts by its brackets and quotes alone, so that each part is the vendor's own text, and one that is no
 * JSON takes no other with it. All of it is linear and none of it recursive.
 */

/** A value as the vendor wrote it, and what it says. */
export interface Written {
  readonly text: string
  readonly value: Either.Either<Json, Fault>
}

/** It is read only when someone asks what it says: most rows of a list are known by their text. */
class Unread implements Written {
  readonly text: string
  private read: Written["value"] | null = null

  constructor(text: string) {
    this.text = text
  }

  get value(): Written["value"] {
    this.read ??= parseJson(this.text)
    return this.read
  }
}

export const written = (text: string): Written => new Unread(text)

/**
 * The elements of a list in a text that was read already, by what they say: how they were written is looked for where it is
 * wanted, which is only of the few that do not decode.
 * @param field that holds the list
 */
export const elementsIn = (
  text: string,
  field: string,
  values: ReadonlyArray<Json>
): ReadonlyArray<Written> => {
  let elements: ReadonlyArray<Written> | null = null
  const textAt = (index: number): string | undefined => {
    elements ??= listIn(text, [field])?.elements ?? []
    return elements[index]?.text
  }
  return values.map((value, index) => new Element(value, index, textAt))
}

/** Many are made: a class, since a getter in a literal would be made for each. */
class Element implements Written {
  readonly value: Either.Right<Fault, Json>
  private readonly index: number
  private readonly textAt: (index: number) => string | undefined

  constructor(value: Json, index: number, textAt: (index: number) => string | undefined) {
    this.value = Either.right(value) as Either.Right<Fault, Json>
    this.index = index
    this.textAt = textAt
  }

  get text(): string {
    return this.textAt(this.index) ?? writeExactly(this.value.right)
  }
}

/** What it says, decoded. */
export const decoded = <A>({ value }: Written, decode: Decode<A>): Either.Either<A, Fault> =>
  Either.isRight(value) ? decode(value.right) : Either.left(value.left)

/** The id of a record under `field`, also where the record is not JSON. */
export const writtenId = ({ text, value }: Written, field: string): string | null =>
  Either.match(value, {
    onLeft: () => idOf({ [field]: scalarIn(text, field) }, field),
    onRight: (json) => idOf(json, field)
  })

/** The same text for the same value, however it is written; of what is not JSON, the text itself. */
export const notation = (text: string): string =>
  Either.match(parseJson(text), { onLeft: () => text, onRight: writeExactly })

const isSpace = (code: number): boolean => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09

const afterSpace = (text: string, from: number): number => {
  let i = from
  while (isSpace(text.charCodeAt(i))) i++
  return i
}

const quote = 0x22
const comma = 0x2c
const isOpening = (code: number): boolean => code === 0x7b || code === 0x5b
const isClosing = (code: number): boolean => code === 0x7d || code === 0x5d

/** The index of the comma or bracket that ends the value at `from`, the text's end, or -1 where it does not end. */
const valueEnd = (text: string, from: number): number => {
  let depth = 0
  for (let i = from; i < text.length; ) {
    const code = text.charCodeAt(i)
    if (code === quote) {
      i = textEnd(text, i)
      if (i === -1) return -1
      continue
    }
    if (isOpening(code)) depth++
    else if (depth === 0 && (code === comma || isClosing(code))) return i
    else if (isClosing(code)) depth--
    i++
  }
  return depth === 0 ? text.length : -1
}

interface Span {
  readonly from: number
  readonly to: number
}

const sliceOf = (text: string, { from, to }: Span): string => text.slice(from, to).trimEnd()

interface Member extends Span {
  readonly name: string
  /** Where its value begins. */
  readonly value: number
  /** Of a list that is sought; null: it is none, or one that cannot be cut. */
  readonly list: Parts<Span> | null
}

/** What lies between two brackets, cut at its commas, and where it ends. */
interface Parts<A extends Span> {
  readonly parts: ReadonlyArray<A>
  readonly end: number
}

/** Null: there is no such list at `from`. */
const partsOf = <A extends Span>(
  text: string,
  from: number,
  brackets: "{}" | "[]",
  part: (from: number) => A | null
): Parts<A> | null => {
  const [open, close] = brackets
  if (text[from] !== open) return null
  const parts: Array<A> = []
  let i = afterSpace(text, from + 1)
  if (text[i] === close) return { parts, end: i + 1 }
  for (;;) {
    const found = part(i)
    if (found === null || found.to <= found.from) return null
    parts.push(found)
    i = found.to
    if (text[i] === close) return { parts, end: i + 1 }
    if (text[i] !== ",") return null
    i = afterSpace(text, i + 1)
  }
}

const spanOf = (text: string, from: number): Span | null => {
  const to = valueEnd(text, from)
  return to === -1 ? null : { from, to }
}

const elementsAt = (text: string, from: number) => partsOf(text, from, "[]", (at) => spanOf(text, at))

const memberOf = (text: string, from: number, lists: ReadonlyArray<string>): Member | null => {
  const nameEnd = text[from] === '"' ? textEnd(text, from) : -1
  if (nameEnd === -1) return null
  const colon = afterSpace(text, nameEnd)
  if (text[colon] !== ":") return null
  const value = afterSpace(text, colon + 1)
  const read = parseJson(text.slice(from, nameEnd))
  if (Either.isLeft(read)) return null
  const name = String(read.right)
  // Long lists are gone through once.
  const list = lists.includes(name) ? elementsAt(text, value) : null
  const to = valueEnd(text, list?.end ?? value)
  return to <= value ? null : { from, to, value, name, list }
}

/**
 * The members of the object that a text is; null: it is none, or one that cannot be cut.
 * @param lists names of members whose elements are wanted
 */
const membersOf = (text: string, lists: ReadonlyArray<string> = []): ReadonlyArray<Member> | null => {
  const found = partsOf(text, afterSpace(text, 0), "{}", (from) => memberOf(text, from, lists))
  return found === null || afterSpace(text, found.end) < text.length ? null : found.parts
}

/** How an object's text wrote a field; of several by the same name the last counts, as in all of JSON. */
export const fieldText = (text: string, field: string): string | null => {
  const member = membersOf(text)?.findLast(({ name }) => name === field)
  return member === undefined ? null : text.slice(member.value, member.to).trimEnd()
}

/** An object's text without a field; any other text as it is. */
export const withoutField = (text: string, field: string): string => {
  const members = membersOf(text)
  if (members === null || !members.some(({ name }) => name === field)) return text
  const kept = members.filter(({ name }) => name !== field)
  return `{${kept.map((member) => sliceOf(text, member)).join(",")}}`
}

/** A list and what is around it. */
interface WrittenList {
  readonly elements: ReadonlyArray<Written>
  /** The JSON text around the list, which is empty in there. */
  readonly around: string
}

const listFrom = (text: string, from: number, found: Parts<Span> | null): WrittenList | null => {
  if (found === null) return null
  const elements = found.parts.map((span) => written(sliceOf(text, span)))
  return { elements, around: `${text.slice(0, from)}[]${text.slice(found.end)}` }
}

/**
 * The elements of a list as they were written.
 * @param names the fields that may hold it where it is not the text itself; the first that holds a list counts
 * @returns null where there is none, or more than one by the same name
 */
export const listIn = (text: string, names: ReadonlyArray<string> = []): WrittenList | null => {
  const start = afterSpace(text, 0)
  if (text[start] === "[") return listFrom(text, start, elementsAt(text, start))
  const members = membersOf(text, names) ?? []
  for (const field of names) {
    const own = members.filter(({ name }) => name === field)
    const last = own.at(-1)
    if (last === undefined || text[last.value] !== "[") continue
    // Which of them is meant? An empty one is none.
    const isTwice = own.some(({ list }) => list !== last.list && (list === null || list.parts.length > 0))
    return isTwice ? null : listFrom(text, last.value, last.list)
  }
  return null
}

/** A field's text or number, of a text that need not be JSON: the first by this name at its outermost level. */
const scalarIn = (text: string, field: string): Json => {
  let depth = 0
  for (let i = 0; i < text.length; ) {
    const code = text.charCodeAt(i)
    if (code === quote) {
      const end = textEnd(text, i)
      if (end === -1) return null
      const colon = afterSpace(text, end)
      if (depth === 1 && text[colon] === ":" && text.slice(i + 1, end - 1) === field) {
        const from = afterSpace(text, colon + 1)
        const to = text.charCodeAt(from) === quote ? textEnd(text, from) : valueEnd(text, from)
        return to === -1 ? null : Either.getOrElse(parseJson(text.slice(from, to)), () => null)
      }
      i = end
      continue
    }
    if (isOpening(code)) depth++
    else if (isClosing(code)) depth--
    i++
  }
  return null
}
