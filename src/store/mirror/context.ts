import type { Tally } from "./tally.ts"

/** What the rows of one page have in common while they are written. */
export interface PageContext {
  readonly connection: string
  readonly runId: number
  readonly pageId: number
  /** When the page's request was sent, UTC, ISO 8601. */
  readonly requestedAt: string
  /** When the page is committed, UTC, ISO 8601. */
  readonly now: string
  /** The latest stored time that is believed, UTC, ISO 8601: see `latestBelieved`. */
  readonly believed: string
  readonly keepRaw: "newest" | "all"
  /** The page was made again from what is stored, and says nothing about the present: see `CommitInput`. Null: it came. */
  readonly replay: ReadonlyMap<string, string> | null
  /** Whether the connection had anything open in quarantine when the transaction began, or has by now. */
  quarantineOpen: boolean
  readonly tally: Tally
}
