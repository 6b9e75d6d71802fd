/** The parts that are there, of lists each element: `false` and `null` are what is left out. */
export const present = <A extends string | object>(
  ...parts: ReadonlyArray<A | ReadonlyArray<A> | false | null>
): ReadonlyArray<A> => parts.flatMap((part) => (part === null || part === false ? [] : part))
