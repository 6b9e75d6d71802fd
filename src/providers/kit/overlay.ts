/**
 * What two answers say of the same record: the newer one's word, and the older one's where the newer says nothing. Fields are
 * defined, never assigned: one may be called `__proto__`.
 */
export const overlay = <A extends object>(older: A, newer: A): A => {
  const said = Object.entries(newer).filter(([, value]) => value !== null && value !== undefined)
  return { ...older, ...Object.fromEntries(said) }
}
