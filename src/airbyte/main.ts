import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Cause, Effect, Exit, Layer, Logger, Record } from "effect"
import { registry } from "../providers/index.ts"
import { programLayer, talkingLayer } from "../sync/layers.ts"
import { endingGently, receivedSignal, rememberSignals } from "../sync/signals.ts"
import { StopSignal, signalExitCode } from "../sync/stopSignal.ts"
import { runConnector } from "./connector.ts"
import { source } from "./source.ts"
import { flushed, stdoutSink } from "./stdout.ts"

/* Starts a connector: source-parley or destination-parley. */

const stderrLogger = Logger.replace(
  Logger.defaultLogger,
  Logger.make(({ message }) => {
    process.stderr.write(`${[message].flat().map(String).join(" ")}\n`)
  })
)

export const start = (): void => {
  const layer = Layer.mergeAll(
    Layer.succeed(StopSignal, receivedSignal),
    programLayer(
      new URL("./commitWorker.js", import.meta.url),
      Effect.succeed(Record.map(registry, ({ columns }) => columns))
    ),
    stdoutSink,
    stderrLogger
  )
  rememberSignals()
  const program = runConnector(source, Effect.succeed(registry), process.argv.slice(2)).pipe(
    Effect.provide(talkingLayer),
    Effect.ensuring(flushed)
  )
  NodeRuntime.runMain(endingGently(Effect.provide(program, layer)), {
    disableErrorReporting: true,
    disablePrettyLogger: true,
    teardown: (exit, end) => {
      if (Exit.isSuccess(exit)) return end(Number(exit.value))
      if (Cause.isInterruptedOnly(exit.cause)) return end(signalExitCode(receivedSignal()))
      process.stderr.write(`${Cause.pretty(exit.cause)}\n`)
      end(1)
    }
  })
}

start()
