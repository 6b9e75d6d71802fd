import { closeSync, lstatSync, readdirSync, rmSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import { Effect } from "effect"
import { createPrivate } from "../../files/newFile.ts"
import { isNameOfDead, processNamePattern, thisProcessName } from "../ledger/processIdentity.ts"
import { onFile } from "../onFile.ts"

/*
 * A copy is written under a name of its own, beside the one that it takes once it is whole. The name says which process
 * writes it, so that what a death left behind is removed by the next run, and what another run is writing is not.
 */

/** What SQLite keeps beside a file while it writes to it. */
const companions = ["-journal", "-wal", "-shm"] as const

/** Milliseconds after which it is left behind, whoever wrote it: its machine or container may never come back. */
const longAgo = 24 * 3_600_000

const isOld = (path: string): boolean => {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  return stats !== undefined && Date.now() - stats.mtimeMs > longAgo
}

const ending = new RegExp(`^(${processNamePattern})-\\d+(?:${companions.join("|")})?$`)

/** Removes what earlier runs that died left of writing `path`. */
const sweep = (path: string): void => {
  const folder = dirname(path)
  const begin = `${basename(path)}.part-`
  for (const name of readdirSync(folder)) {
    const writer = name.startsWith(begin) ? ending.exec(name.slice(begin.length))?.[1] : undefined
    if (writer === undefined) continue
    if (isNameOfDead(writer) || isOld(join(folder, name))) rmSync(join(folder, name), { force: true })
  }
}

/** Of the files that this process has written so. */
let number = 0

const make = (path: string): string => {
  sweep(path)
  number += 1
  const unfinished = `${path}.part-${thisProcessName()}-${number}`
  closeSync(createPrivate(unfinished))
  return unfinished
}

const remove = (unfinished: string): void => {
  for (const suffix of ["", ...companions]) rmSync(unfinished + suffix, { force: true })
}

/** An empty file beside `path`, for its owner alone; gone when the scope closes, unless it was given its name by then. */
export const unfinishedBeside = (op: string, path: string) =>
  Effect.acquireRelease(
    onFile(op, path, () => make(path)),
    (unfinished) => Effect.sync(() => remove(unfinished))
  )
