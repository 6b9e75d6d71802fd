import { Either, Option, type ParseResult, Schema, SchemaAST } from "effect"
import { expectedWords } from "../providers/kit/fault.ts"
import { suggestion } from "./nearest.ts"
import type { Path } from "./yamlSource.ts"

/** What a Schema refused, in words that need no knowledge of Schemas. */
interface SchemaFault {
  readonly path: Path
  readonly missing: boolean
  readonly message: string
}

const isUndefined = (ast: SchemaAST.AST): boolean => ast._tag === "UndefinedKeyword"

/** `text`, `a number`, `one of eu, na`: what a value should have been. */
const words = (ast: SchemaAST.AST): string => {
  const own = ast.annotations[expectedWords]
  if (typeof own === "string") return own
  switch (ast._tag) {
    case "StringKeyword":
      return "text"
    case "NumberKeyword":
      return "a number"
    case "BooleanKeyword":
      return "true or false"
    case "Literal":
      return String(ast.literal)
    case "TupleType":
      return "a list"
    case "TypeLiteral":
      return "keys with values"
    case "Union": {
      const types = ast.types.filter((type) => !isUndefined(type))
      const [only] = types
      if (only !== undefined && types.length === 1) return words(only)
      const literals = types.every((type) => type._tag === "Literal")
      return literals ? `one of ${types.map(words).join(", ")}` : types.map(words).join(" or ")
    }
    case "Refinement":
      return Option.getOrElse(SchemaAST.getDescriptionAnnotation(ast), () => words(ast.from))
    case "Transformation":
      return words(ast.from)
    default:
      return Option.getOrElse(SchemaAST.getDescriptionAnnotation(ast), () => "something else")
  }
}

const described = (value: unknown): string => {
  if (value === null || value === undefined) return "nothing"
  if (Array.isArray(value)) return "a list"
  switch (typeof value) {
    case "string":
      return "other text"
    case "number":
      return "a number"
    case "boolean":
      return "true or false"
    default:
      return "keys with values"
  }
}

/** Names the kind of what was found, never its value: the value may be a secret in the wrong place. */
const expected = (ast: SchemaAST.AST, actual: unknown): string => {
  const wanted = words(ast)
  const found = described(actual)
  const quotes = wanted === "text" && (typeof actual === "number" || typeof actual === "boolean")
  return quotes
    ? `expected text, found ${found}; put it in quotes`
    : `expected ${wanted}, found ${found === wanted ? "another" : found}`
}

const ownMessage = (issue: ParseResult.ParseIssue): string | null => {
  if (issue._tag === "Pointer" || issue._tag === "Missing" || issue._tag === "Unexpected") return null
  const annotation = SchemaAST.getMessageAnnotation(issue.ast)
  if (Option.isNone(annotation)) return null
  const message = annotation.value(issue)
  if (typeof message === "string") return message
  const overrides = "message" in message && message.override
  return overrides && typeof message.message === "string" ? message.message : null
}

const isList = (
  issues: ParseResult.SingleOrNonEmpty<ParseResult.ParseIssue>
): issues is readonly [ParseResult.ParseIssue, ...Array<ParseResult.ParseIssue>] => Array.isArray(issues)

/** Of a union's members, the one that comes nearest is the one that was meant. */
const unionFaults = (
  issue: ParseResult.Composite,
  members: ReadonlyArray<ParseResult.ParseIssue>,
  path: ReadonlyArray<PropertyKey>
): ReadonlyArray<SchemaFault> => {
  const meant = members.filter((member) => !(member._tag === "Type" && isUndefined(member.ast)))
  const inside = meant.filter((member) => member._tag !== "Type" || ownMessage(member) !== null)
  if (inside.length === 0) return [{ path, missing: false, message: expected(issue.ast, issue.actual) }]
  const [first = [], ...others] = inside.map((member) => schemaFaults(member, path))
  return others.reduce((best, faults) => (faults.length < best.length ? faults : best), first)
}

const namesOf = (ast: SchemaAST.AST): ReadonlyArray<string> =>
  ast._tag === "TypeLiteral" ? ast.propertySignatures.map(({ name }) => String(name)) : []

/**
 * Every fault of a decoding.
 * @param path where the decoded value stands
 * @param known the keys that may stand there
 */
export const schemaFaults = (
  issue: ParseResult.ParseIssue,
  path: ReadonlyArray<PropertyKey> = [],
  known: ReadonlyArray<string> = []
): ReadonlyArray<SchemaFault> => {
  const message = ownMessage(issue)
  if (message !== null) return [{ path, missing: false, message }]
  switch (issue._tag) {
    case "Pointer":
      return schemaFaults(issue.issue, path.concat(issue.path), known)
    case "Missing":
      return [{ path, missing: true, message: "missing" }]
    case "Composite": {
      const issues = isList(issue.issues) ? issue.issues : [issue.issues]
      return issue.ast._tag === "Union"
        ? unionFaults(issue, issues, path)
        : issues.flatMap((inner) => schemaFaults(inner, path, namesOf(issue.ast)))
    }
    case "Refinement":
      // The predicate's own words, where it gives some.
      return issue.kind === "Predicate" && issue.issue._tag === "Type" && issue.issue.message === undefined
        ? [{ path, missing: false, message: expected(issue.ast, issue.actual) }]
        : schemaFaults(issue.issue, path)
    case "Transformation":
      return schemaFaults(issue.issue, path)
    case "Unexpected":
      return [{ path, missing: false, message: `unknown key${suggestion(String(path.at(-1)), known)}` }]
    default:
      return [{ path, missing: false, message: issue.message ?? expected(issue.ast, issue.actual) }]
  }
}

/** Called for each error, with the path from where the reading began. */
export type Report = (path: Path, message: string) => void

/**
 * Decodes, or reports and returns null. A path that is already spoken for is not spoken of again.
 * @param excess what a key is that the Schema does not know
 */
export const decode = <A, I>(
  schema: Schema.Schema<A, I>,
  value: unknown,
  report: (path: Path, message: string, missing: boolean) => void,
  excess: "error" | "ignore" = "error"
): A | null => {
  const decoded = Schema.decodeUnknownEither(schema, { errors: "all", onExcessProperty: excess })(value)
  if (Either.isRight(decoded)) return decoded.right
  const unique = new Map(
    schemaFaults(decoded.left.issue).map((fault) => [JSON.stringify(fault.path), fault] as const)
  )
  for (const { path, message, missing } of unique.values()) report(path, message, missing)
  return null
}
