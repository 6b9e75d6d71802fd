import { Options } from "@effect/cli"
import { type Input, lazily, verb } from "../../command.ts"

const config = {
  conversations: Options.integer("conversations").pipe(
    Options.withDescription("How many conversations each provider holds. Default: 25."),
    Options.withDefault(25)
  )
}
export type DemoInput = Input<typeof config>

export const demo = verb(
  {
    name: "demo",
    description:
      "Shows everything with simulated providers: no accounts, no configuration. Its mirror is parley-demo.db, or the file that --db names. The mirror of an earlier demo is replaced; any other file is refused.",
    config,
    examples: ["parley demo", "parley demo --db elsewhere.db"]
  },
  lazily(async () => (await import("./run.ts")).demo)
)
