import { hash } from "node:crypto"
import { readFileSync, readlinkSync } from "node:fs"
import { hostname } from "node:os"

/** Enough of a process to know later whether it still runs: its number alone is reused sooner or later. */
interface ProcessIdentity {
  readonly host: string
  readonly pid: number
  /** When it started, in this system's own terms; null where the system does not say. */
  readonly start: string | null
}

const read = (path: string): string | null => {
  try {
    return readFileSync(path, "utf8").trim()
  } catch {
    return null
  }
}

/** The 22nd field: ticks since boot. The 2nd may hold spaces and ends at the last parenthesis. */
const startTicks = (stat: string): string | null =>
  stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? null

/** Where process numbers are counted: another container counts its own. */
const namespace = (): string => {
  try {
    return readlinkSync("/proc/self/ns/pid")
  } catch {
    return ""
  }
}

const boot = (): string => `${read("/proc/sys/kernel/random/boot_id") ?? ""}/${namespace()}`

const startOf = (pid: number): string | null => {
  const stat = read(`/proc/${pid}/stat`)
  const ticks = stat === null ? null : startTicks(stat)
  return ticks === null ? null : `${boot()}/${ticks}`
}

export const thisProcess = (): ProcessIdentity => ({
  host: hostname(),
  pid: process.pid,
  start: startOf(process.pid)
})

/** Whether a process of this machine has that number, whoever its user is. */
export const processExists = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (cause) {
    return !(cause instanceof Error && "code" in cause && cause.code === "ESRCH")
  }
}

const sameCounting = (start: string): boolean => start.startsWith(`${boot()}/`)

/** True only where it is certain: a process of another host or container may live, for all that can be seen from here. */
export const isDead = ({ host, pid, start }: ProcessIdentity): boolean => {
  if (host !== hostname()) return false
  if (start === null) return !processExists(pid)
  // The machine was started again, or it counted its processes in another container.
  if (!sameCounting(start)) return start.split("/")[0] !== boot().split("/")[0]
  return !processExists(pid) || startOf(pid) !== start
}

const short = (text: string): string => hash("sha256", text, "hex").slice(0, 8)

/** Where process numbers are counted, whichever time the machine was started. */
const counting = (): string => short(`${hostname()}/${namespace()}`)

const nameOf = (pid: number): string => `${counting()}-${pid}-${short(startOf(pid) ?? "")}`

/** A name for files that this process writes: no later process has the same. */
export const thisProcessName = (): string => nameOf(process.pid)

/** What a name of a process looks like. */
export const processNamePattern = "[0-9a-f]{8}-[0-9]+-[0-9a-f]{8}"

/** True only where it is certain, as `isDead`. */
export const isNameOfDead = (name: string): boolean => {
  const [where, pid] = name.split("-")
  return where === counting() && (!processExists(Number(pid)) || nameOf(Number(pid)) !== name)
}

/** When the process started that holds a lease. @param owner `<start of the process>#<which lease of it>` */
export const startIn = (owner: string): string | null => owner.split("#")[0] || null

/** Whether the holder of a lease has certainly died. */
export const isHolderDead = ({
  host,
  owner,
  pid
}: Pick<ProcessIdentity, "host" | "pid"> & { readonly owner: string }): boolean =>
  isDead({ host, pid, start: startIn(owner) })
