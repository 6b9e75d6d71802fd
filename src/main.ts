import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as NodeTerminal from "@effect/platform-node/NodeTerminal"
import { Effect, Layer } from "effect"
import { verbs } from "./cli/commands/index.ts"
import { UsageError } from "./cli/errors.ts"
import { exitCodes } from "./cli/exitCodes.ts"
import { describeFailure, failureText } from "./cli/failure.ts"
import { currentFolder, hostLayer } from "./cli/Host.ts"
import { Providers } from "./cli/Providers.ts"
import { runCli } from "./cli/root.ts"
import { Output } from "./cli/terminal/Output.ts"
import { forTerminal } from "./cli/terminal/safeText.ts"
import { CommitScript } from "./store/mirror/thread/CommitScript.ts"
import { receivedSignal, rememberSignals, runProgram } from "./sync/signals.ts"
import { StopSignal } from "./sync/stopSignal.ts"

const layerIn = (cwd: string) =>
  Layer.mergeAll(
    NodeFileSystem.layer,
    NodePath.layer,
    NodeTerminal.layer,
    Layer.succeed(StopSignal, receivedSignal),
    Layer.succeed(CommitScript, new URL("./commitWorker.js", import.meta.url)),
    Providers.layer(Effect.promise(async () => (await import("./providers/index.ts")).registry)),
    Output.Default.pipe(Layer.provideMerge(hostLayer(cwd)))
  )

rememberSignals()

const cwd = currentFolder()
if (cwd === null) {
  const gone = new UsageError({
    message: "the current folder is gone, or cannot be read",
    hint: "change to another one (cd), and run it again"
  })
  process.stderr.write(`${failureText(describeFailure(gone))}\n`)
  process.exit(exitCodes.usage)
}

runProgram(Effect.provide(runCli(verbs, process.argv.slice(2)), layerIn(cwd)), (fault) =>
  forTerminal(`parley: something that should not happen did\n${fault}`)
)
