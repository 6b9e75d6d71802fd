import type { Attributes, Json } from "../../domain/Conversation.ts"

type Key<A> = Extract<keyof A, string>

/**
 * The documented fields that have no column, under the vendor's names and as they came. Absent and null are left out.
 * @param record a decoded record, or the parsed JSON of one
 * @param names the vendor's names of the fields to keep
 */
export const attributes = <A extends object>(record: A, names: ReadonlyArray<Key<A>>): Attributes => {
  const kept: Record<string, Json> = {}
  for (const name of names) {
    const value = record[name]
    if (value !== undefined && value !== null) kept[name] = value as Json
  }
  return kept
}
