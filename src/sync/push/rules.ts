import { Effect } from "effect"
import type { ConnectionConfig } from "../../config/Config.ts"
import { openConnection } from "../connection.ts"
import { talkingLayer } from "../layers.ts"

/** The provider of a connection, for what it says of changes before any is sent. */
export const rulesOf = (config: ConnectionConfig) =>
  openConnection(config, "push", { maxWaitMillis: 0, observe: () => {} }).pipe(
    Effect.map(({ provider }) => provider),
    Effect.scoped,
    Effect.provide(talkingLayer)
  )
