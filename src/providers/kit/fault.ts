import type { ParseResult, SchemaAST } from "effect"

/** What is wrong with a payload, and where: `expected a number, got "twelve"` at `$.messages[3].size`. */
export interface Fault {
  readonly path: string
  readonly reason: string
}

/** The annotation under which a schema says in plain words what it takes. */
export const expectedWords = Symbol.for("parley/expected")

const annotatedWords = (ast: SchemaAST.Annotated): string | undefined => {
  const words = ast.annotations[expectedWords]
  return typeof words === "string" ? words : undefined
}

const segment = (key: PropertyKey): string => {
  if (typeof key === "number") return `[${key}]`
  const name = String(key)
  return /^[A-Za-z_$][\w$-]*$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`
}

interface Found extends Fault {
  readonly depth: number
}

/** The innermost fault of an issue, where it is and what it is. */
export const faultOf = (issue: ParseResult.ParseIssue): Fault => {
  const { path, reason } = innermost(issue, "$", 0)
  return { path, reason }
}

const innermost = (issue: ParseResult.ParseIssue, path: string, depth: number): Found => {
  switch (issue._tag) {
    case "Pointer": {
      const keys = Array.isArray(issue.path)
        ? (issue.path as ReadonlyArray<PropertyKey>)
        : [issue.path as PropertyKey]
      return innermost(issue.issue, `${path}${keys.map(segment).join("")}`, depth + keys.length)
    }
    case "Missing":
      return { path, depth, reason: `missing, expected ${expected(issue.ast.type)}` }
    case "Composite": {
      const issues = (
        Array.isArray(issue.issues) ? issue.issues : [issue.issues]
      ) as ReadonlyArray<ParseResult.ParseIssue>
      const deepest = issues
        .map((inner) => innermost(inner, path, depth))
        .reduce((best, found) => (found.depth > best.depth ? found : best))
      return deepest.depth > depth ? deepest : { path, depth, reason: mismatch(issue.ast, issue.actual) }
    }
    case "Transformation":
    case "Refinement":
      return innermost(issue.issue, path, depth)
    case "Unexpected":
      return { path, depth, reason: "not expected here" }
    default:
      return { path, depth, reason: mismatch(issue.ast, issue.actual) }
  }
}

const mismatch = (ast: SchemaAST.AST, actual: unknown): string => {
  const wanted = expected(ast)
  return `expected ${wanted}, got ${shown(actual, !wanted.startsWith("text"))}`
}

/** What a schema takes, in plain words; null is left out, since it always counts as absent. */
const expected = (ast: SchemaAST.AST): string => {
  const words = annotatedWords(ast)
  if (words !== undefined) return words
  switch (ast._tag) {
    case "StringKeyword":
    case "TemplateLiteral":
      return "text"
    case "NumberKeyword":
      return "a number"
    case "BooleanKeyword":
      return "true or false"
    case "TupleType":
      return "a list"
    case "TypeLiteral":
    case "ObjectKeyword":
      return "an object"
    case "Literal":
      return JSON.stringify(ast.literal)
    case "Refinement":
    case "Transformation":
      return expected(ast.from)
    case "Suspend":
      return expected(ast.f())
    case "Union": {
      const members = ast.types.filter((type) => !isNothing(type)).map(expected)
      return [...new Set(members)].join(" or ")
    }
    default:
      return "another kind of value"
  }
}

export const isNothing = (ast: SchemaAST.AST): boolean =>
  ast._tag === "UndefinedKeyword" || (ast._tag === "Literal" && ast.literal === null)

const longestQuote = 24

/** Has no more digits than any number keeps: it was not rounded when it was read. */
const isCertain = (number: number): boolean =>
  Number.isSafeInteger(number) || (Number.isFinite(number) && Number(number.toPrecision(15)) === number)

/** What came, in words. Long texts and numbers in the place of texts may be a customer's, and are not quoted. */
const shown = (actual: unknown, quote: boolean): string => {
  if (actual === null || typeof actual === "boolean") return String(actual)
  if (Array.isArray(actual)) return "a list"
  if (typeof actual === "object") return "an object"
  if (typeof actual === "number") return quote && isCertain(actual) ? String(actual) : "a number"
  if (typeof actual !== "string") return "nothing"
  return actual.length <= longestQuote ? JSON.stringify(actual) : `a text of ${actual.length} characters`
}
