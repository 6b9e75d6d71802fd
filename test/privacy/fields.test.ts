import { Arbitrary, Either, FastCheck as fc, Schema, type SchemaAST } from "effect"
import { describe, expect, it } from "vitest"
import { keyedHash } from "../../src/privacy/key.ts"
import { type FieldClass, makeLookup, type PersonalFields } from "../../src/privacy/policy.ts"
import { rewrite } from "../../src/privacy/rewrite.ts"
import { treatmentOf } from "../../src/privacy/treat.ts"
import { registry } from "../../src/providers/index.ts"
import { decoder } from "../../src/providers/kit/decode.ts"
import type { Facts } from "../../src/providers/kit/facts.ts"

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

const vendors = await Promise.all(
  Object.entries(registry).map(async ([id, { personal }]) => {
    const wire: object = await import(`../../src/providers/${id}/wire.ts`)
    const { facts }: { readonly facts: Facts } = await import(`../../src/providers/${id}/facts.ts`)
    return { id, fields: personal, wire, facts }
  })
)

describe("what fields tell of people", () => {
  for (const { facts, fields, id, wire } of vendors) {
    it(`is said of every field that ${id} documents`, () => {
      const schemas = withoutLogin(wire).flatMap(([, value]) => (Schema.isSchema(value) ? [value.ast] : []))
      const paths = schemas.flatMap((ast) => pathsOf(ast))
      expect(paths.length).toBeGreaterThan(5)
      const unsaid = paths.filter((path) => classOf(fields, path) === null)
      expect(unsaid.map((path) => path.join("."))).toEqual([])
      const names = Object.values(facts.records).flatMap(({ is }) => Object.keys(is))
      expect(names.filter((name) => !Object.hasOwn(fields, name))).toEqual([])
    })

    it(`leaves every record of ${id} readable, whatever is hashed or dropped, and a second time as it is`, () => {
      const hash = keyedHash(Buffer.alloc(32, 1))
      const treatments = [
        treatmentOf({ names: "drop", emails: "drop", phones: "drop", texts: "drop" }, hash),
        treatmentOf({ names: "hash", emails: "hash", phones: "hash", texts: "mask" }, hash)
      ]
      // What no record is: the answers around them, whose elements may be anything.
      const records = withoutLogin(wire).filter(
        ([name]) => !/^(?:List|One|AgentPage|StatusUpdated)$/.test(name)
      )
      for (const [name, value] of records) {
        if (!Schema.isSchema(value)) continue
        const schema = value as Schema.Schema<unknown, unknown>
        const decode = decoder(schema)
        fc.assert(
          fc.property(Arbitrary.make(Schema.encodedSchema(schema)), (record) => {
            const text = JSON.stringify(record)
            if (text === undefined || Either.isLeft(decode(JSON.parse(text)))) return
            for (const treatment of treatments) {
              const kept = rewrite(text, fields, treatment)
              const read = decode(JSON.parse(kept))
              expect(Either.isRight(read), `${name}: ${text} → ${kept}`).toBe(true)
              expect(rewrite(kept, fields, treatment)).toBe(kept)
            }
          }),
          { numRuns: 60 }
        )
      }
    })
  }
})
