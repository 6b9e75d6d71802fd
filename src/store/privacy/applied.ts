import type { Session } from "../Session.ts"

/*
 * Which privacy everything that is stored of a connection is known to follow. JSON as `connections.privacy` has it; null:
 * all is as it came.
 */

/** In the place of a setting where some of what is stored follows another one, or was hashed with another key. */
const mixed = "mixed"
const otherKey = "other key"

const read = ({ prepare }: Pick<Session, "prepare">, connection: string): string | null =>
  (prepare("SELECT privacy FROM connections WHERE name = ?").pluck().get(connection) as
    | string
    | null
    | undefined) ?? null

const write = ({ prepare }: Pick<Session, "prepare">, connection: string, privacy: string | null): void =>
  void prepare("UPDATE connections SET privacy = ? WHERE name = ? AND privacy IS NOT ?").run(
    privacy,
    connection,
    privacy
  )

const plain = { emails: "keep", names: "keep", phones: "keep", texts: "keep" }

const settingsIn = (privacy: string | null): Readonly<Record<string, string>> =>
  privacy === null ? plain : (JSON.parse(privacy) as Readonly<Record<string, string>>)

/** The settings in which both agree, and of the others that they do not. The key is that of what comes from now on. */
const together = (before: string | null, wanted: string | null): string => {
  const [held, coming] = [settingsIn(before), settingsIn(wanted)]
  const isRekeyed = held.key !== undefined && coming.key !== undefined && held.key !== coming.key
  const setting = (name: string): string | undefined => {
    if (held[name] !== coming[name]) return held[name] === otherKey ? otherKey : mixed
    return isRekeyed && coming[name] === "hash" ? otherKey : coming[name]
  }
  const key = coming.key ?? held.key
  return JSON.stringify({
    emails: setting("emails"),
    ...(key === undefined ? {} : { key }),
    names: setting("names"),
    phones: setting("phones"),
    texts: setting("texts")
  })
}

const holdsAnything = ({ prepare }: Pick<Session, "prepare">, connection: string): boolean =>
  prepare(
    "SELECT 1 FROM remote_conversations WHERE connection = ? UNION ALL SELECT 1 FROM quarantine WHERE connection = ? LIMIT 1"
  )
    .pluck()
    .get(connection, connection) !== undefined

/**
 * Notes, before anything is stored, that it will follow this privacy. To be called inside of a transaction.
 * @param mayRekey what is hashed with another key may be stored beside it; otherwise nothing is noted then
 * @returns whether all that is stored follows it; null: it is hashed with another key
 */
export const followPrivacy = (
  session: Session,
  connection: string,
  privacy: string | null,
  mayRekey: boolean
): boolean | null => {
  const before = read(session, connection)
  if (before === privacy) return true
  if (!holdsAnything(session, connection)) {
    write(session, connection, privacy)
    return true
  }
  const [held, coming] = [settingsIn(before).key, settingsIn(privacy).key]
  if (!mayRekey && held !== undefined && coming !== undefined && held !== coming) return null
  write(session, connection, together(before, privacy))
  return false
}

/**
 * Notes that all that is stored follows this privacy by now, as far as `work` can bring that about: to apply it makes
 * nothing plain again, and to fetch everything again removes nothing. To be called inside of a transaction.
 */
export const noteFollowed = (
  session: Session,
  connection: string,
  privacy: string | null,
  work: "applied" | "fetched"
): void => {
  const wanted = settingsIn(privacy)
  const isDone = (name: string, setting: string): boolean =>
    wanted[name] === "keep" || setting === otherKey ? work === "fetched" : work === "applied"
  const entries = Object.entries(settingsIn(read(session, connection))).map(
    ([name, setting]): [string, string] => [name, isDone(name, setting) ? (wanted[name] ?? setting) : setting]
  )
  const settings = Object.fromEntries(entries)
  const isSame = Object.keys(wanted).every((name) => settings[name] === wanted[name])
  write(session, connection, isSame ? privacy : JSON.stringify(settings))
}

/** Whether all that is stored follows this privacy. */
export const isApplied = (
  session: Pick<Session, "prepare">,
  connection: string,
  privacy: string | null
): boolean => read(session, connection) === privacy
