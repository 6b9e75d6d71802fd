import { Effect } from "effect"
import { readState, tap as sendTap, singerCatalog } from "../../../airbyte/singer.ts"
import { mirrorPath } from "../../configuration.ts"
import { UsageError } from "../../errors.ts"
import { exitCodes } from "../../exitCodes.ts"
import { Host } from "../../Host.ts"
import { readInput } from "../../input.ts"
import { Output } from "../../terminal/Output.ts"
import type { TapInput } from "./index.ts"

const stateIn = Effect.fn("tap.state")(function* (path: string) {
  // A target prints a state a line; the last one counts.
  const text = (yield* readInput("--state", path)).trim()
  return yield* Effect.try({
    try: (): unknown => (text === "" ? null : JSON.parse(text.slice(text.lastIndexOf("\n") + 1))),
    catch: () =>
      new UsageError({
        message: `--state: the last line of ${path} is not JSON`,
        hint: "name the file that holds the last state of an earlier run, or leave it out to send everything"
      })
  })
})

export const tap = ({ discover, state, tables }: TapInput) =>
  Effect.gen(function* () {
    const output = yield* Output
    const { stdout } = yield* Host
    if (discover) {
      yield* output.result(singerCatalog())
      return exitCodes.complete
    }
    const given = state === null ? null : yield* stateIn(state)
    const known = given === null ? null : readState(given)
    if (given !== null && known === null) {
      return yield* new UsageError({
        message: "--state: it holds no state of `parley tap`",
        hint: "leave it out to send everything"
      })
    }
    const write = (lines: string) =>
      Effect.promise(async () => {
        stdout.write(lines)
        await stdout.drained?.()
      })
    const { isOfAnother, isPutBack } = yield* sendTap(yield* mirrorPath, { tables, state: known, write })
    if (isOfAnother) yield* output.note("the state is of another mirror: everything was sent")
    if (isPutBack) {
      yield* output.note(
        "the state is of this mirror before an older state of it was put back: everything was sent. The target may hold newer rows: clear them"
      )
    }
    return exitCodes.complete
  })
