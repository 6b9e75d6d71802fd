import { Either } from "effect"
import type { Json } from "../../domain/Conversation.ts"
import {
  closeBrace,
  closeBracket,
  colon,
  comma,
  isSpace,
  makeScanner,
  openBrace,
  openBracket,
  quote,
  unfinished
} from "./scanner.ts"

/** What a body turned out to be instead of a list, and after how many bytes that was seen. */
export interface SplitFault {
  readonly offset: number
  readonly reason: string
  /** One of its values is longer than may be kept. */
  readonly isTooLong?: true
}

/** What was around the list: the other fields of its envelope, or nothing for a bare array. */
export interface Envelope {
  readonly elements: number
  readonly fields: Readonly<Record<string, Json>>
}

/**
 * Finds the elements of one long JSON list in a body that arrives in pieces cut anywhere. The list is the body itself,
 * or the first of the named fields that holds an array. Elements are found by their brackets and quotes only: their
 * consumer parses them, and so finds out whether they are JSON.
 */
export interface Splitter {
  /** Reads on. Null: so far it is what was expected. After a fault nothing more is read. */
  readonly push: (piece: Uint8Array) => SplitFault | null
  /** What is known so far of the fields around the list. */
  readonly fields: () => Readonly<Record<string, Json>>
  /** To be called when the body has ended: a fault, unless the list and all around it were closed. */
  readonly end: () => Either.Either<Envelope, SplitFault>
}

const byteOrderMark = [0xef, 0xbb, 0xbf]

/** Bytes of an element that are kept at most, unless the reader of the body says otherwise. */
const usualElement = 64 << 20

/** Beyond this a field beside the list is skipped rather than kept. */
const largestField = 1 << 20

/**
 * What the next byte outside of values must be:
 * of a list `first` (an element or the end) → `after` (a comma or the end) → `next` (an element);
 * of an envelope around it `key` (or the end) → `colon` → `field` → `afterField` (a comma or the end) → `nextKey`.
 */
type Place =
  | "start"
  | "first"
  | "after"
  | "next"
  | "key"
  | "colon"
  | "field"
  | "afterField"
  | "nextKey"
  | "closed"

const expectations: Record<Place, string> = {
  start: "expected a list or an object",
  first: "expected an element or the end of the list",
  after: "expected a comma or the end of the list",
  next: "expected an element",
  key: "expected a field's name or the end of the object",
  colon: "expected a colon",
  field: "expected a value",
  afterField: "expected a comma or the end of the object",
  nextKey: "expected a field's name",
  closed: "expected nothing more"
}

const megabytes = (bytes: number): string =>
  bytes < 1 << 20 ? `${bytes} bytes` : `${Math.round(bytes / (1 << 20))} MB`

/** A value is no JSON. */
const invalid = -2

const join = (parts: ReadonlyArray<Uint8Array>, last: Uint8Array): Uint8Array =>
  parts.length === 0 ? last : Buffer.concat([...parts, last])

export const utf8 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8")

/** An element that is known to begin at `from` and to lie whole in the piece; null: none is. */
export type Recognise = (piece: Uint8Array, from: number) => Uint8Array | null

/**
 * @param lists the names an envelope may give to its list
 * @param largestElement bytes; an element or a name that is longer, and may have no end, is a fault
 * @param onElement takes each element's UTF-8 bytes, in order; they may share memory with the piece they came in
 * @param recognise asked where an element begins: the end of one that it knows is not looked for
 */
export const makeSplitter = (
  lists: ReadonlyArray<string>,
  onElement: (bytes: Uint8Array) => void,
  largestElement = usualElement,
  recognise: Recognise = () => null
): Splitter => {
  const scanner = makeScanner()
  let place: Place = "start"
  /** The value being read, its bytes from earlier pieces, and their number. */
  let reading: "element" | "name" | "field" | null = null
  let parts: Array<Uint8Array> = []
  let partBytes = 0
  let offset = 0
  let elements = 0
  let enveloped = false
  /** The field that holds the list; null: none was found yet, or an empty one, and of a bare list none is sought. */
  let listName: string | null = null
  let foundList = false
  /** The field being read holds a list as well, and: one such did that had elements, or came by the same name. */
  let isSecond = false
  let isTwice = false
  let name = ""
  let fault: SplitFault | null = null
  const fields = new Map<string, Json>()

  const finish = (last: Uint8Array): boolean => {
    const bytes = join(parts, last)
    const tooLarge = reading === "field" && partBytes + last.length > largestField
    const finished = reading
    parts = []
    partBytes = 0
    reading = null
    if (finished === "element") {
      elements++
      place = "after"
      onElement(bytes)
      return true
    }
    place = finished === "name" ? "colon" : "afterField"
    if (tooLarge) {
      isTwice ||= isSecond
      return true
    }
    try {
      const value: Json = JSON.parse(utf8(bytes))
      if (finished === "name") {
        name = String(value)
        return true
      }
      fields.set(name, value)
      isTwice ||= isSecond && (name === listName || (value as ReadonlyArray<Json>).length > 0)
      return true
    } catch {
      return false
    }
  }

  /** Takes one byte outside of values; false where it does not belong there. */
  const step = (byte: number): boolean => {
    switch (place) {
      case "start":
        enveloped = byte === openBrace
        foundList = byte === openBracket
        place = enveloped ? "key" : "first"
        return enveloped || foundList
      case "after":
      case "first":
        if (byte === closeBracket) {
          place = enveloped ? "afterField" : "closed"
          return true
        }
        if (place === "after") {
          place = "next"
          return byte === comma
        }
        return startValue("element", byte)
      case "next":
        return startValue("element", byte)
      case "afterField":
      case "key":
        if (byte === closeBrace) {
          place = "closed"
          return true
        }
        if (place === "afterField") {
          place = "nextKey"
          return byte === comma
        }
        return byte === quote && startValue("name", byte)
      case "nextKey":
        return byte === quote && startValue("name", byte)
      case "colon":
        place = "field"
        return byte === colon
      case "field":
        isSecond = byte === openBracket && lists.includes(name)
        if (isSecond && elements === 0) {
          foundList = true
          listName = name
          place = "first"
          return true
        }
        return startValue("field", byte)
      case "closed":
        return false
    }
  }

  const startValue = (kind: "element" | "name" | "field", byte: number): boolean => {
    if (byte === comma || byte === colon || byte === closeBracket || byte === closeBrace) return false
    reading = kind
    scanner.begin(byte)
    return true
  }

  const fail = (at: number, reason: string): SplitFault => {
    fault = { offset: offset + at, reason }
    return fault
  }

  /** Reads a value from `from`, of which the first `skip` bytes are known; the index behind it, `unfinished` or `invalid`. */
  const readValue = (piece: Uint8Array, from: number, skip: number): number => {
    const until = scanner.scan(piece, from + skip)
    if (until !== unfinished) return finish(piece.subarray(from, until)) ? until : invalid
    const rest = piece.subarray(from)
    partBytes += rest.length
    if (reading === "field" && partBytes > largestField) parts = []
    else parts.push(rest)
    return unfinished
  }

  const push = (piece: Uint8Array): SplitFault | null => {
    let i = 0
    if (fault !== null) return fault
    while (i < piece.length) {
      let from = i
      let skip = 0
      if (reading === null) {
        const byte = piece[i++] as number
        if (isSpace(byte)) continue
        if (byte === byteOrderMark[offset + i - 1]) continue
        const here = place
        if (!step(byte)) return fail(i - 1, expectations[here])
        if (reading === null) continue
        from = i - 1
        skip = 1
        const known = here === "first" || here === "next" ? recognise(piece, from) : null
        if (known !== null) {
          finish(known)
          i = from + known.length
          continue
        }
      }
      i = readValue(piece, from, skip)
      if (i === invalid) return fail(from, "not JSON")
      if (partBytes > largestElement && reading !== "field") {
        parts = []
        fault = { ...fail(from, `an element of more than ${megabytes(largestElement)}`), isTooLong: true }
        return fault
      }
      if (i === unfinished) break
    }
    offset += piece.length
    return null
  }

  const end = (): Either.Either<Envelope, SplitFault> => {
    if (fault !== null) return Either.left(fault)
    if (place === "start") return Either.left({ offset, reason: "the body is empty" })
    if (place !== "closed") return Either.left({ offset, reason: "the body ended before the list did" })
    if (!foundList) return Either.left({ offset, reason: "an object without a list" })
    if (isTwice) return Either.left({ offset, reason: "an object with two lists" })
    return Either.right({ elements, fields: Object.fromEntries(fields) })
  }

  return { push, fields: () => Object.fromEntries(fields), end }
}
