import { readFileSync } from "node:fs"
import { Clock, Effect, Either, Schema } from "effect"
import type { Registry } from "../config/Config.ts"
import { messageOf } from "../domain/messageOf.ts"
import { StoreError } from "../store/StoreError.ts"
import { type ConnectorFailure, refuse, storeFailure } from "./failure.ts"
import { ConfiguredCatalog, log, spec, traceError } from "./protocol.ts"
import { Sink } from "./stdio.ts"

/*
 * What both connectors do with their command line: one verb, files with JSON, and messages on stdout alone.
 */

/** The files that a verb is given, and what comes on stdin. */
export interface VerbInput {
  readonly config: unknown
  readonly catalog: unknown
  /** Null: there is none yet. */
  readonly state: unknown
}

type Failure = ConnectorFailure | StoreError

export interface Connector<R> {
  readonly name: string
  readonly spec: (registry: Registry) => object
  readonly verbs: Readonly<
    Record<
      string,
      {
        readonly needs: ReadonlyArray<"catalog">
        readonly run: (registry: Registry, input: VerbInput) => Effect.Effect<void, Failure, R>
      }
    >
  >
}

/** What is wrong with a configuration, as a failure. */
export const orRefuse = <A>(
  settings: Either.Either<A, ReadonlyArray<string>>
): Either.Either<A, ConnectorFailure> => Either.mapLeft(settings, (faults) => refuse(faults.join("; ")))

/** The streams of a configured catalog. */
export const streamsIn = (catalog: unknown) =>
  Either.mapBoth(Schema.decodeUnknownEither(ConfiguredCatalog)(catalog), {
    onLeft: () => refuse("the configured catalog holds no list of streams"),
    onRight: ({ streams }) => streams
  })

/** Takes a byte order mark, which editors leave. */
const readJson = (flag: string, path: string): Either.Either<unknown, ConnectorFailure> =>
  Either.try({
    try: (): unknown => JSON.parse(readFileSync(path, "utf8").replace(/^\uFEFF/, "")),
    // The parser's own words hold some of the text, which may be a secret.
    catch: (cause) =>
      refuse(
        cause instanceof SyntaxError
          ? `${flag} ${path}: not JSON`
          : `${flag} ${path}: cannot be read (${cause instanceof Error && "code" in cause ? cause.code : "unknown reason"})`
      )
  })

/** The options of a command line; what is not known is left to others, such as `--debug`. */
const readFlags = (words: ReadonlyArray<string>): ReadonlyMap<string, string> => {
  const flags = new Map<string, string>()
  for (const [index, word] of words.entries()) {
    if (!word.startsWith("--")) continue
    const [name = "", inline] = word.split(/=(.*)/s)
    const value = inline ?? words[index + 1]
    if (value !== undefined) flags.set(name, value)
  }
  return flags
}

const inputOf = (flags: ReadonlyMap<string, string>, needs: ReadonlyArray<"catalog">) =>
  Effect.gen(function* () {
    const file = (name: string, isNeeded: boolean) => {
      const path = flags.get(`--${name}`)
      if (path !== undefined) return readJson(`--${name}`, path)
      return isNeeded ? Either.left(refuse(`--${name} FILE is missing`)) : Either.right(null)
    }
    const input: VerbInput = {
      config: yield* file("config", true),
      catalog: yield* file("catalog", needs.includes("catalog")),
      state: yield* file("state", false)
    }
    return input
  })

/** Runs one verb to the process's exit code: 0, or 1 behind a TRACE that says why. */
export const runConnector = <R>(
  connector: Connector<R>,
  registry: Effect.Effect<Registry>,
  argv: ReadonlyArray<string>
): Effect.Effect<0 | 1, never, R | Sink> =>
  Effect.gen(function* () {
    const sink = yield* Sink
    const [verb = "", ...words] = argv
    const providers = yield* registry
    if (verb === "spec") {
      yield* sink.write(spec(connector.spec(providers)))
      return 0 as const
    }
    const found = Object.hasOwn(connector.verbs, verb) ? connector.verbs[verb] : undefined
    if (found === undefined) {
      const known = ["spec", ...Object.keys(connector.verbs)]
      return yield* refuse(`${connector.name} ${verb}: no such verb; there are ${known.join(", ")}`)
    }
    yield* found.run(providers, yield* inputOf(readFlags(words), found.needs))
    return 0 as const
  }).pipe(
    Effect.catchAll((error) =>
      Effect.gen(function* () {
        const sink = yield* Sink
        const failure = error instanceof StoreError ? storeFailure(error) : error
        yield* sink.write(traceError(failure, yield* Clock.currentTimeMillis))
        return 1 as const
      })
    ),
    Effect.catchAllDefect((cause) =>
      Effect.gen(function* () {
        const sink = yield* Sink
        const internal = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)
        const message = `unexpected fault: ${messageOf(cause)}`
        yield* sink.write(
          log("FATAL", message) +
            traceError({ type: "system_error", message, internal }, yield* Clock.currentTimeMillis)
        )
        return 1 as const
      })
    )
  )
