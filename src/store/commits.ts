import type { Session } from "./Session.ts"

/**
 * The number of a change: greater than that of every change committed before. To be called inside of a transaction that
 * has begun to write, so that numbers are in the order of commits.
 * @param at when it is committed, UTC, ISO 8601
 * @param runId null: no run does it
 */
export const nextSeq = ({ prepare }: Session, at: string, runId: number | null): number =>
  Number(prepare("INSERT INTO commits (at, run_id) VALUES (?, ?)").run(at, runId).lastInsertRowid)
