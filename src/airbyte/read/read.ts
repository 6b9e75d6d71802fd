import { Effect } from "effect"
import type { ConnectionConfig } from "../../config/Config.ts"
import { feedTables } from "../../store/read/feed.ts"
import { streamsIn } from "../connector.ts"
import { refuse } from "../failure.ts"
import type { GivenStates } from "../protocol.ts"
import type { Settings, SourceKeys } from "../settings.ts"
import { readDirect } from "./direct.ts"
import { readMirror } from "./mirror.ts"
import type { ReadInput, Selected } from "./reading.ts"
import { readStates } from "./state.ts"
import { type SyncMode, syncModes } from "./streams.ts"

/** The streams of a configured catalog, in the feed's order. */
const select = Effect.fnUntraced(function* (catalog: unknown) {
  const wanted = yield* streamsIn(catalog)
  for (const { stream, sync_mode } of wanted) {
    if (!feedTables.some((name) => name === stream.name))
      return yield* refuse(
        `there is no stream "${stream.name}"; there are ${feedTables.join(", ")}. Discover the schema again`
      )
    if (!syncModes.some((mode) => mode === sync_mode))
      return yield* refuse(
        `stream "${stream.name}": there is no sync mode "${sync_mode}"; there are ${syncModes.join(", ")}`
      )
  }
  return feedTables.flatMap((name): ReadonlyArray<Selected> => {
    const found = wanted.find(({ stream }) => stream.name === name)
    return found === undefined ? [] : [{ name, syncMode: found.sync_mode as SyncMode }]
  })
})

/** Reads what changed since the states that are given, and sends it. Fails where not all of it came. */
export const read = Effect.fn("airbyte.read")(function* (
  { connection, keys }: Settings<SourceKeys>,
  catalog: unknown,
  given: GivenStates
) {
  const selected = yield* select(catalog)
  const { states, unreadable } = readStates(
    given,
    selected.map(({ name }) => name)
  )
  const input: ReadInput = { keys, selected, states, startOver: unreadable }
  if (selected.length === 0) return
  if (keys.mirror !== undefined) return yield* readMirror(keys.mirror, connection, input)
  return yield* readDirect(connection as ConnectionConfig, input)
})
