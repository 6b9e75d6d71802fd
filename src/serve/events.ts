import { Effect, PubSub, Schedule, type Scope, Stream } from "effect"
import { present } from "../domain/present.ts"
import type { ClientEvent } from "../http/contract.ts"
import type { Db, Session } from "../store/Db.ts"
import { newestCommit, runsUnderWay } from "../store/read/runsUnderWay.ts"
import type { Progress } from "../sync/progress.ts"

/*
 * What happens, as it happens. Whatever process writes to the mirror is noticed by the mirror itself: its version, its
 * feed of changes and its ledger. Only what a run waits for is known to its own process alone.
 */

export type ServeEvent =
  /** Rows of these conversations are new or changed; null: too many to name. */
  | { readonly event: "conversations"; readonly ids: ReadonlyArray<string> | null }
  | { readonly event: "changes"; readonly items: ReadonlyArray<ChangeNews> }
  | { readonly event: "runs"; readonly running: ReturnType<typeof runsUnderWay> }
  | {
      readonly event: "waiting"
      readonly connection: string
      readonly until: string
      readonly reason: string
    }
  | { readonly event: "notice"; readonly connection: string; readonly message: string; readonly hint: string }

interface ChangeNews {
  readonly id: number
  readonly conversation_id: string
  readonly state: string
  readonly last_error: string | null
}

export interface Events {
  readonly publish: (event: ServeEvent) => Effect.Effect<void>
  /** From now on, for as long as it is read; null: too many listen already. */
  readonly listen: Effect.Effect<Stream.Stream<ServeEvent> | null>
  /** Passes a run's events on, and this page's as well. */
  readonly overhear: (progress: Progress["Type"]) => Progress["Type"]
}

/** Events kept for a reader that is slow: it misses the oldest. */
const kept = 256

/** Each reader is an open connection. */
const mostListeners = 50

/** Milliseconds between two looks at the mirror while someone listens. */
const looksEvery = 250

/** Rows of the feed that are named one by one. */
const mostNamed = 500

const newsSince = ({ prepare }: Session, seq: number): ReadonlyArray<ServeEvent> => {
  const rows = prepare(
    `SELECT table_name, row_id FROM change_feed
     WHERE seq > ? AND table_name IN ('conversations', 'status_changes') LIMIT ?`
  ).all(seq, mostNamed) as ReadonlyArray<{ readonly table_name: string; readonly row_id: string }>
  const idsIn = (table: string) => rows.flatMap((row) => (row.table_name === table ? [row.row_id] : []))
  const change = prepare("SELECT id, conversation_id, state, last_error FROM status_changes WHERE id = ?")
  const changes = idsIn("status_changes").flatMap(
    (id) => (change.get(Number(id)) as ChangeNews | undefined) ?? []
  )
  const named = [...new Set([...idsIn("conversations"), ...changes.map((one) => one.conversation_id)])]
  return present(
    changes.length > 0 && ({ event: "changes", items: changes } as const),
    named.length > 0 && ({ event: "conversations", ids: rows.length === mostNamed ? null : named } as const)
  )
}

/** All that is shown is of a file that is no longer there. */
const anotherFile: ReadonlyArray<ServeEvent> = [{ event: "conversations", ids: null }]

/** Milliseconds of a wait that is worth a word. */
const shortWait = 1_000

const waitOf = (connection: string, event: ClientEvent): ServeEvent | null =>
  event._tag === "Waiting" && event.until - Date.now() > shortWait
    ? { event: "waiting", connection, until: new Date(event.until).toISOString(), reason: event.reason }
    : null

/** Looks at the mirror for as long as the scope, while someone listens. */
export const makeEvents = (db: Db): Effect.Effect<Events, never, Scope.Scope> =>
  Effect.gen(function* () {
    const hub = yield* PubSub.sliding<ServeEvent>(kept)
    let listeners = 0
    let version = -1
    let seq = 0
    let running = ""
    let database: Session["database"] | null = null
    const look = db
      .use("serve.events", (session) => {
        const isOther = database !== null && database !== session.database
        database = session.database
        const current = Number(session.database.pragma("data_version", { simple: true }))
        if (current === version && !isOther) return []
        const isFirst = version === -1
        version = current
        // Before the feed is read: what is committed in between is told twice rather than not at all.
        const newest = newestCommit(session)
        const news = isOther ? anotherFile : isFirst ? [] : newsSince(session, seq)
        seq = newest
        const now = runsUnderWay(session)
        const text = JSON.stringify(now)
        if (text === running) return news
        running = text
        return [...news, { event: "runs", running: now } as const]
      })
      .pipe(
        Effect.flatMap((events) => Effect.forEach(events, (event) => PubSub.publish(hub, event))),
        // A file that is locked or replaced for a moment: the next look tells.
        Effect.ignore
      )
    yield* Effect.forkScoped(
      Effect.repeat(
        Effect.suspend(() => (listeners === 0 ? Effect.void : look)),
        Schedule.spaced(looksEvery)
      )
    )
    const publish = (event: ServeEvent) => Effect.asVoid(PubSub.publish(hub, event))
    const stream = Stream.unwrapScoped(
      Effect.gen(function* () {
        yield* Effect.acquireRelease(
          Effect.sync(() => {
            listeners += 1
          }),
          () =>
            Effect.sync(() => {
              listeners -= 1
              // Who comes next is told what runs then.
              if (listeners === 0) version = -1
            })
        )
        return Stream.fromQueue(yield* PubSub.subscribe(hub))
      })
    )
    return {
      publish,
      listen: Effect.sync(() => (listeners >= mostListeners ? null : stream)),
      overhear: (progress) => ({
        ...progress,
        clientEvent: (name, event) => {
          progress.clientEvent(name, event)
          const wait = waitOf(name, event)
          if (wait !== null) hub.unsafeOffer(wait)
        },
        notice: (connection, message, hint) =>
          Effect.zipRight(
            progress.notice(connection, message, hint),
            publish({ event: "notice", connection, message, hint })
          )
      })
    }
  })
