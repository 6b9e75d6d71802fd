import { type Attributes, type Json, ownAttributes } from "../../domain/Conversation.ts"
import { isExactNumber } from "../../domain/exactJson.ts"

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

/** What a Schema of a record documents. */
interface Documented {
  readonly fields: Readonly<Record<string, unknown>>
}

/**
 * The fields that the vendor sends and does not document, as they came, together under `$other`; nothing where there are
 * none. Null is left out.
 * @param record as it came
 * @param schema of the record: whatever it names is documented
 * @param others names that are documented elsewhere
 */
export const undocumented = (
  record: unknown,
  schema: Documented,
  others: ReadonlyArray<string> = []
): Attributes => {
  if (typeof record !== "object" || record === null || Array.isArray(record) || isExactNumber(record))
    return {}
  const values = record as Readonly<Record<string, Json | undefined>>
  const kept: Array<readonly [string, Json]> = []
  for (const name of Object.keys(values)) {
    const value = values[name]
    if (value === null || value === undefined) continue
    if (!Object.hasOwn(schema.fields, name) && !others.includes(name)) kept.push([name, value])
  }
  return kept.length === 0 ? {} : { [ownAttributes.other]: Object.fromEntries(kept) }
}
