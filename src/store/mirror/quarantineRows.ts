import { listedKinds, messageListKind, missingDetailKind } from "../../domain/Conversation.ts"
import type { Timestamp } from "../../domain/Timestamp.ts"
import type { Sighting, Unreadable } from "../../providers/Provider.ts"
import type { Session } from "../Db.ts"
import { payloadHash } from "./canonical.ts"
import type { PageContext, Unchanged } from "./context.ts"

/** A row of the table `quarantine`. */
export interface QuarantineRow {
  readonly id: number
  readonly connection: string
  readonly kind: string
  readonly provider_id: string | null
  readonly conversation_provider_id: string | null
  readonly reason: string
  readonly path: string
  readonly payload: string
  readonly payload_hash: string
  readonly seen: number
  readonly first_seen_at: Timestamp
  readonly last_seen_at: Timestamp
  readonly resolved_at: Timestamp | null
  readonly dismissed_at: Timestamp | null
  /** When the request was sent that brought the payload. */
  readonly observed_at: Timestamp
}

interface OpenFault {
  readonly id: number
  readonly kind: string
  readonly provider_id: string | null
  readonly payload_hash: string
  readonly path: string
}

const faultKey = (kind: string, id: string, path: string): string => JSON.stringify([kind, id, path])

/** Whether a good sighting speaks about the record that was at fault. @param isReplay nothing came from the vendor */
const speaksOf = (sighting: Sighting, fault: OpenFault, isReplay: boolean): boolean => {
  if (fault.kind === missingDetailKind) return !isReplay
  if (sighting.messages?.extent === "whole") return true
  if (fault.kind === messageListKind) return sighting.messages !== null
  if (fault.provider_id === null) return false
  const { provider_id, kind } = fault
  return (
    sighting.raw.some((raw) => raw.kind === kind && raw.providerId === provider_id) ||
    (sighting.contact?.providerId === provider_id && kind === "contact") ||
    (sighting.messages?.items.some((message) => message.providerId === provider_id) ?? false)
  )
}

/** Keeps what did not decode, whole, and closes it once the record is seen to be good. */
export const makeQuarantineRows = ({ prepare }: Session) => {
  const add = prepare(
    `INSERT INTO quarantine (connection, kind, provider_id, conversation_provider_id, reason, path, payload,
       payload_hash, first_seen_at, last_seen_at, page_id)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (connection, kind, coalesce(provider_id, payload_hash), path, coalesce(conversation_provider_id, ''))
       WHERE resolved_at IS NULL DO UPDATE SET
       reason = excluded.reason, payload = excluded.payload, payload_hash = excluded.payload_hash,
       seen = seen + 1, last_seen_at = excluded.last_seen_at, dismissed_at = NULL, page_id = excluded.page_id`
  )
  const repeat = prepare(
    `UPDATE quarantine SET seen = seen + 1, last_seen_at = ?, page_id = ?
     WHERE connection = ? AND kind = ? AND coalesce(provider_id, payload_hash) = ? AND path = ?
       AND coalesce(conversation_provider_id, '') = coalesce(?, '') AND resolved_at IS NULL
       AND dismissed_at IS NOT NULL AND payload_hash = ? AND reason = ?`
  )
  const renewReason = prepare(
    `UPDATE quarantine SET reason = ?
     WHERE connection = ? AND kind = ? AND coalesce(provider_id, payload_hash) = ? AND path = ?
       AND coalesce(conversation_provider_id, '') = coalesce(?, '') AND resolved_at IS NULL`
  )
  const anyOpen = prepare(
    "SELECT 1 FROM quarantine WHERE connection = ? AND resolved_at IS NULL LIMIT 1"
  ).pluck()
  const openOf = prepare(
    `SELECT id, kind, provider_id, payload_hash, path FROM quarantine
     WHERE connection = ? AND resolved_at IS NULL AND coalesce(conversation_provider_id, provider_id) = ?`
  )
  const resolve = prepare("UPDATE quarantine SET resolved_at = ? WHERE id = ?")
  // From the few rows of a page to their faults: many may be open.
  const resolveShown = prepare(
    `UPDATE quarantine SET resolved_at = $now WHERE id IN (
       SELECT q.id FROM json_each($shown) shown
       CROSS JOIN quarantine q ON q.connection = $connection AND q.resolved_at IS NULL
         AND q.kind IN (${listedKinds.map((kind) => `'${kind}'`).join(", ")})
         AND coalesce(q.provider_id, q.payload_hash) = shown.value ->> 1
       CROSS JOIN pages p ON p.id = q.page_id AND p.requested_at < $requestedAt
       CROSS JOIN remote_conversations r ON r.id = $connection || ':' || (shown.value ->> 0)
         AND r.observed_at < p.requested_at)`
  )

  /** Whether the fault is known of a payload that was read again: nothing came, so it was not seen again. */
  const isKnown = ({ connection, replay }: PageContext, fault: Unreadable): boolean => {
    if (replay === null) return false
    const { conversationId, kind, path, payload, providerId, reason } = fault
    const record = providerId ?? payloadHash(payload)
    return renewReason.run(reason, connection, kind, record, path, conversationId).changes > 0
  }

  /** Whether the fault was dismissed, and came again unchanged. */
  const isDismissed = (
    { connection, now, pageId, quarantineOpen }: PageContext,
    fault: Unreadable
  ): boolean => {
    if (!quarantineOpen) return false
    const { conversationId, kind, path, payload, providerId, reason } = fault
    const hash = payloadHash(payload)
    const record = providerId ?? hash
    return repeat.run(now, pageId, connection, kind, record, path, conversationId, hash, reason).changes > 0
  }

  const write = (context: PageContext, fault: Unreadable): void => {
    if (isKnown(context, fault) || isDismissed(context, fault)) {
      context.tally.unchanged += 1
      return
    }
    add.run(
      context.connection,
      fault.kind,
      fault.providerId,
      fault.conversationId,
      fault.reason,
      fault.path,
      fault.payload,
      payloadHash(fault.payload),
      context.now,
      context.now,
      context.pageId
    )
    context.quarantineOpen = true
    context.tally.quarantined += 1
  }

  /** Stores the faults within a sighting and resolves those of its conversation that it no longer has. */
  const settle = (context: PageContext, sighting: Sighting): void => {
    for (const fault of sighting.unreadable) write(context, fault)
    if (!context.quarantineOpen) return
    const open = openOf.all(context.connection, sighting.conversation.providerId) as ReadonlyArray<OpenFault>
    if (open.length === 0) return
    const reported = new Set(
      sighting.unreadable.map((fault) =>
        faultKey(fault.kind, fault.providerId ?? payloadHash(fault.payload), fault.path)
      )
    )
    for (const fault of open) {
      const key = faultKey(fault.kind, fault.provider_id ?? fault.payload_hash, fault.path)
      const isReplay = context.replay !== null
      if (!reported.has(key) && speaksOf(sighting, fault, isReplay)) resolve.run(context.now, fault.id)
    }
  }

  /** Resolves the faults of listed records that are shown again as they were stored before. */
  const settleUnchanged = (
    { connection, now, quarantineOpen, requestedAt }: PageContext,
    items: ReadonlyArray<Unchanged>
  ): void => {
    if (!quarantineOpen || items.length === 0) return
    const shown = JSON.stringify(items.map(({ providerId, recordId = providerId }) => [providerId, recordId]))
    resolveShown.run({ connection, now, requestedAt, shown })
  }

  const isAnyOpen = (connection: string): boolean => anyOpen.get(connection) !== undefined

  return { write, settle, settleUnchanged, isAnyOpen } as const
}

export type QuarantineRows = ReturnType<typeof makeQuarantineRows>

/** What is in quarantine, newest first. `connection` null: everywhere. */
export const listQuarantine = (
  { prepare }: Session,
  options: { readonly connection: string | null; readonly includeResolved: boolean; readonly limit: number }
): ReadonlyArray<QuarantineRow> =>
  prepare(
    `SELECT q.id, q.connection, q.kind, q.provider_id, q.conversation_provider_id, q.reason, q.path, q.payload,
       q.payload_hash, q.seen, q.first_seen_at, q.last_seen_at, q.resolved_at, q.dismissed_at,
       p.requested_at AS observed_at
     FROM quarantine q JOIN pages p ON p.id = q.page_id
     WHERE q.connection = coalesce(?, q.connection) AND (? OR q.resolved_at IS NULL)
     ORDER BY q.id DESC LIMIT ?`
  ).all(options.connection, options.includeResolved ? 1 : 0, options.limit) as ReadonlyArray<QuarantineRow>

/** How many records of each conversation are open, and that nobody dismissed; `providerId` null: of none that is known. */
export const openQuarantine = (
  { prepare }: Session,
  connection: string
): ReadonlyArray<{ readonly providerId: string | null; readonly records: number }> =>
  prepare(
    `SELECT conversation_provider_id AS providerId, count(*) AS records FROM quarantine
     WHERE connection = ? AND resolved_at IS NULL AND dismissed_at IS NULL GROUP BY conversation_provider_id`
  ).all(connection) as ReadonlyArray<{ readonly providerId: string | null; readonly records: number }>

/** What became of records that were to be dismissed. Where one of them does not exist, none was dismissed. */
interface Dismissal {
  /** Numbers that no record has. */
  readonly unknown: ReadonlyArray<number>
  /** Those that can be read by now, and need no dismissal. */
  readonly resolved: ReadonlyArray<number>
  readonly dismissed: ReadonlyArray<number>
}

/** Marks records as seen and accepted; one that is marked already stays as it is. */
export const dismissQuarantine = (
  { prepare }: Session,
  ids: ReadonlyArray<number>,
  dismissedAt: Timestamp
): Dismissal => {
  const find = prepare("SELECT resolved_at FROM quarantine WHERE id = ?")
  const found = [...new Set(ids)].map((id) => ({
    id,
    row: find.get(id) as { resolved_at: string | null } | undefined
  }))
  const of = (isWanted: (row: { resolved_at: string | null } | undefined) => boolean) =>
    found.filter(({ row }) => isWanted(row)).map(({ id }) => id)
  const unknown = of((row) => row === undefined)
  if (unknown.length > 0) return { unknown, resolved: [], dismissed: [] }
  const dismiss = prepare("UPDATE quarantine SET dismissed_at = ? WHERE id = ? AND dismissed_at IS NULL")
  const dismissed = of((row) => row?.resolved_at === null)
  for (const id of dismissed) dismiss.run(dismissedAt, id)
  return { unknown, resolved: of((row) => row?.resolved_at !== null), dismissed }
}

/** Closes rows by id. Returns how many were open. */
export const resolveQuarantine = (
  { prepare }: Session,
  ids: ReadonlyArray<number>,
  resolvedAt: Timestamp
): number => {
  const resolve = prepare("UPDATE quarantine SET resolved_at = ? WHERE id = ? AND resolved_at IS NULL")
  return ids.reduce((count, id) => count + resolve.run(resolvedAt, id).changes, 0)
}
