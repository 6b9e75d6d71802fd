import { createHash, randomBytes } from "node:crypto"
import { isSame } from "./guard.ts"

/** Browsers that were let in. Kept in memory alone: a new start lets no one in. */
export interface Sessions {
  /** In the address that is printed. */
  readonly token: string
  /** The cookie for a browser that shows the token; null: it is wrong, or was used. */
  readonly enter: (token: string) => string | null
  readonly isKnown: (cookie: string) => boolean
}

const secret = (): string => randomBytes(32).toString("base64url")

const digest = (text: string): string => createHash("sha256").update(text).digest("base64url")

/** At most so many browsers; the one that was let in first is forgotten. */
const mostSessions = 100

/** @param fixed a token that may be used again and again; null: one is made up, and works once */
export const makeSessions = (fixed: string | null): Sessions => {
  const token = fixed ?? secret()
  const known = new Set<string>()
  let isUsed = false
  return {
    token,
    enter: (shown) => {
      if (isUsed || !isSame(digest(shown), digest(token))) return null
      isUsed = fixed === null
      const cookie = secret()
      known.add(digest(cookie))
      for (const oldest of known) {
        if (known.size <= mostSessions) break
        known.delete(oldest)
      }
      return cookie
    },
    isKnown: (cookie) => known.has(digest(cookie))
  }
}
