import { Options } from "@effect/cli"
import { Clock, Effect } from "effect"
import { suggestion } from "../config/nearest.ts"
import { configuration, isPreset, makeSimulator, preset, presetNames, serve } from "../simulator/index.ts"
import { UsageError } from "./errors.ts"
import { Host } from "./Host.ts"
import { Output } from "./render/Output.ts"
import { verb } from "./verb.ts"

export const simulate = verb(
  {
    name: "simulate",
    description: "Runs the four providers, simulated, on this machine until it is stopped.",
    config: {
      conversations: Options.integer("conversations").pipe(
        Options.withDescription("How many conversations each provider holds. Default: 50."),
        Options.withDefault(50)
      ),
      seed: Options.integer("seed").pipe(
        Options.withDescription(
          "The same seed gives the same conversations and the same faults. Default: 1."
        ),
        Options.withDefault(1)
      ),
      faults: Options.text("faults").pipe(
        Options.withPseudoName("NAMES"),
        Options.withDescription(
          `What goes wrong, separated by commas: ${presetNames.join(", ")}. Default: none.`
        ),
        Options.withDefault("none")
      )
    },
    examples: ["parley simulate", "parley simulate --conversations 2000 --faults mild --seed 7"]
  },
  Effect.fn("simulate")(function* ({ conversations, faults, seed }) {
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
      const { environment: secrets, yaml } = configuration(simulator, served.origins)
      yield* output.result(
        [
          "# The four providers are running. Save this as parley.yaml:",
          yaml,
          "# and set in the shell that runs parley:",
          ...Object.entries(secrets).map(([name, value]) => `export ${name}='${value}'`)
        ].join("\n")
      )
      yield* output.note(`what the providers hold and were asked: ${served.control}\nstop with Ctrl-C`)
      return yield* Effect.never
    }).pipe(Effect.scoped)
  })
)
