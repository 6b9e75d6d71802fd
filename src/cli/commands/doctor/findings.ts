import { accessSync, constants, existsSync, statfsSync, statSync } from "node:fs"
import { dirname } from "node:path"
import type { ConnectionConfig } from "../../../config/Config.ts"
import { present } from "../../../domain/present.ts"
import { isStoredOtherwise, keepEverything, keepsEverything, privacyWords } from "../../../privacy/policy.ts"
import type { FileCopy } from "../../../store/copies/fileCopies.ts"
import { ageText, type Restoration } from "../../../store/copies/restored.ts"
import type { DoctorFacts } from "../../../store/read/health/doctorFacts.ts"
import { fixedVersion, hasResetFault } from "../../../store/read/health/oldWriters.ts"
import { counted } from "../../terminal/numbers.ts"
import { spellSize } from "../query/limits.ts"

export type Verdict = "ok" | "warn" | "bad"

export interface Finding {
  readonly verdict: Verdict
  readonly what: string
  readonly detail: string
}

const finding = (verdict: Verdict, what: string, detail: string): Finding => ({ verdict, what, detail })

const megabyte = 2 ** 20

/** More bytes of log than these mean that no checkpoint gets through: a reader holds an old state, or a run is under way. */
const largeLog = 256 * megabyte

/** A mirror needs room for its log, and for a copy of itself where it is backed up or migrated. */
const leastRoom = 200 * megabyte

/** Milliseconds that a clock may differ: no more than seconds are seen in `Date`. */
const clockTolerance = 5_000
const clockBad = 60_000

const modeOf = (path: string): number | null => {
  const stats = statSync(path, { throwIfNoEntry: false })
  return stats === undefined ? null : stats.mode & 0o777
}

/** Who can read a file that should be its owner's. */
export const modeFinding = (path: string, what: string): ReadonlyArray<Finding> => {
  const mode = process.platform === "win32" ? null : modeOf(path)
  if (mode === null) return []
  const octal = mode.toString(8).padStart(4, "0")
  if ((mode & 0o077) === 0) return [finding("ok", what, `${path} is its owner's alone (${octal})`)]
  const who = (mode & 0o007) === 0 ? "its group" : "every user of this machine"
  return [
    finding(
      (mode & 0o007) === 0 ? "warn" : "bad",
      what,
      `${who} can reach ${path} (${octal}): chmod 600 ${path}`
    )
  ]
}

const canWrite = (path: string): boolean => {
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}

/** What keeps a run from storing anything. @param isWritable whether this user can write there */
export const writableFinding = (database: string, isWritable = canWrite): ReadonlyArray<Finding> => {
  const parts = [dirname(database), database, `${database}-wal`, `${database}-shm`]
  const shut = parts.filter((path) => existsSync(path) && !isWritable(path))
  return shut.length === 0
    ? []
    : [
        finding(
          "bad",
          "mirror",
          `this user cannot write ${shut.join(", ")}, so no run can store anything: correct the owner or the mode`
        )
      ]
}

export const diskFinding = (database: string): Finding => {
  try {
    const { bavail, bsize } = statfsSync(dirname(database))
    const free = bavail * bsize
    const size = statSync(database, { throwIfNoEntry: false })?.size ?? 0
    const text = `${spellSize(free)} free where the mirror is (${spellSize(size)})`
    if (free < leastRoom) return finding("bad", "disk", `${text}: make room`)
    return finding(free < 2 * size ? "warn" : "ok", "disk", text)
  } catch (cause) {
    return finding(
      "warn",
      "disk",
      `its room could not be read (${cause instanceof Error ? cause.message : cause})`
    )
  }
}

export const fileFindings = (facts: DoctorFacts, whole: boolean): ReadonlyArray<Finding> => {
  const {
    bytes,
    damage,
    dangling,
    deadRuns,
    erasures,
    leases,
    logBytes,
    newestSchema,
    lastWriter,
    oldWriters,
    openErasures,
    schema,
    sqliteVersion
  } = facts
  const [first] = damage
  const held = leases.filter(({ isExpired }) => !isExpired)
  const lapsed = leases.length - held.length
  const names = held.map(({ connection, lane, pid }) => `${connection} (${lane}, process ${pid})`)
  return present(
    first === undefined
      ? finding(
          "ok",
          "file",
          `${spellSize(bytes)}, whole${whole ? ", and every index agrees with its table" : ""}`
        )
      : finding(
          "bad",
          "file",
          `damaged: ${first}; stop all runs and restore a backup, or see docs/operating.md`
        ),
    dangling === 0
      ? finding("ok", "references", "every row refers to rows that are there")
      : finding(
          "bad",
          "references",
          `${counted(dangling, "row")} refer to rows that are gone: parley rebuild`
        ),
    finding(
      schema === newestSchema ? "ok" : "warn",
      "schema",
      schema === newestSchema
        ? `${schema}, the newest`
        : `${schema} of ${newestSchema}: the next sync brings it up to date`
    ),
    logBytes > largeLog
      ? finding(
          "warn",
          "log",
          `${spellSize(logBytes)}: a program keeps an old state open; close database browsers`
        )
      : finding("ok", "log", logBytes === 0 ? "empty" : spellSize(logBytes)),
    hasResetFault(lastWriter) &&
      finding(
        "warn",
        "writers",
        `SQLite ${lastWriter} wrote to the file, which can damage it during a sync: write with ${fixedVersion} or newer, or begin with PRAGMA wal_autocheckpoint = 0 there`
      ),
    ...(oldWriters.length === 0
      ? [finding("ok", "writers", `no change was requested with a SQLite before ${fixedVersion}`)]
      : oldWriters.map(({ changes, sqlite_version }) =>
          finding(
            "warn",
            "writers",
            `${counted(changes, "change")} with SQLite ${sqlite_version}, which can damage a file during a sync: use parley set-status`
          )
        )),
    held.length === 0
      ? finding("ok", "leases", "no run is under way")
      : finding("ok", "leases", `under way: ${names.join(", ")}`),
    lapsed > 0 &&
      finding("warn", "leases", `${counted(lapsed, "lease")} of ended runs: the next run takes them`),
    erasures > 0 &&
      (openErasures === 0
        ? finding("ok", "forgotten", `${counted(erasures, "request")} to forget, all carried out`)
        : finding(
            "warn",
            "forgotten",
            `${counted(openErasures, "request")} to forget not finished: parley sync (it says what is in the way)`
          )),
    deadRuns > 0 &&
      finding("warn", "runs", `${counted(deadRuns, "run")} died on the way: the next one resumes`),
    finding("ok", "sqlite", sqliteVersion)
  )
}

/** Whether what is stored follows the privacy of the configuration. */
export const privacyFindings = (
  { privacy }: DoctorFacts,
  connections: ReadonlyArray<Pick<ConnectionConfig, "name" | "privacy">>
): ReadonlyArray<Finding> =>
  connections.flatMap(({ name, privacy: wanted = keepEverything }) => {
    const held = privacy.find((one) => one.name === name)
    if (held === undefined || (held.stored === null && keepsEverything(wanted))) return []
    return isStoredOtherwise(wanted, held.stored)
      ? [
          finding(
            "warn",
            "privacy",
            `some of what is stored of ${name} was stored under another privacy: parley rebuild ${name} applies it, parley sync --full ${name} fetches what was left out`
          )
        ]
      : [finding("ok", "privacy", `${name}: ${privacyWords(wanted)}, in all that is stored`)]
  })

export const restoredFinding = (restored: Restoration | null): ReadonlyArray<Finding> =>
  restored === null
    ? []
    : [
        finding(
          "warn",
          "restored",
          `it is ${ageText(restored)}: a backup that was put back, or a copy; the next sync fetches what changed since`
        )
      ]

/** Nothing is said where none is known: it may be made in other ways. */
export const backupFinding = (copies: ReadonlyArray<FileCopy>): ReadonlyArray<Finding> => {
  const newest = copies.find(({ kind }) => kind === "backup")
  if (newest === undefined) return []
  const isThere = existsSync(newest.path)
  return [
    finding(
      isThere ? "ok" : "warn",
      "backup",
      `the newest shows ${newest.at}: ${newest.path}${isThere ? "" : ", which is not there any more"}`
    )
  ]
}

/** @param ahead milliseconds that the provider's clock is ahead of this machine's */
export const clockFinding = (name: string, ahead: number): Finding => {
  const off = Math.abs(ahead)
  const seconds = Math.round(off / 1000)
  const text =
    off <= clockTolerance
      ? `agrees with ${name}'s`
      : `${counted(seconds, "second")} ${ahead > 0 ? "behind" : "ahead of"} ${name}'s`
  if (off <= clockTolerance) return finding("ok", "clock", text)
  return finding(
    off > clockBad ? "bad" : "warn",
    "clock",
    `${text}: synchronize it (timedatectl set-ntp true)`
  )
}
