import { type FieldClass, makeLookup, type PersonalFields } from "./policy.ts"
import type { Treated, Treatment } from "./treat.ts"

/*
 * JSON on its way through the door: values are replaced where they stand, and everything else stays as the vendor wrote
 * it, to the last digit. It comes in pieces cut anywhere, need not be JSON, and takes time in proportion to its length.
 */

interface Rewriter {
  /** What can be handed on by now. */
  readonly push: (piece: string) => string
  /** What is left once nothing more comes. */
  readonly end: () => string
}

/** What an object or a list holds. */
interface Frame {
  readonly isObject: boolean
  readonly fieldClass: FieldClass
  /** What it is called: of a list's elements, the list's name. */
  readonly name: string
}

const outermost: Frame = { isObject: false, fieldClass: "within", name: "" }

/** What stands for words outside of quotation marks, which no JSON has. */
const unquoted = "…"
const scalars = /^(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?|true|false|null|NaN|-?Infinity|undefined)$/

const largestText = 64 << 20

const unescaped = (written: string): string => {
  if (!written.includes("\\")) return written
  try {
    return String(JSON.parse(`"${written}"`))
  } catch {
    return written
  }
}

const quote = 0x22
const comma = 0x2c
const colon = 0x3a
const openBracket = 0x5b
const openBrace = 0x7b

const isBracket = (code: number): boolean =>
  code === openBrace || code === 0x7d || code === openBracket || code === 0x5d

const isSpace = (code: number): boolean => code === 0x20 || (code >= 0x09 && code <= 0x0d) || code === 0xfeff

/** @param largest characters of a text that are kept in mind; what is longer is passed on as so many `x` */
export const makeRewriter = (
  fields: PersonalFields,
  treatment: Treatment,
  largest = largestText
): Rewriter => {
  const stack: Array<Frame> = []
  let frame = outermost
  /** The name of the field that is being read, and whether a name comes next. */
  let key = ""
  let isKeyNext = false
  /** Objects and lists in one another that are left out. */
  let skipped = 0
  /** A text or another value whose end has not come yet, in the pieces that came. */
  let open: "text" | "scalar" | null = null
  let parts: Array<string> = []
  let length = 0
  let isEscaped = false
  /** What is handed on of the present piece, which is as it came from `copied` on. */
  let out: Array<string> = []
  let copied = 0

  const documented = makeLookup(fields)

  const classOf = (name: string): FieldClass => {
    const { fieldClass, name: container } = frame
    if (fieldClass === "within" || fieldClass === "keep") {
      const found = documented(container, name)
      if (found === undefined) return "open"
      // Of what is kept, only what is named together with it is known.
      if (fieldClass === "keep") return found.isOwn ? found.fieldClass : "open"
      return found.isFailure && stack.length !== 1 ? "open" : found.fieldClass
    }
    return fieldClass === "code" ? "open" : fieldClass
  }

  /** Of the value that comes next. */
  const nextClass = (): FieldClass => (frame.isObject ? classOf(key) : frame.fieldClass)
  const nextName = (): string => (frame.isObject ? key : frame.name)

  const keyInstead = (content: string): Treated => {
    isKeyNext = false
    key = unescaped(content)
    if (skipped > 0) return undefined
    const isDocumented =
      (frame.fieldClass === "within" || frame.fieldClass === "keep") && classOf(key) !== "open"
    if (isDocumented) return undefined
    const name = treatment.key(key)
    return name === key ? undefined : name
  }

  /** What stands instead of a text; undefined: itself. @param content between the quotation marks */
  const textInstead = (content: string): Treated => {
    if (frame.isObject && isKeyNext) return keyInstead(content)
    if (skipped > 0) return undefined
    const fieldClass = nextClass()
    return treatment.leaves(fieldClass)
      ? undefined
      : treatment.text(unescaped(content), fieldClass, nextName())
  }

  /** The same for a number, true, false, null, and whatever else has no quotation marks, as it is written then. */
  const scalarInstead = (text: string): string | undefined => {
    if (skipped > 0) return undefined
    if (!scalars.test(text)) return unquoted
    if (!/^-?\d/.test(text)) return undefined
    const treated = treatment.number(text, nextClass(), nextName())
    return treated === undefined ? undefined : JSON.stringify(treated)
  }

  /** Puts something in the place of what lies between two indices of the piece. */
  const replace = (piece: string, from: number, to: number, text: string): void => {
    if (skipped === 0) out.push(piece.slice(copied, from), text)
    copied = to
  }

  const enter = (piece: string, at: number): void => {
    const isObject = piece.charCodeAt(at) === openBrace
    const fieldClass = skipped > 0 ? "open" : nextClass()
    const name = nextName()
    if (skipped > 0) skipped += 1
    else if (stack.length > 0 && treatment.drops(fieldClass, name)) {
      replace(piece, at, at, "null")
      skipped = 1
    }
    stack.push(frame)
    frame = { isObject, fieldClass, name }
    isKeyNext = isObject
  }

  const leave = (at: number): void => {
    frame = stack.pop() ?? outermost
    isKeyNext = false
    if (skipped === 0) return
    skipped -= 1
    copied = at + 1
  }

  const keep = (text: string): void => {
    length += text.length
    if (length <= largest) parts.push(text)
    else {
      // Whoever reads on sees that it is too long; what it says is not handed on.
      if (skipped === 0) out.push(parts.length > 0 ? `"${"x".repeat(length)}` : "x".repeat(text.length))
      parts = []
    }
  }

  /** What came in several pieces has ended; not whole: everything has. */
  const close = (isWhole: boolean): void => {
    const text = parts.join("")
    const isTooLong = length > largest
    const isText = open === "text"
    open = null
    parts = []
    length = 0
    isEscaped = false
    if (skipped > 0) {
      if (isText) textInstead("")
      return
    }
    if (isTooLong) {
      if (frame.isObject && isKeyNext) keyInstead("")
      out.push('"')
    } else if (isText) {
      const treated = textInstead(text)
      const quoted = treated === undefined ? `"${text}"` : JSON.stringify(treated)
      out.push(isWhole || treated === null ? quoted : quoted.slice(0, -1))
    } else out.push(scalarInstead(text) ?? text)
  }

  /** The index of the quotation mark that ends the text, or -1 where it does not end in this piece. */
  const textEndIn = (piece: string, from: number): number => {
    let start = from
    if (isEscaped && start < piece.length) {
      isEscaped = false
      start += 1
    }
    for (;;) {
      const end = piece.indexOf('"', start)
      const until = end === -1 ? piece.length : end
      let escapes = 0
      while (until - 1 - escapes >= start && piece.charCodeAt(until - 1 - escapes) === 0x5c) escapes += 1
      if (end === -1) {
        isEscaped = escapes % 2 === 1
        return -1
      }
      if (escapes % 2 === 0) return end
      start = end + 1
    }
  }

  const scalarEndIn = (piece: string, from: number): number => {
    for (let i = from; i < piece.length; i++) {
      const code = piece.charCodeAt(i)
      if (code === comma || code === quote || isBracket(code) || code === colon || isSpace(code)) return i
    }
    return -1
  }

  /** Goes on with what began in an earlier piece; the index behind it, or -1 where it does not end in this one. */
  const goOn = (piece: string): number => {
    const end = open === "text" ? textEndIn(piece, 0) : scalarEndIn(piece, 0)
    keep(end === -1 ? piece : piece.slice(0, end))
    if (end === -1) return -1
    const next = open === "text" ? end + 1 : end
    close(true)
    return next
  }

  /** Sets aside what does not end in this piece. @param content where it begins, behind a quotation mark */
  const setAside = (piece: string, as: "text" | "scalar", at: number, content: number): void => {
    if (skipped === 0) out.push(piece.slice(copied, at))
    open = as
    keep(piece.slice(content))
  }

  /** Reads what lies in the piece from an index on; whether all of it was read. */
  const read = (piece: string, from: number): boolean => {
    for (let i = from; i < piece.length; ) {
      const code = piece.charCodeAt(i)
      if (code === quote) {
        const end = textEndIn(piece, i + 1)
        if (end === -1) {
          setAside(piece, "text", i, i + 1)
          return false
        }
        const treated = textInstead(piece.slice(i + 1, end))
        if (treated !== undefined) replace(piece, i, end + 1, JSON.stringify(treated))
        i = end + 1
      } else if (code === comma) {
        isKeyNext = frame.isObject
        i += 1
      } else if (code === colon || isSpace(code)) {
        i += 1
      } else if (isBracket(code)) {
        if (code === openBrace || code === openBracket) enter(piece, i)
        else leave(i)
        i += 1
      } else {
        const end = scalarEndIn(piece, i)
        if (end === -1) {
          setAside(piece, "scalar", i, i)
          return false
        }
        const instead = scalarInstead(piece.slice(i, end))
        if (instead !== undefined) replace(piece, i, end, instead)
        i = end
      }
    }
    return true
  }

  const taken = (): string => {
    const done = out.join("")
    out = []
    return done
  }

  return {
    push: (piece) => {
      copied = open === null ? 0 : goOn(piece)
      if (copied !== -1 && read(piece, copied) && skipped === 0) out.push(piece.slice(copied))
      return taken()
    },
    end: () => {
      if (open !== null) close(false)
      return taken()
    }
  }
}

/** All of a text at once. */
export const rewrite = (text: string, fields: PersonalFields, treatment: Treatment): string => {
  const rewriter = makeRewriter(fields, treatment)
  return rewriter.push(text) + rewriter.end()
}
