import { resolve } from "node:path"
import { Effect } from "effect"
import type { ConnectionConfig } from "../config/Config.ts"
import { openFeed } from "../store/read/feed.ts"
import { openConnection } from "../sync/connection.ts"
import { faultOf } from "../sync/run.ts"

/** A check that would have to wait longer than this says so instead. Milliseconds. */
const checkWaitMillis = 30_000

/** Asks the provider, with reads alone, whether these credentials will do. Null: they do; otherwise why not. */
export const checkConnection = (config: ConnectionConfig) =>
  openConnection(config, "sync", { maxWaitMillis: checkWaitMillis, observe: () => {} }).pipe(
    Effect.flatMap(({ provider }) => provider.check({ messages: config.messages === "auto" })),
    Effect.map((findings) => {
      const wrong = findings.filter(({ ok }) => !ok)
      return wrong.length === 0 ? null : wrong.map(({ detail, what }) => `${what}: ${detail}`).join("; ")
    }),
    Effect.catchAll((error) => Effect.succeed(faultOf(error).message)),
    Effect.scoped
  )

/** Whether a mirror can be read, and has the connection. Null: it does; otherwise why not. */
export const checkMirror = (file: string, connection: string | null) =>
  openFeed(resolve(file)).pipe(
    Effect.flatMap((feed) => feed.connections),
    Effect.map((held) =>
      connection === null || held.has(connection)
        ? null
        : `the mirror has no connection "${connection}"; it has ${[...held.keys()].join(", ") || "none"}`
    ),
    Effect.catchAll(({ hint, message }) => Effect.succeed(`${message}; ${hint}`)),
    Effect.scoped
  )
