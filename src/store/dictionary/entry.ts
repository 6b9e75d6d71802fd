/** What one column means. Texts are for people who write SQL and have never seen the program. */
export interface ColumnEntry {
  readonly meaning: string
  readonly unit?: string
  /** What null says; left out where the column is never null. */
  readonly nullMeans?: string
  readonly example?: string | number
}

export interface TableEntry {
  readonly table: string
  readonly meaning: string
  /** A query that shows the table's use. */
  readonly example?: string
  readonly columns: Readonly<Record<string, ColumnEntry>>
}

export const utc = "UTC, ISO 8601 text with milliseconds"

/** A day on the clock of the configured time zone. */
export const localDayUnit = "ISO 8601 date in the configured time zone"

export const localDay = (meaning: string, rest: Partial<ColumnEntry> = {}): ColumnEntry => ({
  meaning,
  unit: localDayUnit,
  ...rest
})

export const yesOrNo = "1 yes, 0 no"

/** A moment. */
export const time = (meaning: string, rest: Partial<ColumnEntry> = {}): ColumnEntry => ({
  meaning,
  unit: utc,
  example: "2026-03-07T10:00:00.000Z",
  ...rest
})

export const count = (meaning: string, rest: Partial<ColumnEntry> = {}): ColumnEntry => ({
  meaning,
  unit: "count",
  ...rest
})

export const seconds = (meaning: string, rest: Partial<ColumnEntry> = {}): ColumnEntry => ({
  meaning,
  unit: "seconds",
  ...rest
})

export const share = (meaning: string, rest: Partial<ColumnEntry> = {}): ColumnEntry => ({
  meaning,
  unit: "share, 0 to 1",
  ...rest
})

export const connection: ColumnEntry = {
  meaning: "The account that the row belongs to, under the name that the configuration gives it.",
  example: "support"
}

export const provider: ColumnEntry = {
  meaning: "The vendor: what the configuration gives as the connection's provider."
}

export const conversationId: ColumnEntry = {
  meaning: "The conversation: conversations.id.",
  example: "support:DL2kG9YWdZpGGOn"
}

export const channel: ColumnEntry = {
  meaning: "Where it is held: web, messenger, whatsapp, voice, or the vendor's own word for any other.",
  nullMeans: "the vendor does not say",
  example: "whatsapp"
}

export const status: ColumnEntry = {
  meaning:
    "active, handed_off (to a person), completed, abandoned, or unknown (the vendor's word means none of these). What is wanted here while a change is open, otherwise what the provider holds.",
  example: "completed"
}

export const seq: ColumnEntry = {
  meaning:
    "The commit that last changed the row: greater than that of every row committed before. Rows that were committed together have the same.",
  example: 4711
}

export const runId: ColumnEntry = { meaning: "The run: runs.id.", example: 12 }
export const pageId: ColumnEntry = { meaning: "The request: pages.id.", example: 4711 }

export const lane: ColumnEntry = {
  meaning:
    "What the run was doing: sync, backfill, push, verify, or hints (what webhooks named). Each runs once at a time for a connection.",
  example: "sync"
}

/** The five ways in which a received record can end; they add up to `received`. */
export const tallies: Readonly<Record<string, ColumnEntry>> = {
  received: count(
    "Records received: conversations, messages and contacts. The sum of the next five columns."
  ),
  inserted: count("Received records that were new."),
  updated: count("Received records that changed what was stored."),
  unchanged: count("Received records that were stored as they are, or older than what is stored."),
  filtered: count(
    "Received records outside of the requested time window, older than they are kept, or of someone who was forgotten."
  ),
  quarantined: count("Received records that could not be read, and are kept in quarantine.")
}
