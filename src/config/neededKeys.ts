import { Either, Schema, type SchemaAST } from "effect"
import type { AnyProviderDefinition } from "../providers/Provider.ts"
import { type Key, keysOf } from "./schemaKeys.ts"

/** The words a key is limited to; empty: it takes any text. */
export const choices = (ast: SchemaAST.AST): ReadonlyArray<string> => {
  switch (ast._tag) {
    case "Union":
      return ast.types.flatMap(choices)
    case "Literal":
      return typeof ast.literal === "string" ? [ast.literal] : []
    case "Transformation":
    case "Refinement":
      return choices(ast.from)
    default:
      return []
  }
}

/** A value that decodes, so that it can be tried what a provider needs. */
const sampleOf = ({ ast }: Key): string => choices(ast)[0] ?? "x"

const tryKeys = (definition: AnyProviderDefinition, keys: ReadonlyArray<Key>) =>
  Schema.decodeUnknownEither(definition.settings)(
    Object.fromEntries(keys.map((key) => [key.name, sampleOf(key)]))
  )

const hasPlace = (definition: AnyProviderDefinition, keys: ReadonlyArray<Key>): boolean => {
  const settings = tryKeys(definition, keys)
  return Either.isRight(settings) && definition.baseUrl(settings.right) !== null
}

/** Includes the key that says where to reach the account, if the provider has one: `region`. */
const withPlace = (definition: AnyProviderDefinition, keys: ReadonlyArray<Key>): ReadonlyArray<Key> => {
  if (hasPlace(definition, keys)) return keys
  const place = keysOf(definition.settings)
    .filter(({ ast, name }) => choices(ast).length > 0 && !keys.some((key) => key.name === name))
    .find((key) => hasPlace(definition, [...keys, key]))
  return place === undefined ? keys : [...keys, place]
}

/** Each key alone and each two together, in the order of the keys: `a`, `a b`, `a c`, `b`, `b c`, `c`. */
const oneOrTwo = (keys: ReadonlyArray<Key>): ReadonlyArray<ReadonlyArray<Key>> =>
  keys.flatMap((key, index) => [[key], ...keys.slice(index + 1).map((other) => [key, other])])

/** What every account of the provider has: the first way to log in that its settings name, and nothing beyond it. */
export const neededKeys = (definition: AnyProviderDefinition): ReadonlyArray<Key> => {
  const keys = keysOf(definition.settings)
  const required = keys.filter((key) => key.required)
  if (Either.isRight(tryKeys(definition, required))) return withPlace(definition, required)
  const optional = keys.filter((key) => !key.required && key.name !== "baseUrl")
  const enough = oneOrTwo(optional).filter((more) =>
    Either.isRight(tryKeys(definition, [...required, ...more]))
  )
  const minimal = enough.find(
    (more) => !enough.some((fewer) => fewer.length < more.length && fewer.every((key) => more.includes(key)))
  )
  return minimal === undefined ? keys : withPlace(definition, [...required, ...minimal])
}

/** Whether those keys leave open where the account is reached. */
export const needsBaseUrl = (definition: AnyProviderDefinition): boolean =>
  !hasPlace(definition, neededKeys(definition))
