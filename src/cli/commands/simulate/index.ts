import { Options } from "@effect/cli"
import { hintFaultNames, presetNames } from "../../../simulator/names.ts"
import { type Input, lazily, verb } from "../../command.ts"
import { integer, text } from "../../options.ts"

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
  write: text(
    "write",
    "DIR",
    "Write the configuration into a folder, as config/parley.yaml and config/.env, instead of showing it; what an earlier simulate wrote there is replaced."
  ),
  hints: text(
    "hints",
    "URL",
    "Send webhooks to `parley watch --hints` there, such as http://127.0.0.1:8718; the configuration then expects them."
  ),
  hintFaults: text(
    "hint-faults",
    "NAMES",
    `What happens to a quarter of the webhooks each, separated by commas: ${hintFaultNames.join(", ")}. Default: nothing.`
  ),
  port: integer(
    "port",
    "N",
    "Listen on N and the ports after it, so that the configuration stays right. Default: ports that are free."
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
      "parley simulate --write . --hints http://127.0.0.1:8718 --hint-faults lost,forged",
      "parley simulate --conversations 2000 --faults mild --seed 7"
    ]
  },
  lazily(async () => (await import("./run.ts")).simulate)
)
