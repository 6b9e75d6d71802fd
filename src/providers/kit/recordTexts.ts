/**
 * How a JSON text wrote the records of a list, found by looking for where each begins with its id. A guess, and null
 * where there is none, as for the last record: only a caller who knows the text of a record can tell that it is one. An
 * object that begins where its record does, and is whole, is the record.
 * @param field which holds the id, the first of each record
 * @param ids in the list's order
 */
export const recordTexts = (
  text: string,
  field: string,
  ids: ReadonlyArray<string | null>
): ReadonlyArray<string | null> => {
  const texts: Array<string | null> = []
  let start = -1
  for (const id of ids) {
    const next = id === null ? -1 : text.indexOf(`{${JSON.stringify(field)}:${JSON.stringify(id)}`, start + 1)
    if (next === -1) break
    if (start !== -1) texts.push(text.slice(start, next - 1))
    start = next
  }
  return texts
}
