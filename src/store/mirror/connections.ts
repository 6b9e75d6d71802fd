import { Effect } from "effect"
import type { WantedStatus } from "../../domain/Status.ts"
import type { Timestamp } from "../../domain/Timestamp.ts"
import type { Db, Session } from "../Db.ts"
import { StoreError } from "../StoreError.ts"

/** What the file knows of a configured connection. */
export interface ConnectionSettings {
  readonly name: string
  readonly provider: string
  readonly conflictPolicy: "manual" | "remote-wins" | "local-wins"
  /** The statuses that can be requested, each with the vendor's word. */
  readonly writable: Readonly<Partial<Record<WantedStatus, string>>>
  /** The statuses that the provider has words for. Left out: it is not known which. */
  readonly readable?: ReadonlyArray<WantedStatus>
}

interface StoredSettings {
  readonly provider: string
  readonly conflict_policy: string
}

const read = ({ prepare }: Session, name: string) => {
  const row = prepare("SELECT provider, conflict_policy FROM connections WHERE name = ?").get(name) as
    | StoredSettings
    | undefined
  const words = prepare("SELECT status, provider_status FROM writable_statuses WHERE connection = ?")
    .raw()
    .all(name) as ReadonlyArray<readonly [string, string]>
  const readable = prepare("SELECT status FROM readable_statuses WHERE connection = ?").pluck().all(name)
  return { row, words: new Map(words), readable: new Set(readable as ReadonlyArray<WantedStatus>) }
}

const write = ({ prepare }: Session, settings: ConnectionSettings, at: Timestamp): void => {
  const { name } = settings
  prepare(
    `INSERT INTO connections (name, provider, conflict_policy, first_seen_at) VALUES (?, ?, ?, ?)
     ON CONFLICT (name) DO UPDATE SET conflict_policy = excluded.conflict_policy`
  ).run(name, settings.provider, settings.conflictPolicy, at)
  prepare("DELETE FROM writable_statuses WHERE connection = ?").run(name)
  for (const [status, word] of Object.entries(settings.writable)) {
    prepare("INSERT INTO writable_statuses (connection, status, provider_status) VALUES (?, ?, ?)").run(
      name,
      status,
      word
    )
  }
  prepare("DELETE FROM readable_statuses WHERE connection = ?").run(name)
  for (const status of settings.readable ?? []) {
    prepare("INSERT INTO readable_statuses (connection, status) VALUES (?, ?)").run(name, status)
  }
}

/** Makes a connection known. Refuses a name that belongs to another provider: its rows would be mixed. */
export const register = Effect.fn("Mirror.register")(function* (
  db: Db,
  settings: ConnectionSettings,
  at: Timestamp
) {
  const { name, provider, conflictPolicy } = settings
  const { readable, row, words } = yield* db.use("Mirror.register", (session) => read(session, name))
  if (row !== undefined && row.provider !== provider) {
    return yield* new StoreError({
      op: "Mirror.register",
      kind: "refused",
      message: `the connection ${name} belongs to ${row.provider} in this mirror, not to ${provider}`,
      hint: "Give the connection another name, or use another file with --db or `database:`."
    })
  }
  const wanted = Object.entries(settings.writable)
  const isSame =
    row?.conflict_policy === conflictPolicy &&
    words.size === wanted.length &&
    wanted.every(([status, word]) => words.get(status) === word) &&
    readable.size === (settings.readable ?? []).length &&
    (settings.readable ?? []).every((status) => readable.has(status))
  if (!isSame) yield* db.transaction("Mirror.register", (session) => write(session, settings, at))
})
