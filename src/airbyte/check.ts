import { accessSync, constants, existsSync } from "node:fs"
import { dirname, resolve } from "node:path"
import { Effect, Layer } from "effect"
import type { ConnectionConfig } from "../config/Config.ts"
import { fileFaultOf } from "../files/faults.ts"
import { Db } from "../store/Db.ts"
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

/**
 * Whether the file of changes between runs can be opened for writing, or made where there is none; `write` brings an older
 * one to the present schema. Null: it can; otherwise why not. Makes nothing.
 */
export const checkOutbox = (file: string): Effect.Effect<string | null> =>
  Effect.suspend(() => {
    const path = resolve(file)
    const isThere = existsSync(path)
    try {
      // SQLite writes beside the file, too.
      accessSync(dirname(path), constants.W_OK | constants.X_OK)
      if (!isThere) return Effect.succeed(null)
      accessSync(path, constants.R_OK | constants.W_OK)
    } catch (cause) {
      const fault = fileFaultOf(cause)
      if (fault === null) throw cause
      return Effect.succeed(`outbox ${path}: ${fault.what}. ${fault.advice}`)
    }
    return Layer.build(Db.layer(path, { readOnly: true })).pipe(
      Effect.as(null),
      Effect.catchAll(({ hint, kind, message }) =>
        Effect.succeed(kind === "older-schema" ? null : `outbox: ${message}; ${hint}`)
      ),
      Effect.scoped
    )
  })
