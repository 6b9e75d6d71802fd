/** An answer that was kept for longer, in seconds, says nothing that could be believed of its age. */
const oldest = 86_400

/**
 * When what an answer says was so, epoch milliseconds: when it was requested, or where a cache on the way had kept it
 * (`Age`), as much earlier as it is old.
 */
export const saidAt = (requestedAt: number, receivedAt: number, age: string | undefined): number => {
  const seconds = age !== undefined && /^\s*\d{1,6}\s*$/.test(age) ? Number(age) : 0
  return seconds > oldest ? requestedAt : Math.min(requestedAt, receivedAt - seconds * 1000)
}
