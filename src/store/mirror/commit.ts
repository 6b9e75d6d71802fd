import { receivedCounts, recordCounts, recordOutcomes } from "../../domain/RecordCounts.ts"
import type { Lane } from "../../http/contract.ts"
import type { Page } from "../../providers/Provider.ts"
import { nextSeq } from "../commits.ts"
import type { Session } from "../Db.ts"
import { makePeopleRows } from "../derived/people.ts"
import { makeDoor } from "../forget/door.ts"
import { retentionOf } from "../keep/retention.ts"
import { makeActivityRows } from "./activity.ts"
import { makeContactRows } from "./contactRows.ts"
import type { PageContext, Unchanged } from "./context.ts"
import { makeConversationRows } from "./conversations/conversationRows.ts"
import { recordsIn } from "./conversations/partialSightings.ts"
import { makeMessageRows } from "./messageRows.ts"
import { makeQuarantineRows } from "./quarantineRows.ts"
import { makeRawRows } from "./raw/rawRecords.ts"
import type { SeenSet } from "./SeenSet.ts"
import { makeScanRows, type ScanOf } from "./scanRows.ts"
import { latestBelieved, RecentReadings, spanOf } from "./staleness.ts"
import { addTo, emptyTally, type Totals } from "./tally.ts"

export interface CommitInput {
  readonly runId: number
  readonly connection: string
  readonly lane: Lane
  readonly pages: ReadonlyArray<Page>
  /** The enumeration these pages belong to; null: they were requested one by one. */
  readonly scan: ScanOf | null
  /** Of each payload, the newest version or every version. */
  readonly keepRaw: "newest" | "all"
  /** What the scan has met by now; the pages add what they list. Null: they do not enumerate. */
  readonly seen: SeenSet | null
  /**
   * The pages were made again from stored payloads (`rebuild`, `quarantine retry`): they are never stale, and neither
   * bring back what is deleted nor say when anything was seen. By the vendor's id of each conversation, the version
   * (`versionOf`) of the payloads it was made from: where others came since, their sighting is the newer one.
   */
  readonly replay?: ReadonlyMap<string, string>
  /**
   * Where readings overlapped, the later request counts, whatever the vendor's times say (`sync --full`, `backfill
   * --restart`, `verify`). Left out: false.
   */
  readonly overwrites?: boolean
  /**
   * By the vendor's id of each conversation, the `observed_at` that was looked up before it was requested: where the row
   * still has it, the answer is newer, whatever the clock says. Left out: none was looked up.
   */
  readonly lookedUp?: ReadonlyMap<string, string>
}

const iso = (millis: number): string => new Date(millis).toISOString()

/** Writes pages with everything they carry; to be called inside of a transaction. `now` is UTC, ISO 8601. */
export const makeCommit = (session: Session) => {
  const { prepare } = session
  const recent = new RecentReadings()
  const messages = makeMessageRows(session)
  const quarantine = makeQuarantineRows(session)
  const raw = makeRawRows(session)
  const scans = makeScanRows(session)
  const people = makePeopleRows(session)
  const door = makeDoor(session)
  const activity = makeActivityRows(session)
  const conversations = makeConversationRows(session, {
    contacts: makeContactRows(session),
    messages,
    activity,
    quarantine,
    raw,
    recent
  })
  const insertPage = prepare(
    `INSERT INTO pages (id, run_id, connection, lane, operation, method, path, status, requested_at, received_at, bytes,
       ${receivedCounts.join(", ")})
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ${receivedCounts.map(() => 0).join(", ")})`
  )
  const countPage = prepare(
    `UPDATE pages SET ${receivedCounts.map((name) => `${name} = ?`).join(", ")} WHERE id = ?`
  )
  const countRun = prepare(
    `INSERT INTO run_connections (run_id, connection, lane, started_at, ${recordCounts.join(", ")})
     VALUES (?, ?, ?, ?, ${recordCounts.map(() => "?").join(", ")})
     ON CONFLICT (run_id, connection, lane) DO UPDATE
       SET ${recordCounts.map((name) => `${name} = ${name} + excluded.${name}`).join(", ")}`
  )
  const hidePath = prepare("UPDATE pages SET path = '…' WHERE id = ?")
  const learn = prepare(
    `INSERT INTO learned (connection, name, value, learned_at) VALUES (?, ?, ?, ?)
     ON CONFLICT (connection, name) DO UPDATE SET value = excluded.value, learned_at = excluded.learned_at`
  )

  /** Returns the keys of the conversations' rows that there are. */
  const writeItems = (context: PageContext, items: Page["items"]): ReadonlyArray<number> => {
    const { tally } = context
    const keys: Array<number> = []
    const unchanged: Array<Unchanged> = []
    const passedBy: Array<string> = []
    let refused = 0
    for (const item of items) {
      if (door.refuses(context.connection, item)) {
        tally.filtered += item._tag === "Sighting" ? recordsIn(item) : 1
        refused += 1
        continue
      }
      switch (item._tag) {
        case "Sighting": {
          const key = conversations.write(context, item)
          if (key !== null) keys.push(key)
          break
        }
        case "Unchanged":
          tally.unchanged += 1
          if (item.isRepeat !== true) tally.conversations += 1
          unchanged.push(item)
          break
        case "Filtered":
          tally.filtered += 1
          passedBy.push(item.providerId)
          break
        case "Unreadable": {
          const { unreadable } = item
          const conversationId = unreadable.conversationId ?? unreadable.providerId
          if (conversationId !== null) passedBy.push(conversationId)
          if (conversationId !== null && conversations.isOvertaken(context, conversationId))
            tally.unchanged += 1
          else quarantine.write(context, unreadable)
        }
      }
    }
    // The request may have named who was forgotten.
    if (refused > 0 && refused === items.length) hidePath.run(context.pageId)
    const shownAgain = conversations.unchanged(context, unchanged)
    quarantine.settleUnchanged(context, unchanged)
    return [...keys, ...shownAgain, ...conversations.listed(context, passedBy)]
  }

  const writePage = (
    input: CommitInput,
    page: Page,
    of: Pick<PageContext, "now" | "believed" | "quarantineOpen" | "messagesBefore">
  ): PageContext => {
    const { exchange } = page
    const sentAt = iso(exchange.requestedAt)
    const receivedAt = iso(exchange.receivedAt)
    const pageId = nextSeq(session, of.now, input.runId)
    insertPage.run(
      pageId,
      input.runId,
      input.connection,
      input.lane,
      exchange.operation,
      exchange.method,
      exchange.path,
      exchange.status,
      sentAt,
      receivedAt,
      exchange.bytes
    )
    const tally = emptyTally()
    const context: PageContext = {
      connection: input.connection,
      runId: input.runId,
      pageId,
      ...spanOf(sentAt, receivedAt),
      overwrites: input.overwrites ?? false,
      lookedUp: input.lookedUp ?? null,
      isListed: input.scan !== null,
      keepRaw: input.keepRaw,
      replay: input.replay ?? null,
      ...of,
      tally
    }
    for (const key of writeItems(context, page.items)) input.seen?.add(key)
    tally.pages = 1
    tally.received = recordOutcomes.reduce((sum, name) => sum + tally[name], 0)
    countPage.run(...receivedCounts.map((name) => tally[name]), context.pageId)
    return context
  }

  // What was told of the time in the run that commits, as in a run's own `letGo`.
  let told: { readonly runId: number; readonly ahead: number } | null = null
  /** Milliseconds by which this machine's clock is ahead; null: no answer has told the time yet. */
  const aheadAt = ({ replay, runId }: CommitInput, { clockAhead }: Page["exchange"]): number | null => {
    if (replay !== undefined) return 0
    const before = told?.runId === runId ? told.ahead : null
    if (clockAhead === undefined) return before
    told = { runId, ahead: Math.max(before ?? 0, -clockAhead) }
    return told.ahead
  }

  return (input: CommitInput, now: string): Totals => {
    const totals = emptyTally()
    const believed = latestBelieved(now)
    const kept = retentionOf(session).messages
    let quarantineOpen = quarantine.isAnyOpen(input.connection)
    messages.begin()
    activity.begin()
    door.begin(input.connection)
    let firstPage: number | null = null
    raw.begin()
    if (input.scan !== null && input.seen !== null) scans.restoreSeen(input, input.scan, input.seen)
    for (const page of input.pages) {
      // By the providers' clocks where ours is ahead of them: what is let go may be nowhere else.
      const ahead = aheadAt(input, page.exchange)
      const messagesBefore = kept === null || ahead === null ? null : Date.parse(now) - ahead - kept
      const context = writePage(input, page, { now, believed, quarantineOpen, messagesBefore })
      quarantineOpen = context.quarantineOpen
      firstPage ??= context.pageId
      addTo(totals, context.tally)
      if (door.isClosed()) continue
      for (const name in page.learned) learn.run(input.connection, name, page.learned[name], now)
    }
    messages.end()
    if (firstPage !== null && totals.inserted + totals.updated > 0) people.since(firstPage)
    raw.end()
    if (input.scan !== null && !door.isClosed()) scans.advance(input, input.scan, input.seen, now)
    countRun.run(input.runId, input.connection, input.lane, now, ...recordCounts.map((name) => totals[name]))
    return totals
  }
}
