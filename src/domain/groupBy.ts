/** Values by a key, keys and values in the order in which they come. */
export const groupBy = <A, K>(
  values: Iterable<A>,
  keyOf: (value: A) => K
): ReadonlyMap<K, readonly [A, ...Array<A>]> => {
  const groups = new Map<K, [A, ...Array<A>]>()
  for (const value of values) {
    const key = keyOf(value)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [value])
    else group.push(value)
  }
  return groups
}
