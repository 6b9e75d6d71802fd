import { Options } from "@effect/cli"
import { type Input, lazily, verb } from "../../command.ts"

const config = {
  out: Options.text("out").pipe(
    Options.withPseudoName("FILE"),
    Options.withDescription("The page. An earlier report is replaced; any other file is left alone.")
  ),
  overwrite: Options.boolean("overwrite").pipe(Options.withDescription("Replace any existing file."))
}
export type ReportInput = Input<typeof config>

export const report = verb(
  {
    name: "report",
    description:
      "Writes one HTML page with plots: volumes, outcomes, response times, channels, hand-offs, freshness and health. It needs no network, and contains no message, name, address or number.",
    config,
    examples: ["parley report --out report.html", "parley report --db parley-demo.db --out report.html"]
  },
  lazily(async () => (await import("./run.ts")).report)
)
