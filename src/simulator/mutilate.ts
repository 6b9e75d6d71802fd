import { hashText, mix, pick, unit } from "./random.ts"
import type { Fields, FieldType } from "./vendor.ts"

/** Which field of which record was broken, so that a test can look for it. */
export interface BrokenRecord {
  readonly id: string
  readonly field: string
}

const wrong: Readonly<Record<FieldType, unknown>> = {
  id: { $oid: true },
  text: { unexpected: true },
  word: { unexpected: true },
  time: "the day before yesterday",
  number: "twelve",
  list: "none",
  object: 7
}

/** Whether a record suffers: the same one always does. */
const suffers = (seed: number, id: string, share: number) => unit(mix(seed, hashText(id))) < share

/** Puts something of the wrong type into one documented field that the record has. Ids suffer rarely. */
export const mutilate = (
  fields: Fields,
  id: string,
  record: object,
  seed: number,
  share: number,
  broken: (what: BrokenRecord) => void
): object => {
  if (!suffers(seed, id, share)) return record
  const hash = mix(seed, hashText(id) + 1)
  const present = Object.entries(fields).filter(
    ([name, type]) => (record as Record<string, unknown>)[name] != null && (type !== "id" || hash % 10 === 0)
  )
  if (present.length === 0) return record
  const [name, type] = pick(present, mix(hash, 2))
  broken({ id, field: name })
  return { ...record, [name]: wrong[type] }
}

/** Puts a word into one field of words that is in no documentation, and adds a field that is in none either. */
export const estrange = (fields: Fields, id: string, record: object, seed: number, share: number): object => {
  if (!suffers(seed, id, share)) return record
  const words = Object.entries(fields).filter(
    ([name, type]) => type === "word" && typeof (record as Record<string, unknown>)[name] === "string"
  )
  const strange = { ...record, futureField: { since: 2031, values: [1, null, "x"] } }
  if (words.length === 0) return strange
  const [name] = pick(words, mix(seed, hashText(id) + 2))
  return { ...strange, [name]: "a_word_from_the_future" }
}
