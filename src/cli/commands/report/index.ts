import { Options } from "@effect/cli"
import { type Input, lazily, verb } from "../../command.ts"
import { flag, ofConnection, text } from "../../options.ts"

const config = {
  out: Options.text("out").pipe(
    Options.withPseudoName("FILE"),
    Options.withDescription("The page. An earlier report is replaced; any other file is left alone.")
  ),
  since: text(
    "since",
    "TIME",
    "Only conversations that started then or later: a date, a time, or so long ago, such as 28d."
  ),
  until: text("until", "TIME", "Only conversations that started before then."),
  connection: ofConnection,
  compare: flag("compare", "With the numbers of the period before, of the same length; needs --since."),
  overwrite: flag("overwrite", "Replace any existing file.")
}
export type ReportInput = Input<typeof config>

export const report = verb(
  {
    name: "report",
    description:
      "Writes one HTML page with plots: volumes, outcomes, response times, channels, hand-offs, freshness and health. It needs no network, and contains no message, name, address or number.",
    config,
    examples: [
      "parley report --out report.html",
      "parley report --db parley-demo.db --out report.html",
      "parley report --since 28d --compare --connection support --out support.html"
    ]
  },
  lazily(async () => (await import("./run.ts")).report)
)
