import { resolve } from "node:path"
import { Effect } from "effect"
import { writeReport } from "../../../analysis/report.ts"
import { writtenOne } from "../../../store/copies/fileCopies.ts"
import { copyingMirror, knownConnection } from "../../configuration.ts"
import { UsageError } from "../../errors.ts"
import { Host } from "../../Host.ts"
import { readPeriod } from "../../options.ts"
import { answer } from "../../terminal/answer.ts"
import type { ReportInput } from "./index.ts"

export const report = (input: ReportInput) =>
  Effect.gen(function* () {
    const { cwd } = yield* Host
    const file = resolve(cwd, input.out)
    const { since, until } = yield* readPeriod(input)
    if (input.compare && since === null) {
      return yield* new UsageError({
        message: "--compare without --since: there is no period before",
        hint: "name where the period begins, such as --since 28d"
      })
    }
    const { compare, connection } = input
    const write = writeReport(file, input.overwrite, { since, until, connection, compare })
    const { bytes } = yield* copyingMirror(Effect.zipRight(knownConnection(connection), write), writtenOne)
    return yield* answer({ file, bytes }, file)
  })
