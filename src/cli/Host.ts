import { realpathSync } from "node:fs"
import { dirname, join } from "node:path"
import { text } from "node:stream/consumers"
import { Context, Effect, Layer } from "effect"
import type { Environment } from "../config/variables.ts"

/** A place to write text to. */
export interface TextSink {
  readonly write: (text: string) => void
  /** Resolves once the reader can take more; left out: it always can. */
  readonly drained?: () => Promise<void>
  readonly isTerminal: boolean
  /** The reader has closed the pipe. */
  readonly isClosed: () => boolean
  /** Why what was written did not arrive, such as `ENOSPC`; null: it did, or its reader had seen enough. */
  readonly failure: () => string | null
  /** The terminal's size now; null where there is none. */
  readonly size: () => { readonly columns: number; readonly rows: number } | null
}

/** What surrounds the command: the folder and environment it was started in, and where it writes. */
export class Host extends Context.Tag("parley/Host")<
  Host,
  {
    readonly cwd: string
    readonly environment: Environment
    readonly stdout: TextSink
    readonly stderr: TextSink
    /** Everything that comes on stdin, until its end. */
    readonly stdin: Effect.Effect<string>
    /** The built program that reads the mirror in a process of its own. */
    readonly queryProgram: string
  }
>() {}

const sink = (stream: NodeJS.WriteStream): TextSink => {
  let open = true
  let failure: string | null = null
  stream.on("error", (error: NodeJS.ErrnoException) => {
    open = false
    // A reader that has seen enough (`| head`) closes the pipe: nothing is wrong.
    if (error.code !== "EPIPE") failure = error.code ?? error.message
  })
  return {
    write: (text) => {
      if (open) stream.write(text)
    },
    drained: () =>
      new Promise((resolve) => {
        if (!open || !stream.writableNeedDrain) resolve()
        else {
          const done = () => {
            stream.off("drain", done)
            stream.off("error", done)
            resolve()
          }
          stream.on("drain", done)
          stream.on("error", done)
        }
      }),
    isTerminal: stream.isTTY === true,
    isClosed: () => !open,
    failure: () => failure,
    size: () => (stream.isTTY === true ? { columns: stream.columns || 80, rows: stream.rows || 24 } : null)
  }
}

/** The folder that this process was started in; null: it is gone, or may not be looked at. */
export const currentFolder = (): string | null => {
  try {
    return process.cwd()
  } catch {
    return null
  }
}

/** This process. @param cwd where it was started */
export const hostLayer = (cwd: string): Layer.Layer<Host> =>
  Layer.sync(Host, () => ({
    cwd,
    environment: process.env,
    stdout: sink(process.stdout),
    stderr: sink(process.stderr),
    // Where it is closed, there is nothing to read.
    stdin: Effect.promise(() => text(process.stdin).catch(() => "")),
    queryProgram: join(dirname(realpathSync(process.argv[1] ?? ".")), "query.js")
  }))
