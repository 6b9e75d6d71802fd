import { Effect, Either, Schema } from "effect"
import type { Registry } from "../config/Config.ts"
import type { Transport } from "../http/exchange/transport.ts"
import type { Governor } from "../http/limits/Governor.ts"
import { checkConnection, checkMirror } from "./check.ts"
import { type Connector, orRefuse, type VerbInput } from "./connector.ts"
import { refuse } from "./failure.ts"
import { catalog, connectionStatus, GivenStates } from "./protocol.ts"
import { read } from "./read/read.ts"
import { discovered } from "./read/streams.ts"
import { connectionSpecification, readSettings, SourceKeys } from "./settings.ts"
import { Sink } from "./stdio.ts"

const check = Effect.fn("airbyte.check")(function* (registry: Registry, { config }: VerbInput) {
  const sink = yield* Sink
  const settings = orRefuse(readSettings(registry, SourceKeys, config))
  if (Either.isLeft(settings)) return yield* sink.write(connectionStatus(settings.left.message))
  const { connection, keys } = settings.right
  const mayBeMade = keys.mirror_sync === true
  const mirror =
    keys.mirror === undefined || mayBeMade ? null : yield* checkMirror(keys.mirror, keys.connection ?? null)
  const isAsked = connection !== null && (keys.mirror === undefined || mayBeMade)
  yield* sink.write(connectionStatus(mirror ?? (isAsked ? yield* checkConnection(connection) : null)))
})

/** Both forms in which states are handed back: the list, and the old single document, of which none was ever written. */
const statesIn = (state: unknown) =>
  Array.isArray(state)
    ? Either.mapLeft(Schema.decodeUnknownEither(GivenStates)(state), () =>
        refuse("--state holds no list of states")
      )
    : Either.right([])

/** `source-parley`: what an account or a mirror holds, as streams. */
export const source: Connector<Sink | Transport | Governor> = {
  name: "source-parley",
  spec: (registry) => ({
    protocol_version: "0.2.0",
    connectionSpecification: connectionSpecification(registry, SourceKeys, true)
  }),
  verbs: {
    check: { needs: [], run: check },
    discover: {
      needs: [],
      run: (registry, { config }) =>
        Effect.gen(function* () {
          const sink = yield* Sink
          yield* orRefuse(readSettings(registry, SourceKeys, config))
          yield* sink.write(catalog(discovered))
        })
    },
    read: {
      needs: ["catalog"],
      run: (registry, input) =>
        Effect.gen(function* () {
          const settings = yield* orRefuse(readSettings(registry, SourceKeys, input.config))
          yield* read(settings, input.catalog, yield* statesIn(input.state))
        })
    }
  }
}
