import { Effect } from "effect"
import { fileFaultOf } from "../files/faults.ts"
import { StoreError } from "../store/StoreError.ts"

/** Works on the file or folder at `path`; errors of the file system name the path. */
export const onFile = <A>(op: string, path: string, f: () => A): Effect.Effect<A, StoreError> =>
  Effect.suspend(() => {
    try {
      return Effect.succeed(f())
    } catch (cause) {
      if (cause instanceof StoreError) return Effect.fail(cause)
      const fault = fileFaultOf(cause)
      if (fault === null) return Effect.die(cause)
      const { advice, kind, what } = fault
      return Effect.fail(
        new StoreError({
          op,
          kind,
          message: `${path} cannot be written: ${what}`,
          hint: `${advice}, or name another place.`,
          cause
        })
      )
    }
  })
