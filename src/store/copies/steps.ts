import { Effect } from "effect"
import { attempt } from "../StoreError.ts"

/** Lets everything else that waits in this process have its turn, signals included. */
const turn = Effect.async<void>((resume) => {
  const next = setImmediate(() => resume(Effect.void))
  return Effect.sync(() => clearImmediate(next))
})

/** Work on the file at `path` that takes long, in steps; it can be interrupted between two of them. */
export const inSteps = <A>(op: string, path: string, work: () => Generator<void, A>) =>
  Effect.acquireUseRelease(
    Effect.sync(work),
    (steps) =>
      Effect.gen(function* () {
        for (;;) {
          const step = yield* attempt(op, path, () => steps.next())
          if (step.done === true) return step.value
          yield* turn
        }
      }),
    (steps) => Effect.sync(() => void steps.return(undefined as never))
  )
