import { setFlagsFromString } from "node:v8"
import { Worker } from "node:worker_threads"
import { Effect } from "effect"
import type { CommitInput } from "./commit.ts"
import { type CommitReply, type CommitThreadSettings, packJob } from "./commitJob.ts"
import { type StoreError, toStoreError } from "./StoreError.ts"
import type { Totals } from "./tally.ts"

type Done = (reply: CommitReply) => void

/**
 * By how much the heap of either thread may grow beyond what was alive at the last collection, percent. Commits are
 * garbage as soon as they are written, and V8 by itself lets it become three times as much as is alive.
 */
const heapGrowth = 60

/**
 * How many times larger the place for what is new becomes when it fills. Once both threads are at work it is large
 * enough: what more there were would only be garbage that is collected later.
 */
const newSpaceGrowth = 1

/** What is new on the thread that writes: a sixth of what a thread has by itself. */
const resourceLimits = { maxYoungGenerationSizeMb: 8 }

const failureOf = (op: string, path: string, reply: { code: string | null; message: string }) => {
  const cause = reply.code === null ? null : Object.assign(new Error(reply.message), { code: reply.code })
  const error = cause === null ? null : toStoreError(op, path, cause)
  return error === null ? Effect.die(new Error(reply.message)) : Effect.fail(error)
}

/** Starts with the first commit and ends with the scope, in which commits are answered in the order they were asked for. */
export const makeCommitThread = Effect.fn("CommitThread.make")(function* (
  script: URL,
  { path, busyTimeoutMillis }: CommitThreadSettings
) {
  const settings: CommitThreadSettings = { path, busyTimeoutMillis }
  let thread: Worker | null = null
  const waiting: Array<Done> = []

  const fail = (message: string): void => {
    thread = null
    for (const done of waiting.splice(0)) done({ _tag: "Failed", code: null, message })
  }

  const start = (): Worker => {
    const worker = new Worker(script, { workerData: settings, resourceLimits })
    // Not before: what Node has compiled of itself counts only for the flags it was compiled with.
    worker.once("online", () => setFlagsFromString(`--heap-growing-percent=${heapGrowth}`))
    worker.once("message", () => setFlagsFromString(`--semi-space-growth-factor=${newSpaceGrowth}`))
    worker.on("message", (reply: CommitReply) => waiting.shift()?.(reply))
    worker.on("error", (cause) => fail(`the thread that writes the mirror failed: ${cause}`))
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

  /** Stores pages in one transaction. Cannot be interrupted: whoever goes on knows whether it was kept. */
  return (op: string, input: CommitInput, now: string): Effect.Effect<Totals, StoreError> =>
    Effect.async<CommitReply>((resume) => {
      const job = packJob(input, now)
      thread ??= start()
      thread.postMessage(job)
      waiting.push((reply) => resume(Effect.succeed(reply)))
    }).pipe(
      Effect.flatMap((reply) =>
        reply._tag === "Committed" ? Effect.succeed(reply.totals) : failureOf(op, path, reply)
      ),
      Effect.uninterruptible
    )
})
