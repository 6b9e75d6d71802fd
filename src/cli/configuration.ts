import { Effect, Either } from "effect"
import type { Config, ConfigError, ConnectionConfig } from "../config/Config.ts"
import { type LoadOptions, loadConfig, loadDatabasePath } from "../config/load.ts"
import { suggestion } from "../config/nearest.ts"
import { type CopyNews, noteCopies } from "../store/copies/fileCopies.ts"
import { Db } from "../store/Db.ts"
import { connectionNames } from "../store/read/findConversation.ts"
import { UsageError } from "./errors.ts"
import { Globals } from "./globals.ts"
import { Host } from "./Host.ts"
import { Providers } from "./Providers.ts"

const loadOptions: Effect.Effect<LoadOptions, never, Globals | Host | Providers> = Effect.gen(function* () {
  const { config, db } = yield* Globals
  const { cwd, environment } = yield* Host
  return { registry: yield* yield* Providers, config, database: db, cwd, environment }
})

/** The configuration that the global options name, whole and right. */
export const loadConfiguration: Effect.Effect<Config, ConfigError, Globals | Host | Providers> =
  Effect.flatMap(loadOptions, loadConfig).pipe(
    Effect.tap(({ warnings }) => Effect.forEach(warnings, (warning) => Effect.logWarning(warning)))
  )

/** The mirror's file, absolute, for verbs that only read it: these need no secrets. */
export const mirrorPath: Effect.Effect<string, ConfigError, Globals | Host | Providers> = Effect.flatMap(
  loadOptions,
  loadDatabasePath
)

/** Runs an effect on the mirror, opened read-only. */
export const readingMirror = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.flatMap(mirrorPath, (path) => Effect.provide(effect, Db.layer(path, { readOnly: true })))

/** Makes a copy of the mirror, opened read-only, and notes in it afterwards where the copy is. */
export const copyingMirror = <A, E, R>(copy: Effect.Effect<A, E, R>, toNews: (copied: A) => CopyNews) =>
  Effect.tap(readingMirror(copy), (copied) =>
    Effect.flatMap(mirrorPath, (path) => noteCopies(path, toNews(copied)))
  )

/**
 * Fails where neither the mirror nor the configuration knows a connection of this name, rather than find nothing.
 * @param name null: all are meant
 */
export const knownConnection = Effect.fn("knownConnection")(function* (name: string | null) {
  if (name === null) return
  const db = yield* Db
  const held = yield* db.use("connections", connectionNames)
  if (held.includes(name)) return
  const config = yield* Effect.either(loadConfiguration)
  const configured = Either.isRight(config) ? config.right.connections.map((one) => one.name) : []
  if (configured.includes(name)) return
  const known = [...new Set([...configured, ...held])]
  return yield* new UsageError({
    message: `--connection: there is no connection "${name}"${known.length === 0 ? "" : suggestion(name, known)}`,
    hint: "name connections as the configuration does"
  })
})

/**
 * The connections of these names, or all that are switched on where none is named.
 */
export const selectConnections = (
  config: Config,
  names: ReadonlyArray<string>
): Effect.Effect<ReadonlyArray<ConnectionConfig>, UsageError> =>
  Effect.gen(function* () {
    const known = config.connections.map(({ name }) => name)
    const on = config.connections.filter(({ enabled }) => enabled)
    if (names.length === 0) {
      if (on.length > 0) return on
      return yield* new UsageError({
        message: `every connection in ${config.path} is switched off`,
        hint: "take enabled: false out of one of them"
      })
    }
    for (const name of names) {
      if (!known.includes(name)) {
        return yield* new UsageError({
          message: `there is no connection "${name}" in ${config.path}${suggestion(name, known)}`,
          hint: "name connections as the configuration does"
        })
      }
      if (!on.some((connection) => connection.name === name)) {
        return yield* new UsageError({
          message: `the connection "${name}" is switched off in ${config.path}`,
          hint: "take enabled: false out of it"
        })
      }
    }
    return on.filter(({ name }) => names.includes(name))
  })
