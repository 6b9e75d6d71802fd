import { Clock, Effect } from "effect"
import { type RecordCounts, recordCounts } from "../../domain/RecordCounts.ts"
import { now, type Timestamp } from "../../domain/Timestamp.ts"
import type { Lane } from "../../http/contract.ts"
import { Db, type Session } from "../Db.ts"
import { makeHidden } from "../forget/remembered.ts"
import { isDead, thisProcess } from "./processIdentity.ts"

/** `held`: another run had the connection, and nothing went wrong. */
type RunOutcome = "complete" | "partial" | "failed" | "held" | "interrupted"

/** A row of `runs`. */
interface RunRow {
  readonly id: number
  readonly command: string
  readonly started_at: Timestamp
  readonly finished_at: Timestamp | null
  readonly outcome: RunOutcome | "running"
  readonly exit_code: number | null
  readonly host: string
  readonly pid: number
}

/** A row of `run_connections`, with the provider. */
export interface ConnectionRow extends RecordCounts {
  readonly run_id: number
  readonly connection: string
  readonly provider: string
  readonly lane: Lane
  readonly outcome: RunOutcome
  readonly started_at: Timestamp
  readonly finished_at: Timestamp
  readonly requests: number
  readonly rate_limited: number
  readonly queued: number
  readonly waited_ms: number
  readonly changes_confirmed: number
  readonly changes_queued: number
  readonly changes_rejected: number
  readonly changes_conflict: number
  readonly changes_pending: number
  readonly error_kind: string | null
  readonly error_message: string | null
  readonly error_hint: string | null
}

/** A run with what it did for each connection and lane; those of a run under way may still be `running`. */
export interface RunWithConnections extends RunRow {
  readonly connections: ReadonlyArray<
    Omit<ConnectionRow, "outcome" | "finished_at"> & Pick<RunRow, "outcome" | "finished_at">
  >
}

/** What the client counted. `waitedMs` is milliseconds. */
interface RequestCounters {
  readonly requests: number
  readonly rateLimited: number
  readonly queued: number
  readonly waitedMs: number
}

export interface ChangeCounters {
  readonly confirmed: number
  readonly queued: number
  readonly rejected: number
  readonly conflict: number
  readonly pending: number
}

/** Why a connection did not end complete. */
export interface ConnectionFault {
  readonly kind: string
  readonly message: string
  readonly hint: string
}

/** A request that a provider refused, or that no answer came to. */
export interface RefusedRequest {
  readonly operation: string
  readonly method: string
  /** With the names of its query and without their values. */
  readonly path: string
  /** Null: no answer came, or not the whole of one. */
  readonly status: number | null
  /** The header, as it came; null: there was none. */
  readonly retryAfter: string | null
  readonly attempt: number
  readonly milliseconds: number
  readonly at: Timestamp
}

interface FinishedConnection {
  readonly runId: number
  readonly connection: string
  readonly lane: Lane
  readonly counters: RequestCounters
  /** Left out: there were none. */
  readonly refused?: ReadonlyArray<RefusedRequest>
  /** Null: it follows from the fault and from what was stored. */
  readonly outcome: RunOutcome | null
  readonly fault: ConnectionFault | null
  /** Left out: as they stand. */
  readonly changes?: ChangeCounters
}

/** Runs of other machines that say nothing for this long, and hold no lease, are taken for dead. Milliseconds. */
const silence = 5 * 60_000

const columns = `c.run_id, c.connection, n.provider, c.lane, c.outcome, c.started_at, c.finished_at, c.requests,
  c.rate_limited, c.queued, c.waited_ms, ${recordCounts.map((name) => `c.${name}`).join(", ")}, c.changes_confirmed, c.changes_queued, c.changes_rejected,
  c.changes_conflict, c.changes_pending, c.error_kind, c.error_message, c.error_hint`

const rowOf = ({ prepare }: Session, runId: number, connection: string, lane: Lane): ConnectionRow =>
  prepare(
    `SELECT ${columns} FROM run_connections c JOIN connections n ON n.name = c.connection
     WHERE c.run_id = ? AND c.connection = ? AND c.lane = ?`
  ).get(runId, connection, lane) as ConnectionRow

/** Runs of this process that are not over yet, each as its file and id. */
const underWay = new Set<string>()

/** Runs that ended without a word: their process died, or could not write. */
const deadRuns = ({ prepare }: Session, path: string, millis: number): ReadonlyArray<number> => {
  const rows = prepare(
    `SELECT u.id, u.host, u.pid, u.process_start AS start, u.started_at < ? AND NOT EXISTS (
       SELECT 1 FROM leases l WHERE l.host = u.host AND l.pid = u.pid AND l.expires_at > ?) AS isSilent
     FROM runs u WHERE u.outcome = 'running'`
  ).all(now(Math.max(0, millis - silence)), now(millis)) as ReadonlyArray<{
    readonly id: number
    readonly host: string
    readonly pid: number
    readonly start: string | null
    readonly isSilent: 0 | 1
  }>
  const { host, pid, start } = thisProcess()
  const isOver = (row: (typeof rows)[number]): boolean => {
    if (row.host !== host) return row.isSilent === 1
    return row.pid === pid && row.start === start ? !underWay.has(`${path} ${row.id}`) : isDead(row)
  }
  return rows.filter(isOver).map((row) => row.id)
}

/**
 * Runs recorded as running that are over: no one has recorded their end yet; the next run will. Only reads.
 * @param millis now, epoch milliseconds
 */
export const runsOver = (session: Session, millis: number): ReadonlySet<number> =>
  new Set(deadRuns(session, session.database.name, millis))

/** How a run, or its work on a connection, really stands. */
export const standingOutcome = <A extends string>(
  outcome: A,
  runId: number,
  over: ReadonlySet<number>
): A | "interrupted" => (outcome === "running" && over.has(runId) ? "interrupted" : outcome)

const runColumns = "id, command, started_at, finished_at, outcome, exit_code, host, pid"

/** These runs with their connections, as they stand, and not only as they were written down. */
const withConnections = (
  session: Session,
  runs: ReadonlyArray<RunRow>,
  millis: number
): ReadonlyArray<RunWithConnections> => {
  const over = runsOver(session, millis)
  const connections = session.prepare(
    `SELECT ${columns} FROM run_connections c JOIN connections n ON n.name = c.connection
     WHERE c.run_id = ? ORDER BY c.started_at, c.connection`
  )
  const standing = <Row extends { readonly outcome: RunRow["outcome"] }>(row: Row, id: number): Row => ({
    ...row,
    outcome: standingOutcome(row.outcome, id, over)
  })
  return runs.map((run) => ({
    ...standing(run, run.id),
    connections: (connections.all(run.id) as Array<RunWithConnections["connections"][number]>).map((row) =>
      standing(row, run.id)
    )
  }))
}

/** The newest runs first. @param millis now, epoch milliseconds, here and below */
export const listRuns = (
  session: Session,
  limit: number,
  millis: number
): ReadonlyArray<RunWithConnections> => {
  const runs = session.prepare(`SELECT ${runColumns} FROM runs ORDER BY id DESC LIMIT ?`).all(limit)
  return withConnections(session, runs as ReadonlyArray<RunRow>, millis)
}

/** One run; null: there is none of this number. */
export const findRun = (session: Session, id: number, millis: number): RunWithConnections | null => {
  const runs = session.prepare(`SELECT ${runColumns} FROM runs WHERE id = ?`).all(id)
  return withConnections(session, runs as ReadonlyArray<RunRow>, millis)[0] ?? null
}

const interrupt = (session: Session, runId: number, at: Timestamp): void => {
  for (const table of ["run_connections", "runs"]) {
    session
      .prepare(
        `UPDATE ${table} SET outcome = 'interrupted', finished_at = ?
         WHERE ${table === "runs" ? "id" : "run_id"} = ? AND outcome = 'running'`
      )
      .run(at, runId)
  }
}

/** Kinds of fault that leave nothing failed: it has to be waited for, decided about, or stays unread. */
const mildKinds: ReadonlySet<string> = new Set(["rate_limited", "queued", "quarantined", "brake"])

/**
 * Complete, unless something went wrong; partial, where something was stored, has to be waited for or stays unread; held,
 * where another run is at it.
 */
const outcomeOf = (row: ConnectionRow, { fault, changes }: FinishedConnection): RunOutcome => {
  if (fault === null) return row.quarantined > 0 ? "partial" : "complete"
  const isMild = mildKinds.has(fault.kind)
  const moved = row.pages > 0 || (changes?.confirmed ?? row.changes_confirmed) > 0
  if (fault.kind === "busy" && !moved) return "held"
  return isMild || moved ? "partial" : "failed"
}

const insertRefused = (
  session: Session,
  { connection, refused = [], runId }: Pick<FinishedConnection, "connection" | "refused" | "runId">
): void => {
  const { prepare } = session
  const hidden = makeHidden(session)
  const insert = prepare(
    `INSERT INTO requests_refused (run_id, connection, operation, method, path, status, retry_after, attempt, milliseconds, at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
  )
  for (const { at, attempt, method, milliseconds, operation, path, retryAfter, status } of refused) {
    const shown = hidden(connection, path)
    insert.run(runId, connection, operation, method, shown, status, retryAfter, attempt, milliseconds, at)
  }
}

/** What ran, what it did, and how it ended. */
export class Ledger extends Effect.Service<Ledger>()("parley/Ledger", {
  effect: Effect.gen(function* () {
    const db = yield* Db
    const self = thisProcess()

    return {
      /** Returns the run's id. Runs whose processes died are marked as interrupted by the way. */
      startRun: Effect.fn("Ledger.startRun")(function* (command: string) {
        const millis = yield* Clock.currentTimeMillis
        const id = yield* db.transaction("Ledger.startRun", (session) => {
          for (const runId of deadRuns(session, db.path, millis)) interrupt(session, runId, now(millis))
          const { lastInsertRowid } = session
            .prepare(
              "INSERT INTO runs (command, started_at, host, pid, process_start) VALUES (?, ?, ?, ?, ?)"
            )
            .run(command, now(millis), self.host, self.pid, self.start)
          return Number(lastInsertRowid)
        })
        underWay.add(`${db.path} ${id}`)
        return id
      }),

      startConnection: Effect.fn("Ledger.startConnection")(function* (input: {
        readonly runId: number
        readonly connection: string
        readonly lane: Lane
      }) {
        const at = now(yield* Clock.currentTimeMillis)
        yield* db.transaction("Ledger.startConnection", ({ prepare }) =>
          prepare(
            "INSERT INTO run_connections (run_id, connection, lane, started_at) VALUES (?, ?, ?, ?)"
          ).run(input.runId, input.connection, input.lane, at)
        )
      }),

      /** Requests that were refused so far, of a connection that goes on. */
      recordRefused: Effect.fn("Ledger.recordRefused")(function* (
        input: Required<Pick<FinishedConnection, "connection" | "refused" | "runId">>
      ) {
        yield* db.transaction("Ledger.recordRefused", (session) => insertRefused(session, input))
      }),

      /** Returns the row as it ended. */
      finishConnection: Effect.fn("Ledger.finishConnection")(function* (input: FinishedConnection) {
        const at = now(yield* Clock.currentTimeMillis)
        const { runId, connection, lane, counters, fault, changes } = input
        return yield* db.transaction("Ledger.finishConnection", (session) => {
          const before = rowOf(session, runId, connection, lane)
          insertRefused(session, input)
          session
            .prepare(
              `UPDATE run_connections SET outcome = ?, finished_at = ?, requests = ?, rate_limited = ?, queued = ?,
                 waited_ms = ?, error_kind = ?, error_message = ?, error_hint = ?, changes_confirmed = ?,
                 changes_queued = ?, changes_rejected = ?, changes_conflict = ?, changes_pending = ?
               WHERE run_id = ? AND connection = ? AND lane = ?`
            )
            .run(
              input.outcome ?? outcomeOf(before, input),
              at,
              counters.requests,
              counters.rateLimited,
              counters.queued,
              Math.round(counters.waitedMs),
              fault?.kind ?? null,
              fault?.message ?? null,
              fault?.hint ?? null,
              changes?.confirmed ?? before.changes_confirmed,
              changes?.queued ?? before.changes_queued,
              changes?.rejected ?? before.changes_rejected,
              changes?.conflict ?? before.changes_conflict,
              changes?.pending ?? before.changes_pending,
              runId,
              connection,
              lane
            )
          return rowOf(session, runId, connection, lane)
        })
      }),

      /**
       * Connections that were never finished are marked as interrupted. Returns the row as it ended. Where it fails, the
       * run is over all the same, and the next one marks it as interrupted.
       */
      finishRun: Effect.fn("Ledger.finishRun")(function* (input: {
        readonly runId: number
        readonly outcome: RunOutcome
        /** Null: it is not known here. */
        readonly exitCode: number | null
      }) {
        underWay.delete(`${db.path} ${input.runId}`)
        const at = now(yield* Clock.currentTimeMillis)
        const row = yield* db.transaction("Ledger.finishRun", ({ prepare }) => {
          prepare(
            "UPDATE run_connections SET outcome = 'interrupted', finished_at = ? WHERE run_id = ? AND outcome = 'running'"
          ).run(at, input.runId)
          prepare("UPDATE runs SET outcome = ?, finished_at = ?, exit_code = ? WHERE id = ?").run(
            input.outcome,
            at,
            input.exitCode,
            input.runId
          )
          return prepare(`SELECT ${runColumns} FROM runs WHERE id = ?`).get(input.runId) as RunRow
        })
        yield* db.stillThere("Ledger.finishRun", { atOnce: true })
        return row
      })
    } as const
  })
}) {}
