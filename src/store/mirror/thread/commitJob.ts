import type { Item, Page, RawPayload } from "../../../providers/Provider.ts"
import type { CommitInput } from "../commit.ts"
import type { Totals } from "../tally.ts"

/**
 * A commit on its way to the thread that writes. Many small objects cost more to hand over than their JSON text, and
 * payloads, which are texts already, less by themselves.
 */
export interface CommitJob extends Omit<CommitInput, "pages" | "seen"> {
  /** Of the pages, without their payloads. */
  readonly json: string
  /** The payloads, in the pages' order. */
  readonly payloads: ReadonlyArray<string>
  /** Whether what the pages list counts as met by the scan. */
  readonly countsAsSeen: boolean
  /** UTC, ISO 8601. */
  readonly now: string
}

/** What became of it, or SQLite's error. `code` null: a fault of the program. */
export type CommitReply =
  | { readonly _tag: "Committed"; readonly totals: Totals }
  | { readonly _tag: "Failed"; readonly code: string | null; readonly message: string }

/** What the thread is started with. */
export interface CommitThreadSettings {
  readonly path: string
  readonly busyTimeoutMillis: number
}

export const packJob = (input: CommitInput, now: string): CommitJob => {
  const { pages, seen, ...rest } = input
  const payloads: Array<string> = []
  const withoutPayload = ({ payload, ...kept }: RawPayload) => {
    payloads.push(payload)
    return kept
  }
  const withoutPayloads = (item: Item) =>
    item._tag === "Sighting" ? { ...item, raw: item.raw.map(withoutPayload) } : item
  const json = JSON.stringify(
    pages.map((page) => ({ ...page, items: page.items.map((item) => withoutPayloads(item)) }))
  )
  return { ...rest, json, payloads, countsAsSeen: seen !== null, now }
}

/** The pages as they were. */
export const unpackPages = (job: CommitJob): ReadonlyArray<Page> => {
  const pages = JSON.parse(job.json) as ReadonlyArray<Page>
  let next = 0
  for (const page of pages) {
    for (const item of page.items) {
      if (item._tag !== "Sighting") continue
      for (const raw of item.raw as ReadonlyArray<{ payload?: string }>) {
        raw.payload = job.payloads[next] ?? ""
        next += 1
      }
    }
  }
  return pages
}
