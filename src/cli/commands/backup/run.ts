import { resolve } from "node:path"
import { Effect } from "effect"
import { type Backup, backUp } from "../../../store/copies/backup.ts"
import type { CopyManifest } from "../../../store/copies/manifest.ts"
import { type Verified, verifyBackup } from "../../../store/copies/verify.ts"
import { copyingMirror } from "../../configuration.ts"
import { UsageError } from "../../errors.ts"
import { exitCodes } from "../../exitCodes.ts"
import { Host } from "../../Host.ts"
import { atLeastOne } from "../../options.ts"
import { answer } from "../../terminal/answer.ts"
import { counted } from "../../terminal/numbers.ts"
import { spellSize } from "../query/limits.ts"
import type { BackupInput } from "./index.ts"

const rowsIn = ({ tables }: Pick<CopyManifest, "tables">, name: string): number =>
  tables.find(({ table }) => table === name)?.rows ?? 0

const contentText = (manifest: Pick<CopyManifest, "tables" | "made_at" | "seq">): string =>
  `${counted(rowsIn(manifest, "message_rows"), "message")} in ${counted(rowsIn(manifest, "remote_conversations"), "conversation")}, as of ${manifest.made_at} (commit ${manifest.seq})`

const verifiedText = (path: string, { bytes, faults, manifest }: Verified): string => {
  const holds = manifest === null ? "" : `: ${contentText(manifest)}, ${spellSize(bytes)}`
  return faults.length === 0
    ? `good  ${path}${holds}`
    : [`bad   ${path}${holds}`, ...faults.map((fault) => `  ${fault}`)].join("\n")
}

const inColour = /^bad\b/gm

const verify = Effect.fn("backup.verify.verb")(function* (path: string) {
  const verified = yield* verifyBackup(path)
  const { bytes, faults, manifest, sha256 } = verified
  const isGood = faults.length === 0
  yield* answer(
    { ok: isGood, file: path, bytes, sha256, faults, manifest },
    verifiedText(path, verified),
    inColour
  )
  return isGood ? exitCodes.complete : exitCodes.partial
})

const backupText = ({ deleted, file, kept, manifest }: Backup): string =>
  [
    `${file.path}: ${contentText(manifest)}, ${spellSize(file.bytes ?? 0)}`,
    ...kept.map((path) => `  kept     ${path}`),
    ...deleted.map((path) => `  deleted  ${path}`)
  ].join("\n")

const make = Effect.fn("backup.verb")(function* (to: string, keep: number | null) {
  const made = yield* copyingMirror(backUp({ to, keep }), ({ news }) => news)
  const { damaged, deleted, kept, manifest } = made
  const { bytes, path: file, sha256 } = made.file
  yield* Effect.forEach(damaged, (path) =>
    Effect.logWarning(
      `${path} is damaged and does not count among the backups that are kept: \`parley backup --verify ${path}\` says how; delete it`
    )
  )
  return yield* answer({ file, bytes, sha256, manifest, kept, deleted, damaged }, backupText(made))
})

export const backup = (input: BackupInput) =>
  Effect.gen(function* () {
    const { cwd } = yield* Host
    const { keep, to } = input
    yield* atLeastOne("--keep", keep)
    if (input.verify !== null) {
      if (to === null && keep === null) return yield* verify(resolve(cwd, input.verify))
      return yield* new UsageError({
        message: `--verify makes no backup, so ${to === null ? "--keep" : "--to"} does not go with it`,
        hint: "make the backup with one command, and verify it with another"
      })
    }
    if (to === null) {
      return yield* new UsageError({
        message: "it is not said where the backup should be",
        hint: "write parley backup --to FILE, or --verify FILE to check one"
      })
    }
    return yield* make(resolve(cwd, to), keep)
  })
