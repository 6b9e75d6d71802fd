import { realpathSync } from "node:fs"
import { isAbsolute } from "node:path"
import { isTimeZone } from "../config/units.ts"
import type { Environment } from "../config/variables.ts"

/** `/usr/share/zoneinfo/Europe/Berlin`, or a link to it, as the name of a zone. */
const zoneOfFile = (path: string): string | null => {
  try {
    return /\/zoneinfo\/(?:posix\/|right\/)?(.+)$/.exec(realpathSync(path))?.[1] ?? null
  } catch {
    return null
  }
}

/**
 * The time zone of this machine. JavaScript knows none where TZ is empty, which means UTC, or names a file, or something
 * of an unknown zone, which the system takes for UTC: https://man7.org/linux/man-pages/man3/tzset.3.html
 * @param resolved what JavaScript says
 */
export const machineTimeZone = (
  { TZ }: Environment,
  resolved: string | undefined = new Intl.DateTimeFormat().resolvedOptions().timeZone
): string => {
  const named = TZ?.replace(/^:/, "") ?? ""
  const zone = isAbsolute(named) ? zoneOfFile(named) : resolved
  return zone !== null && zone !== undefined && isTimeZone(zone) ? zone : "UTC"
}
