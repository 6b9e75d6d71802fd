/** Bytes, each of which may become three characters: many servers and proxies take 2,000 characters of an address in all. */
const longest = 500

/** What stands for half of a character that came, and such a half itself. */
const broken = /[\ufffd\p{Surrogate}]/u

/**
 * Whether an id can stand in a path and still be itself. `.` and `..` cannot, however they are encoded, since readers of
 * addresses take them for folders; nor can an id that came with half of a character.
 */
export const isAddressable = (id: string): boolean =>
  id !== "" && id !== "." && id !== ".." && !broken.test(id) && Buffer.byteLength(id) <= longest
