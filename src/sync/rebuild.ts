import { Effect, Stream } from "effect"
import { groupBy } from "../domain/groupBy.ts"
import { type Timestamp, toMillis } from "../domain/Timestamp.ts"
import { heldOrUnreadable } from "../providers/kit/depth.ts"
import type { Item, Page, RawPayload } from "../providers/Provider.ts"
import {
  Mirror,
  type QuarantineRow,
  type RawConversation,
  type StoredPayload
} from "../store/mirror/Mirror.ts"
import { commitReplayed, unsentPage } from "./commitPages.ts"
import type { OpenConnection } from "./connection.ts"
import { stricterPrivacy } from "./privacy/stricter.ts"
import { Progress } from "./progress.ts"
import type { LaneResult } from "./run.ts"

/*
 * Raw is the truth: the normalized rows are made again from the payloads as they came, without asking a provider. What
 * an older version of the program could not read, or read wrongly, is put right this way.
 */

/** Conversations in one transaction. */
const conversationsAtOnce = 25

const itemFrom = ({ provider }: OpenConnection, payloads: ReadonlyArray<RawPayload>): Item => {
  const read = provider.interpret(payloads)
  return "_tag" in read ? heldOrUnreadable(read) : { _tag: "Unreadable", unreadable: read }
}

/** @param times when its payloads were requested: the newest is the page's */
const replayed = (operation: string, item: Item, times: ReadonlyArray<Timestamp>): Page =>
  unsentPage(operation, "raw_records", [item], Math.max(0, ...times.map(toMillis)))

/** Makes every conversation of the connection again from its newest payloads, as its privacy wants them. */
export const rebuild = Effect.fn("rebuild")(function* (connection: OpenConnection, runId: number) {
  const mirror = yield* Mirror
  const stricter = yield* stricterPrivacy(connection, runId)
  const pageOf = ({ payloads }: RawConversation): Page =>
    replayed(
      "rebuild",
      itemFrom(connection, payloads),
      payloads.map(({ observedAt }) => observedAt)
    )
  yield* mirror.rawConversations(connection.config.name).pipe(
    Stream.mapConcat((batch) => batch),
    // None are left where they went while the batch was read.
    Stream.filter(({ payloads }) => payloads.length > 0),
    Stream.grouped(conversationsAtOnce),
    Stream.runForEach((chunk) => {
      const conversations = [...chunk]
      const made = commitReplayed(connection, runId, conversations.map(pageOf), conversations)
      return stricter === null ? made : Effect.zipRight(stricter.payloads(conversations), made)
    })
  )
  if (stricter !== null) yield* stricter.others
  const left = yield* mirror.countWithoutRaw(connection.config.name)
  if (left > 0) {
    const progress = yield* Progress
    yield* progress.notice(
      connection.config.name,
      `${left} ${left === 1 ? "conversation stays" : "conversations stay"} as stored: some of the payloads were let go (keep)`,
      "`parley sync --full` fetches them again, and with them payloads to rebuild from"
    )
  }
  const done: LaneResult = { fault: null }
  return done
})

const isNameless = (row: QuarantineRow): boolean =>
  row.conversation_provider_id === null && row.provider_id === null

/** Whose a record is; one that came without an id may show it now. */
const ownerOf = ({ provider }: OpenConnection, row: QuarantineRow): string | null => {
  if (!isNameless(row)) return row.conversation_provider_id ?? row.provider_id
  const read = provider.interpret([
    { kind: row.kind, providerId: "", conversationId: "", payload: row.payload }
  ])
  return ("_tag" in read ? read.conversation.providerId : read.conversationId) || null
}

/** The records without an id whose conversation was seen, readable, after them. */
const overtaken = (rows: ReadonlyArray<QuarantineRow>, stored: ReadonlyArray<StoredPayload>) =>
  rows.filter((row) => isNameless(row) && stored.some(({ observedAt }) => observedAt > row.observed_at))

/**
 * What a conversation's payloads are, with those that could not be read before. A part of a larger payload that is
 * stored (a message of a conversation that came whole) is in there already.
 */
const withQuarantined = (
  stored: ReadonlyArray<StoredPayload>,
  rows: ReadonlyArray<QuarantineRow>,
  owner: string
): ReadonlyArray<RawPayload> => {
  const kinds = new Set(stored.map(({ kind }) => kind))
  const added = rows.filter((row) => row.provider_id === owner || kinds.has(row.kind) || stored.length === 0)
  const replaces = (row: QuarantineRow, payload: RawPayload) =>
    row.kind === payload.kind && row.provider_id === payload.providerId
  return [
    ...stored.filter((payload) => !added.some((row) => replaces(row, payload))),
    ...added.map((row) => ({
      kind: row.kind,
      providerId: row.provider_id ?? owner,
      conversationId: owner,
      payload: row.payload
    }))
  ]
}

/**
 * Reads quarantined records again, without asking the provider, and stores what now decodes. What still does not stays
 * where it is, unless it came without an id that can be read now, and its conversation was seen to be good since.
 */
export const retryQuarantine = Effect.fn("retryQuarantine")(function* (
  connection: OpenConnection,
  runId: number
) {
  const mirror = yield* Mirror
  const { name } = connection.config
  const unresolved = mirror.quarantined({
    connection: name,
    includeResolved: false,
    limit: Number.MAX_SAFE_INTEGER
  })
  const open = yield* unresolved
  for (const [owner, rows] of groupBy(open, (row) => ownerOf(connection, row))) {
    if (owner === null) continue
    const stored = yield* mirror.rawOf(name, owner)
    const past = overtaken(rows, stored)
    yield* mirror.resolveQuarantined(past.map(({ id }) => id))
    const left = rows.filter((row) => !past.includes(row))
    const item = itemFrom(connection, withQuarantined(stored, left, owner))
    if (item._tag !== "Sighting" || left.length === 0) continue
    const times =
      stored.length > 0
        ? stored.map(({ observedAt }) => observedAt)
        : rows.map(({ observed_at }) => observed_at)
    yield* commitReplayed(
      connection,
      runId,
      [replayed("quarantine retry", item, times)],
      [{ conversationId: owner, payloads: stored }]
    )
    yield* mirror.resolveQuarantined(left.filter(isNameless).map(({ id }) => id))
  }
  const left = yield* unresolved
  const still = new Set(left.map(({ id }) => id))
  return {
    tried: open.length,
    resolved: open.filter(({ id }) => !still.has(id)).length,
    dismissed: left.filter(({ dismissed_at }) => dismissed_at !== null).length
  }
})
