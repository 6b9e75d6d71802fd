import { createHash } from "node:crypto"
import { Redacted } from "effect"

const hashed = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 32)

/** The same in every process that uses this credential at this origin, and of no use to anyone who reads it. */
export const accountKey = (origin: string, credential: Redacted.Redacted): string =>
  hashed(`parley\n${origin}\n${Redacted.value(credential)}`)

/** The same in every process that asks this origin, whatever its credential. */
export const originKey = (origin: string): string => hashed(`parley\n${origin}`)
