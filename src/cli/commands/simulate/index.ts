import { Options } from "@effect/cli"
import { presetNames } from "../../../simulator/presets.ts"
import { type Input, lazily, verb } from "../../command.ts"

const config = {
  conversations: Options.integer("conversations").pipe(
    Options.withDescription("How many conversations each provider holds. Default: 50."),
    Options.withDefault(50)
  ),
  seed: Options.integer("seed").pipe(
    Options.withDescription("The same seed gives the same conversations and the same faults. Default: 1."),
    Options.withDefault(1)
  ),
  faults: Options.text("faults").pipe(
    Options.withPseudoName("NAMES"),
    Options.withDescription(
      `What goes wrong, separated by commas: ${presetNames.join(", ")}. down, bad-key, long-wait and merge each strike one provider, for as long as it runs. Default: none.`
    ),
    Options.withDefault("none")
  ),
  write: Options.text("write").pipe(
    Options.withPseudoName("DIR"),
    Options.withDescription(
      "Write the configuration into a folder, as config/parley.yaml and config/.env, instead of showing it; what an earlier simulate wrote there is replaced."
    ),
    Options.optional
  ),
  port: Options.integer("port").pipe(
    Options.withPseudoName("N"),
    Options.withDescription(
      "Listen on N and the ports after it, so that the configuration stays right. Default: ports that are free."
    ),
    Options.optional
  )
}
export type SimulateInput = Input<typeof config>

export const simulate = verb(
  {
    name: "simulate",
    description: "Runs the simulated providers on this machine until stopped.",
    config,
    examples: [
      "parley simulate",
      "parley simulate --write . --port 9500 --faults down,bad-key,long-wait,merge",
      "parley simulate --conversations 2000 --faults mild --seed 7"
    ]
  },
  lazily(async () => (await import("./run.ts")).simulate)
)
