import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, type Scope } from "effect"
import { processExists } from "../store/ledger/processIdentity.ts"

const prefix = "parley-airbyte-"

/** Removes what processes of this user have left that were killed. */
const sweep = (root: string): void => {
  for (const name of readdirSync(root)) {
    const pid = Number(new RegExp(`^${prefix}(\\d+)-`).exec(name)?.[1] ?? Number.NaN)
    if (Number.isNaN(pid) || processExists(pid)) continue
    const path = join(root, name)
    if (statSync(path, { throwIfNoEntry: false })?.uid === process.getuid?.())
      rmSync(path, { recursive: true, force: true })
  }
}

/** A folder that only this user can look into, and that is gone with the scope; one that was left behind, later. */
export const temporaryFolder: Effect.Effect<string, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => {
    const root = tmpdir()
    try {
      sweep(root)
    } catch {
      // Another process sweeps as well.
    }
    return mkdtempSync(join(root, `${prefix}${process.pid}-`))
  }),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)
