import { Clock, Effect } from "effect"
import { suggestion } from "../../../config/nearest.ts"
import {
  configuration,
  isPreset,
  makeSimulator,
  preset,
  presetNames,
  serve,
  vendorIds
} from "../../../simulator/index.ts"
import { UsageError } from "../../errors.ts"
import { Host } from "../../Host.ts"
import { Output } from "../../terminal/Output.ts"
import type { SimulateInput } from "./index.ts"

export const simulate = Effect.fn("simulate")(function* ({ conversations, faults, seed }: SimulateInput) {
  const output = yield* Output
  const { environment } = yield* Host
  const wanted = faults.split(",").map((name) => name.trim())
  const unknown = wanted.find((name) => !isPreset(name))
  if (unknown !== undefined) {
    return yield* new UsageError({
      message: `--faults: there is no fault "${unknown}"${suggestion(unknown, presetNames)}`,
      hint: `write one or more of ${presetNames.join(", ")}`
    })
  }
  if (conversations < 0) {
    return yield* new UsageError({ message: "--conversations: less than none", hint: "write 0 or more" })
  }
  const simulator = makeSimulator({
    seed,
    conversations,
    now: yield* Clock.currentTimeMillis,
    faults: wanted.flatMap(preset),
    dialogues: environment.PARLEY_DIALOGUES
  })
  return yield* Effect.gen(function* () {
    const served = yield* Effect.mapError(
      serve(simulator),
      ({ hint, message }) => new UsageError({ message, hint })
    )
    const { environment: secrets, yaml } = configuration(simulator, served.origins, "../parley.db")
    yield* output.result(
      [
        "# The providers are running. Save this as config/parley.yaml:",
        yaml,
        "# and set in the shell that runs parley:",
        ...Object.entries(secrets).map(([name, value]) => `export ${name}='${value}'`)
      ].join("\n")
    )
    yield* output.note(
      `what the providers hold: ${served.control}/state/${vendorIds[0]} (or another); what they were asked: ${served.control}/log\nstop with Ctrl-C`
    )
    return yield* Effect.never
  }).pipe(Effect.scoped)
})
