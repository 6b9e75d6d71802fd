import type { ConnectionConfig } from "../config/Config.ts"
import { accountKey, originKey } from "../http/exchange/accountKey.ts"
import {
  forgetLearnedLimits,
  type LearnedLimits,
  type LimitKeys,
  readLearnedLimits
} from "../http/limits/shared/heldBack.ts"

const keysOf = ({ baseUrl, definition, settings }: ConnectionConfig): LimitKeys => {
  const { origin } = new URL(baseUrl)
  return {
    account: accountKey(origin, definition.authorize(settings).credential),
    origin: originKey(origin)
  }
}

/** What all processes know of the limits of a connection's credential; null: nothing. */
export const learnedLimitsOf = (connection: ConnectionConfig, now: number): LearnedLimits | null =>
  readLearnedLimits(keysOf(connection), now)

/** Forgets what was learned of them. Throws where the file cannot be written. Gives how many limits were forgotten. */
export const forgetLimitsOf = (connection: ConnectionConfig): number =>
  forgetLearnedLimits(keysOf(connection))
