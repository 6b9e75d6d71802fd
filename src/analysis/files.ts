import { Effect } from "effect"
import { StoreError, type StoreFault } from "../store/StoreError.ts"

const faults: Readonly<Record<string, readonly [kind: StoreFault, what: string, hint: string]>> = {
  ENOSPC: ["disk-full", "the disk is full", "Make room, or name another place."],
  EDQUOT: ["disk-full", "this user's share of the disk is used up", "Make room, or name another place."],
  EACCES: ["read-only", "permission denied", "Name another place, or change its permissions."],
  EPERM: ["read-only", "permission denied", "Name another place, or change its permissions."],
  EROFS: ["read-only", "the file system cannot be written", "Name another place."],
  ENOENT: ["no-such-file", "its folder does not exist", "Create the folder, or name another place."],
  ENOTDIR: ["no-such-file", "it lies below something that is not a folder", "Name another place."],
  EEXIST: ["no-such-file", "there is a file where the folder should be", "Name another place."],
  EISDIR: ["no-such-file", "it is a folder", "Name a file."]
}

/** Works on the file or folder at `path`; what the file system objects to is told in words that name it. */
export const onFile = <A>(op: string, path: string, f: () => A): Effect.Effect<A, StoreError> =>
  Effect.suspend(() => {
    try {
      return Effect.succeed(f())
    } catch (cause) {
      if (cause instanceof StoreError) return Effect.fail(cause)
      const code = cause instanceof Error && "code" in cause ? String(cause.code) : ""
      const fault = faults[code]
      if (fault === undefined && !/^E[A-Z]+$/.test(code)) return Effect.die(cause)
      const [kind, what, hint] = fault ?? (["other", code, "Name another place."] as const)
      return Effect.fail(
        new StoreError({ op, kind, message: `${path} cannot be written: ${what}`, hint, cause })
      )
    }
  })
