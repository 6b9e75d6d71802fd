/** What two answers say of the same record: the newer one's word, and the older one's where the newer says nothing. */
export const overlay = <A extends object>(older: A, newer: A): A => {
  const merged = { ...older }
  for (const key of Object.keys(newer) as Array<keyof A>) {
    if (newer[key] !== null && newer[key] !== undefined) merged[key] = newer[key]
  }
  return merged
}
