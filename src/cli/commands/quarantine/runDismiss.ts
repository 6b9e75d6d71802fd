import { Effect } from "effect"
import { Mirror } from "../../../store/mirror/Mirror.ts"
import { existingStoreLayer } from "../../../sync/layers.ts"
import { mirrorPath } from "../../configuration.ts"
import { UsageError } from "../../errors.ts"
import { exitCodes } from "../../exitCodes.ts"
import { Globals } from "../../globals.ts"
import { counted } from "../../terminal/numbers.ts"
import { Output } from "../../terminal/Output.ts"
import type { DismissInput } from "./dismiss.ts"

export const dismiss = Effect.fn("quarantine.dismiss")(function* ({ ids }: DismissInput) {
  const output = yield* Output
  const { json } = yield* Globals
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
  if (json) yield* output.document({ dismissed, resolved })
  else {
    const lines = [
      ...(dismissed.length === 0
        ? []
        : [`dismissed ${counted(dismissed.length, "record")}: ${dismissed.join(", ")}`]),
      ...(resolved.length === 0 ? [] : [`can be read by now, so nothing to dismiss: ${resolved.join(", ")}`])
    ]
    yield* output.result(lines.join("\n"))
  }
  return exitCodes.complete
})
