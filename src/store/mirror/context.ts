import type { Item } from "../../providers/Provider.ts"
import type { Tally } from "./tally.ts"

export type Unchanged = Extract<Item, { readonly _tag: "Unchanged" }>

/** What the rows of one page have in common while they are written. */
export interface PageContext {
  readonly connection: string
  readonly runId: number
  /** The page, and so the `seq` of every row that it changes: see the table `commits`. */
  readonly pageId: number
  /** When the page's request was sent, UTC, ISO 8601: see `Reading`. */
  readonly requestedAt: string
  /** When its answer had arrived, UTC, ISO 8601. */
  readonly answeredAt: string
  /** When the page is committed, UTC, ISO 8601. */
  readonly now: string
  /** The vendor's own times decide nothing: see `CommitInput`. */
  readonly overwrites: boolean
  /** By the vendor's id, the stored `observed_at` that was looked up before the request was sent: see `CommitInput`. */
  readonly lookedUp: ReadonlyMap<string, string> | null
  /** The latest time that is believed, UTC, ISO 8601: see `latestBelieved`. */
  readonly believed: string
  /** Messages that were sent before are not kept, epoch milliseconds; null: all are. */
  readonly messagesBefore: number | null
  /** The page is of a scan: what it shows of a conversation is all that the provider shows of it. */
  readonly isListed: boolean
  readonly keepRaw: "newest" | "all"
  /** The page was made again from what is stored, and says nothing about the present: see `CommitInput`. Null: it came. */
  readonly replay: ReadonlyMap<string, string> | null
  /** Whether the connection had anything open in quarantine when the transaction began, or has by now. */
  quarantineOpen: boolean
  readonly tally: Tally
}
