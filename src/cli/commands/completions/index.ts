import { Args } from "@effect/cli"
import { type Input, lazily, verb } from "../../command.ts"

export const shells = ["bash", "zsh", "fish"] as const

const config = {
  shell: Args.text({ name: "SHELL" }).pipe(Args.withDescription(`${shells.join(", ")}.`))
}
export type CompletionsInput = Input<typeof config>

export const completions = verb(
  {
    name: "completions",
    description: "Writes a script that completes verbs and options in a shell.",
    config,
    examples: ["parley completions bash > ~/.local/share/bash-completion/completions/parley"]
  },
  lazily(async () => (await import("./run.ts")).completions)
)
