import { type Attributes, type Json, ownAttributes } from "../../domain/Conversation.ts"
import { isJsonObject } from "../../domain/exactJson.ts"

type Key<A> = Extract<keyof A, string>

/** One for all the records that have none, which are most. */
export const noAttributes: Attributes = {}

/** All of them together; of a name that several have, the last one's. */
export const allOf = (...parts: ReadonlyArray<Attributes>): Attributes => {
  const some = parts.filter((part) => part !== noAttributes)
  return some.length > 1
    ? Object.fromEntries(some.flatMap((part) => Object.entries(part)))
    : (some[0] ?? noAttributes)
}

/**
 * The documented fields that have no column, under the vendor's names and as they came. Absent and null are left out.
 * @param record a decoded record, or the parsed JSON of one
 * @param names the vendor's names of the fields to keep
 */
export const attributes = <A extends object>(record: A, names: ReadonlyArray<Key<A>>): Attributes => {
  let kept: Record<string, Json> | null = null
  for (const name of names) {
    const value = record[name]
    if (value === undefined || value === null) continue
    kept ??= {}
    kept[name] = value as Json
  }
  return kept ?? noAttributes
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
  if (!isJsonObject(record)) return noAttributes
  let kept: Array<readonly [string, Json]> | null = null
  for (const name in record) {
    const value = record[name]
    if (value === null || value === undefined) continue
    if (Object.hasOwn(schema.fields, name) || others.includes(name)) continue
    kept ??= []
    kept.push([name, value])
  }
  return kept === null ? noAttributes : { [ownAttributes.other]: Object.fromEntries(kept) }
}
