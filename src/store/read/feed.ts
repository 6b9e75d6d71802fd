import { Clock, Context, Effect, Layer, type Scope } from "effect"
import { now } from "../../domain/Timestamp.ts"
import { lacks, type State } from "../copies/restored.ts"
import { Db, type Session } from "../Db.ts"
import { dictionary } from "../dictionary.ts"
import { StoreError, toStoreError } from "../StoreError.ts"
import { makeKnown } from "./lookup.ts"
import { identityOf, inSnapshot } from "./moment.ts"

/*
 * What changed in a mirror after a commit, row by row, for programs that keep a copy elsewhere. Reads the promised views.
 */

/** The tables that a copy has, in the order in which one refers to another. */
export const feedTables = ["contacts", "conversations", "messages", "status_history"] as const
export type FeedTable = (typeof feedTables)[number]

/** Of the mirror's own bookkeeping, or changing without a commit. */
const internal: ReadonlySet<string> = new Set([
  "key",
  "page_id",
  "run_id",
  "seq",
  "first_seen_at",
  "last_seen_at"
])

/** What every row has, after its own columns. `change_seq` is the commit that last changed it. */
const lineage = ["connection", "provider", "observed_at", "deleted_at", "change_seq"] as const

/** The columns of a row of the feed, in order. */
export const feedColumns = (table: FeedTable): ReadonlyArray<string> => {
  const entry = dictionary.find((candidate) => candidate.table === table)
  const own = Object.keys(entry?.columns ?? {}).filter((name) => !internal.has(name))
  return [...own, ...lineage.filter((name) => !own.includes(name))]
}

/** A row as it is now, or, where it is gone, its id and `deleted_at`; the other columns are null then. */
export interface FeedRow {
  readonly id: string
  readonly connection: string
  readonly change_seq: number
  readonly [column: string]: string | number | null
}

const selectionOf = (table: FeedTable): string => {
  const entry = dictionary.find((candidate) => candidate.table === table)
  const own = new Set(Object.keys(entry?.columns ?? {}))
  const expression = (name: string): string => {
    if (name === "id") return "CAST(id AS TEXT) AS id"
    if (name === "change_seq") return "seq AS change_seq"
    if (own.has(name)) return name
    const conversation = table === "messages" || table === "status_history" ? "conversation_id" : "id"
    return name === "connection"
      ? `substr(${conversation}, 1, instr(${conversation}, ':') - 1) AS connection`
      : `NULL AS ${name}`
  }
  return `SELECT ${feedColumns(table).map(expression).join(", ")} FROM ${table === "messages" ? "messages_by_change" : table} WHERE seq > ? ORDER BY seq`
}

interface Gone {
  readonly seq: number
  readonly at: string | null
  readonly id: string
}

/** Rows that are gone; a conversation that its provider deleted is still there. */
const goneSql = `SELECT f.seq, f.at, f.row_id AS id FROM change_feed f
  WHERE f.seq > ? AND f.op = 'delete' AND f.table_name = ?
    AND (f.table_name <> 'conversations' OR NOT EXISTS (SELECT 1 FROM conversations c WHERE c.id = f.row_id))
  ORDER BY f.seq`

/** The connections that the mirror holds, with their providers. */
const providersOf = ({ prepare }: Pick<Session, "prepare">): ReadonlyMap<string, string> =>
  new Map(
    prepare("SELECT name, provider FROM connections ORDER BY name").raw().all() as ReadonlyArray<
      [string, string]
    >
  )

const committedAtIn = ({ prepare }: Pick<Session, "prepare">) => {
  const statement = prepare("SELECT at FROM commits WHERE seq = ?").pluck()
  return (seq: number): string | null => (statement.get(seq) as string | undefined) ?? null
}

const rowsOf = function* (
  { database, prepare }: Session,
  table: FeedTable,
  after: number
): Generator<FeedRow> {
  const providers = providersOf({ prepare })
  const committedAt = committedAtIn({ prepare })
  let latest: { readonly seq: number; readonly at: string | null } = { seq: -1, at: null }
  const atOf = (seq: number): string | null => {
    if (latest.seq !== seq) latest = { seq, at: committedAt(seq) }
    return latest.at
  }
  const blank = Object.fromEntries(feedColumns(table).map((name) => [name, null]))
  const buried = ({ at, id, seq }: Gone): FeedRow => {
    const [connection = ""] = id.split(":")
    return {
      ...blank,
      id,
      connection,
      provider: providers.get(connection) ?? null,
      observed_at: at,
      deleted_at: at,
      change_seq: seq
    }
  }
  // A copy that has nothing yet has nothing to delete.
  const gone = after === 0 ? [] : (prepare(goneSql).all(after, table) as ReadonlyArray<Gone>)
  let next = 0
  const statement = database.prepare<Array<unknown>, Record<string, string | number | null>>(
    selectionOf(table)
  )
  for (const row of statement.iterate(after)) {
    const found = row as Record<string, string | number | null> & FeedRow
    for (; (gone[next]?.seq ?? Number.POSITIVE_INFINITY) <= found.change_seq; next += 1) {
      yield buried(gone[next] as Gone)
    }
    found.provider ??= providers.get(found.connection) ?? null
    found.observed_at ??= atOf(found.change_seq)
    yield found
  }
  for (const one of gone.slice(next)) yield buried(one)
}

export interface Feed {
  /** The mirror's identity: another file's numbers of commits mean something else. */
  readonly mirror: string
  /** The connections that the mirror holds, with their providers. */
  readonly connections: Effect.Effect<ReadonlyMap<string, string>, StoreError>
  /** Everything that `use` reads shows one moment, whatever is committed meanwhile. */
  readonly inSnapshot: <A, E, R>(use: Effect.Effect<A, E, R>) => Effect.Effect<A, E | StoreError, R>
  /** When a commit was made, ISO 8601; null: there is none of this number. */
  readonly committedAt: (seq: number) => string | null
  /** Whether the mirror lacks this commit: an older state of it was put back since. */
  readonly lacks: (commit: State) => Effect.Effect<boolean, StoreError>
  /** What changed in a table after a commit, in the order of commits; to be read inside of a snapshot. */
  readonly rows: (table: FeedTable, after: number) => Generator<FeedRow>
  /** The fingerprints that conversations are stored with; those without one are absent. */
  readonly fingerprints: (
    connection: string,
    providerIds: ReadonlyArray<string>
  ) => Effect.Effect<ReadonlyMap<string, string>, StoreError>
  /** What an iteration over `rows` throws, as a failure; anything else is a defect. */
  readonly faultOf: (cause: unknown) => StoreError | null
}

/** Reads a mirror through a connection of its own, for as long as the scope. */
export const openFeed = (path: string): Effect.Effect<Feed, StoreError, Scope.Scope> =>
  Effect.gen(function* () {
    const db = Context.get(yield* Layer.build(Db.layer(path, { readOnly: true })), Db)
    const mirror = yield* db.use("feed", identityOf)
    // An index that SQLite makes for one query reads every message, for the few that a commit has brought.
    const session = yield* db.use("feed", (open) => {
      open.database.pragma("automatic_index = OFF")
      return open
    })
    const known = yield* db.use("feed", makeKnown)
    return {
      mirror,
      connections: db.use("feed.connections", providersOf),
      inSnapshot: (use) => inSnapshot(db, "feed", use),
      committedAt: (seq) => committedAtIn(session)(seq),
      lacks: (commit) => db.use("feed.lacks", (open) => lacks(open, commit)),
      rows: (table, after) => rowsOf(session, table, after),
      fingerprints: (connection, providerIds) =>
        Effect.flatMap(Clock.currentTimeMillis, (at) =>
          db.use("feed.fingerprints", () => {
            const found = known(connection, providerIds, now(at))
            return new Map(
              [...found].flatMap(([id, { fingerprint }]) => (fingerprint === null ? [] : [[id, fingerprint]]))
            )
          })
        ),
      faultOf: (cause) => (cause instanceof StoreError ? cause : toStoreError("feed", path, cause))
    } satisfies Feed
  })
