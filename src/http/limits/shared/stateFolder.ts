import { homedir, tmpdir, userInfo } from "node:os"
import { isAbsolute, join } from "node:path"

/** Where state is kept that all processes of this user share. */
interface StateFolder {
  readonly folder: string
  /** This user has no home folder: what is kept here may be gone with the next start of the machine or container. */
  readonly isTemporary: boolean
}

const absolute = (path: string | undefined): string | null =>
  path !== undefined && isAbsolute(path) ? path : null

/** Both throw where the user's number has no entry in the list of users, as in many containers. */
const homeOf = (environment: NodeJS.ProcessEnv): string | null => {
  const given = absolute(environment.HOME)
  if (given !== null) return given
  try {
    return absolute(homedir()) ?? absolute(userInfo().homedir)
  } catch {
    return null
  }
}

/**
 * `$XDG_STATE_HOME/parley`, else `~/.local/state/parley`, else a folder of this user's among the temporary files. A
 * relative path counts as none: https://specifications.freedesktop.org/basedir-spec/latest/#variables
 */
export const stateFolder = (environment: NodeJS.ProcessEnv = process.env): StateFolder => {
  const state = absolute(environment.XDG_STATE_HOME)
  if (state !== null) return { folder: join(state, "parley"), isTemporary: false }
  const home = homeOf(environment)
  return home === null
    ? { folder: join(tmpdir(), `parley-${process.getuid?.() ?? "user"}`), isTemporary: true }
    : { folder: join(home, ".local", "state", "parley"), isTemporary: false }
}
