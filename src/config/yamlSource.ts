import { isAlias, isCollection, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml"

export type Path = ReadonlyArray<PropertyKey>

/** A fault in the text itself, before anything is known about its meaning. */
interface TextFault {
  readonly line: number
  readonly where: string
  readonly message: string
}

/** What a YAML text says, and in which line it says it. */
interface YamlSource {
  /** Plain maps, lists and scalars; undefined where the text is empty. */
  readonly value: unknown
  /** The line of a key or list entry, from 1; of the nearest one around it where the path itself is not written. */
  readonly lineOf: (path: Path) => number
  /** False: the text could not be read to its end, and `value` means nothing. */
  readonly readable: boolean
  readonly faults: ReadonlyArray<TextFault>
}

/** `connections[1].token` */
export const formatPath = (path: Path): string =>
  path.reduce<string>(
    (text, key) =>
      typeof key === "number" ? `${text}[${key}]` : text === "" ? String(key) : `${text}.${String(key)}`,
    ""
  )

/** Tells `a.b` written as one key from `b` below `a`. */
const keyOf = (path: Path): string => JSON.stringify(path)

const unfinished = /\s+at line \d+, column \d+[\s\S]*$/

/** In our words where the parser's are for programmers. The parser calls itself for each level. */
const messageOf = ({ code, message }: { readonly code: string; readonly message: string }): string => {
  if (/call stack/.test(message)) return "it is nested too deeply"
  if (code === "MULTIPLE_DOCS")
    return "a second document begins here; keep one of them, without `---` between"
  return message.replace(unfinished, "").replace(/\.$/, "")
}

/** Reads YAML 1.2 without its references: no anchors, aliases, merge keys or repeated keys. */
export const parseYaml = (text: string): YamlSource => {
  const counter = new LineCounter()
  const document = parseDocument(text, {
    lineCounter: counter,
    prettyErrors: false,
    uniqueKeys: false,
    stringKeys: true
  })
  const lines = new Map<string, number>()
  const faults: Array<TextFault> = []
  const place = (offset: number): { readonly line: number; readonly column: number } => {
    const { line, col } = counter.linePos(offset)
    return { line, column: col }
  }

  const broken = new Set<number>()
  for (const error of [...document.errors, ...document.warnings]) {
    const { line, column } = place(error.pos[0])
    // One slip often makes the parser stumble several times in the same line.
    if (broken.has(line)) continue
    broken.add(line)
    faults.push({ line, where: `column ${column}`, message: `not readable as YAML: ${messageOf(error)}` })
  }

  const noReferences = (node: Node, path: Path): void => {
    const { line } = place(node.range?.[0] ?? 0)
    faults.push({
      line,
      where: formatPath(path),
      message: "anchors and aliases are not read; write the value out"
    })
  }

  const walk = (node: unknown, path: Path): unknown => {
    if (isAlias(node)) {
      noReferences(node, path)
      return undefined
    }
    if (!isScalar(node) && !isCollection(node)) return undefined
    if (node.anchor !== undefined) noReferences(node, path)
    if (isScalar(node)) return node.value
    if (isSeq(node)) {
      return node.items.map((item, index) => {
        const at = [...path, index]
        const start = isScalar(item) || isCollection(item) ? item.range?.[0] : undefined
        if (start !== undefined) lines.set(keyOf(at), place(start).line)
        return walk(item, at)
      })
    }
    if (!isMap(node)) return undefined
    const result: Record<string, unknown> = {}
    for (const { key, value } of node.items) {
      if (!isScalar(key)) continue
      const name = String(key.value)
      const at = [...path, name]
      const written = formatPath(at)
      const { line } = place(key.range?.[0] ?? 0)
      const first = lines.get(keyOf(at))
      if (first !== undefined) {
        faults.push({
          line,
          where: written,
          message: `written twice (first in line ${first}); remove one of them`
        })
        continue
      }
      lines.set(keyOf(at), line)
      Object.defineProperty(result, name, { value: walk(value, at), enumerable: true })
    }
    return result
  }

  const references = faults.length
  const value = broken.size > 0 ? undefined : (walk(document.contents, []) ?? undefined)
  const lineOf = (path: Path): number => {
    for (let length = path.length; length > 0; length--) {
      const line = lines.get(keyOf(path.slice(0, length)))
      if (line !== undefined) return line
    }
    return 1
  }
  const readable =
    broken.size === 0 && !faults.slice(references).some(({ message }) => message.startsWith("anchors"))
  return { value, lineOf, readable, faults }
}
