import { resolve } from "node:path"
import { NodeContext } from "@effect/platform-node"
import { Effect, Layer } from "effect"
import type { Verb } from "../../src/cli/command.ts"
import { Host } from "../../src/cli/Host.ts"
import { runCli } from "../../src/cli/root.ts"
import { Output } from "../../src/cli/terminal/Output.ts"

export interface Surroundings {
  readonly cwd?: string
  readonly environment?: Readonly<Record<string, string>>
  /** Columns of a terminal on stdout; left out: a pipe. */
  readonly stdoutColumns?: number
  readonly stderrColumns?: number
  /** Why nothing that is written to stdout arrives. */
  readonly stdoutFailure?: string
  readonly stdin?: string
}

/** A host that remembers what was written to it. */
export const recordingHost = ({
  cwd = "/",
  environment = {},
  stdoutFailure,
  stdin = "",
  ...columns
}: Surroundings = {}) => {
  const written = { stdout: "", stderr: "" }
  const sink = (name: "stdout" | "stderr", width: number | undefined) => ({
    write: (text: string) => {
      written[name] += text
    },
    isTerminal: width !== undefined,
    isClosed: () => false,
    failure: () => (name === "stdout" ? (stdoutFailure ?? null) : null),
    size: () => (width === undefined ? null : { columns: width, rows: 24 })
  })
  const host = Layer.succeed(Host, {
    cwd,
    environment,
    stdout: sink("stdout", columns.stdoutColumns),
    stderr: sink("stderr", columns.stderrColumns),
    stdin: Effect.succeed(stdin),
    queryProgram: resolve(import.meta.dirname, "../../dist/query.js")
  })
  return { host, written }
}

/** Runs a command line in this process, as main.ts would. */
export const runCommand = <R>(
  verbs: ReadonlyArray<Verb<R>>,
  argv: ReadonlyArray<string>,
  surroundings: Surroundings = {}
) =>
  Effect.gen(function* () {
    const { host, written } = recordingHost(surroundings)
    const code = yield* runCli(verbs, argv).pipe(
      Effect.provide(Layer.mergeAll(Output.Default.pipe(Layer.provideMerge(host)), NodeContext.layer))
    )
    return { code, stdout: written.stdout, stderr: written.stderr }
  })
