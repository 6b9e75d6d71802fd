import { Option, type Schema, SchemaAST } from "effect"

/** One key that a Schema reads, as it is written. */
export interface Key {
  readonly name: string
  readonly required: boolean
  readonly secret: boolean
  /** What its Schema says of it; null: nothing but its type. */
  readonly description: string | null
  readonly ast: SchemaAST.AST
}

const isRedacted = (ast: SchemaAST.AST): boolean => {
  switch (ast._tag) {
    case "Transformation":
      return isRedacted(ast.to) || isRedacted(ast.from)
    case "Refinement":
      return isRedacted(ast.from)
    case "Union":
      return ast.types.some(isRedacted)
    case "Declaration":
      return Option.exists(SchemaAST.getDescriptionAnnotation(ast), (words) => words.startsWith("Redacted("))
    default:
      return false
  }
}

/** Of a key that can be left out, the description is that of what it holds otherwise. */
const descriptionOf = (ast: SchemaAST.AST): string | null => {
  if (ast._tag === "Union") return ast.types.map(descriptionOf).find((found) => found !== null) ?? null
  return ast._tag === "Refinement" ? Option.getOrNull(SchemaAST.getDescriptionAnnotation(ast)) : null
}

const merge = (first: Key, second: Key): Key => ({
  ...first,
  required: first.required && second.required,
  secret: first.secret || second.secret
})

const keysOfAst = (ast: SchemaAST.AST): ReadonlyArray<Key> => {
  switch (ast._tag) {
    case "Transformation":
      return keysOfAst(ast.from)
    case "Refinement":
      return keysOfAst(ast.from)
    case "Suspend":
      return keysOfAst(ast.f())
    case "Union": {
      const members = ast.types.map(keysOfAst)
      const merged = new Map<string, Key>()
      for (const key of members.flat()) {
        const seen = merged.get(key.name)
        merged.set(key.name, seen === undefined ? key : merge(seen, key))
      }
      const inAll = (name: string) => members.every((keys) => keys.some((key) => key.name === name))
      return [...merged.values()].map((key) => ({ ...key, required: key.required && inAll(key.name) }))
    }
    case "TypeLiteral":
      return ast.propertySignatures.map((property) => ({
        name: String(property.name),
        required: !property.isOptional,
        secret: isRedacted(property.type),
        description: descriptionOf(property.type),
        ast: property.type
      }))
    default:
      return []
  }
}

/** The keys of a struct, of any of a union's structs, or of what either was refined or transformed from. */
export const keysOf = <A, I>(schema: Schema.Schema<A, I>): ReadonlyArray<Key> => keysOfAst(schema.ast)
