import { Effect } from "effect"
import type { RequestedChange } from "../domain/StatusChange.ts"
import type { Asked } from "../store/outbox/Outbox.ts"
import { Outbox } from "../store/outbox/Outbox.ts"
import { rulesOf } from "../sync/push/rules.ts"
import { register } from "../sync/run.ts"
import { loadConfiguration, selectConnections } from "./configuration.ts"
import { toUsage, UsageError } from "./errors.ts"

/**
 * A configured connection, and its provider's rules for requested changes. Sends nothing. The mirror learns what the
 * connection takes according to the configuration as it is now.
 */
const refuserOf = Effect.fn("refuserOf")(function* (name: string) {
  const configuration = yield* loadConfiguration
  const [config] = yield* selectConnections(configuration, [name])
  if (config === undefined) {
    return yield* new UsageError({
      message: `there is no connection "${name}" in ${configuration.path}`,
      hint: "name connections as the configuration does"
    })
  }
  yield* register(config)
  const { refuse } = yield* rulesOf(config)
  return { config, refuse }
})

/** Puts a requested change of a conversation into the outbox, by the rules of its provider. */
export const ask = Effect.fn("ask")(function* (id: string, requested: RequestedChange, requestedBy: string) {
  const outbox = yield* Outbox
  const conversation = yield* Effect.catchTag(outbox.conversation(id), "ChangeRefused", toUsage)
  const { config, refuse } = yield* refuserOf(conversation.connection)
  const asked: Exclude<Asked, { _tag: "Refused" }> = yield* outbox
    .ask({ id: conversation.id, requested, requestedBy, refuse })
    .pipe(Effect.catchTag("ChangeRefused", toUsage))
  return { asked, config }
})
