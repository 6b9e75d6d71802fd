/** How a command ended, for its caller. */
export const exitCodes = {
  complete: 0,
  /** A fault that should not be possible. */
  unexpected: 1,
  /** What was asked, or the configuration, is wrong. */
  usage: 2,
  /** Some connection failed or is incomplete, or records were quarantined; the rest is committed. */
  partial: 3,
  /** Changes ended rejected or in conflict. */
  changes: 4,
  /** Nothing could be done; the same will work later. */
  later: 75,
  interrupted: 130,
  terminated: 143
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** Which one is used where several fit: the first of these. */
const precedence: ReadonlyArray<ExitCode> = [
  exitCodes.interrupted,
  exitCodes.terminated,
  exitCodes.unexpected,
  exitCodes.usage,
  exitCodes.later,
  exitCodes.partial,
  exitCodes.changes
]

/** The one code for several things that happened; none of them: complete. */
export const exitCodeOf = (codes: Iterable<ExitCode>): ExitCode => {
  const all = new Set(codes)
  return precedence.find((code) => all.has(code)) ?? exitCodes.complete
}
