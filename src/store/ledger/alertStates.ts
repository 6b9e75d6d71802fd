import { now, type Timestamp, toMillis } from "../../domain/Timestamp.ts"
import type { Session } from "../Db.ts"

/** What can be wrong with a connection for longer than one run. */
export const alertStates = ["failed", "stale", "conflict", "quarantine", "brake"] as const
export type AlertState = (typeof alertStates)[number]

/** How a connection stands; null: not known, and what was known stays. */
export type Standing = Readonly<Record<AlertState, boolean | null>>

export interface AlertRow {
  readonly connection: string
  readonly state: AlertState
  readonly began_at: Timestamp
  readonly ended_at: Timestamp | null
}

/** One message that someone has yet to get. */
export interface DueAlert extends AlertRow {
  /** Who: a hash of how they are told. */
  readonly target: string
  readonly phase: "began" | "ended"
}

/** Someone to tell, and of what. */
export interface AlertTarget {
  readonly key: string
  readonly wants: (state: AlertState, phase: "began" | "ended") => boolean
}

interface Stored extends AlertRow {
  readonly told_began: string
  readonly told_ended: string
}

const listIn = (json: string): ReadonlyArray<string> => JSON.parse(json) as ReadonlyArray<string>

const select = ({ prepare }: Session): ReadonlyArray<Stored> =>
  prepare(
    "SELECT connection, state, began_at, ended_at, told_began, told_ended FROM alerts ORDER BY began_at, connection, state"
  ).all() as ReadonlyArray<Stored>

/** Writes down how connections stand now. Runs inside a transaction. */
export const recordStanding = (
  { prepare }: Session,
  standings: ReadonlyMap<string, Standing>,
  at: Timestamp
): void => {
  const begin = prepare(
    `INSERT INTO alerts (connection, state, began_at) VALUES (?, ?, ?)
     ON CONFLICT (connection, state) DO UPDATE
     SET began_at = excluded.began_at, ended_at = NULL, told_began = '[]', told_ended = '[]' WHERE ended_at IS NOT NULL`
  )
  const end = prepare(
    "UPDATE alerts SET ended_at = ? WHERE connection = ? AND state = ? AND ended_at IS NULL"
  )
  for (const [connection, standing] of standings) {
    for (const state of alertStates) {
      if (standing[state] === true) begin.run(connection, state, at)
      else if (standing[state] === false) end.run(at, connection, state)
    }
  }
}

/** Milliseconds for which a message belongs to the run that is sending it; a run that dies meanwhile leaves it to the next. */
const claimMillis = 120_000

/** In a list of who was told: the one who is just being told, until when. */
const claimOf = (key: string, until: Timestamp): string => `${key}@${until}`

const isTold = (list: ReadonlyArray<string>, key: string): boolean => list.includes(key)

const isClaimed = (list: ReadonlyArray<string>, key: string, at: Timestamp): boolean =>
  list.some((entry) => entry.startsWith(`${key}@`) && entry > claimOf(key, at))

const mark = (
  { prepare }: Session,
  { connection, phase, state, target }: DueAlert,
  entry: string | null
): void => {
  const column = phase === "began" ? "told_began" : "told_ended"
  const row = prepare(`SELECT ${column} FROM alerts WHERE connection = ? AND state = ?`)
    .pluck()
    .get(connection, state) as string | undefined
  if (row === undefined) return
  const others = listIn(row).filter((one) => one !== target && !one.startsWith(`${target}@`))
  prepare(`UPDATE alerts SET ${column} = ? WHERE connection = ? AND state = ?`).run(
    JSON.stringify(entry === null ? others : [...others, entry]),
    connection,
    state
  )
}

/**
 * Who is to be told what, each claimed for a while: another run at the same time tells no one twice. The end of a state is
 * only told to those who were told that it began. Runs inside a transaction.
 */
export const takeDue = (
  session: Session,
  targets: ReadonlyArray<AlertTarget>,
  at: Timestamp
): ReadonlyArray<DueAlert> => {
  const due = select(session).flatMap(({ told_began, told_ended, ...row }) =>
    targets.flatMap(({ key, wants }): ReadonlyArray<DueAlert> => {
      const began = listIn(told_began)
      const phase = row.ended_at === null ? "began" : "ended"
      const list = phase === "began" ? began : listIn(told_ended)
      const isNews = phase === "began" || isTold(began, key)
      return isNews && wants(row.state, phase) && !isTold(list, key) && !isClaimed(list, key, at)
        ? [{ ...row, target: key, phase }]
        : []
    })
  )
  const until = now(toMillis(at) + claimMillis)
  for (const one of due) mark(session, one, claimOf(one.target, until))
  return due
}

/** A message that arrived, or did not: then the next run tries again. Runs inside a transaction. */
export const settleDue = (session: Session, due: DueAlert, isDelivered: boolean): void =>
  mark(session, due, isDelivered ? due.target : null)
