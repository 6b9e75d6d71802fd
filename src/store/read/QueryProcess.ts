import { type ChildProcess, fork } from "node:child_process"
import { Data, Effect, type Scope } from "effect"
import { StoreError, toStoreError } from "../StoreError.ts"
import { type Row, temporaryFilesFull } from "./value.ts"

/** What the process that runs a query says. */
export type Answer =
  | { readonly _tag: "Rows"; readonly rows: ReadonlyArray<Row> }
  | { readonly _tag: "Fault"; readonly code: string; readonly message: string }

/** Rows of a query that runs in a process of its own: it can be stopped at any moment, whatever SQLite does. */
export interface QueryProcess {
  /** The next rows, at most so many; fewer: there are no more. */
  readonly take: (most: number) => Effect.Effect<ReadonlyArray<Row>, QueryFault>
}

/** SQLite has put more into temporary files than was allowed: the process has ended. */
export class TemporaryFilesFull extends Data.TaggedError("TemporaryFilesFull")<{ readonly bytes: number }> {}

interface QueryBounds {
  /** How long a statement waits for another program's lock. */
  readonly busyTimeoutMillis: number
  /** Of files that SQLite sorts and groups in; `Infinity`: any amount. Looked at ten times a second. */
  readonly maxTemporaryBytes: number
}

type QueryFault = StoreError | TemporaryFilesFull

/** SQLite's error, as the other process met it. */
class SqliteFault extends Data.Error<{ readonly code: string; readonly message: string }> {}

const endedEarly = (path: string, how: string, said: string): StoreError =>
  new StoreError({
    op: "query",
    kind: "other",
    message: `the process that read ${path} ended early (${how})${said === "" ? "" : `: ${said.trim()}`}`,
    hint: "It may have run out of memory and been killed: select less at once."
  })

const faultOf = (path: string, fault: { readonly code: string; readonly message: string }) => {
  const error = toStoreError("query", path, new SqliteFault(fault))
  return error === null ? Effect.die(new Error(fault.message)) : Effect.fail(error)
}

/** How the process ended. */
interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

interface Asked {
  readonly child: ChildProcess
  readonly path: string
  readonly bounds: QueryBounds
  /** Null: it goes on. */
  readonly end: () => Ended | null
  /** On stderr. */
  readonly said: () => string
}

const ask = ({ bounds, child, end, path, said }: Asked, most: number) =>
  Effect.async<ReadonlyArray<Row>, QueryFault>((resume) => {
    const onMessage = (answer: Answer): void => {
      leave()
      resume(answer._tag === "Rows" ? Effect.succeed(answer.rows) : faultOf(path, answer))
    }
    const onClose = (code: number | null, signal: NodeJS.Signals | null): void => {
      leave()
      if (said().includes(temporaryFilesFull)) {
        resume(new TemporaryFilesFull({ bytes: bounds.maxTemporaryBytes }))
        return
      }
      // Ctrl-C goes to both processes, and may have reached that one before it was ready for it.
      const isAsked = signal === "SIGINT" || signal === "SIGTERM"
      resume(
        isAsked ? Effect.interrupt : Effect.fail(endedEarly(path, signal ?? `exit code ${code}`, said()))
      )
    }
    const leave = (): void => {
      child.off("message", onMessage)
      child.off("close", onClose)
    }
    // It may have ended since it was last asked.
    const ended = end()
    if (ended !== null) return onClose(ended.code, ended.signal)
    child.on("message", onMessage)
    child.on("close", onClose)
    // If it cannot be sent, the process has ended: that shows when its pipes close.
    child.send(most, () => undefined)
    return Effect.sync(leave)
  })

/**
 * Starts a process that reads the mirror, for as long as the scope.
 * @param program the built `queryProgram.ts`
 */
export const startQuery = (
  program: string,
  path: string,
  sql: string,
  bounds: QueryBounds
): Effect.Effect<QueryProcess, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const child = fork(
        program,
        [path, sql, String(bounds.busyTimeoutMillis), String(bounds.maxTemporaryBytes)],
        {
          serialization: "advanced",
          execArgv: [],
          stdio: ["ignore", "ignore", "pipe", "ipc"]
        }
      )
      let said = ""
      let ended: Ended | null = null
      child.once("close", (code, signal) => {
        ended = { code, signal }
      })
      child.stderr?.on("data", (piece) => {
        said += piece
      })
      const asked: Asked = { child, path, bounds, end: () => ended, said: () => said }
      const take = (most: number) => ask(asked, most)
      return { child, take }
    }),
    ({ child }) =>
      Effect.sync(() => {
        child.kill("SIGKILL")
      })
  )
