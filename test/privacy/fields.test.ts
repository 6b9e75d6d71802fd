import { Schema, type SchemaAST } from "effect"
import { describe, expect, it } from "vitest"
import { type FieldClass, makeLookup, type PersonalFields } from "../../src/privacy/policy.ts"
import { facts as aelystFacts } from "../../src/providers/aelyst/facts.ts"
import * as aelyst from "../../src/providers/aelyst/wire.ts"
import { facts as convocoreFacts } from "../../src/providers/convocore/facts.ts"
import * as convocore from "../../src/providers/convocore/wire.ts"
import { facts as empfioFacts } from "../../src/providers/empfio/facts.ts"
import * as empfio from "../../src/providers/empfio/wire.ts"
import { registry } from "../../src/providers/index.ts"
import type { Facts } from "../../src/providers/kit/facts.ts"
import { facts as naturaleadFacts } from "../../src/providers/naturalead/facts.ts"
import * as naturalead from "../../src/providers/naturalead/wire.ts"

/** The paths of all fields that a Schema names, without those of lists' elements. */
const pathsOf = (
  ast: SchemaAST.AST,
  path: ReadonlyArray<string> = []
): ReadonlyArray<ReadonlyArray<string>> => {
  switch (ast._tag) {
    case "TypeLiteral":
      return ast.propertySignatures.flatMap(({ name, type }) => {
        const own = [...path, String(name)]
        return [own, ...pathsOf(type, own)]
      })
    case "TupleType":
      return [...ast.elements, ...ast.rest].flatMap(({ type }) => pathsOf(type, path))
    case "Union":
      return ast.types.flatMap((type) => pathsOf(type, path))
    case "Transformation":
    case "Refinement":
      return pathsOf(ast.from, path)
    case "Suspend":
      return pathsOf(ast.f(), path)
    default:
      return []
  }
}

/** What a field is, by what the objects are that it lies in; null: no one has said. */
const classOf = (fields: PersonalFields, path: ReadonlyArray<string>): FieldClass | null => {
  let fieldClass: FieldClass = "within"
  let container = ""
  for (const name of path) {
    if (fieldClass !== "within" && fieldClass !== "keep") return fieldClass
    const found = makeLookup(fields)(container, name)
    if (found === undefined || found.isFailure) return null
    fieldClass = found.fieldClass
    container = name
  }
  return fieldClass
}

/** The answer to a login is read before anything else, and nothing of it is kept. */
const withoutLogin = (wire: object): ReadonlyArray<readonly [string, unknown]> =>
  Object.entries(wire).filter(([name]) => name !== "Login")

const vendors: Readonly<Record<string, { readonly wire: object; readonly facts: Facts }>> = {
  naturalead: { wire: naturalead, facts: naturaleadFacts },
  convocore: { wire: convocore, facts: convocoreFacts },
  empfio: { wire: empfio, facts: empfioFacts },
  aelyst: { wire: aelyst, facts: aelystFacts }
}

describe("what fields tell of people", () => {
  it("is known for the vendors that there are", () => {
    expect(Object.keys(vendors).sort()).toEqual(Object.keys(registry).sort())
  })

  for (const [id, { facts, wire }] of Object.entries(vendors)) {
    const fields = registry[id]?.personal ?? {}

    it(`is said of every field that ${id} documents`, () => {
      const schemas = withoutLogin(wire).flatMap(([, value]) => (Schema.isSchema(value) ? [value.ast] : []))
      const paths = schemas.flatMap((ast) => pathsOf(ast))
      expect(paths.length).toBeGreaterThan(15)
      const unsaid = paths.filter((path) => classOf(fields, path) === null)
      expect(unsaid.map((path) => path.join("."))).toEqual([])
      const names = Object.values(facts.records).flatMap(({ is }) => Object.keys(is))
      expect(names.filter((name) => !Object.hasOwn(fields, name))).toEqual([])
    })
  }
})
