import { NodeContext, NodeRuntime } from "@effect/platform-node"
import { Cause, Effect, Exit, Layer } from "effect"
import { Providers } from "./cli/configuration.ts"
import { exitCodes } from "./cli/exitCodes.ts"
import { hostLayer } from "./cli/Host.ts"
import { Output } from "./cli/render/Output.ts"
import { runCli } from "./cli/root.ts"
import { rememberSignals, signalExitCode } from "./cli/signals.ts"
import { verbs } from "./cli/verbs.ts"
import { registry } from "./providers/index.ts"

const layer = Layer.mergeAll(
  NodeContext.layer,
  Layer.succeed(Providers, registry),
  Output.Default.pipe(Layer.provideMerge(hostLayer))
)

rememberSignals()

NodeRuntime.runMain(Effect.provide(runCli(verbs, process.argv.slice(2)), layer), {
  disableErrorReporting: true,
  disablePrettyLogger: true,
  teardown: (exit, end) => {
    if (Exit.isSuccess(exit)) return end(Number(exit.value))
    if (Cause.isInterruptedOnly(exit.cause)) return end(signalExitCode())
    process.stderr.write(`parley: something that should not happen did\n${Cause.pretty(exit.cause)}\n`)
    end(exitCodes.unexpected)
  }
})
