import { resolve } from "node:path"
import { Effect } from "effect"
import { writeReport } from "../../../analysis/report.ts"
import { readingMirror } from "../../configuration.ts"
import { exitCodes } from "../../exitCodes.ts"
import { Globals } from "../../globals.ts"
import { Host } from "../../Host.ts"
import { Output } from "../../terminal/Output.ts"
import type { ReportInput } from "./index.ts"

export const report = (input: ReportInput) =>
  Effect.gen(function* () {
    const { json } = yield* Globals
    const output = yield* Output
    const { cwd } = yield* Host
    const file = resolve(cwd, input.out)
    const bytes = yield* readingMirror(writeReport(file, input.overwrite))
    yield* json ? output.document({ file, bytes }) : output.result(file)
    return exitCodes.complete
  })
