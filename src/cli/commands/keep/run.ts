import { Clock, Effect } from "effect"
import { spellDuration } from "../../../config/units.ts"
import { present } from "../../../domain/present.ts"
import type { Retention } from "../../../domain/Retention.ts"
import { now } from "../../../domain/Timestamp.ts"
import { Db } from "../../../store/Db.ts"
import { findDue } from "../../../store/keep/apply.ts"
import { amountOf, type LetGo } from "../../../store/keep/letGo.ts"
import { Mirror } from "../../../store/mirror/Mirror.ts"
import { existingStoreLayer } from "../../../sync/layers.ts"
import { loadConfiguration, readingMirror } from "../../configuration.ts"
import { UsageError } from "../../errors.ts"
import { answer } from "../../terminal/answer.ts"
import { grouped } from "../../terminal/numbers.ts"
import type { KeepInput } from "./index.ts"

const words: Readonly<Record<keyof LetGo, string>> = {
  messages: "messages, with their words in the search index and the payloads of their conversations",
  payloads: "payloads",
  quarantine: "records that were in quarantine and could be read later",
  requests: "requests of the ledger that no row comes from",
  runs: "runs of the ledger that no row comes from"
}

const text = (amount: LetGo, { ledger, messages, raw }: Retention, isPlan: boolean): string => {
  const kept = Object.entries({ messages, raw, ledger }).map(
    ([what, millis]) => `${what} ${millis === null ? "for ever" : spellDuration(millis)}`
  )
  const rows = (Object.keys(words) as ReadonlyArray<keyof LetGo>).filter((name) => amount[name] > 0)
  const width = Math.max(0, ...rows.map((name) => grouped(amount[name]).length))
  const lines = rows.map((name) => `  ${grouped(amount[name]).padStart(width)}  ${words[name]}`)
  const done = isPlan ? "Would be let go" : "Let go"
  return present(
    `Kept: ${kept.join(", ")}.`,
    lines.length === 0 ? "Nothing is older." : [`${done}:`, ...lines],
    isPlan && "Nothing was changed."
  ).join("\n")
}

export const keep = Effect.fn("keep")(function* ({ plan }: KeepInput) {
  const config = yield* loadConfiguration
  const retention = config.connections[0]?.keep ?? { messages: null, raw: null, ledger: null }
  if (Object.values(retention).every((millis) => millis === null)) {
    return yield* new UsageError({
      message: `${config.path} has no \`keep\`: everything is kept for ever`,
      hint: "write keep: { messages: 400 days, raw: 30 days, ledger: 90 days }, or one of them, at its left margin"
    })
  }
  const amount = plan
    ? yield* readingMirror(
        Effect.gen(function* () {
          const db = yield* Db
          const at = now(yield* Clock.currentTimeMillis)
          return yield* db.use("keep.plan", (session) => amountOf(findDue(session, at, retention)))
        })
      )
    : yield* Effect.gen(function* () {
        const mirror = yield* Mirror
        yield* mirror.setRetention(retention)
        return (yield* mirror.letGo(null)).due
      }).pipe(Effect.provide(existingStoreLayer(config.database)))
  return yield* answer({ plan, kept: retention, ...amount }, text(amount, retention, plan))
})
