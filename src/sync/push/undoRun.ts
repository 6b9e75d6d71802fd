import { Effect } from "effect"
import type { ConnectionConfig } from "../../config/Config.ts"
import type { Provider } from "../../providers/Provider.ts"
import { type ChangedByRun, Outbox } from "../../store/outbox/Outbox.ts"
import { rulesOf } from "./rules.ts"
import { type Undo, undoOf } from "./undo.ts"

/** What is requested of one connection to undo a run. */
interface UndoPart {
  readonly config: ConnectionConfig
  readonly provider: Provider
  readonly undos: ReadonlyArray<Undo>
}

/** How many changes it takes. */
export const undoAmount = ({ undos }: UndoPart): number =>
  undos.filter(({ requested }) => requested !== null).length

/** What would be requested so that everything is as before the run. Writes nothing. */
export const undoParts = Effect.fn("undoParts")(function* (
  connections: ReadonlyArray<ConnectionConfig>,
  { changed }: ChangedByRun
) {
  const touched = connections.filter(({ name }) => changed.some(({ connection }) => connection === name))
  return yield* Effect.forEach(touched, (config) =>
    Effect.map(rulesOf(config), (provider): UndoPart => {
      const own = changed.filter(({ connection }) => connection === config.name)
      return { config, provider, undos: own.map((one) => undoOf(one, provider.statusMap)) }
    })
  )
})

/** Puts what is wanted into the outbox. Returns the ids of the changes. */
export const requestUndo = Effect.fn("requestUndo")(function* (
  parts: ReadonlyArray<UndoPart>,
  requestedBy: string
) {
  const outbox = yield* Outbox
  const ids = new Set<number>()
  for (const { provider, undos } of parts) {
    for (const { changed, requested } of undos) {
      if (requested === null) continue
      const asked = yield* outbox.ask({
        id: changed.conversationId,
        requested,
        requestedBy,
        refuse: provider.refuse
      })
      if (asked._tag !== "NothingToDo") ids.add(asked.change.id)
    }
  }
  return ids
})
