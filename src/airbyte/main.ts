import { Effect, Layer, Logger, LogLevel, Record } from "effect"
import { registry } from "../providers/index.ts"
import { programLayer, talkingLayer } from "../sync/layers.ts"
import { receivedSignal, rememberSignals, runProgram } from "../sync/signals.ts"
import { StopSignal } from "../sync/stopSignal.ts"
import { runConnector } from "./connector.ts"
import { destination } from "./destination.ts"
import { source } from "./source.ts"
import { flushed, stdinLines, stdoutSink } from "./stdio.ts"

/* Runs the connector that `cli/start.ts` names before the words of the command line. */

const stderrLogger = Logger.replace(
  Logger.defaultLogger,
  Logger.make(({ message }) => {
    process.stderr.write(`${[message].flat().map(String).join(" ")}\n`)
  })
)

const layer = Layer.mergeAll(
  Layer.succeed(StopSignal, receivedSignal),
  programLayer(
    new URL("./commitWorker.js", import.meta.url),
    Effect.succeed(Record.map(registry, ({ columns }) => columns))
  ),
  stdoutSink,
  stderrLogger,
  Logger.minimumLogLevel(LogLevel.Warning)
)

const [connector = "", ...argv] = process.argv.slice(2)
const run = () => {
  const providers = Effect.succeed(registry)
  return connector === destination.name
    ? Effect.provide(runConnector(destination, providers, argv), stdinLines)
    : runConnector(source, providers, argv)
}

rememberSignals()

runProgram(
  run().pipe(Effect.provide(talkingLayer), Effect.ensuring(flushed), Effect.provide(layer)),
  (fault) => fault
)
