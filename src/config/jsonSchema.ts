import { JSONSchema, Schema, SchemaAST } from "effect"
import { isRecord } from "../domain/isRecord.ts"
import type { AnyProviderDefinition } from "../providers/Provider.ts"
import type { Registry } from "./Config.ts"
import { CommonKeys, Document } from "./schema.ts"
import { type Key, keysOf } from "./schemaKeys.ts"
import { variablePattern } from "./variables.ts"

/*
 * The JSON Schema that editors check parley.yaml against while it is written, made from the Schemas that decode it.
 */

export type JsonObject = { readonly [key: string]: unknown }

/** Named definitions written out where they are used, and titles that Schemas give by themselves left out. */
const inline = (value: unknown, definitions: JsonObject): unknown => {
  if (Array.isArray(value)) return value.map((item) => inline(item, definitions))
  if (!isRecord(value)) return value
  const reference = typeof value.$ref === "string" ? value.$ref.replace("#/$defs/", "") : undefined
  if (reference !== undefined) return inline(definitions[reference], definitions)
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== "$schema" && key !== "$defs" && key !== "title")
      .map(([key, inner]) => [key, inline(inner, definitions)])
  )
}

/** An optional key's Schema also takes undefined, which no file can say. */
const written = (ast: Key["ast"]): Key["ast"] =>
  ast._tag === "Union"
    ? SchemaAST.Union.make(ast.types.filter(({ _tag }) => _tag !== "UndefinedKeyword").map(written))
    : ast

/** What a key may hold, as JSON Schema (draft 7). */
export const jsonSchemaOf = (optionalAst: Key["ast"]): JsonObject => {
  const ast = written(optionalAst)
  const made: JsonObject = { ...JSONSchema.make(Schema.make(ast)) }
  const result = inline(made, isRecord(made.$defs) ? made.$defs : {})
  return isRecord(result) ? result : {}
}

const propertyOf = (key: Key): JsonObject =>
  key.secret
    ? {
        description: "A secret: the name of the variable that holds it, in braces behind a dollar sign.",
        type: "string",
        pattern: variablePattern
      }
    : jsonSchemaOf(key.ast)

const propertiesOf = (keys: ReadonlyArray<Key>): JsonObject =>
  Object.fromEntries(keys.map((key) => [key.name, propertyOf(key)]))

/** What holds for the connections of one provider. */
const providerRule = (definition: AnyProviderDefinition): JsonObject => {
  const common = keysOf(CommonKeys)
  const own = keysOf(definition.settings)
  return {
    if: { properties: { provider: { const: definition.id } }, required: ["provider"] },
    // biome-ignore lint/suspicious/noThenProperty: JSON Schema's own word, and no promise
    then: {
      properties: { ...propertiesOf(common), ...propertiesOf(own), provider: { const: definition.id } },
      required: ["name", "provider", ...own.filter(({ required }) => required).map(({ name }) => name)],
      additionalProperties: false
    }
  }
}

/** The whole JSON Schema (draft 7), as text. */
export const configurationJsonSchema = (registry: Registry): string => {
  const definitions = Object.values(registry)
  const top = keysOf(Document).filter(({ name }) => name !== "connections")
  const schema = {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "Parley's configuration",
    type: "object",
    required: ["connections"],
    additionalProperties: false,
    properties: {
      ...propertiesOf(top),
      connections: {
        description: "The accounts to mirror.",
        type: "array",
        minItems: 1,
        items: {
          type: "object",
          required: ["name", "provider"],
          properties: {
            provider: { description: "The vendor.", enum: definitions.map(({ id }) => id) }
          },
          allOf: definitions.map(providerRule)
        }
      }
    }
  }
  return `${JSON.stringify(schema, null, 2)}\n`
}
