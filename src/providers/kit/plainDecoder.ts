import type { SchemaAST } from "effect"
import { isJsonObject } from "../../domain/exactJson.ts"
import { isNothing } from "./fault.ts"

/*
 * What ParseResult does with a record costs several times what JSON.parse does: an Either, an Option and a tree of
 * issues for each field. A schema of plain parts (structs, lists, null, and scalars that say how they are read) is
 * turned here into functions that read a record which is as documented, and give up on any other: what is wrong with
 * that one is for ParseResult to say.
 */

/** The annotation under which a scalar says how it is read: the value, or undefined where it is not one. */
export const readScalar = Symbol.for("parley/readScalar")

/** The annotation of a field that is read as null where it is not there. */
export const nullWhereAbsent = Symbol.for("parley/nullWhereAbsent")

/** Not as documented. */
export const notPlain = Symbol.for("parley/notPlain")

/** The decoded value, or `notPlain`. */
type PlainDecoder = (value: unknown) => unknown

const scalar =
  (read: (value: unknown) => unknown): PlainDecoder =>
  (value) => {
    const result = read(value)
    return result === undefined ? notPlain : result
  }

interface Field {
  readonly name: string
  readonly decode: PlainDecoder
  readonly mayBeAbsent: boolean
}

const struct =
  (fields: ReadonlyArray<Field>): PlainDecoder =>
  (value) => {
    if (!isJsonObject(value)) return notPlain
    const result: Record<string, unknown> = {}
    for (const { decode, mayBeAbsent, name } of fields) {
      const field = value[name]
      if (field === undefined || field === null) {
        if (!mayBeAbsent) return notPlain
        result[name] = null
        continue
      }
      const decoded = decode(field)
      if (decoded === notPlain) return notPlain
      result[name] = decoded
    }
    return result
  }

const list =
  (decode: PlainDecoder): PlainDecoder =>
  (value) => {
    if (!Array.isArray(value)) return notPlain
    const result: Array<unknown> = []
    for (const element of value) {
      const decoded = decode(element)
      if (decoded === notPlain) return notPlain
      result.push(decoded)
    }
    return result
  }

/** The first that takes it. */
const either =
  (decoders: ReadonlyArray<PlainDecoder>): PlainDecoder =>
  (value) => {
    for (const decode of decoders) {
      const decoded = decode(value)
      if (decoded !== notPlain) return decoded
    }
    return notPlain
  }

const membersOf = (ast: SchemaAST.AST): ReadonlyArray<SchemaAST.AST> =>
  ast._tag === "Union" ? ast.types.flatMap(membersOf) : [ast]

const unionDecoder = (members: ReadonlyArray<SchemaAST.AST>): PlainDecoder | null => {
  const decoders = members.map(plainDecoder)
  const known = decoders.filter((decode) => decode !== null)
  if (known.length < decoders.length || known.length === 0) return null
  return known.length === 1 ? (known[0] ?? null) : either(known)
}

const structDecoder = (
  { indexSignatures, propertySignatures }: SchemaAST.TypeLiteral,
  to: SchemaAST.TypeLiteral | null
): PlainDecoder | null => {
  const fields: Array<Field> = []
  for (const { isOptional, name, type } of propertySignatures) {
    const target = to?.propertySignatures.find((candidate) => candidate.name === name)
    const mayBeAbsent = target?.annotations[nullWhereAbsent] === true
    const decode = unionDecoder(membersOf(type).filter((member) => !(mayBeAbsent && isNothing(member))))
    if (decode === null || typeof name !== "string" || isOptional !== mayBeAbsent) return null
    fields.push({ name, decode, mayBeAbsent })
  }
  return indexSignatures.length > 0 ? null : struct(fields)
}

/** Null: a schema that is not made of plain parts. */
export const plainDecoder = (ast: SchemaAST.AST): PlainDecoder | null => {
  const read = ast.annotations[readScalar]
  if (typeof read === "function") return scalar(read as (value: unknown) => unknown)
  switch (ast._tag) {
    case "UnknownKeyword":
      return (value) => value
    case "Union":
      return unionDecoder(membersOf(ast))
    case "TypeLiteral":
      return structDecoder(ast, null)
    case "Transformation":
      return ast.from._tag === "TypeLiteral" && ast.to._tag === "TypeLiteral"
        ? structDecoder(ast.from, ast.to)
        : null
    case "TupleType": {
      const [element, ...more] = ast.rest
      if (element === undefined || more.length > 0 || ast.elements.length > 0) return null
      const decode = plainDecoder(element.type)
      return decode === null ? null : list(decode)
    }
    default:
      return null
  }
}
