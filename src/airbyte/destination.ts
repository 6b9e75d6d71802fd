import { resolve } from "node:path"
import { Effect, Either } from "effect"
import type { Transport } from "../http/exchange/transport.ts"
import type { Governor } from "../http/limits/Governor.ts"
import { checkConnection, checkOutbox } from "./check.ts"
import { type Connector, orRefuse, streamsIn } from "./connector.ts"
import { connectionStatus, destinationCatalog, log } from "./protocol.ts"
import { connectionSpecification, DestinationKeys, readConnected } from "./settings.ts"
import { type Lines, Sink } from "./stdio.ts"
import { temporaryFolder } from "./temporary.ts"
import { write } from "./write/write.ts"

/** Nothing is ever cleared at a provider, so that records are only added. */
const destinationModes = ["append", "append_dedup", "update"]

/** What data activation offers to map columns to. */
const operation = (statuses: ReadonlyArray<string>) => ({
  object_name: "conversation_status",
  sync_mode: "update",
  matching_keys: [["id"]],
  json_schema: {
    $schema: "http://json-schema.org/draft-07/schema#",
    type: "object",
    required: ["status"],
    properties: {
      id: { type: "string" },
      status: { type: "string", enum: statuses },
      category: { type: ["null", "string"] },
      summary: { type: ["null", "string"] }
    },
    additionalProperties: false
  }
})

/** `destination-parley`: rows with an id and a status become requested changes. */
export const destination: Connector<Sink | Lines | Transport | Governor> = {
  name: "destination-parley",
  spec: (registry) => ({
    protocol_version: "0.2.0",
    supportsIncremental: true,
    supported_destination_sync_modes: destinationModes,
    connectionSpecification: connectionSpecification(registry, DestinationKeys, false)
  }),
  verbs: {
    check: {
      needs: [],
      run: (registry, { config }) =>
        Effect.gen(function* () {
          const sink = yield* Sink
          const settings = orRefuse(readConnected(registry, DestinationKeys, config))
          if (Either.isLeft(settings)) return yield* sink.write(connectionStatus(settings.left.message))
          const { connection, keys } = settings.right
          const canWrite = Object.keys(connection.statusMap).length > 0
          const wrong = keys.outbox === undefined ? null : yield* checkOutbox(keys.outbox)
          yield* sink.write(
            connectionStatus(
              wrong ??
                (canWrite ? yield* checkConnection(connection) : "no status can be set at this provider")
            )
          )
        })
    },
    discover: {
      needs: [],
      run: (registry, { config }) =>
        Effect.gen(function* () {
          const sink = yield* Sink
          const { connection } = yield* orRefuse(readConnected(registry, DestinationKeys, config))
          yield* sink.write(destinationCatalog([operation(Object.keys(connection.statusMap))]))
        })
    },
    write: {
      needs: ["catalog"],
      run: (registry, { catalog, config }) =>
        Effect.gen(function* () {
          const sink = yield* Sink
          const { connection, keys } = yield* orRefuse(readConnected(registry, DestinationKeys, config))
          for (const { destination_sync_mode: mode, stream } of yield* streamsIn(catalog)) {
            if (mode === null || mode === undefined || destinationModes.includes(mode)) continue
            yield* sink.write(
              log("WARN", `${stream.name}: ${mode} is taken for append: nothing is cleared at a provider`)
            )
          }
          const folder = keys.outbox === undefined ? yield* temporaryFolder : null
          const path = folder === null ? resolve(keys.outbox ?? "") : resolve(folder, "parley.db")
          yield* write(connection, keys, path)
        }).pipe(Effect.scoped)
    }
  }
}
