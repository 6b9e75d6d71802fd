import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { Worker } from "node:worker_threads"
import { type Cause, Effect } from "effect"
import type { Timestamp } from "../../../domain/Timestamp.ts"
import { codeOf } from "../../../files/faults.ts"
import type { Db } from "../../Db.ts"
import { migrations } from "../../migrations/index.ts"
import { type StoreError, toStoreError } from "../../StoreError.ts"
import type { CommitInput } from "../commit.ts"
import type { Totals } from "../tally.ts"
import { type CommitReply, type CommitThreadSettings, packJob } from "./commitJob.ts"

type Done = (reply: CommitReply) => void

/** Set once both threads are at work: what Node has compiled of itself counts only for the flags it was compiled with. */
const flags = [
  // By how much the heap of either thread may grow beyond what was alive at the last collection, percent. Commits are
  // garbage as soon as they are written, and V8 by itself lets it become three times as much as is alive.
  "--heap-growing-percent=60",
  // How many times larger the place for what is new becomes when it fills. It is large enough by then: what more there
  // were would only be garbage that is collected later.
  "--semi-space-growth-factor=1",
  // Both cores are at work already: more threads for one collection only wait for each other.
  "--no-parallel-scavenge",
  // A third of what V8 by itself copies into a function that it optimizes: few functions run for long enough to repay it.
  "--max-inlined-bytecode-size-cumulative=300"
]

/**
 * Collects the heap once everything is loaded. V8 measures by what was alive at the last collection how far the heap may
 * grow; before the first one it has no such measure, and the heap grew to 75 MB where 40 are enough.
 */
const collectOnce = (): void => {
  setFlagsFromString("--expose-gc")
  const collect: unknown = runInNewContext("globalThis.gc")
  if (typeof collect === "function") collect()
}

/** What is new on the thread that writes: a sixth of what a thread has by itself. */
const resourceLimits = { maxYoungGenerationSizeMb: 8 }

/**
 * The system's or SQLite's code of what ended the thread; null: it has none. Where it cannot start, Node says it in words,
 * and of an error of SQLite's it passes nothing on but the code.
 */
const codeIn = (cause: unknown): string | null =>
  / initialization failure: (E[A-Z]+)/.exec(String(cause))?.[1] ??
  codeOf(cause instanceof Error ? cause : Object.assign(new Error(), cause))

const failureOf = (op: string, path: string, reply: { code: string | null; message: string }) => {
  const cause = reply.code === null ? null : Object.assign(new Error(reply.message), { code: reply.code })
  const error = cause === null ? null : toStoreError(op, path, cause)
  return error === null ? Effect.die(new Error(reply.message)) : Effect.fail(error)
}

type Commit = (op: string, input: CommitInput, now: Timestamp) => Effect.Effect<Totals, StoreError>

/** Whether all that was received is that conversations are there: then there is little to write, and little to wait for. */
const isLook = ({ pages }: CommitInput): boolean =>
  pages.every(({ items }) => items.every(({ _tag }) => _tag === "Unchanged" || _tag === "Filtered"))

const scanOf = ({ connection, lane, runId }: CommitInput): string => `${runId} ${connection} ${lane}`

/**
 * Starts with the first commit that brings records, or when it is told that such will come, and ends with the scope, in
 * which commits are answered in the order they were requested.
 * @param here commits on this thread what comes before: where nothing is new, the other one is never started
 * @param starting called when it starts
 */
export const makeCommitThread = Effect.fn("CommitThread.make")(function* (
  script: URL,
  { path, busyTimeoutMillis, stillThere }: Pick<Db, "path" | "busyTimeoutMillis" | "stillThere">,
  here: Commit,
  starting: () => void
) {
  const settings: CommitThreadSettings = { path, busyTimeoutMillis, knownSchema: migrations.length }
  let thread: Worker | null = null
  let isStarted = false
  const waiting: Array<Done> = []

  const fail = (message: string, code: string | null = null): void => {
    thread = null
    for (const done of waiting.splice(0)) done({ _tag: "Failed", code, message })
  }

  const start = (): Worker => {
    isStarted = true
    starting()
    const worker = new Worker(script, { workerData: settings, resourceLimits })
    worker.once("message", () => {
      for (const flag of flags) setFlagsFromString(flag)
      collectOnce()
    })
    worker.on("message", (reply: CommitReply) => waiting.shift()?.(reply))
    worker.on("error", (cause) => {
      const code = codeIn(cause)
      fail(`the thread that writes the mirror failed: ${cause instanceof Error ? cause : code}`, code)
    })
    worker.on("exit", () => {
      if (thread === worker) fail("the thread that writes the mirror ended")
    })
    return worker
  }

  yield* Effect.addFinalizer(() =>
    Effect.async<void>((resume) => {
      const worker = thread
      thread = null
      if (worker === null) return resume(Effect.void)
      worker.once("exit", () => resume(Effect.void))
      worker.postMessage(null)
    })
  )

  /** It opens the file by its path, which must still be the one that this thread has open. */
  const mayStart = (op: string) =>
    Effect.suspend(() => (thread === null ? stillThere(op, { atOnce: true }) : Effect.void))

  /** Stores pages in one transaction. Cannot be interrupted: the caller knows whether it was kept. */
  const there: Commit = (op, input, now) => Effect.zipRight(mayStart(op), stored(op, input, now))

  /** Starts it before the first commit: it is ready then once that comes. */
  const startAhead = (op: string): Effect.Effect<void, StoreError> =>
    Effect.map(mayStart(op), () => {
      thread ??= start()
    })

  const stored: Commit = (op, input, now) =>
    Effect.async<CommitReply>((resume) => {
      const job = packJob(input, now)
      // What the other thread meets is known to it and to the file.
      if (input.seen !== null) input.seen.restored = false
      thread ??= start()
      thread.postMessage(job)
      waiting.push((reply) => resume(Effect.succeed(reply)))
    }).pipe(
      Effect.flatMap((reply) =>
        reply._tag === "Committed" ? Effect.succeed(reply.totals) : failureOf(op, path, reply)
      ),
      Effect.uninterruptible
    )

  /** What became of the first commit that failed here, of each run's scans: none that comes after it may be kept. */
  const failures = new Map<string, Cause.Cause<StoreError>>()

  const commit: Commit = (op, input, now) =>
    Effect.suspend(() => {
      const failure = input.scan === null ? undefined : failures.get(scanOf(input))
      if (failure !== undefined) return Effect.failCause(failure)
      if (isStarted || !isLook(input)) return there(op, input, now)
      return Effect.tapErrorCause(here(op, input, now), (cause) =>
        Effect.sync(() => failures.set(scanOf(input), cause))
      )
    })

  return { commit, startAhead } as const
})
