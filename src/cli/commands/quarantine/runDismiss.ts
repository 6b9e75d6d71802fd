import { Effect } from "effect"
import { present } from "../../../domain/present.ts"
import { Mirror } from "../../../store/mirror/Mirror.ts"
import { existingStoreLayer } from "../../../sync/layers.ts"
import { mirrorPath } from "../../configuration.ts"
import { UsageError } from "../../errors.ts"
import { answer } from "../../terminal/answer.ts"
import { counted } from "../../terminal/numbers.ts"
import type { DismissInput } from "./dismiss.ts"

export const dismiss = Effect.fn("quarantine.dismiss")(function* ({ ids }: DismissInput) {
  const mirror = Effect.flatMap(Mirror, ({ dismissQuarantined }) => dismissQuarantined(ids))
  const { dismissed, resolved, unknown } = yield* Effect.provide(
    mirror,
    existingStoreLayer(yield* mirrorPath)
  )
  if (unknown.length > 0) {
    return yield* new UsageError({
      message: `there is no record ${unknown.join(", ")} in quarantine`,
      hint: "`parley quarantine list --all` lists them; nothing was dismissed"
    })
  }
  const lines = present(
    dismissed.length > 0 && `dismissed ${counted(dismissed.length, "record")}: ${dismissed.join(", ")}`,
    resolved.length > 0 && `can be read by now, so nothing to dismiss: ${resolved.join(", ")}`
  )
  return yield* answer({ dismissed, resolved }, lines.join("\n"))
})
