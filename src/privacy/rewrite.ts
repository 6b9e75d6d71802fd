import { classOfField, type FieldClass, fieldIn, type PersonalFields } from "./policy.ts"
import type { Treated, Treatment } from "./treat.ts"

/*
 * JSON on its way through the door: values are replaced where they stand, and everything else stays as the vendor wrote
 * it, to the last digit. It comes in pieces cut anywhere, need not be JSON, and takes time in proportion to its length.
 */

export interface Rewriter {
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
  /** Objects and lists in one another that are left out, and whether any are. */
  let skipped = 0
  /** A text or another value whose end has not come yet, in the pieces that came. */
  let open: "text" | "scalar" | null = null
  let parts: Array<string> = []
  let length = 0
  let isEscaped = false
  let out: Array<string> = []

  const emit = (text: string): void => {
    if (skipped === 0) out.push(text)
  }

  const classOf = (name: string): FieldClass => {
    const { fieldClass, name: container } = frame
    if (fieldClass === "within") return classOfField(fields, container, name, stack.length === 1)
    if (fieldClass === "keep") return fieldIn(fields, `${container}.${name}`) ?? "open"
    return fieldClass === "code" ? "open" : fieldClass
  }

  /** Of the value that comes next. */
  const nextClass = (): FieldClass => (frame.isObject ? classOf(key) : frame.fieldClass)
  const nextName = (): string => (frame.isObject ? key : frame.name)

  const written = (treated: Treated, asItCame: string, isWhole: boolean): string => {
    if (treated === undefined) return asItCame
    if (treated === null) return "null"
    const text = JSON.stringify(treated)
    return isWhole ? text : text.slice(0, -1)
  }

  /** @param content between the quotation marks; not whole: the text ended first */
  const textInstead = (content: string, isWhole: boolean): string => {
    const asItCame = isWhole ? `"${content}"` : `"${content}`
    if (frame.isObject && isKeyNext) {
      isKeyNext = false
      key = unescaped(content)
      if (skipped > 0) return ""
      const isDocumented =
        (frame.fieldClass === "within" || frame.fieldClass === "keep") && classOf(key) !== "open"
      const name = isDocumented ? key : treatment.key(key)
      return name === key ? asItCame : written(name, asItCame, isWhole)
    }
    if (skipped > 0) return ""
    const fieldClass = nextClass()
    if (treatment.leaves(fieldClass)) return asItCame
    return written(treatment.text(unescaped(content), fieldClass, nextName()), asItCame, isWhole)
  }

  const scalarInstead = (text: string): string => {
    if (skipped > 0) return ""
    if (!scalars.test(text)) return unquoted
    const isNumber = /^-?\d/.test(text)
    return isNumber ? written(treatment.number(text, nextClass(), nextName()), text, true) : text
  }

  const enter = (character: string): void => {
    const fieldClass = skipped > 0 ? "open" : nextClass()
    const name = nextName()
    if (skipped > 0) skipped += 1
    else if (stack.length > 0 && treatment.drops(fieldClass, name)) {
      emit("null")
      skipped = 1
    } else emit(character)
    stack.push(frame)
    frame = { isObject: character === "{", fieldClass, name }
    isKeyNext = frame.isObject
  }

  const leave = (character: string): void => {
    frame = stack.pop() ?? outermost
    isKeyNext = false
    if (skipped > 0) skipped -= 1
    else emit(character)
  }

  const keep = (text: string): void => {
    length += text.length
    if (length <= largest) parts.push(text)
    else {
      // Whoever reads on sees that it is too long; what it says is not handed on.
      if (parts.length > 0) emit(`"${"x".repeat(length - text.length)}`)
      parts = []
      emit("x".repeat(text.length))
    }
  }

  const close = (isWhole: boolean): void => {
    const text = parts.join("")
    const isTooLong = length > largest
    const was = open
    open = null
    parts = []
    length = 0
    isEscaped = false
    if (isTooLong) emit('"')
    else if (was === "text") emit(textInstead(text, isWhole))
    else if (text !== "") emit(scalarInstead(text))
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
      if (isSpace(code) || ',:[]{}"'.includes(piece[i] ?? "")) return i
    }
    return -1
  }

  const push = (piece: string): string => {
    let i = 0
    while (i < piece.length) {
      if (open !== null) {
        const end = open === "text" ? textEndIn(piece, i) : scalarEndIn(piece, i)
        keep(piece.slice(i, end === -1 ? piece.length : end))
        if (end === -1) break
        i = open === "text" ? end + 1 : end
        close(true)
        continue
      }
      const code = piece.charCodeAt(i)
      if (code === 0x22) {
        open = "text"
        i += 1
      } else if (code === 0x7b || code === 0x5b) {
        enter(piece[i] ?? "")
        i += 1
      } else if (code === 0x7d || code === 0x5d) {
        leave(piece[i] ?? "")
        i += 1
      } else if (code === 0x2c || code === 0x3a || isSpace(code)) {
        if (code === 0x2c) isKeyNext = frame.isObject
        const from = i
        for (i += 1; i < piece.length && isSpace(piece.charCodeAt(i)); ) i += 1
        emit(piece.slice(from, i))
      } else open = "scalar"
    }
    const done = out.join("")
    out = []
    return done
  }

  return {
    push,
    end: () => {
      if (open !== null) close(false)
      const done = out.join("")
      out = []
      return done
    }
  }
}

/** All of a text at once. */
export const rewrite = (text: string, fields: PersonalFields, treatment: Treatment): string => {
  const rewriter = makeRewriter(fields, treatment)
  return rewriter.push(text) + rewriter.end()
}
