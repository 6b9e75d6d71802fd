import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import { startQuery } from "../../../src/store/read/QueryProcess.ts"
import { temporaryFolder } from "../fixtures.ts"

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

it.scopedLive("says that the process which reads has ended, though nobody was asking it then", () =>
  Effect.gen(function* () {
    const program = join(yield* temporaryFolder, "ends.cjs")
    writeFileSync(
      program,
      `process.once("message", () =>
         process.send({ _tag: "Rows", rows: [[process.pid]] }, () => process.kill(process.pid, "SIGKILL")))`
    )
    const { take } = yield* startQuery(program, "mirror.db", "SELECT 1", {
      busyTimeoutMillis: 100,
      maxTemporaryBytes: Infinity
    })
    const [row] = yield* take(1)
    yield* Effect.sync(() => isAlive(Number(row?.[0]))).pipe(
      Effect.repeat({ until: (alive) => !alive, schedule: Schedule.spaced("10 millis") })
    )
    // What Node has heard of it is told to its listeners by now.
    yield* Effect.sleep("100 millis")
    const error = yield* Effect.flip(take(1))
    expect(error.message).toContain("ended early (SIGKILL)")
  })
)
