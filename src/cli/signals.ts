import { closeSync, openSync } from "node:fs"
import { Clock, Effect, Fiber, Runtime, type Scope } from "effect"
import { StopSignal, signalExitCode, UnderWay, waitAtMost } from "../sync/stopSignal.ts"
import type { ProgressMode } from "./globals.ts"
import { Output } from "./terminal/Output.ts"
import { jsonText } from "./terminal/safeText.ts"

/** Which signal has asked this process to end; the first one counts. */
let received: NodeJS.Signals | null = null

/** How many read SIGHUP in another way, such as `watch`. */
let hangupReaders = 0

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
export const endingGently = <A, E, R>(program: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
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
 * Says on stderr that a signal has ended the command, also where it is to be quiet. Says nothing where none has come.
 * @param kept what has become of the work; null: there is nothing to say of it
 */
export const tellStopped = (
  progress: ProgressMode,
  kept: string | null
): Effect.Effect<void, never, Output> =>
  Effect.gen(function* () {
    const signal = (yield* StopSignal)()
    if (signal === null) return
    const output = yield* Output
    const message = `stopped by ${signal}${kept === null ? "" : `: ${kept}`}`
    const at = new Date(yield* Clock.currentTimeMillis).toISOString()
    yield* output.note(progress === "json" ? jsonText({ event: "stopped", at, signal, message }) : message)
  })

/** Whether this process has a terminal that it can be reached from. */
const hasTerminal = (): boolean => {
  try {
    closeSync(openSync("/dev/tty", "r"))
    return true
  } catch {
    return false
  }
}

/**
 * Runs `handle` whenever a SIGHUP arrives, for as long as the scope. The system sends one, too, when the terminal that a
 * command was started from is closed: then it ends as with SIGTERM.
 */
export const onHangup = <R>(
  handle: Effect.Effect<void, never, R>
): Effect.Effect<void, never, R | Scope.Scope> =>
  Effect.gen(function* () {
    const fork = Runtime.runFork(yield* Effect.runtime<R>())
    const hadTerminal = hasTerminal()
    const listener = (): void => {
      // Windows sends it only while it closes the console, and would end this process at once if it sent itself a signal.
      if (process.platform === "win32") process.emit("SIGTERM", "SIGTERM")
      else if (hadTerminal && !hasTerminal()) process.kill(process.pid, "SIGTERM")
      else fork(handle)
    }
    yield* Effect.acquireRelease(
      Effect.sync(() => {
        hangupReaders += 1
        process.on("SIGHUP", listener)
      }),
      () =>
        Effect.sync(() => {
          hangupReaders -= 1
          process.removeListener("SIGHUP", listener)
        })
    )
  })
