import { json, type SimulatedResponse } from "../../http.ts"
import { type ConvocoreConversation, type ConvocoreState, toMillis } from "./world.ts"

/** The envelope of every success. */
export const ok = (message: string, data: unknown, more: object = {}): SimulatedResponse =>
  json(200, { success: true, message, data, ...more })

const codes: Readonly<Record<number, string>> = {
  400: "BAD_REQUEST",
  401: "UNAUTHORIZED",
  403: "FORBIDDEN",
  404: "NOT_FOUND",
  429: "TOO_MANY_REQUESTS",
  500: "INTERNAL_SERVER_ERROR"
}

/** The envelope of every error, which has no `success`. */
export const refuse = (
  status: number,
  message: string,
  more: object = {},
  headers: Readonly<Record<string, string>> = {}
): SimulatedResponse =>
  json(status, { message, code: codes[status] ?? "INTERNAL_SERVER_ERROR", ...more }, headers)

export const invalid = (path: ReadonlyArray<string>, message: string): SimulatedResponse =>
  refuse(400, "Input validation failed", { issues: [{ path, message }] })

export const missing = (): SimulatedResponse => refuse(404, "Conversation not found")

/** A conversation that can be reached by its id. */
export const held = (
  { world }: ConvocoreState,
  agentId: string,
  id: string
): ConvocoreConversation | undefined =>
  world.isGhost(id) || world.agentOf(id) !== agentId ? undefined : world.conversations.get(id)

/** What the list shows of an agent: newest first, and nothing in which nothing was said. */
export const listed = ({ world }: ConvocoreState, agentId: string): ReadonlyArray<ConvocoreConversation> =>
  world.sorted(
    agentId,
    (a, b) => toMillis(b.ts) - toMillis(a.ts) || (a.ID < b.ID ? -1 : 1),
    (one) => world.agentOf(one.ID) === agentId && one.messagesNum > 0
  )

/** A row as the list has it: it lacks what costs the vendor effort. */
export const thin = (row: ConvocoreConversation): Partial<ConvocoreConversation> => {
  const kept: Partial<ConvocoreConversation> = { ...row }
  for (const name of [
    "state",
    "lastModified",
    "title",
    "summary",
    "lastMessage",
    "capturedVariables",
    "handoffHistory",
    "tokenUsage"
  ] as const) {
    delete kept[name]
  }
  return kept
}

/** The last row that was given. */
export interface Cursor {
  readonly ts: number
  readonly id: string
}

export const writeCursor = (row: ConvocoreConversation): string =>
  Buffer.from(`${toMillis(row.ts)}:${row.ID}`).toString("base64url")

/** Null: not one of ours. */
export const readCursor = (text: string): Cursor | null => {
  const [, ts, id] = /^(\d+):(.+)$/.exec(Buffer.from(text, "base64url").toString("utf8")) ?? []
  return ts === undefined || id === undefined ? null : { ts: Number(ts), id }
}

/** Where the rows behind a cursor begin, in rows sorted by time and then id. */
export const startAfter = (
  rows: ReadonlyArray<ConvocoreConversation>,
  cursor: Cursor | null,
  order: "asc" | "desc"
): number => {
  if (cursor === null) return 0
  let low = 0
  let high = rows.length
  while (low < high) {
    const middle = (low + high) >> 1
    const row = rows[middle] as ConvocoreConversation
    const later = toMillis(row.ts) - cursor.ts
    const given = later === 0 ? row.ID <= cursor.id : order === "desc" ? later > 0 : later < 0
    if (given) low = middle + 1
    else high = middle
  }
  return low
}
