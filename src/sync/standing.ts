import type { ConnectionConfig } from "../config/Config.ts"
import { accountKey } from "../http/exchange/accountKey.ts"
import { readStanding, type Standing } from "../http/limits/shared/quotaStore.ts"

/** How a connection's credential stands with its provider, as all processes know it; null: nothing is known. */
export const standingOf = (
  { baseUrl, definition, settings }: ConnectionConfig,
  now: number
): Standing | null =>
  readStanding(accountKey(new URL(baseUrl).origin, definition.authorize(settings).credential), now)
