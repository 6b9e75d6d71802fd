import { resolve } from "node:path"
import { Options } from "@effect/cli"
import { Effect } from "effect"
import { writeReport } from "../analysis/report.ts"
import { readingMirror } from "./configuration.ts"
import { exitCodes } from "./exitCodes.ts"
import { Globals } from "./globals.ts"
import { Host } from "./Host.ts"
import { Output } from "./render/Output.ts"
import { verb } from "./verb.ts"

export const report = verb(
  {
    name: "report",
    description:
      "Writes one HTML page with plots: volumes, outcomes, response times, channels, hand-offs, freshness and health. It needs no network, and holds no message and nobody's name, address or number.",
    config: {
      out: Options.text("out").pipe(
        Options.withPseudoName("FILE"),
        Options.withDescription("The page. An earlier report is replaced; any other file is left alone.")
      ),
      overwrite: Options.boolean("overwrite").pipe(Options.withDescription("Replace whatever file is there."))
    },
    examples: ["parley report --out report.html", "parley report --db parley-demo.db --out report.html"]
  },
  (input) =>
    Effect.gen(function* () {
      const { json } = yield* Globals
      const output = yield* Output
      const { cwd } = yield* Host
      const file = resolve(cwd, input.out)
      const bytes = yield* readingMirror(writeReport(file, input.overwrite))
      yield* json ? output.document({ file, bytes }) : output.result(file)
      return exitCodes.complete
    })
)
