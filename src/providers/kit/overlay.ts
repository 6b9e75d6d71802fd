/**
 * What two answers say of the same record: the newer one's word, and the older one's where the newer says nothing. Fields are
 * defined, never assigned: one may be called `__proto__`.
 */
export const overlay = <A extends object>(older: A, newer: A): A => {
  const together: A = { ...older }
  for (const name in newer) {
    const value = newer[name]
    if (value === null || value === undefined) continue
    if (name === "__proto__") {
      Object.defineProperty(together, name, { value, configurable: true, enumerable: true, writable: true })
    } else together[name] = value
  }
  return together
}
