import { createHash } from "node:crypto"
import { Redacted } from "effect"

/** The same in every process that uses this credential at this origin, and of no use to anyone who reads it. */
export const accountKey = (origin: string, credential: Redacted.Redacted): string =>
  createHash("sha256")
    .update(`parley\n${origin}\n${Redacted.value(credential)}`)
    .digest("hex")
    .slice(0, 32)
