import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Cause, Effect, Exit, Fiber } from "effect"
import { signalExitCode, UnderWay, waitAtMost } from "./stopSignal.ts"

/** Which signal has asked this process to end; the first one counts. */
let received: NodeJS.Signals | null = null

/** How many read SIGHUP in another way, such as `watch`. */
let hangupReaders = 0

/** Notes that one more, or one less (-1), reads SIGHUP in another way. */
export const hangupIsRead = (change: 1 | -1): void => {
  hangupReaders += change
}

/** Milliseconds within which a signal that comes again is the same one: a terminal and npm both send Ctrl-C. */
const echoWithin = 250

/**
 * Remembers the signal that asks the process to end; what it does is the runtime's business. A second one ends it at once:
 * whatever was committed is kept. SIGHUP, which a closed terminal sends, is like SIGTERM.
 */
export const rememberSignals = (): void => {
  let receivedAt = 0
  const receive = (signal: NodeJS.Signals): void => {
    const at = performance.now()
    if (received === null) {
      received = signal
      receivedAt = at
    } else if (at - receivedAt > echoWithin) process.exit(signalExitCode(received))
  }
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.prependListener(signal, receive)
  process.on("SIGHUP", () => {
    if (hangupReaders === 0) process.emit("SIGTERM", "SIGTERM")
  })
}

/** Milliseconds that are waited for answers on their way, and that all has to be quiet before the end. */
const answersWithin = 2_500
const quietFor = 100
const looksEvery = 20

/** Until no request has been on its way for a moment: nothing new leaves by then. */
const untilQuiet = Effect.gen(function* () {
  const underWay = yield* UnderWay
  let quiet = 0
  while (quiet < quietFor) {
    yield* Effect.sleep(looksEvery)
    quiet = underWay.requests === 0 ? quiet + looksEvery : 0
  }
})

/**
 * Runs a program so that, when it is interrupted, answers on their way may arrive before it ends: it goes on for that
 * long, while nothing more is sent.
 */
const endingGently = <A, E, R>(program: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(Effect.forkDaemon(restore(program)), (fiber) =>
      Effect.onInterrupt(restore(Fiber.join(fiber)), () =>
        Effect.zipRight(waitAtMost(untilQuiet, answersWithin), Fiber.interrupt(fiber))
      )
    )
  )

/** The signal that was remembered; null: none has come. */
export const receivedSignal = (): NodeJS.Signals | null => received

/**
 * Runs a program, and ends the process with the exit code that it succeeds with, with a signal's, or with 1.
 * @param describe what to write of a fault, by what it was in words
 */
export const runProgram = <E>(program: Effect.Effect<number, E>, describe: (fault: string) => string): void =>
  NodeRuntime.runMain(endingGently(program), {
    disableErrorReporting: true,
    disablePrettyLogger: true,
    teardown: (exit, end) => {
      if (Exit.isSuccess(exit)) return end(Number(exit.value))
      if (Cause.isInterruptedOnly(exit.cause)) return end(signalExitCode(received))
      process.stderr.write(describe(`${Cause.pretty(exit.cause)}\n`))
      end(1)
    }
  })
